#pragma once
#include <QDialog>

class QLineEdit;
class QTreeWidget;

namespace qkscope {

class CommandTable;

/// Every command by a few of its letters, with its place and its keys; Return runs it.
class CommandPalette : public QDialog {
  Q_OBJECT
 public:
  CommandPalette(const CommandTable& commands, QWidget* parent);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  /// Those that fit what is typed, the best first.
  void list();
  void runCurrent();

  const CommandTable& commands_;
  QLineEdit* typed_;
  QTreeWidget* list_;
};

}  // namespace qkscope

#pragma once
#include <QDialog>

#include "app/shelf_search.h"

class QLineEdit;
class QTreeWidget;

namespace qkscope {

class StyledLabel;

/// The models on this machine, of whatever program, as they are found by a thread of their own; and a line
/// for a name, org/name or a path. Closing it ends the search.
class OpenDialog : public QDialog {
  Q_OBJECT
 public:
  explicit OpenDialog(QWidget* parent);

 Q_SIGNALS:
  void chosen(const QString& path);
  /// Another way to choose was asked for.
  void browse(bool folder);

 private:
  void add(const ShelfModel& model);
  void choose();

  QLineEdit* name_;
  QTreeWidget* list_;
  StyledLabel* state_;
  std::uint64_t last_number_ = 0;
  ShelfSearch search_;
  TaskThread thread_;  // of a name; last: ends before anything it reports to is gone
};

}  // namespace qkscope

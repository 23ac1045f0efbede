#pragma once
#include <QObject>
#include <QStringList>
#include <map>
#include <vector>

#include "views/command.h"

class QAction;
class QActionGroup;
class QMainWindow;
class QMenu;

namespace qkscope {

/// All commands of a window, each with its place in the menus, as one table.
class CommandTable : public QObject {
  Q_OBJECT
 public:
  struct Row {
    Command command;
    QStringList menu;  // "View", "Colors": where it stands
    QAction* action;   // object name: the command's id
  };

  /// Fills the menu bar of `window`, whose keys work anywhere in it.
  explicit CommandTable(QMainWindow* window);

  /// Adds to the menu at the end of `path` ("&View", "&Colors"), which is made where there is none yet.
  void add(const QStringList& path, std::vector<Command> commands);

  /// In the order of the menus, without lines.
  const std::vector<Row>& rows() const { return rows_; }
  /// Null where there is none.
  QAction* action(const QString& id) const;
  /// Of the commands of a group.
  std::vector<QAction*> group(const QString& name) const;
  /// Runs a command as its menu entry would.
  void run(const QString& id) const;
  QMenu* menu(const QStringList& path);
  /// Has every action show what holds now.
  void refresh();

 private:
  QAction* addCommand(QMenu* menu, const Command& command);

  QMainWindow* window_;
  std::vector<Row> rows_;
  std::map<QString, QMenu*> menus_;  // by path
  std::map<QString, QActionGroup*> groups_;
};

/// A text of menus without the marks of its access keys.
QString plainText(QString text);
/// "Ctrl+Z or Ctrl+Y"
QString keysText(const QList<QKeySequence>& keys, const QString& between);

}  // namespace qkscope

#include "app/command_table.h"

#include <QAction>
#include <QActionGroup>
#include <QMainWindow>
#include <QMenu>
#include <QMenuBar>
#include <algorithm>

namespace qkscope {

QString plainText(QString text) {
  text.replace(QStringLiteral("&&"), QStringLiteral("\n"));
  return text.remove(u'&').replace(u'\n', u'&');
}

QString keysText(const QList<QKeySequence>& keys, const QString& between) {
  QStringList texts;
  for (const QKeySequence& key : keys) texts << key.toString(QKeySequence::NativeText);
  return texts.join(between);
}

CommandTable::CommandTable(QMainWindow* window) : QObject(window), window_(window) {}

QMenu* CommandTable::menu(const QStringList& path) {
  QMenu*& menu = menus_[path.join(u'/')];
  if (!menu) {
    menu = path.size() == 1 ? window_->menuBar()->addMenu(path.front())
                            : this->menu(path.first(path.size() - 1))->addMenu(path.back());
    menu->setToolTipsVisible(true);
    connect(menu, &QMenu::aboutToShow, this, &CommandTable::refresh);
  }
  return menu;
}

void CommandTable::add(const QStringList& path, std::vector<Command> commands) {
  QMenu* menu = this->menu(path);
  QStringList place;
  for (const QString& title : path) place << plainText(title);
  for (Command& command : commands) {
    if (command.id.isEmpty()) {
      if (command.text.isEmpty()) {
        menu->addSeparator();
      } else {
        menu->addSection(command.text);
      }
      continue;
    }
    QAction* action = addCommand(menu, command);
    rows_.push_back({std::move(command), place, action});
  }
}

QAction* CommandTable::addCommand(QMenu* menu, const Command& command) {
  QAction* action = menu->addAction(command.text);
  action->setObjectName(command.id);
  action->setShortcuts(command.keys);
  action->setCheckable(static_cast<bool>(command.checked));
  if (!command.group.isEmpty()) {
    QActionGroup*& group = groups_[command.group];
    if (!group) group = new QActionGroup(this);
    group->addAction(action);
  }
  if (!command.about.isEmpty()) {
    action->setToolTip(command.about);
  } else if (!command.keys.isEmpty()) {
    action->setToolTip(QStringLiteral("%1 (%2)").arg(
        plainText(command.text), command.keys.front().toString(QKeySequence::NativeText)));
  }
  connect(action, &QAction::triggered, this, [this, run = command.run] {
    run();
    refresh();  // also where nothing changed: a choice that was made again stays pressed
  });
  window_->addAction(action);  // so that its keys work while the menu bar is hidden
  return action;
}

QAction* CommandTable::action(const QString& id) const {
  const auto row = std::ranges::find(rows_, id, [](const Row& row) { return row.command.id; });
  return row == rows_.end() ? nullptr : row->action;
}

std::vector<QAction*> CommandTable::group(const QString& name) const {
  std::vector<QAction*> actions;
  for (const Row& row : rows_) {
    if (row.command.group == name) actions.push_back(row.action);
  }
  return actions;
}

void CommandTable::run(const QString& id) const {
  if (QAction* action = this->action(id)) action->trigger();
}

void CommandTable::refresh() {
  for (const Row& row : rows_) {
    if (row.command.enabled) row.action->setEnabled(row.command.enabled());
    if (row.command.checked) row.action->setChecked(row.command.checked());
    if (row.command.words) row.action->setText(row.command.words());
  }
}

}  // namespace qkscope

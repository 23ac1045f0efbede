#pragma once
#include <QKeySequence>
#include <QList>
#include <QStringList>
#include <functional>
#include <vector>

namespace qkscope {

/// One thing that a person can have done. Menus, tool bar, palette, page of keys and the test that runs every
/// command are made of such rows.
struct Command {
  QString id{};    // stable: the object name of its action. Empty: a line between others, headed by `text`
  QString text{};  // "&Save document"
  QList<QKeySequence> keys{};
  std::function<void()> run{};
  std::function<bool()> enabled{};   // none: always
  std::function<bool()> checked{};   // whether what it switches holds now; none: it switches nothing
  std::function<QString()> words{};  // text of the moment, in place of `text`
  QString group{};                   // commands of which one holds at a time share a name
  QString about{};                   // tool tip
};

/// Commands and the menu at whose end they stand: {"&Model"}, {"&View", "&Colors"}.
struct PlacedCommands {
  QStringList menu;
  std::vector<Command> commands;
};

}  // namespace qkscope

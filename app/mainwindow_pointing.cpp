#include <QMenu>

#include "app/mainwindow.h"
#include "views/shown.h"

// The part of MainWindow that disrupts what a person points at.

namespace qkscope {

namespace {

/// "Disrupt only": heads the menu of everything that "this" can be.
QString pointingWords(Pointing pointing) {
  switch (pointing) {
    case Pointing::Only:
      return MainWindow::tr("Disrupt &only");
    case Pointing::Add:
      return MainWindow::tr("Disrupt &also");
    case Pointing::Remove:
      return MainWindow::tr("Do &not disrupt");
  }
  return {};
}

QKeySequence pointingKey(Pointing pointing) {
  return pointing == Pointing::Only  ? QKeySequence(Qt::Key_X)
         : pointing == Pointing::Add ? QKeySequence(Qt::SHIFT | Qt::Key_X)
                                     : QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_X);
}

}  // namespace

void MainWindow::addPointingCommands() {
  for (const Pointing pointing : all_pointings) {
    std::vector<Command> rows;
    for (const Reach reach : all_reaches) {
      rows.push_back(
          {.id = QStringLiteral("point%1_%2").arg(static_cast<int>(pointing)).arg(static_cast<int>(reach)),
           .text = reachWords(reach),
           .run = [this, reach, pointing] { point(state_.selection(), reach, pointing); }});
      if (reach == Reach::Entry) rows.back().keys = {pointingKey(pointing)};
    }
    commands_.add({disruptMenu(), pointingWords(pointing)}, std::move(rows));
  }
}

void MainWindow::point(const Selection& at, Reach reach, Pointing pointing) {
  takeColumns(pointedEntries(session_.data(), at, reach), pointing);
}

void MainWindow::takeColumns(const std::vector<ColumnEntry>& entries, Pointing pointing) {
  if (!session_.model()) {
    showError(session_.dump() ? tr("These are activations from a file: there is no model to disrupt.")
                              : tr("There is no model to disrupt yet: open one with Ctrl+O."));
    return;
  }
  if (entries.empty()) {
    showError(tr("No dim is selected: click a cell of a picture first."));
    return;
  }
  const auto next = pointed(session_.arms().shown().edits, session_.data(), entries, pointing);
  if (next) return requestEdits(*next);
  showError(
      tr("What the arm takes is not known column by column, so nothing can be taken away from it: disrupt "
         "only this."));
}

void MainWindow::showPointingMenu(const Selection& at, const QPoint& global) {
  auto* menu = new QMenu(this);
  menu->setObjectName(QStringLiteral("pointingMenu"));
  menu->setAttribute(Qt::WA_DeleteOnClose);
  menu->addSection(cellWords(session_.data(), state_.look(), at).section(QStringLiteral(" · "), 0, 1));
  for (const Pointing pointing : all_pointings) {
    QMenu* ways = menu->addMenu(pointingWords(pointing));
    for (const Reach reach : all_reaches) {
      QAction* action = ways->addAction(reachWords(reach), this,
                                        [this, at, reach, pointing] { point(at, reach, pointing); });
      action->setEnabled(!pointedEntries(session_.data(), at, reach).empty());
    }
  }
  menu->popup(global);
}

}  // namespace qkscope

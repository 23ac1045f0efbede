#include <QMenu>
#include <algorithm>

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

/// Which pairs of the ruler are meant by a dim.
enum class Turning { Pair, Band, SlowerHalf, All };
constexpr Turning all_turnings[] = {Turning::Pair, Turning::Band, Turning::SlowerHalf, Turning::All};

QString turningWords(Turning turning) {
  switch (turning) {
    case Turning::Pair:
      return MainWindow::tr("this rotary pair");
    case Turning::Band:
      return MainWindow::tr("this band of the ruler");
    case Turning::SlowerHalf:
      return MainWindow::tr("the slower half of the ruler");
    case Turning::All:
      return MainWindow::tr("all pairs");
  }
  return {};
}

/// Q and K of the selected layer, or of all, without the rotation of what is meant; nothing where no dim is
/// selected that turns.
std::optional<RotationEdit> stoppedAt(const ViewData& data, const Selection& at, Turning turning,
                                      bool all_layers) {
  if (!data.card) return std::nullopt;
  const FrequencyAxis axis = shownAxis(data, at.layer);
  const int pairs = static_cast<int>(axis.inv_freq().size());
  RotationEdit edit;
  if (!all_layers) edit.layers = {at.layer};
  if (pairs == 0) return std::nullopt;
  if (turning == Turning::SlowerHalf) {
    for (int pair = (pairs + 1) / 2; pair < pairs; ++pair) edit.pairs.push_back(pair);
  }
  if (turning == Turning::Pair || turning == Turning::Band) {
    const std::optional<RotaryDim> rotary = axis.at(at.dim);
    if (!rotary) return std::nullopt;
    edit.pairs = {rotary->pair};
    if (turning == Turning::Band) edit.pairs = bandPairs(axis, at.dim);
  }
  return edit;
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
  commands_.add({disruptMenu(), tr("Stop &rotating")}, stopCommands([this] { return state_.selection(); }));
}

/// Every way to stop rotating what stands at `at`.
std::vector<Command> MainWindow::stopCommands(const std::function<Selection()>& at) {
  std::vector<Command> rows;
  for (const bool all_layers : {false, true}) {
    rows.push_back({.text = all_layers ? tr("In all layers") : tr("In this layer")});
    for (const Turning turning : all_turnings) {
      const auto edit = [this, at, turning, all_layers] {
        return stoppedAt(session_.data(), at(), turning, all_layers);
      };
      rows.push_back(
          {.id = QStringLiteral("stop%1_%2").arg(static_cast<int>(turning)).arg(all_layers ? 1 : 0),
           .text = all_layers ? tr("%1, in all layers").arg(turningWords(turning)) : turningWords(turning),
           .run =
               [this, edit] {
                 if (const auto stopped = edit()) stopRotating(*stopped);
               },
           .enabled = [edit] { return edit().has_value(); }});
    }
  }
  return rows;
}

/// Adds it to the shown arm.
void MainWindow::stopRotating(const RotationEdit& edit) {
  Edits edits = session_.arms().shown().edits;
  const auto same = std::ranges::find(edits, Edit(edit).what, &Edit::what);
  if (same == edits.end()) {
    edits.emplace_back(edit);
  } else {
    same->on = true;
  }
  requestEdits(edits);
}

void MainWindow::point(const Selection& at, Reach reach, Pointing pointing) {
  takeColumns(pointedEntries(session_.data(), at, reach), pointing);
}

void MainWindow::takeColumns(const std::vector<ColumnEntry>& entries, Pointing pointing) {
  if (!session_.data().card) {
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
  QMenu* stop = menu->addMenu(tr("Stop &rotating"));
  for (const Command& row : stopCommands([at] { return at; })) {
    if (row.id.isEmpty()) {
      stop->addSection(row.text);
    } else {
      stop->addAction(row.text, this, row.run)->setEnabled(row.enabled());
    }
  }
  menu->popup(global);
}

}  // namespace qkscope

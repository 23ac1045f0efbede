#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenuBar>
#include <algorithm>

#include "app/help.h"
#include "app/labels.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "views/disruption_view.h"
#include "views/disruption_words.h"
#include "views/prompts_view.h"
#include "views/shown.h"

namespace qkscope {

QAction* MainWindow::add(QMenu* menu, const Command& command, std::function<void()> run) {
  QAction* action = menu->addAction(command.text);
  action->setObjectName(command.name);
  action->setShortcuts(command.keys);
  if (!command.keys.isEmpty()) {
    QString plain = command.text;
    plain.remove(u'&');
    action->setToolTip(
        QStringLiteral("%1 (%2)").arg(plain, command.keys.front().toString(QKeySequence::NativeText)));
  }
  connect(action, &QAction::triggered, this, [run = std::move(run)] { run(); });
  addAction(action);  // so that its keys work while the menu bar is hidden
  actions_[command.name] = action;
  return action;
}

QAction* MainWindow::addCheck(QMenu* menu, const Command& command, std::function<void(bool)> run) {
  QAction* action = add(menu, command, [] {});
  action->setCheckable(true);
  connect(action, &QAction::triggered, this, [run = std::move(run)](bool on) { run(on); });
  return action;
}

void MainWindow::makeMenus() {
  makeFileMenu();
  makeModelMenu();
  makeViewMenu();
  makeDisruptMenu();
  makeFigureMenu();
  makeHelpMenu();
}

void MainWindow::makeFileMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&File"));
  add(menu, {tr("Open a &model …"), QStringLiteral("openModel"), {key(Qt::CTRL | Qt::Key_O)}},
      [this] { openDialog(); });
  add(menu, {tr("Open a f&ile …"), QStringLiteral("openFile"), {}}, [this] { openModelDialog(false); });
  add(menu,
      {tr("Open model &folder …"), QStringLiteral("openFolder"), {key(Qt::CTRL | Qt::SHIFT | Qt::Key_O)}},
      [this] { openModelDialog(true); });
  add(menu, {tr("Open &document …"), QStringLiteral("openDocument"), {key(Qt::CTRL | Qt::ALT | Qt::Key_O)}},
      [this] { openDocumentDialog(); });
  recent_menu_ = menu->addMenu(tr("Open &recent"));
  fillRecent();
  menu->addSeparator();
  add(menu, {tr("&New document"), QStringLiteral("newDocument"), {key(Qt::CTRL | Qt::Key_N)}},
      [this] { newDocument(); });
  add(menu, {tr("&Save document"), QStringLiteral("save"), {key(Qt::CTRL | Qt::Key_S)}}, [this] { save(); });
  add(menu, {tr("Save document &as …"), QStringLiteral("saveAs"), {key(Qt::CTRL | Qt::SHIFT | Qt::Key_S)}},
      [this] { saveAs(); });
  menu->addSeparator();
  add(menu, {tr("&Quit"), QStringLiteral("quit"), {key(Qt::CTRL | Qt::Key_Q)}}, [this] {
    close();
  })->setMenuRole(QAction::QuitRole);
}

void MainWindow::fillRecent() {
  recent_menu_->clear();
  const QStringList recent = settings_.recent();
  for (int i = 0; i < recent.size(); ++i) {
    const QString path = recent[i];
    QAction* action = recent_menu_->addAction(
        QStringLiteral("&%1  %2").arg(i + 1).arg(menuWords(QFileInfo(path).fileName())), this,
        [this, path] { openPath(path, true); });
    action->setToolTip(path);
  }
  recent_menu_->setToolTipsVisible(true);
  recent_menu_->setEnabled(!recent.isEmpty());
  if (recent.isEmpty()) return;
  recent_menu_->addSeparator();
  recent_menu_->addAction(tr("Clear this list"), this, [this] {
    settings_.clearRecent();
    fillRecent();
  });
}

void MainWindow::makeModelMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&Model"));
  add(menu, {tr("Model &card …"), QStringLiteral("modelCard"), {key(Qt::CTRL | Qt::Key_I)}},
      [this] { showCard(); });
  menu->addSeparator();
  QMenu* length = menu->addMenu(tr("&Longest answer"));
  auto* group = new QActionGroup(this);
  for (const int tokens : {8, 16, 24, 48, 96, 192}) {
    QAction* action =
        addCheck(length, {tr("%1 tokens").arg(tokens), QStringLiteral("answer%1").arg(tokens), {}},
                 [this, tokens](bool) {
                   settings_.setAnswerLength(tokens);
                   session_.setMaxNewTokens(tokens);
                 });
    group->addAction(action);
    action->setChecked(tokens == session_.maxNewTokens());
  }
  addCheck(menu, {tr("Loss of every &prompt token"), QStringLiteral("promptLoss"), {}}, [this](bool on) {
    settings_.setPromptLoss(on);
    session_.setPromptLoss(on);
  })->setChecked(settings_.promptLoss());
  menu->addSeparator();
  add(menu, {tr("&Run again"), QStringLiteral("run"), {key(Qt::Key_F5)}}, [this] { session_.resume(); });
  add(menu, {tr("&Stop"), QStringLiteral("stop"), {key(Qt::Key_Escape)}}, [this] {
    session_.cancel();
    message_->hide();
  });
  menu->addSeparator();
  add(menu, {tr("&Edit the selected prompt …"), QStringLiteral("editPrompt"), {key(Qt::Key_F2)}}, [this] {
    if (prompts_) prompts_->editPrompt(session_.selectedPrompt());
  });
  add(menu, {tr("&Add a prompt …"), QStringLiteral("addPrompt"), {key(Qt::CTRL | Qt::Key_P)}}, [this] {
    if (prompts_) prompts_->addOwnPrompt();
  });
  add(menu, {tr("&Next prompt"), QStringLiteral("nextPrompt"), {key(Qt::Key_N)}}, [this] {
    const int count = static_cast<int>(session_.prompts().size());
    if (count > 0) session_.selectPrompt((session_.selectedPrompt() + 1) % count);
  });
}

void MainWindow::changeLook(const std::function<void(Look&)>& change) {
  Look look = state_.look();
  change(look);
  state_.setLook(look);
  showLook();  // also where nothing changed: a radio button that was pressed again stays pressed
}

void MainWindow::moveSelection(int layers, int heads) {
  if (!shownSpec()) return;
  Selection selection = state_.selection();
  selection.layer += layers;
  selection.head += heads;
  const ModelSpec& spec = *shownSpec();
  selection.layer = std::clamp(selection.layer, 0, spec.num_layers() - 1);
  selection.head = std::clamp(selection.head, 0, siteHeads(spec, selection.site) - 1);
  state_.setSelection(selection);
}

void MainWindow::chooseSite(Site site) {
  Selection selection = state_.selection();
  if (shownSpec()) {
    const ModelSpec& spec = *shownSpec();
    // The KV head that serves the query head, and back to the first it serves.
    const int before = siteHeads(spec, selection.site), after = siteHeads(spec, site);
    selection.head = std::min(after - 1, selection.head * after / std::max(1, before));
  }
  selection.site = site;
  state_.setSelection(selection);
}

void MainWindow::makeViewMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&View"));
  auto* pictures = new QActionGroup(this);
  addChoice(menu, pictures, {tr("Heads × dims"), QStringLiteral("pictureHeadsDims"), {key(Qt::Key_1)}},
            &Look::picture, Picture::HeadsDims);
  addChoice(menu, pictures,
            {tr("Positions × dims"), QStringLiteral("picturePositionsDims"), {key(Qt::Key_2)}},
            &Look::picture, Picture::PositionsDims);
  addChoice(menu, pictures, {tr("All layers"), QStringLiteral("pictureAllLayers"), {key(Qt::Key_3)}},
            &Look::picture, Picture::AllLayers);
  menu->addSeparator();
  auto* rope = new QActionGroup(this);
  addChoice(menu, rope, {tr("before RoPE"), QStringLiteral("beforeRope"), {}}, &Look::after_rope, false);
  addChoice(menu, rope, {tr("after RoPE"), QStringLiteral("afterRope"), {}}, &Look::after_rope, true);
  add(menu, {tr("Before or after RoPE"), QStringLiteral("toggleRope"), {key(Qt::Key_R)}},
      [this] { changeLook([](Look& look) { look.after_rope = !look.after_rope; }); });
  menu->addSeparator();
  auto* runs = new QActionGroup(this);
  const auto shown = [&](const Command& command, Shown which) {
    QAction* action = addCheck(menu, command, [this, which](bool) {
      wanted_shown_ = which;
      const auto& comparison = session_.data().comparison;
      if (which == Shown::Baseline || (comparison && comparison->disrupted)) {
        changeLook([which](Look& look) { look.shown = which; });
      } else {
        showLook();  // shown once it is there
        disrupt(true);
      }
    });
    runs->addAction(action);
    look_actions_.emplace_back(action, [which](const Look& look) { return look.shown == which; });
  };
  shown({tr("baseline"), QStringLiteral("showBaseline"), {key(Qt::SHIFT | Qt::Key_1)}}, Shown::Baseline);
  shown({tr("disrupted"), QStringLiteral("showDisrupted"), {key(Qt::SHIFT | Qt::Key_2)}}, Shown::Disrupted);
  shown({tr("difference"), QStringLiteral("showDifference"), {key(Qt::SHIFT | Qt::Key_3)}},
        Shown::Difference);
  add(menu, {tr("Baseline or disrupted"), QStringLiteral("toggleShown"), {key(Qt::Key_B)}}, [this] {
    const bool baseline = state_.look().shown == Shown::Baseline;
    actions_.at(baseline ? QStringLiteral("showDisrupted") : QStringLiteral("showBaseline"))->trigger();
  });
  menu->addSeparator();
  add(menu, {tr("Layer before"), QStringLiteral("layerBefore"), {key(Qt::Key_PageUp)}},
      [this] { moveSelection(-1, 0); });
  add(menu, {tr("Layer after"), QStringLiteral("layerAfter"), {key(Qt::Key_PageDown)}},
      [this] { moveSelection(1, 0); });
  add(menu, {tr("Head before"), QStringLiteral("headBefore"), {key(Qt::Key_BracketLeft)}},
      [this] { moveSelection(0, -1); });
  add(menu, {tr("Head after"), QStringLiteral("headAfter"), {key(Qt::Key_BracketRight)}},
      [this] { moveSelection(0, 1); });
  add(menu, {tr("Look at Q"), QStringLiteral("siteQuery"), {key(Qt::Key_Q)}},
      [this] { chooseSite(Site::Query); });
  add(menu, {tr("Look at K"), QStringLiteral("siteKey"), {key(Qt::Key_K)}},
      [this] { chooseSite(Site::Key); });
  add(menu, {tr("Look at V"), QStringLiteral("siteValue"), {key(Qt::Key_V)}},
      [this] { chooseSite(Site::Value); });
  menu->addSeparator();
  makeColorMenu(menu);
  menu->addSeparator();
  makeWindowMenu(menu);
}

void MainWindow::makeDisruptMenu() {
  disrupt_menu_ = menuBar()->addMenu(tr("&Disrupt"));
  QMenu* menu = disrupt_menu_;
  addCheck(menu, {tr("Disrupt"), QStringLiteral("disrupt"), {key(Qt::Key_D)}},
           [this](bool on) { disrupt(on); });
  menu->addSection(tr("Presets"));
  for (std::size_t i = 0; i < presets().size(); ++i) {
    const DisruptionPreset& preset = presets()[i];
    QAction* action = add(menu, {QString::fromStdString(preset.name), QStringLiteral("preset%1").arg(i), {}},
                          [this, i] { requestDisruption(presets()[i].disruption, true); });
    action->setToolTip(QString::fromStdString(preset.about));
  }
  menu->setToolTipsVisible(true);
  menu->addSection(tr("Control arms"));
  const auto arm = [&](const QString& text, const QString& name,
                       std::function<Disruption(const Disruption&)> make) {
    add(menu, {text, name, {}},
        [this, make = std::move(make)] { requestDisruption(make(session_.stack().current()), true); });
  };
  arm(tr("The massive values themselves"), QStringLiteral("armMassive"), massiveArm);
  arm(tr("As many of the smallest"), QStringLiteral("armSmallest"),
      [](const Disruption& d) { return control_of(d, PickKind::Smallest); });
  arm(tr("As many at random"), QStringLiteral("armRandom"),
      [](const Disruption& d) { return control_of(d, PickKind::Random); });
  menu->addSeparator();
  add(menu, {tr("This layer only"), QStringLiteral("onlyThisLayer"), {}}, [this] {
    Disruption d = session_.stack().current();
    d.layers = {state_.selection().layer};
    requestDisruption(d, true);
  });
  add(menu, {tr("All layers and heads"), QStringLiteral("allLayersAndHeads"), {}}, [this] {
    Disruption d = session_.stack().current();
    d.layers.clear();
    d.heads.clear();
    requestDisruption(d, true);
  });
  add(menu, {tr("All settings …"), QStringLiteral("disruptionSettings"), {key(Qt::CTRL | Qt::Key_D)}},
      [this] {
        for (const Placed& placed : views_) {
          if (placed.view != disruption_ || !placed.dock) continue;
          placed.dock->show();
          placed.dock->raise();
        }
      });
  menu->addSeparator();
  add(menu, {tr("Undo"), QStringLiteral("undo"), {key(Qt::CTRL | Qt::Key_Z)}}, [this] { history_.undo(); });
  add(menu,
      {tr("Redo"),
       QStringLiteral("redo"),
       {key(Qt::CTRL | Qt::SHIFT | Qt::Key_Z), key(Qt::CTRL | Qt::Key_Y)}},
      [this] { history_.redo(); });
}

void MainWindow::makeFigureMenu() {
  export_menu_ = menuBar()->addMenu(tr("Fi&gure"));
  add(export_menu_, {tr("&Export …"), QStringLiteral("export"), {key(Qt::CTRL | Qt::Key_E)}},
      [this] { exportDialog(); });
  add(export_menu_,
      {tr("Copy the &image"), QStringLiteral("copyImage"), {key(Qt::CTRL | Qt::SHIFT | Qt::Key_C)}},
      [this] { copyImage(); });
  add(export_menu_,
      {tr("Copy the &values"), QStringLiteral("copyValues"), {key(Qt::CTRL | Qt::ALT | Qt::Key_C)}},
      [this] { copyValues(); });
  add(export_menu_, {tr("Copy the &command line that makes it"), QStringLiteral("copyCommandLine"), {}},
      [this] { copyCommandLine(); });
}

void MainWindow::makeHelpMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&Help"));
  add(menu, {tr("&Keyboard"), QStringLiteral("keyboard"), {key(Qt::Key_F1), key(Qt::Key_Question)}},
      [this] { showKeyboard(*menuBar(), this); });
  add(menu, {tr("&Limits of the method"), QStringLiteral("limits"), {}}, [this] { showLimits(this); });
  add(menu, {tr("&About QKScope"), QStringLiteral("about"), {}}, [this] {
    showAbout(this);
  })->setMenuRole(QAction::AboutRole);
}

}  // namespace qkscope

#include <QApplication>
#include <QClipboard>
#include <QFileInfo>
#include <QMenu>

#include "app/command_palette.h"
#include "app/help.h"
#include "app/labels.h"
#include "app/lessons.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/preset_search.h"
#include "views/disruption_words.h"

// The rows of the table of commands: all that a person can do by menus and keys. Those of pictures, colours
// and the window itself are in mainwindow_look_commands.cpp; views bring their own.

namespace qkscope {

namespace {

QKeySequence key(QKeyCombination combination) {
  return QKeySequence(combination);
}

/// "Undo: lambda 5 on K"
QString stepText(const QString& verb, const QString& words) {
  return words.isEmpty() ? verb : MainWindow::tr("%1: %2").arg(verb, menuWords(words));
}

}  // namespace

void MainWindow::addCommands() {
  addFileCommands();
  addEditCommands();
  addModelCommands();
  addPictureCommands();
  addColorCommands();
  addWindowCommands();
  addDisruptCommands();
  addPointingCommands();
  addArmCommands();
  addFigureCommands();
  for (const Placed& placed : views_) {
    for (PlacedCommands& more : placed.view->commands()) commands_.add(more.menu, std::move(more.commands));
  }
  addHelpCommands();
  commands_.action(QStringLiteral("quit"))->setMenuRole(QAction::QuitRole);
  commands_.action(QStringLiteral("about"))->setMenuRole(QAction::AboutRole);
}

void MainWindow::addFileCommands() {
  const QStringList menu{tr("&File")};
  commands_.add(menu, {{.id = QStringLiteral("openModel"),
                        .text = tr("Open a &model …"),
                        .keys = {key(Qt::CTRL | Qt::Key_O)},
                        .run = [this] { openDialog(); }},
                       {.id = QStringLiteral("openFile"),
                        .text = tr("Open a f&ile …"),
                        .run = [this] { openModelDialog(false); }},
                       {.id = QStringLiteral("openFolder"),
                        .text = tr("Open model &folder …"),
                        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_O)},
                        .run = [this] { openModelDialog(true); }},
                       {.id = QStringLiteral("openDocument"),
                        .text = tr("Open &document …"),
                        .keys = {key(Qt::CTRL | Qt::ALT | Qt::Key_O)},
                        .run = [this] { openDocumentDialog(); }}});
  recent_menu_ = commands_.menu({menu.front(), tr("Open &recent")});
  fillRecent();
  models_menu_ = commands_.menu({menu.front(), tr("Open mode&ls")});
  fillModels();
  addOpenModelCommands();
  commands_.add(menu, {{},
                       {.id = QStringLiteral("newDocument"),
                        .text = tr("&New document"),
                        .keys = {key(Qt::CTRL | Qt::Key_N)},
                        .run = [this] { newDocument(); }},
                       {.id = QStringLiteral("save"),
                        .text = tr("&Save document"),
                        .keys = {key(Qt::CTRL | Qt::Key_S)},
                        .run = [this] { save(); }},
                       {.id = QStringLiteral("saveAs"),
                        .text = tr("Save document &as …"),
                        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_S)},
                        .run = [this] { saveAs(); }},
                       {.id = QStringLiteral("saveRecorded"),
                        .text = tr("Save with &recorded runs …"),
                        .run = [this] { saveRecordedAs(); }},
                       {},
                       {.id = QStringLiteral("quit"),
                        .text = tr("&Quit"),
                        .keys = {key(Qt::CTRL | Qt::Key_Q)},
                        .run = [this] { close(); }}});
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
  recent_menu_->setEnabled(!recent.isEmpty());
  if (recent.isEmpty()) return;
  recent_menu_->addSeparator();
  recent_menu_->addAction(tr("Clear this list"), this, [this] {
    settings_.clearRecent();
    fillRecent();
  });
}

void MainWindow::addEditCommands() {
  commands_.add({tr("&Edit")}, {{.id = QStringLiteral("undo"),
                                 .text = tr("&Undo"),
                                 .keys = {key(Qt::CTRL | Qt::Key_Z)},
                                 .run = [this] { history_.undo(); },
                                 .enabled = [this] { return history_.canUndo(); },
                                 .words = [this] { return stepText(tr("&Undo"), history_.undoWords()); }},
                                {.id = QStringLiteral("redo"),
                                 .text = tr("&Redo"),
                                 .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_Z), key(Qt::CTRL | Qt::Key_Y)},
                                 .run = [this] { history_.redo(); },
                                 .enabled = [this] { return history_.canRedo(); },
                                 .words = [this] { return stepText(tr("&Redo"), history_.redoWords()); }}});
}

void MainWindow::addModelCommands() {
  const QStringList menu{tr("&Model")};
  commands_.add(menu, {{.id = QStringLiteral("modelCard"),
                        .text = tr("Model &card …"),
                        .keys = {key(Qt::CTRL | Qt::Key_I)},
                        .run = [this] { showCard(); }},
                       {.id = QStringLiteral("experiments"),
                        .text = tr("&Experiments …"),
                        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_E)},
                        .run = [this] { showExperiments(); }},
                       {.id = QStringLiteral("questions"),
                        .text = tr("&Questions …"),
                        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_K)},
                        .run = [this] { showQuestions(); }},
                       {.id = QStringLiteral("effectMap"),
                        .text = tr("E&ffect map …"),
                        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_F)},
                        .run = [this] { showEffects(); }},
                       {.id = QStringLiteral("corpora"),
                        .text = tr("&Massive activations over a corpus …"),
                        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_A)},
                        .run = [this] { showCorpora(); }},
                       {.id = QStringLiteral("verdicts"),
                        .text = tr("&Verdicts …"),
                        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_V)},
                        .run = [this] { showVerdicts(); }},
                       {}});
  std::vector<Command> lengths;
  for (const int tokens : {8, 16, 24, 48, 96, 192}) {
    lengths.push_back({.id = QStringLiteral("answer%1").arg(tokens),
                       .text = tr("%1 tokens").arg(tokens),
                       .run =
                           [this, tokens] {
                             settings_.setAnswerLength(tokens);
                             session_.setMaxNewTokens(tokens);
                           },
                       .checked = [this, tokens] { return session_.maxNewTokens() == tokens; },
                       .group = QStringLiteral("answer")});
  }
  commands_.add({menu.front(), tr("&Longest answer")}, std::move(lengths));
  addModelShareCommands();
  commands_.add(
      menu,
      {{.id = QStringLiteral("promptLoss"),
        .text = tr("Loss of every &prompt token"),
        .run =
            [this] {
              const bool on = !settings_.promptLoss();
              settings_.setPromptLoss(on);
              session_.setPromptLoss(on);
            },
        .checked = [this] { return settings_.promptLoss(); }},
       {},
       {.id = QStringLiteral("run"),
        .text = tr("&Run again"),
        .keys = {key(Qt::Key_F5)},
        .run = [this] { session_.resume(); }},
       {.id = QStringLiteral("stop"), .text = tr("&Stop"), .keys = {key(Qt::Key_Escape)}, .run = [this] {
          search_->giveUp();
          session_.cancel();
          message_->hide();
        }}});
}

void MainWindow::addDisruptCommands() {
  std::vector<Command> rows{{.id = QStringLiteral("disrupt"),
                             .text = tr("Disrupt"),
                             .keys = {key(Qt::Key_D)},
                             .run = [this] { disrupt(!session_.arms().on); },
                             .checked = [this] { return session_.arms().on; }},
                            {.text = tr("Presets")}};
  for (std::size_t i = 0; i < presets().size(); ++i) {
    const DisruptionPreset& preset = presets()[i];
    rows.push_back({.id = QStringLiteral("preset%1").arg(i),
                    .text = QString::fromStdString(preset.name),
                    .run = [this, i] { requestEdits({presets()[i].disruption}); },
                    .about = QString::fromStdString(preset.about)});
  }
  // Every disruption of the shown arm, with something of it changed.
  const auto change = [&](const QString& id, const QString& text,
                          std::function<Disruption(const Disruption&)> make) {
    rows.push_back({.id = id, .text = text, .run = [this, make = std::move(make)] {
                      Edits edits = session_.arms().shown().edits;
                      for (Edit& edit : edits) {
                        if (const Disruption* d = edit.disruption()) edit.what = make(*d);
                      }
                      requestEdits(edits);
                    }});
  };
  rows.push_back({.text = tr("Control arms")});
  change(QStringLiteral("armMassive"), tr("The massive values themselves"), massiveArm);
  change(QStringLiteral("armSmallest"), tr("As many of the smallest"),
         [](const Disruption& d) { return control_of(d, PickKind::Smallest); });
  change(QStringLiteral("armRandom"), tr("As many at random"),
         [](const Disruption& d) { return control_of(d, PickKind::Random); });
  rows.emplace_back();
  change(QStringLiteral("onlyThisLayer"), tr("This layer only"), [this](Disruption d) {
    d.layers = {state_.selection().layer};
    return d;
  });
  change(QStringLiteral("allLayersAndHeads"), tr("All layers and heads"), [](Disruption d) {
    d.layers.clear();
    d.heads.clear();
    return d;
  });
  commands_.add({disruptMenu()}, std::move(rows));
}

void MainWindow::addFigureCommands() {
  commands_.add({figureMenu()}, {{.id = QStringLiteral("export"),
                                  .text = tr("&Export …"),
                                  .keys = {key(Qt::CTRL | Qt::Key_E)},
                                  .run = [this] { exportDialog(); }},
                                 {.id = QStringLiteral("copyImage"),
                                  .text = tr("Copy the &image"),
                                  .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_C)},
                                  .run = [this] { copyImage(); }},
                                 {.id = QStringLiteral("copyValues"),
                                  .text = tr("Copy the &values"),
                                  .keys = {key(Qt::CTRL | Qt::ALT | Qt::Key_C)},
                                  .run = [this] { copyValues(); }},
                                 {.id = QStringLiteral("copyCommandLine"),
                                  .text = tr("Copy the &command line that makes it"),
                                  .run = [this] { copyCommandLine(); }}});
}

void MainWindow::addHelpCommands() {
  std::vector<Command> rows;
  for (const Lesson& lesson : lessons()) {
    rows.push_back({.id = u"lesson_" + lesson.id,
                    .text = lesson.title,
                    .run = [this, &lesson] { openLesson(lesson); },
                    .about = lesson.about});
  }
  commands_.add({tr("&Help"), tr("&Lessons")}, std::move(rows));
  commands_.add(
      {tr("&Help")},
      {{.id = QStringLiteral("palette"),
        .text = tr("Every &command …"),
        .keys = {key(Qt::CTRL | Qt::SHIFT | Qt::Key_P)},
        .run = [this] { showPalette(); }},
       {.id = QStringLiteral("keyboard"),
        .text = tr("&Keyboard"),
        .keys = {key(Qt::Key_F1), key(Qt::Key_Question)},
        .run = [this] { showKeyboard(commands_, this); }},
       {.id = QStringLiteral("limits"),
        .text = tr("&Limits of the method"),
        .run = [this] { showLimits(this); }},
       {.id = QStringLiteral("glossary"), .text = tr("&Glossary"), .run = [this] { showGlossary(this); }},
       {.id = QStringLiteral("copyCitations"),
        .text = tr("&Copy citations"),
        .run =
            [this] {
              QApplication::clipboard()->setText(citations());
              message_->showNote(tr("BibTeX of QKScope and of the papers it follows is on the clipboard."));
            }},
       {.id = QStringLiteral("about"), .text = tr("&About QKScope"), .run = [this] { showAbout(this); }}});
}

void MainWindow::showPalette() {
  commands_.refresh();
  auto* palette = new CommandPalette(commands_, this);
  palette->setAttribute(Qt::WA_DeleteOnClose);
  palette->open();
}

}  // namespace qkscope

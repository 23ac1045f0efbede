#include <QApplication>
#include <QClipboard>
#include <QInputDialog>
#include <QKeyEvent>
#include <QMenu>
#include <utility>

#include "app/labels.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/preset_folder.h"
#include "core/base/error.h"

// The part of MainWindow that makes arms, and their rows in the table of commands.

namespace qkscope {

void MainWindow::addArmCommands() {
  const QStringList menu{armsMenu()};
  const auto change = [this](Arms (*make)(Arms)) {
    return [this, make] { takeArms(make(session_.arms())); };
  };
  const auto many = [this] { return session_.arms().count() > 1; };
  const auto room = [this] { return session_.arms().count() < most_arms; };
  const auto edited = [this] { return !switched_on(session_.arms().shown().edits).empty(); };
  commands_.add(
      menu,
      {{.id = QStringLiteral("armBefore"),
        .text = tr("Arm &before"),
        .keys = {QKeySequence(Qt::Key_Comma)},
        .run = change([](Arms arms) { return moved(std::move(arms), -1); }),
        .enabled = many},
       {.id = QStringLiteral("armAfter"),
        .text = tr("Arm &after"),
        .keys = {QKeySequence(Qt::Key_Period)},
        .run = change([](Arms arms) { return moved(std::move(arms), 1); }),
        .enabled = many},
       {},
       {.id = QStringLiteral("addControls"),
        .text = tr("Add &matched controls"),
        .keys = {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_M)},
        .run =
            [this] {
              const Arms now = session_.arms(), next = withControls(now);
              if (next == now) return showError(tr("The controls of this arm stand beside it already."));
              takeArms(next);
            },
        .enabled = [room, edited] { return room() && edited(); },
        .about = tr("Beside this arm as many of the smallest and as many random dims of the same heads")},
       {.id = QStringLiteral("addArm"),
        .text = tr("Add an &empty arm"),
        .keys = {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_N)},
        .run = change([](Arms arms) { return withArm(std::move(arms), {}); }),
        .enabled = room},
       {.id = QStringLiteral("duplicateArm"),
        .text = tr("&Duplicate the arm"),
        .keys = {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_D)},
        .run = change([](Arms arms) { return withCopy(arms); }),
        .enabled = room},
       {.id = QStringLiteral("nameArm"), .text = tr("&Name the arm …"), .run = [this] { nameArm(); }},
       {.id = QStringLiteral("removeArm"),
        .text = tr("&Remove the arm"),
        .run = change([](Arms arms) { return withoutShown(std::move(arms)); }),
        .enabled = many},
       {},
       {.id = QStringLiteral("copyEdits"),
        .text = tr("&Copy the edits as text"),
        .run = [this] { copyEdits(); },
        .enabled = [this] { return !session_.arms().shown().edits.empty(); }},
       {.id = QStringLiteral("pasteEdits"), .text = tr("&Paste edits"), .run = [this] { pasteEdits(); }},
       {.id = QStringLiteral("savePreset"),
        .text = tr("&Save the edits as a preset …"),
        .run = [this] { savePreset(); },
        .enabled = [this] { return !session_.arms().shown().edits.empty(); }}});
  presets_menu_ = commands_.menu({armsMenu(), tr("&Own presets")});
  presets_menu_->setObjectName(QStringLiteral("ownPresets"));
  connect(presets_menu_, &QMenu::aboutToShow, this, &MainWindow::fillPresets);
  fillPresets();
}

void MainWindow::nameArm() {
  const EditArm& arm = session_.arms().shown();
  auto* dialog = new QInputDialog(this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setWindowTitle(tr("Name the arm"));
  dialog->setLabelText(tr("Its name; without one it is called by what it changes."));
  dialog->setTextValue(arm.name);
  connect(dialog, &QInputDialog::textValueSelected, this, [this, id = arm.id](const QString& text) {
    constexpr int longest = 80;
    Arms arms = session_.arms();
    for (EditArm& each : arms.list) {
      if (each.id == id) each.name = text.simplified().left(longest);
    }
    takeArms(std::move(arms));
  });
  dialog->open();
}

void MainWindow::offerPreset(const QString& name) {
  if (!message_->text().isEmpty()) return;  // what stands there is about what a person did
  if (name.isEmpty()) {
    return message_->showNote(
        tr("On this model no preset loses what the prompt says and keeps what the model knows."));
  }
  const Edits edits{parse_disruption(name.toStdString())};
  const QString sentence =
      tr("On this model %1 alone loses what the prompt says and keeps what the model knows.").arg(name);
  if (appliedEdits(session_.arms()) == edits) return message_->showNote(sentence);
  message_->showOffer(sentence, tr("Try"), [this, edits] { requestEdits(edits); });
}

void MainWindow::copyEdits() {
  QApplication::clipboard()->setText(QString::fromStdString(to_text(session_.arms().shown().edits)));
}

void MainWindow::pasteEdits() {
  Edits edits = session_.arms().shown().edits;
  try {
    const Edits pasted = parse_edits(QApplication::clipboard()->text().toStdString());
    if (pasted.empty()) return showError(tr("There is no text in the clipboard that could be edits."));
    edits.insert(edits.end(), pasted.begin(), pasted.end());
    requestEdits(edits);
  } catch (const Error& error) {
    showError(tr("The clipboard holds no edits: %1").arg(QString::fromUtf8(error.what())));
  }
}

void MainWindow::savePreset() {
  const EditArm& arm = session_.arms().shown();
  auto* dialog = new QInputDialog(this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setWindowTitle(tr("Save a preset"));
  dialog->setLabelText(tr("Name of the preset; one of the same name is replaced."));
  dialog->setTextValue(armWords(arm));
  connect(dialog, &QInputDialog::textValueSelected, this, [this, edits = arm.edits](const QString& name) {
    try {
      PresetFolder(settings_.presetFolder()).write(name.trimmed(), edits);
      message_->showNote(tr("Saved the preset %1.").arg(name.trimmed()));
    } catch (const Error& error) {
      showError(QString::fromUtf8(error.what()));
    }
  });
  dialog->open();
}

void MainWindow::fillPresets() {
  presets_menu_->clear();
  const PresetFolder folder(settings_.presetFolder());
  for (const QString& name : folder.names()) {
    presets_menu_->addAction(menuWords(name), this, [this, folder, name] {
      try {
        requestEdits(folder.read(name));
      } catch (const Error& error) {
        showError(QString::fromUtf8(error.what()));
      }
    });
  }
  if (!presets_menu_->isEmpty()) return;
  QAction* none = presets_menu_->addAction(tr("none yet: save the edits of an arm as one"));
  none->setEnabled(false);
}

// ---- Space

void MainWindow::peek(bool at_baseline) {
  if (at_baseline) {
    if (peeking_ || state_.look().shown == Shown::Baseline) return;
    peeking_ = state_.look().shown;
    changeLook([](Look& look) { look.shown = Shown::Baseline; });
  } else if (const auto before = std::exchange(peeking_, std::nullopt)) {
    // Who switched the arms off meanwhile sees the baseline already.
    if (!appliedEdits(session_.arms()).empty()) changeLook([&](Look& look) { look.shown = *before; });
  }
}

void MainWindow::keyPressEvent(QKeyEvent* event) {
  if (event->key() != Qt::Key_Space || event->modifiers() != Qt::NoModifier)
    return QMainWindow::keyPressEvent(event);
  peek(true);
}

void MainWindow::keyReleaseEvent(QKeyEvent* event) {
  if (event->key() != Qt::Key_Space) return QMainWindow::keyReleaseEvent(event);
  if (!event->isAutoRepeat()) peek(false);
}

void MainWindow::changeEvent(QEvent* event) {
  QMainWindow::changeEvent(event);
  // Let go of elsewhere.
  if (event->type() == QEvent::ActivationChange && !isActiveWindow()) peek(false);
}

}  // namespace qkscope

#include <QAction>
#include <QMenu>

#include "app/dump_dialog.h"
#include "app/labels.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/model_dialog.h"
#include "core/base/error.h"
#include "views/shown.h"

// The part of MainWindow that opens models, and goes from one to another.

namespace qkscope {

namespace {

/// Of a model, as a document names it and as it was opened.
bool samePath(const QString& named, const QString& path) {
  try {
    std::error_code error;
    return std::filesystem::equivalent(find_model(named.toStdString()), path.toStdString(), error);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

void MainWindow::showInspected(const FoundModel& found) {
  const ModelCard& card = found.inspection.card;
  if (!card.problem.empty() && card.spec.num_layers() == 0) {
    showError(QString::fromStdString(card.problem));
    return;
  }
  auto* dialog = new ModelDialog(card, true, session_.store(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this, [this, found] {
    asked_model_ = QString::fromStdString(found.inspection.card.path.string());
    session_.load(found);
  });
  dialog->open();
}

void MainWindow::loadModel(const QString& path, const LoadOptions& options) {
  load_options_ = options;
  asked_model_ = path;
  session_.load(path.toStdString(), options);
}

void MainWindow::takeModel() {
  showModel();
  if (!session_.model()) return;
  message_->hide();
  asked_model_ = modelPath();
  // A document that named no model, or this one in other words, is not modified by it.
  if (saved_ && (saved_->model.isEmpty() || samePath(saved_->model, modelPath())))
    saved_->model = modelPath();
  settings_.addRecent(modelPath());
  fillRecent();
  const ModelSpec& spec = session_.model()->spec();
  state_.setSelection(clamped(state_.selection(), spec, spec.max_position_embeddings));
  showTitle();
}

void MainWindow::showModel() {
  const auto& model = session_.model();
  if (const auto& dump = session_.dump()) {
    model_button_->setWords(QString::fromStdString(dump->name), dumpDetails(*dump));
    device_label_->setText(tr("no model: activations from a file"));
    return;
  }
  if (const auto& recording = session_.recording()) {
    model_button_->setWords(QString::fromStdString(recording->card.name), modelDetails(recording->card));
    device_label_->setText(tr("recorded on %1; new edits need the model").arg(session_.data().recorded));
    return;
  }
  if (!model) {
    model_button_->setWords(tr("No model"), tr("open one: Ctrl+O"));
    device_label_->setText(tr("no model"));
    return;
  }
  const ModelCard& card = model->card();
  model_button_->setWords(QString::fromStdString(card.name), modelDetails(card));
  QString device = QStringLiteral("%1 · %2").arg(QString::fromStdString(card.device).toUpper(),
                                                 QString::fromStdString(card.dtype));
  if (!card.device_reason.empty())
    device += QStringLiteral(" (%1)").arg(QString::fromStdString(card.device_reason));
  device_label_->setText(device);
}

void MainWindow::showCard() {
  if (session_.dump()) return askAboutDump(session_.dump());
  const auto& card = session_.data().card;
  if (!card) return openDialog();
  auto* dialog = new ModelDialog(*card, false, session_.store(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->open();
}

void MainWindow::addOpenModelCommands() {
  const ModelStore& store = session_.store();
  commands_.add({tr("&File")}, {{.id = QStringLiteral("nextModel"),
                                 .text = tr("Ne&xt open model"),
                                 .keys = {QKeySequence(Qt::CTRL | Qt::Key_M)},
                                 .run = [this] { showNextModel(); },
                                 .enabled = [&store] { return nextModel(store) != 0; }},
                                {.id = QStringLiteral("closeModel"),
                                 .text = tr("&Close this model"),
                                 .keys = {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_W)},
                                 .run = [this, &store] { session_.closeModel(store.shown()); },
                                 .enabled = [&store] { return store.shown() != 0; }}});
}

void MainWindow::addModelShareCommands() {
  std::vector<Command> shares;
  for (const auto& [percent, words] :
       {std::pair(0, tr("One model alone")), std::pair(25, tr("A quarter of the memory")),
        std::pair(50, tr("Half of the memory")), std::pair(75, tr("Three quarters of the memory"))}) {
    shares.push_back({.id = QStringLiteral("modelShare%1").arg(percent),
                      .text = words,
                      .run =
                          [this, percent = percent] {
                            settings_.setModelShare(percent);
                            session_.setModelShare(percent);
                          },
                      .checked = [this, percent = percent] { return session_.store().share() == percent; },
                      .group = QStringLiteral("modelShare")});
  }
  commands_.add({tr("&Model"), tr("Memory for &open models")}, std::move(shares));
}

ModelId MainWindow::nextModel(const ModelStore& store) {
  // The one that was not shown for the longest time: so all have their turn.
  const ModelId next = store.models().empty() ? 0 : store.models().back().id;
  return next == store.shown() ? 0 : next;
}

void MainWindow::showNextModel() {
  session_.showModel(nextModel(session_.store()));
}

void MainWindow::fillModels() {
  models_menu_->clear();
  const ModelStore& store = session_.store();
  int number = 0;
  for (const OpenModel& open : store.models()) {
    const ModelCard& card = open.model->card();
    QAction* action = models_menu_->addAction(
        QStringLiteral("&%1  %2 · %3 · %4 · %5")
            .arg(++number)
            .arg(menuWords(QString::fromStdString(card.name)), QString::fromStdString(card.device).toUpper(),
                 QString::fromStdString(card.dtype), sizeWords(card.needed_bytes)),
        this, [this, id = open.id] { session_.showModel(id); });
    action->setCheckable(true);
    action->setChecked(open.id == store.shown());
    action->setToolTip(QString::fromStdString(card.path.string()));
  }
  models_menu_->setEnabled(number > 0);
  commands_.refresh();
}

}  // namespace qkscope

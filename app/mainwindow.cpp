#include "app/mainwindow.h"

#include <QCloseEvent>
#include <QDockWidget>
#include <QFileInfo>
#include <QMimeData>
#include <QStackedWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "app/dock_sizes.h"
#include "app/dump_dialog.h"
#include "app/experiments_window.h"
#include "app/labels.h"
#include "app/message_bar.h"
#include "app/preset_search.h"
#include "app/recording_saver.h"
#include "core/base/error.h"
#include "core/io/dump_file.h"
#include "views/counted.h"
#include "views/disruption_words.h"
#include "views/shown.h"

namespace qkscope {

namespace {

PromptSize sizeOf(const ReadPrompt& read) {
  const PromptResult& result = read.described;
  const QString format =
      result.format_reason.isEmpty() ? result.format : MainWindow::tr("raw: %1").arg(result.format_reason);
  return {static_cast<int>(read.ids.size()), format, result.problem};
}

}  // namespace

MainWindow::MainWindow(QWidget* parent)
    : QMainWindow(parent),
      measurer_([this](const Prompt&, const ReadPrompt& read) {
        if (measured_) measured_(sizeOf(read));
      }),
      docks_(new DockSizes(this)) {
  setObjectName(QStringLiteral("mainWindow"));
  setAcceptDrops(true);
  setDockOptions(AnimatedDocks | AllowTabbedDocks | AllowNestedDocks);
  setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  session_.setMaxNewTokens(settings_.answerLength());
  session_.setPromptLoss(settings_.promptLoss());
  session_.setModelShare(settings_.modelShare());
  makeViews();
  addCommands();
  makeToolBar();
  makeStatusBar();
  connectSession();
  showLook();
  showModel();
  showArms();
  showHistory();
  history_.begin([this] { saved_ = document(); });
  showTitle();
  resize(1280, 800);
  if (QWidget* picture = centre_->currentWidget()) picture->setFocus();
}

MainWindow::~MainWindow() {
  // Children outlive members, but the views look at state_ and docks tell of being hidden.
  for (const Placed& placed : views_) {
    if (placed.dock) placed.dock->disconnect(this);
    delete placed.view;
  }
}

// ---- parts

void MainWindow::makeViews() {
  auto* middle = new QWidget(this);
  auto* column = new QVBoxLayout(middle);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  message_ = new MessageBar(middle);
  centre_ = new QStackedWidget(middle);
  column->addWidget(message_);
  column->addWidget(centre_, 1);
  setCentralWidget(middle);

  for (const ViewEntry& entry : viewRegistry()) {
    View* view = entry.make(state_, this);
    view->setObjectName(entry.id);
    QDockWidget* dock = nullptr;
    if (entry.place == Place::Centre) {
      centre_->addWidget(view);
    } else {
      dock = makeDock(entry, view);
    }
    views_.push_back({&entry, view, dock});
    connect(view, &View::needsChanged, this, &MainWindow::updateNeeds);
    connect(view, &View::armsEdited, this, &MainWindow::takeArms);
    connect(view, &View::armMenuRequested, this,
            [this](const QPoint& global) { commands_.menu({armsMenu()})->popup(global); });
    connect(view, &View::columnsPointed, this, &MainWindow::takeColumns);
    connect(view, &View::menuRequested, this, &MainWindow::showPointingMenu);
    connect(view, &View::undoRequested, &history_, &DocumentHistory::undo);
    connect(view, &View::redoRequested, &history_, &DocumentHistory::redo);
    connect(view, &View::promptsEdited, &session_, &Session::setPrompts);
    connect(view, &View::promptSelected, &session_, &Session::selectPrompt);
    connect(view, &View::measureRequested, this, &MainWindow::measure);
    if (!dock) continue;
    connect(view, &View::showRequested, dock, [dock] {
      dock->show();
      dock->raise();
    });
    connect(view, &View::panelRequested, this, &MainWindow::showPanel);
  }
  setCorner(Qt::BottomLeftCorner, Qt::BottomDockWidgetArea);
  setCorner(Qt::BottomRightCorner, Qt::BottomDockWidgetArea);
  arrangeDocks();
}

// ---- wiring

void MainWindow::connectSession() {
  connect(&session_, &Session::failed, this, &MainWindow::showFailure);
  connect(&session_, &Session::inspected, this, &MainWindow::showInspected);
  connect(&session_, &Session::dumpRead, this, &MainWindow::takeDump);
  connect(&session_, &Session::recordedRead, this, &MainWindow::takeRecorded);
  connect(&session_, &Session::dataChanged, this, &MainWindow::showData);
  connect(&session_, &Session::modelChanged, this, &MainWindow::takeModel);
  // Not before the entry that was chosen has done its work.
  connect(&session_, &Session::modelsChanged, this, &MainWindow::fillModels, Qt::QueuedConnection);
  search_ = new PresetSearch(session_, defaultDocument(), this);
  connect(&session_, &Session::busyChanged, this, &MainWindow::showBusy);
  connect(search_, &PresetSearch::runningChanged, this, &MainWindow::showBusy);
  connect(search_, &PresetSearch::progress, this, [this](int done, int total) {
    progress_->setProgress(tr("looking for the preset that works"), static_cast<quint64>(done),
                           static_cast<quint64>(total));
  });
  connect(search_, &PresetSearch::found, this, &MainWindow::offerPreset);
  connect(progress_, &ProgressWidget::cancelled, search_, &PresetSearch::giveUp);
  connect(&session_, &Session::progress, progress_, &ProgressWidget::setProgress);
  connect(progress_, &ProgressWidget::cancelled, &session_, &Session::cancel);
  connect(&session_, &Session::armsChanged, this, &MainWindow::showArms);
  connect(&history_, &DocumentHistory::changed, this, &MainWindow::showHistory);
  connect(&session_, &Session::modelChanged, this, &MainWindow::noteChange);
  connect(&session_, &Session::promptsChanged, this, &MainWindow::noteChange);
  connect(&session_, &Session::armsChanged, this, &MainWindow::noteChange);
  connect(&state_, &ViewState::selectionChanged, this, &MainWindow::noteChange);
  connect(&state_, &ViewState::lookChanged, this, &MainWindow::noteChange);
  connect(&state_, &ViewState::lookChanged, this, &MainWindow::showLook);
  connect(&state_, &ViewState::hoverChanged, hover_label_, &ElidedLabel::setText);
  connect(&session_, &Session::promptsChanged, this, [this] {
    for (const Placed& placed : views_)
      placed.view->setPrompts(session_.prompts(), session_.results(), session_.selectedPrompt());
    showTitle();
    commands_.refresh();
  });
  connect(&session_, &Session::resultChanged, this, [this](int i) {
    for (const Placed& placed : views_)
      placed.view->setResult(i, session_.results()[static_cast<std::size_t>(i)]);
  });
}

void MainWindow::showBusy() {
  progress_->setBusy(session_.isBusy() || search_->isRunning() || (saver_ && saver_->isRunning()));
  settleMessage();
}

void MainWindow::measure(const Prompt& prompt, const PromptSizeTaker& take) {
  if (const auto& recording = session_.recording()) return take(sizeOf(readRecorded(*recording, prompt)));
  if (!session_.model()) return;
  measured_ = take;
  measurer_.read(session_.model(), {prompt});
}

void MainWindow::updateNeeds() {
  Needs needs;
  for (const Placed& placed : views_) {
    if (placed.view->isVisible()) needs |= placed.view->needs();
  }
  if (state_.look().left_out.which != LeftOut::Which::None) needs.left_out = leftOut(state_.look());
  session_.setNeeds(needs);
}

void MainWindow::showData() {
  const ViewData& data = session_.data();
  for (const Placed& placed : views_) placed.view->setData(data);
  updateNeeds();
  const bool there = data.comparison && data.comparison->disrupted && !data.stale;
  if (there && session_.arms().on && !peeking_ && wanted_shown_ != state_.look().shown) {
    changeLook([this](Look& look) { look.shown = wanted_shown_; });
  }
  // What is waited for comes before the panels around it, and before the next pass takes the processors.
  const auto centre =
      std::ranges::find(views_, Place::Centre, [](const Placed& placed) { return placed.entry->place; });
  if (there && centre != views_.end()) centre->view->refreshNow();
  const PassTimes& times = session_.times();
  QStringList words;
  if (times.baseline_ms) {
    words << tr("prefill of %1: %2 ms").arg(tokensWords(times.positions)).arg(*times.baseline_ms, 0, 'f', 0);
  }
  if (times.disrupted_ms && data.spec()) {
    words << (times.first_layer < data.spec()->num_layers() ? tr("disrupted from layer %1: %2 ms")
                                                                  .arg(times.first_layer + 1)
                                                                  .arg(*times.disrupted_ms, 0, 'f', 0)
                                                            : tr("the disruption finds nothing to replace"));
  }
  times_label_->setText(words.join(QStringLiteral(" · ")));
}

void MainWindow::requestEdits(const Edits& edits) {
  Arms arms = withEdits(session_.arms(), edits);
  arms.on = !switched_on(edits).empty();
  takeArms(std::move(arms));
}

void MainWindow::showHistory() {
  for (const Placed& placed : views_) placed.view->setHistory(history_.canUndo(), history_.canRedo());
  commands_.refresh();
}

void MainWindow::showArms() {
  const Arms& arms = session_.arms();
  for (const Placed& placed : views_) placed.view->setArms(arms);
  arm_button_->setWords(armWords(arms.shown()), QStringLiteral(" ▾"));
  QStringList what;
  for (const Edit& edit : switched_on(arms.shown().edits)) what << longWords(edit);
  arm_button_->setToolTip(what.isEmpty() ? tr("What is disrupted") : what.join(u'\n'));
  commands_.action(QStringLiteral("disrupt"))->setIconText(arms.on ? tr("Disrupted [D]") : tr("Disrupt [D]"));
  commands_.refresh();
  // What the arm does is shown as soon as it is there; without one there is but the baseline.
  const bool on = !appliedEdits(arms).empty();
  if (!on) peeking_.reset();
  if (on && wanted_shown_ == Shown::Baseline && state_.look().shown == Shown::Baseline && !was_on_)
    wanted_shown_ = Shown::Disrupted;
  if (!on) {
    wanted_shown_ = Shown::Baseline;
    changeLook([](Look& look) { look.shown = Shown::Baseline; });
  }
  was_on_ = on;
}

void MainWindow::showLook() {
  commands_.refresh();
  const int last = centre_->count() - 1;
  if (last >= 0) centre_->setCurrentIndex(std::min(last, static_cast<int>(state_.look().picture)));
  updateNeeds();
}

void MainWindow::showTitle() {
  const ViewData& data = session_.data();
  const QString model = QString::fromStdString(data.card   ? data.card->name
                                               : data.dump ? data.dump->name
                                                           : std::string());
  const QString file = path_.isEmpty() ? QString() : QFileInfo(path_).fileName();
  QStringList parts;
  for (const QString& part : {file, model, QStringLiteral("QKScope")}) {
    if (!part.isEmpty()) parts << QString(part).replace(QStringLiteral("[*]"), QStringLiteral("[*][*]"));
  }
  // Qt puts the mark of a modified document where this stands.
  parts.first() += QStringLiteral("[*]");
  setWindowTitle(parts.join(QStringLiteral(" — ")));
  setWindowModified(isModified());
}

/// Of a question that failed, or of a model that did not load.
void MainWindow::showFailure(const QString& sentence) {
  showError(sentence);
  run_error_ = std::ranges::any_of(session_.results(), &PromptResult::hasProblem) ? sentence : QString();
}

/// Once every question has its answer, no sentence stands there that says otherwise.
void MainWindow::settleMessage() {
  if (run_error_.isEmpty() || session_.isBusy() || message_->text() != run_error_) return;
  if (std::ranges::any_of(session_.results(), &PromptResult::hasProblem)) return;
  run_error_.clear();
  message_->hide();
}

void MainWindow::showError(const QString& sentence) {
  message_->showError(sentence);
}

// ---- events

void MainWindow::closeEvent(QCloseEvent* event) {
  keepLayout();
  if (session_file_) session_file_->write();
  if (!path_.isEmpty() && isModified() && !close_unasked_) {
    event->ignore();
    askBeforeClosing();
    return;
  }
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  if (urls.isEmpty()) return;
  event->acceptProposedAction();
  const auto is_dump = [](const QUrl& url) {
    return url.isLocalFile() && is_dump_file(url.toLocalFile().toStdString());
  };
  if (urls.size() > 1 && std::ranges::all_of(urls, is_dump)) {
    DumpSource source;
    for (const QUrl& url : urls) source.files.emplace_back(url.toLocalFile().toStdString());
    openDump(source, true);
  } else if (urls.size() > 1) {
    showError(tr("%1 things were dropped; drop one model folder, model file or document at a time, or only "
                 "files of activations.")
                  .arg(urls.size()));
  } else if (!urls.front().isLocalFile()) {
    showError(tr("%1 is not a file of this machine; download it first.").arg(urls.front().toString()));
  } else {
    openPath(urls.front().toLocalFile(), true);
  }
}

}  // namespace qkscope

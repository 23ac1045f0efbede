#include "app/experiments_window.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QProgressBar>
#include <QPushButton>
#include <QSplitter>
#include <QStandardPaths>
#include <QTabWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "app/experiment_items.h"
#include "app/export.h"
#include "app/export_dialog.h"
#include "app/session.h"
#include "app/settings.h"
#include "app/table_file.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/tasks/datasets.h"
#include "core/tasks/experiment_text.h"
#include "views/counted.h"
#include "views/curve_plot.h"
#include "views/experiment_models.h"
#include "views/paper_tables.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/sweep_charts.h"
#include "views/text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

const QString data_purpose = QStringLiteral("datasets");

}  // namespace

ExperimentsWindow::ExperimentsWindow(Session& session, QWidget* parent)
    : QDialog(parent), session_(session), runner_(session), table_model_(new ExperimentTableModel(this)) {
  setWindowTitle(tr("Experiments"));
  setObjectName(QStringLiteral("experimentsWindow"));
  setWindowFlag(Qt::WindowMaximizeButtonHint);
  auto* column = new QVBoxLayout(this);
  column->addWidget(makeHead());
  auto* parts = new QSplitter(Qt::Vertical, this);
  parts->setChildrenCollapsible(false);
  parts->addWidget(makeTable());
  items_ = new ExperimentItems(this);
  parts->addWidget(items_);
  pages_ = new QTabWidget(this);
  pages_->setDocumentMode(true);
  pages_->addTab(parts, tr("Arms and tasks"));
  curves_ = new CurvePlot(this);
  curves_->setObjectName(QStringLiteral("experimentCurves"));
  curves_->setAccessibleName(tr("What a sweep does, task by task"));
  pages_->addTab(curves_, tr("Curves"));
  paper_ = new PaperTables(this);
  pages_->addTab(paper_, tr("Paper and here"));
  column->addWidget(pages_, 1);
  column->addWidget(makeFoot());
  resize(1000, 720);

  connect(&runner_, &ExperimentRunner::changed, this, [this] {
    state_ = runner_.state();
    showState();
  });
  connect(&runner_, &ExperimentRunner::runningChanged, this, &ExperimentsWindow::showProgress);
  connect(&runner_, &ExperimentRunner::failed, this,
          [this](const QString& sentence) { say(sentence, true); });
  connect(pages_, &QTabWidget::currentChanged, this, &ExperimentsWindow::showProgress);
  connect(items_, &ExperimentItems::itemChanged, this, &ExperimentsWindow::showProgress);
  connect(items_, &ExperimentItems::openRequested, this, &ExperimentsWindow::openRequested);
  connect(&session_, &Session::busyChanged, this, &ExperimentsWindow::showProgress);
  connect(&session_, &Session::modelChanged, this, &ExperimentsWindow::readKept);
  listKnown();
  readKept();
}

QWidget* ExperimentsWindow::makeHead() {
  auto* head = new QWidget(this);
  auto* column = new QVBoxLayout(head);
  column->setContentsMargins(0, 0, 0, 0);
  auto* row = new QHBoxLayout;
  experiment_ = new QComboBox(head);
  experiment_->setObjectName(QStringLiteral("experimentChoice"));
  experiment_->setAccessibleName(tr("Experiment"));
  experiment_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  row->addWidget(experiment_, 1);
  auto* browse_button = new QPushButton(tr("Open a file …"), head);
  browse_button->setAutoDefault(false);
  row->addWidget(browse_button);
  auto* data_button = new QPushButton(tr("Data sets …"), head);
  data_button->setObjectName(QStringLiteral("experimentData"));
  data_button->setToolTip(tr("The folder of the data sets that experiments read, such as the paper's own"));
  data_button->setAutoDefault(false);
  row->addWidget(data_button);
  start_ = new QPushButton(head);
  start_->setObjectName(QStringLiteral("experimentStart"));
  start_->setDefault(true);
  row->addWidget(start_);
  column->addLayout(row);
  about_ = StyledLabel::reading(Type::Small, Tone::Muted, head);
  column->addWidget(about_);
  auto* state = new QHBoxLayout;
  progress_ = new QProgressBar(head);
  progress_->setObjectName(QStringLiteral("experimentProgress"));
  progress_->setTextVisible(false);
  progress_->setFixedWidth(220);
  state->addWidget(progress_);
  progress_text_ = new StyledLabel(Type::Small, Tone::Text, head);
  progress_text_->setObjectName(QStringLiteral("experimentProgressWords"));
  state->addWidget(progress_text_, 1);
  column->addLayout(state);
  message_ = StyledLabel::reading(Type::Normal, Tone::Disrupted, head);
  message_->setObjectName(QStringLiteral("experimentMessage"));
  message_->hide();
  column->addWidget(message_);
  connect(browse_button, &QPushButton::clicked, this, &ExperimentsWindow::browse);
  connect(data_button, &QPushButton::clicked, this, [this] {
    const QString folder =
        QFileDialog::getExistingDirectory(this, tr("Folder of data sets"), Settings().folder(data_purpose));
    if (!folder.isEmpty()) setDataFolder(folder);
  });
  connect(start_, &QPushButton::clicked, this, &ExperimentsWindow::startOrStop);
  connect(experiment_, &QComboBox::currentIndexChanged, this, &ExperimentsWindow::readKept);
  return head;
}

QWidget* ExperimentsWindow::makeTable() {
  table_ = rowsTable(table_model_, this);
  table_->setObjectName(QStringLiteral("experimentTable"));
  table_->setAccessibleName(tr("Arms and tasks"));
  table_->setSortingEnabled(false);
  table_->setSelectionBehavior(QAbstractItemView::SelectItems);
  table_->setItemDelegate(new ScoreDelegate(table_));
  table_->verticalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  table_->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  connect(table_->selectionModel(), &QItemSelectionModel::currentChanged, this, &ExperimentsWindow::showCell);
  connect(table_model_, &QAbstractItemModel::modelReset, this, [this] {
    // The first arm beside the baseline: what it lost is what is looked for.
    table_->setCurrentIndex(table_model_->index(std::min(1, table_model_->rowCount() - 1), 1));
  });
  return table_;
}

QWidget* ExperimentsWindow::makeFoot() {
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  open_ = buttons->addButton(tr("Ask in the window"), QDialogButtonBox::ActionRole);
  open_->setObjectName(QStringLiteral("experimentOpen"));
  open_->setToolTip(tr("The selected question as a prompt, with the edits of its arm"));
  export_ = buttons->addButton(tr("Export table …"), QDialogButtonBox::ActionRole);
  export_->setObjectName(QStringLiteral("experimentExport"));
  figure_ = buttons->addButton(tr("Export figure …"), QDialogButtonBox::ActionRole);
  figure_->setObjectName(QStringLiteral("experimentFigure"));
  for (QPushButton* button : {open_, export_, figure_}) button->setAutoDefault(false);
  connect(figure_, &QPushButton::clicked, this, &ExperimentsWindow::exportFigures);
  connect(open_, &QPushButton::clicked, items_, &ExperimentItems::openItem);
  connect(export_, &QPushButton::clicked, this, &ExperimentsWindow::exportTable);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  return buttons;
}

void ExperimentsWindow::listKnown() {
  for (const auto& path : known_experiments()) {
    try {
      add(text(path.string()));
    } catch (const Error& error) {
      say(QString::fromUtf8(error.what()), true);
    }
  }
  const QString last = Settings().dialog(objectName()).value(QStringLiteral("experiment")).toString();
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].path == last) experiment_->setCurrentIndex(static_cast<int>(i));
  }
}

void ExperimentsWindow::add(const QString& path) {
  Known known{read_experiment(path.toStdString(), Settings().folder(data_purpose).toStdString()), path};
  const Experiment& e = known.experiment;
  const QString title = e.title.empty() ? text(e.name) : tr("%1: %2").arg(text(e.name), text(e.title));
  known_.push_back(std::move(known));
  experiment_->addItem(title);
}

void ExperimentsWindow::setDataFolder(const QString& folder) {
  Settings().setFolder(data_purpose, folder);
  try {
    for (Known& known : known_)
      known.experiment = read_experiment(known.path.toStdString(), folder.toStdString());
    readKept();
  } catch (const Error& error) {
    say(QString::fromUtf8(error.what()), true);
  }
}

void ExperimentsWindow::addFile(const QString& path) {
  add(path);
  experiment_->setCurrentIndex(experiment_->count() - 1);
}

void ExperimentsWindow::browse() {
  const QString purpose = QStringLiteral("experiment");
  const QString path = QFileDialog::getOpenFileName(this, tr("Experiment"), Settings().folder(purpose),
                                                    tr("Experiments (*.json)"));
  if (path.isEmpty()) return;
  Settings().setFolder(purpose, QFileInfo(path).absolutePath());
  try {
    addFile(path);
  } catch (const Error& error) {
    say(QString::fromUtf8(error.what()), true);
  }
}

const Experiment* ExperimentsWindow::chosen() const {
  const int index = experiment_->currentIndex();
  return index < 0 ? nullptr : &known_[static_cast<std::size_t>(index)].experiment;
}

QString ExperimentsWindow::folderOf(const Experiment& experiment) {
  return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + QStringLiteral("/experiments/") +
         text(experiment.name);
}

void ExperimentsWindow::readKept() {
  if (runner_.isRunning() && !runner_.isEstimating()) return showProgress();
  state_ = {};
  message_->hide();
  const Experiment* experiment = chosen();
  if (experiment) {
    QStringList tasks;
    for (const auto& part : experiment->tasks) tasks << text(part.task.name);
    about_->setText(
        tr("%1 under %2. Results: %3")
            .arg(tasks.join(QStringLiteral(", ")),
                 counted(static_cast<qint64>(experiment->arms.size()), tr("1 arm"), tr("%1 arms")),
                 QDir::toNativeSeparators(folderOf(*experiment))));
    const auto& model = session_.model();
    const QString folder = folderOf(*experiment);
    if (model && QFileInfo::exists(folder)) {
      try {
        for (Plan& plan : read_plans(folder.toStdString())) {
          if (plan.model != model->card().name) continue;
          state_.plan = std::make_shared<const Plan>(std::move(plan));
          state_.results = std::make_shared<const ResultStore>(ResultStore::read(folder.toStdString()));
        }
      } catch (const Error& error) {
        say(QString::fromUtf8(error.what()), true);
      }
    }
  }
  showState();
  estimate();
}

void ExperimentsWindow::estimate() {
  const Experiment* experiment = chosen();
  const ExperimentTable& table = table_model_->table();
  if (isVisible() && experiment && session_.model() && (table.of == 0 || table.done < table.of))
    runner_.estimate(*experiment, folderOf(*experiment).toStdString());
}

void ExperimentsWindow::showEvent(QShowEvent* event) {
  QDialog::showEvent(event);
  if (!event->spontaneous()) readKept();
}

void ExperimentsWindow::startOrStop() {
  if (runner_.isRunning() && !runner_.isEstimating()) return runner_.stop();
  const Experiment* experiment = chosen();
  if (!experiment || !session_.model()) return;
  message_->hide();
  Settings().setDialog(objectName(), {{QStringLiteral("experiment"),
                                       known_[static_cast<std::size_t>(experiment_->currentIndex())].path}});
  runner_.start(*experiment, folderOf(*experiment).toStdString());
}

void ExperimentsWindow::showState() {
  table_model_->setTable(state_.plan && state_.results ? tabulate(*state_.plan, *state_.results)
                                                       : ExperimentTable());
  showCurves();
  paper_->setMeasured({table_model_->table()});
  showCell();
  showProgress();
}

void ExperimentsWindow::showCurves() {
  std::vector<Chart> charts = sweepCharts(table_model_->table());
  pages_->setTabVisible(pages_->indexOf(curves_), !charts.empty());
  curves_->setCharts(std::move(charts));
}

void ExperimentsWindow::showProgress() {
  const bool running = runner_.isRunning() && !runner_.isEstimating();
  const ExperimentTable& table = table_model_->table();
  start_->setText(running                 ? tr("Pause")
                  : table.done == 0       ? tr("Start")
                  : table.done < table.of ? tr("Go on")
                                          : tr("Start"));
  start_->setEnabled(running || (session_.model() && chosen() && (table.of == 0 || table.done < table.of)));
  experiment_->setEnabled(!running);
  const bool paper = pages_->currentWidget() == paper_;
  open_->setEnabled(pages_->currentIndex() == 0 && items_->hasItem());
  export_->setEnabled(paper ? paper_->shown() != nullptr : table.done > 0);
  figure_->setVisible(paper);
  figure_->setEnabled(paper_->shown() != nullptr);
  progress_->setMaximum(static_cast<int>(std::max<std::size_t>(1, table.of)));
  progress_->setValue(static_cast<int>(table.done));
  const ExperimentProgress& at = state_.progress;
  QString words = table.of == 0 ? QString() : tr("%1 of %2 answers").arg(table.done).arg(table.of);
  if (!session_.model()) {
    words = tr("Open a model to run experiments on it.");
  } else if (running && session_.isBusy()) {
    words = tr("%1; waits while the window is at work").arg(words.isEmpty() ? tr("Begins") : words);
  } else if (running && table.of == 0) {
    words = tr("Writing the questions …");
  } else if (running) {
    words += tr(" · %1, item %2 of %3").arg(text(at.task)).arg(at.item).arg(at.items);
    if (at.remaining_ms >= 0) words += tr(" · %1 left").arg(text(time_text(at.remaining_ms)));
  } else if (const auto& cost = state_.estimate) {
    const auto ms = [](double value) { return QLocale().toString(value, 'f', value < 10 ? 1 : 0); };
    words += tr(" · at most %1 (%2 ms a token read, %3 ms a token written)")
                 .arg(text(time_text(cost->most_ms)), ms(cost->read_ms), ms(cost->write_ms));
  } else if (runner_.isEstimating()) {
    words = words.isEmpty() ? tr("Measuring how long it takes …") : tr("%1 · measuring …").arg(words);
  } else if (table.of > 0 && table.done == table.of) {
    words = tr("All %1 answers are there.").arg(table.of);
  }
  progress_text_->setText(words);
}

void ExperimentsWindow::showCell() {
  const QModelIndex at = table_->currentIndex();
  items_->setCell(state_, at.isValid() ? table_model_->taskOf(at.column()) : -1,
                  at.isValid() ? at.row() : -1);
}

void ExperimentsWindow::exportTable() {
  const PaperTable* paper = pages_->currentWidget() == paper_ ? paper_->shown() : nullptr;
  const ExperimentTable& table = table_model_->table();
  saveTable(
      this, tr("Export table"), text(paper ? paper->id : table.experiment),
      {{tr("Table of values"), QStringLiteral("csv"), [&] { return paper ? to_csv(*paper) : to_csv(table); }},
       {tr("LaTeX table"), QStringLiteral("tex"),
        [&] { return paper ? to_latex(*paper) : to_latex(table); }}},
      [this](const QString& sentence, bool problem) { say(sentence, problem); });
}

void ExperimentsWindow::exportFigures() {
  const QString id = QStringLiteral("paper"), purpose = QStringLiteral("figure");
  const auto entry = std::ranges::find(viewRegistry(), id, &ViewEntry::id);
  Document document = defaultDocument();
  document.look.paper_part = paper_->chosenPart();
  document.look.paper_layout = paper_->chosenLayout();
  if (const Experiment* experiment = chosen(); experiment && table_model_->table().done > 0)
    document.look.results = {folderOf(*experiment)};
  const auto save = [this, entry, document, purpose](const QString& view_id, const FigureOptions& options) {
    ViewState state;
    state.setLook(document.look);
    const std::unique_ptr<View> view(entry->make(state, nullptr));
    const QStringList files = exportFigure(*view, view_id, document, {}, options);
    Settings().setFolder(purpose, QFileInfo(options.path).absolutePath());
    say(tr("Written: %1").arg(files.join(QStringLiteral(", "))), false);
  };
  const PaperTable& table = *paper_->shown();
  const QString folder = Settings().folder(purpose);
  auto* dialog = new ExportDialog({{id, text(table.title), text(table.id)}},
                                  folder.isEmpty() ? QDir::homePath() : folder, save, this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->open();
}

void ExperimentsWindow::say(const QString& sentence, bool problem) {
  message_->setTone(problem ? Tone::Disrupted : Tone::Memory);
  message_->setText(sentence);
  message_->show();
}

}  // namespace qkscope

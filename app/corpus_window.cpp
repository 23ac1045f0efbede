#include "app/corpus_window.h"

#include <QDialogButtonBox>
#include <QDir>
#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QProgressBar>
#include <QPushButton>
#include <QStandardItemModel>
#include <QStandardPaths>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/corpus_form.h"
#include "app/session.h"
#include "app/table_file.h"
#include "core/base/wording.h"
#include "core/tasks/activation_tables.h"
#include "views/curve_plot.h"
#include "views/rows_table.h"
#include "views/shown.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

std::filesystem::path keptFile() {
  const QString folder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
  return std::filesystem::path(folder.toStdString()) / "corpora" / "known.jsonl";
}

}  // namespace

CorpusWindow::CorpusWindow(Session& session, QWidget* parent)
    : QDialog(parent), session_(session), runner_(session) {
  setObjectName(QStringLiteral("corpusWindow"));
  setWindowTitle(tr("Massive activations over a corpus"));
  setWindowFlag(Qt::WindowMaximizeButtonHint);
  auto* column = new QVBoxLayout(this);
  column->addWidget(makeHead());
  column->addWidget(makePages(), 1);
  column->addWidget(makeFoot());
  resize(1000, 720);
  connect(&runner_, &CorpusRunner::changed, this, &CorpusWindow::showTold);
  connect(&runner_, &CorpusRunner::runningChanged, this, &CorpusWindow::showProgress);
  connect(&runner_, &CorpusRunner::failed, this, [this](const QString& sentence) { say(sentence, true); });
  for (const auto signal : {&Session::modelChanged, &Session::busyChanged})
    connect(&session_, signal, this, &CorpusWindow::showProgress);
  setRule({});
  showTold();
}

QWidget* CorpusWindow::makeHead() {
  auto* head = new QWidget(this);
  auto* column = new QVBoxLayout(head);
  column->setContentsMargins(0, 0, 0, 0);
  auto* top = new QHBoxLayout;
  form_ = new CorpusForm(head);
  top->addWidget(form_, 1);
  start_ = new QPushButton(head);
  start_->setObjectName(QStringLiteral("corpusStart"));
  start_->setDefault(true);
  top->addWidget(start_, 0, Qt::AlignTop);
  column->addLayout(top);
  connect(form_, &CorpusForm::changed, this, &CorpusWindow::showProgress);
  connect(start_, &QPushButton::clicked, this, &CorpusWindow::startOrStop);
  rule_words_ = StyledLabel::reading(Type::Small, Tone::Muted, head);
  column->addWidget(rule_words_);
  auto* state = new QHBoxLayout;
  progress_ = new QProgressBar(head);
  progress_->setTextVisible(false);
  progress_->setFixedWidth(220);
  state->addWidget(progress_);
  progress_text_ = new StyledLabel(Type::Small, Tone::Text, head);
  progress_text_->setObjectName(QStringLiteral("corpusProgressWords"));
  state->addWidget(progress_text_, 1);
  column->addLayout(state);
  message_ = StyledLabel::reading(Type::Normal, Tone::Disrupted, head);
  message_->setObjectName(QStringLiteral("corpusMessage"));
  message_->hide();
  column->addWidget(message_);
  return head;
}

QTableView* CorpusWindow::makeTable(QStandardItemModel* rows, const QString& name, const QString& words) {
  auto* table = rowsTable(rows, this);
  table->setObjectName(name);
  table->setAccessibleName(words);
  table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  table->horizontalHeader()->setStretchLastSection(true);
  table->verticalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  return table;
}

QWidget* CorpusWindow::makePages() {
  pages_ = new QTabWidget(this);
  pages_->setDocumentMode(true);
  const auto add = [&](const QString& title, StyledLabel*& words, QWidget* body) {
    auto* page = new QWidget(this);
    auto* column = new QVBoxLayout(page);
    words = StyledLabel::reading(Type::Small, Tone::Text, page);
    column->addWidget(words);
    column->addWidget(body, 1);
    pages_->addTab(page, title);
  };
  curve_ = new CurvePlot(this);
  curve_->setObjectName(QStringLiteral("corpusCurve"));
  curve_->setAccessibleName(tr("Largest |h| after each layer, and over what it is massive"));
  add(tr("Layers"), layers_words_, curve_);
  places_ = new QStandardItemModel(this);
  places_table_ = makeTable(places_, QStringLiteral("corpusPlaces"), tr("Massive tokens and dims, sortable"));
  places_table_->sortByColumn(static_cast<int>(PlaceColumn::Sequences), Qt::DescendingOrder);
  add(tr("Tokens and dims"), places_words_, places_table_);
  arms_ = new QStandardItemModel(this);
  arms_table_ = makeTable(arms_, QStringLiteral("corpusArms"), tr("Perplexities, here and as published"));
  arms_table_->setSortingEnabled(false);  // what is measured here and its family stand first
  add(tr("Interventions"), arms_words_, arms_table_);
  connect(curve_, &CurvePlot::picked, this,
          [this](int, double x) { Q_EMIT placeChosen(static_cast<int>(std::lround(x)) - 1, -1); });
  const auto go = [this](const QModelIndex& at) {
    const MassivePlace& place = placeOf(*places_, at.row(), runner_.told());
    Q_EMIT placeChosen(place.layer, place.position);
  };
  connect(places_table_, &QTableView::clicked, this, go);
  connect(places_table_, &QTableView::activated, this, go);
  connect(pages_, &QTabWidget::currentChanged, this, &CorpusWindow::showProgress);
  return pages_;
}

QWidget* CorpusWindow::makeFoot() {
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  using Set = ActivationEdit::Set;
  const auto edit = [&](const QString& words, const char* name, const QString& about, Set set, bool control) {
    QPushButton* button = buttons->addButton(words, QDialogButtonBox::ActionRole);
    button->setObjectName(QLatin1String(name));
    button->setToolTip(about);
    connect(button, &QPushButton::clicked, this, [=, this] { choose(set, control); });
    edits_.push_back(button);
  };
  edit(tr("&Zero in the window"), "corpusZero",
       tr("The edit of the column \"set to zero\", of the window's prompt"), Set::Zero, false);
  edit(tr("&Mean in the window"), "corpusMean",
       tr("The edit of the column \"to mean\", with this corpus's means"), Set::Mean, false);
  edit(tr("Contro&l in the window"), "corpusControl", tr("The edit of the column \"control\""), Set::Zero,
       true);
  save_ = buttons->addButton(tr("Save ta&ble …"), QDialogButtonBox::ActionRole);
  save_->setObjectName(QStringLiteral("corpusSave"));
  for (QPushButton* button : edits_) button->setAutoDefault(false);
  save_->setAutoDefault(false);
  connect(save_, &QPushButton::clicked, this, &CorpusWindow::exportTable);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  return buttons;
}

void CorpusWindow::setRule(const ActivationRule& rule) {
  rule_ = rule;
  rule_words_->setText(tr("Massive: |h| over %1 and over %2 times the layer's median, as the panel Massive "
                          "activations has it. What is found of each sequence is kept: %3")
                           .arg(exactWords(rule.least), exactWords(rule.times_median),
                                QDir::toNativeSeparators(text(keptFile().string()))));
}

void CorpusWindow::startOrStop() {
  if (runner_.isRunning()) return runner_.stop();
  message_->hide();
  form_->remember();
  CorpusStudy study = form_->study();
  study.study.rule = rule_;
  runner_.start(study, keptFile());
}

void CorpusWindow::showTold() {
  const CorpusTold& told = runner_.told();
  const PlotStyle style = PlotStyle::of(*this);
  curve_->setCharts({existenceChart(told)});
  // What stands there keeps its place and its choice while more is found.
  if (shown_places_ != told.findings.places) {
    shown_places_ = told.findings.places;
    fillPlaces(*places_, told, style);
    const QHeaderView* header = places_table_->horizontalHeader();
    places_table_->sortByColumn(header->sortIndicatorSection(), header->sortIndicatorOrder());
  }
  const std::string measured = told.model.toStdString() + (told.asked.choice.bos ? " with " : " without ") +
                               intervention_json(told.findings.arms).dump();
  if (shown_arms_ != measured) {
    shown_arms_ = measured;
    fillInterventions(*arms_, told, style);
  }
  const int least = static_cast<int>(style.metrics(style.small).horizontalAdvance(tr("set to zero")) + 16);
  for (QTableView* table : {places_table_, arms_table_})
    table->horizontalHeader()->setMinimumSectionSize(least);
  layers_words_->setText(existenceWords(told));
  places_words_->setText(placesWords(told));
  arms_words_->setText(interventionWords(told));
  showProgress();
}

void CorpusWindow::showProgress() {
  const bool running = runner_.isRunning();
  const CorpusFindings& found = runner_.told().findings;
  start_->setText(running                                   ? tr("Pause")
                  : found.done > 0 && found.done < found.of ? tr("Go on")
                                                            : tr("Start"));
  start_->setEnabled(running || (session_.model() && form_->hasCorpus()));
  form_->setEnabled(!running);
  for (QPushButton* button : edits_) button->setEnabled(!found.arms.empty());
  const std::array<bool, 3> there{!found.layers.empty(), !found.places.empty(), !found.arms.empty()};
  save_->setEnabled(there.at(static_cast<std::size_t>(pages_->currentIndex())));
  progress_->setMaximum(static_cast<int>(std::max<std::size_t>(1, found.of)));
  progress_->setValue(static_cast<int>(found.done));
  progress_text_->setText(progressWords());
}

QString CorpusWindow::progressWords() const {
  const CorpusFindings& found = runner_.told().findings;
  if (!session_.model()) return tr("Open a model to look for its massive activations.");
  QString words = found.of == 0 ? QString() : tr("%1 of %2 passes").arg(found.done).arg(found.of);
  if (runner_.isRunning()) {
    if (session_.isBusy())
      return tr("%1; waits while the window is at work").arg(words.isEmpty() ? tr("Begins") : words);
    if (found.of == 0) return tr("Reading the corpus …");
    return found.remaining_ms < 0 ? words
                                  : tr("%1 · %2 left").arg(words, text(time_text(found.remaining_ms)));
  }
  if (found.of > 0 && found.done == found.of) return tr("All %1 passes are done.").arg(found.of);
  const PassTimes& last = session_.times();
  if (!last.baseline_ms || last.positions == 0) return words;
  // Existence once, tokens twice, four arms of which three start from the pass without an edit.
  const CorpusStudy study = form_->study();
  const double passes = study.choice.sequences *
                        (3.0 + 7.0 * static_cast<double>(std::max<std::size_t>(1, study.tests.size())));
  const double ms = *last.baseline_ms / last.positions * study.choice.context_length * passes;
  const QString cost = tr("about %1, by the window's last pass").arg(text(time_text(ms)));
  return words.isEmpty() ? cost : tr("%1 · %2").arg(words, cost);
}

void CorpusWindow::choose(ActivationEdit::Set set, bool control) {
  const CorpusTold& told = runner_.told();
  ActivationEdit edit =
      published_edit(told.findings.tokens, told.asked.study, set, told.findings.tokens.first_layer);
  edit.control = control;
  Q_EMIT editChosen(edit);
}

void CorpusWindow::exportTable() {
  const CorpusTold& told = runner_.told();
  const auto piece = [&](int id) { return told.pieces.at(id).toStdString(); };
  const std::array<QString, 3> names{QStringLiteral("existence"), QStringLiteral("tokens"),
                                     QStringLiteral("intervention")};
  const auto page = static_cast<std::size_t>(pages_->currentIndex());
  saveTable(this, tr("Save table"), names.at(page),
            {{tr("Table of values"), QStringLiteral("csv"),
              [&] {
                if (page == 0) return csv_of(existence_rows(told.findings.layers));
                if (page == 1) return csv_of(place_rows(told.findings.places, piece));
                return activations_csv("intervention", intervention_json(told.findings.arms));
              }}},
            [this](const QString& sentence, bool problem) { say(sentence, problem); });
}

void CorpusWindow::say(const QString& sentence, bool problem) {
  message_->setTone(problem ? Tone::Disrupted : Tone::Memory);
  message_->setText(sentence);
  message_->show();
}

void CorpusWindow::changeEvent(QEvent* event) {
  QDialog::changeEvent(event);
  if (pages_ && (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)) {
    shown_places_.reset();
    shown_arms_.reset();
    showTold();
  }
}

}  // namespace qkscope

#include "app/verdicts_window.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QSplitter>
#include <QStandardItemModel>
#include <QVBoxLayout>
#include <algorithm>

#include "app/session.h"
#include "app/table_file.h"
#include "app/verdict_choice.h"
#include "views/counted.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/text.h"
#include "views/text_table.h"
#include "views/verdict_words.h"

namespace qkscope {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t rows_a_model = 3;
constexpr std::size_t most_links = 300;

/// "412 ± 35.1", the deviation over prompts where there are several.
QString spreadWords(const Spread& spread, double unit = 1) {
  if (spread.of == 0) return QStringLiteral("–");
  const QLocale locale;
  const int digits = unit * spread.most >= 1000 ? 0 : 1;
  const QString mean = locale.toString(unit * spread.mean, 'f', digits);
  if (spread.of == 1) return mean;
  return VerdictsWindow::tr("%1 ± %2").arg(mean, locale.toString(unit * spread.deviation, 'f', digits));
}

/// "yes", "no", or on how many prompts.
QString concentratedWords(const ModelVerdict& verdict) {
  if (verdict.concentrated == verdict.prompts) return VerdictsWindow::tr("yes");
  if (verdict.concentrated == 0) return VerdictsWindow::tr("no");
  return VerdictsWindow::tr("on %1 of %2").arg(verdict.concentrated).arg(verdict.prompts);
}

std::vector<TextTable::Column> columns() {
  const auto tr = [](const char* words) { return VerdictsWindow::tr(words); };
  return {{tr("model")},
          {tr("RoPE")},
          {tr("concentrated"), false, tr("Whether massive values are concentrated, by the rule below")},
          {tr("prompts"), true},
          {tr("site"), false, tr("V is the control.")},
          {tr("massive values"), true, tr("Mean and standard deviation over the prompts")},
          {tr("low-frequency half, %"), true, tr("The share of the massive values that lie there")},
          {tr("heads with one, %"), true},
          {tr("stripes"), true, tr("Dims that are massive in at least half of a layer's heads")},
          {tr("linked, %"), true,
           tr("Massive values of K with one of a query head that reads them on the same rotary pair")},
          {tr("by chance, %"), true, tr("The same, were the massive values of Q drawn at random")}};
}

void addRows(TextTable& table, const VerdictState& state) {
  const ModelVerdict verdict = summarize(state.name, state.found);
  const std::array sites{std::pair("Q", &verdict.query), std::pair("K", &verdict.key),
                         std::pair("V", &verdict.value)};
  for (const auto& [letter, site] : sites) {
    const bool first = site == &verdict.query, is_key = site == &verdict.key;
    const auto once = [&](const QString& words) { return first ? words : QString(); };
    const bool known = verdict.prompts > 0;
    const QString prompts =
        state.of > 0 ? VerdictsWindow::tr("%1 of %2").arg(verdict.prompts).arg(state.of) : QString();
    TextTable::Row row;
    for (const QString& words :
         {once(text(state.name)),
          once(!known         ? QString()
               : verdict.rope ? VerdictsWindow::tr("yes")
                              : VerdictsWindow::tr("no")),
          once(known                     ? concentratedWords(verdict)
               : state.problem.isEmpty() ? VerdictsWindow::tr("not yet")
                                         : VerdictsWindow::tr("cannot be told")),
          once(prompts), text(letter), spreadWords(site->massive), spreadWords(site->low_frequency_half, 100),
          spreadWords(site->heads, 100), spreadWords(site->stripes),
          is_key ? spreadWords(verdict.linked, 100) : QString(),
          is_key ? spreadWords(verdict.by_chance, 100) : QString()})
      row.cells.push_back({words});
    table.rows.push_back(std::move(row));
  }
}

}  // namespace

VerdictsWindow::VerdictsWindow(Session& session, QWidget* parent)
    : QDialog(parent), session_(session), runner_(session), choice_(new VerdictChoice(session, this)) {
  setObjectName(QStringLiteral("verdictsWindow"));
  setWindowTitle(tr("Verdicts"));
  setWindowFlag(Qt::WindowMaximizeButtonHint);
  auto* parts = new QSplitter(Qt::Horizontal, this);
  parts->setChildrenCollapsible(false);
  parts->addWidget(choice_);
  parts->addWidget(makeResults());
  parts->setStretchFactor(1, 1);
  parts->setSizes({300, 820});
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  save_ = buttons->addButton(tr("Save table …"), QDialogButtonBox::ActionRole);
  save_->setObjectName(QStringLiteral("verdictSave"));
  save_links_ = buttons->addButton(tr("Save links …"), QDialogButtonBox::ActionRole);
  for (QPushButton* button : {save_, save_links_}) button->setAutoDefault(false);
  auto* column = new QVBoxLayout(this);
  column->addWidget(parts, 1);
  column->addWidget(buttons);
  resize(1120, 680);

  connect(save_, &QPushButton::clicked, this, &VerdictsWindow::saveVerdicts);
  connect(save_links_, &QPushButton::clicked, this, &VerdictsWindow::saveLinks);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(choice_, &VerdictChoice::changed, this, &VerdictsWindow::showProgress);
  connect(&runner_, &VerdictRunner::changed, this, &VerdictsWindow::showState);
  connect(&runner_, &VerdictRunner::runningChanged, this, &VerdictsWindow::showState);
  connect(&runner_, &VerdictRunner::failed, this, [this](const QString& sentence) { say(sentence, true); });
  connect(&session_, &Session::busyChanged, this, &VerdictsWindow::showProgress);
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          &VerdictsWindow::showModel);
  links_timer_.setSingleShot(true);
  connect(&links_timer_, &QTimer::timeout, this, &VerdictsWindow::showLinks);
  showState();
}

QWidget* VerdictsWindow::makeResults() {
  auto* results = new QWidget(this);
  auto* column = new QVBoxLayout(results);
  column->setContentsMargins(0, 0, 0, 0);
  auto* state = new QHBoxLayout;
  progress_ = new QProgressBar(results);
  progress_->setObjectName(QStringLiteral("verdictProgress"));
  progress_->setTextVisible(false);
  progress_->setFixedWidth(220);
  state->addWidget(progress_);
  progress_text_ = new StyledLabel(Type::Small, Tone::Text, results);
  progress_text_->setObjectName(QStringLiteral("verdictProgressWords"));
  state->addWidget(progress_text_, 1);
  start_ = new QPushButton(results);
  start_->setObjectName(QStringLiteral("verdictStart"));
  start_->setDefault(true);
  connect(start_, &QPushButton::clicked, this, &VerdictsWindow::startOrStop);
  state->addWidget(start_);
  column->addLayout(state);
  message_ = StyledLabel::reading(Type::Normal, Tone::Disrupted, results);
  message_->setObjectName(QStringLiteral("verdictMessage"));
  message_->hide();
  column->addWidget(message_);

  rows_ = new QStandardItemModel(this);
  table_ = rowsTable(rows_, results);
  table_->setObjectName(QStringLiteral("verdictTable"));
  table_->setAccessibleName(tr("Verdicts on the models"));
  links_ = new QStandardItemModel(this);
  links_table_ = rowsTable(links_, results);
  links_table_->setObjectName(QStringLiteral("verdictLinks"));
  links_table_->setAccessibleName(tr("Massive values of K and Q that answer to each other"));
  for (QTableView* table : {table_, links_table_}) table->setSortingEnabled(false);
  sentence_ = StyledLabel::reading(Type::Normal, Tone::Text, results);
  sentence_->setObjectName(QStringLiteral("verdictSentence"));
  rule_ = StyledLabel::reading(Type::Small, Tone::Muted, results);
  links_text_ = StyledLabel::reading(Type::Small, Tone::Muted, results);
  links_text_->setObjectName(QStringLiteral("verdictLinksWords"));
  column->addWidget(table_, 3);
  column->addWidget(sentence_);
  column->addWidget(rule_);
  column->addWidget(links_text_);
  column->addWidget(links_table_, 2);
  return results;
}

void VerdictsWindow::showEvent(QShowEvent* event) {
  QDialog::showEvent(event);
  if (!event->spontaneous()) choice_->search();
}

void VerdictsWindow::changeEvent(QEvent* event) {
  QDialog::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) showState();
}

bool VerdictsWindow::goesOn() const {
  return !runner_.states().empty() && runner_.prompts() == choice_->prompts();
}

void VerdictsWindow::startOrStop() {
  if (runner_.isRunning()) return runner_.stop();
  message_->hide();
  const OpenModel* shown = session_.store().find(session_.store().shown());
  runner_.start(choice_->models(), choice_->prompts(), shown ? shown->source.options : LoadOptions());
}

void VerdictsWindow::showState() {
  TextTable table{columns(), {}};
  for (const VerdictState* state : runner_.states()) addRows(table, *state);
  fillTable(*table_, *rows_, table);
  if (!table_->currentIndex().isValid() && rows_->rowCount() > 0) table_->setCurrentIndex(rows_->index(0, 0));
  showProgress();
  showModel();
}

void VerdictsWindow::showProgress() {
  const bool running = runner_.isRunning();
  const std::vector<VerdictModel> models = choice_->models();
  const VerdictPrompts by = choice_->prompts();
  const bool asks = !by.prompts.empty() || !by.tasks.empty();
  std::size_t done = 0, of = 0, ended = 0;
  const auto states = runner_.states();
  for (const VerdictState* state : states) {
    done += state->found.size();
    of += std::max(state->of, state->found.size());
    ended += state->isComplete() || !state->problem.isEmpty() ? 1 : 0;
  }
  start_->setText(running ? tr("Pause") : goesOn() && ended < states.size() ? tr("Go on") : tr("Start"));
  start_->setEnabled(running || (asks && !models.empty()));
  choice_->setEnabled(!running);
  save_->setEnabled(done > 0);
  progress_->setMaximum(static_cast<int>(std::max<std::size_t>(1, of)));
  progress_->setValue(static_cast<int>(done));
  QString words;
  if (models.empty() && !running) {
    words = tr("Choose models on the left.");
  } else if (!asks && !running) {
    words = tr("Choose prompts on the left.");
  } else if (running && session_.isBusy()) {
    words = tr("Waits while the window is at work");
  } else if (running && !runner_.stage().isEmpty()) {
    words = runner_.stage() + QStringLiteral(" …");
  } else if (!states.empty()) {
    words = tr("%1 of %2, %3 of %4 prompts")
                .arg(ended)
                .arg(counted(static_cast<qint64>(states.size()), tr("1 model"), tr("%1 models")))
                .arg(done)
                .arg(of);
  } else {
    words =
        counted(static_cast<qint64>(models.size()), tr("1 model is chosen."), tr("%1 models are chosen."));
  }
  progress_text_->setText(words);
}

const VerdictState* VerdictsWindow::selected() const {
  const auto states = runner_.states();
  const int row = table_->currentIndex().row();
  const std::size_t at = static_cast<std::size_t>(std::max(0, row)) / rows_a_model;
  return row >= 0 && at < states.size() ? states[at] : nullptr;
}

void VerdictsWindow::showModel() {
  const VerdictState* state = selected();
  if (!state || state->found.empty()) {
    sentence_->setText(!state ? tr("Table 3 of the paper for models of one's own: choose which, and by which "
                                   "prompts, then Start.")
                       : state->problem.isEmpty() ? tr("%1: not yet.").arg(text(state->name))
                                                  : tr("%1: %2").arg(text(state->name), state->problem));
    rule_->clear();
    return showLinks();
  }
  const ModelVerdict verdict = summarize(state->name, state->found);
  QString words = tr("%1: Table 3 would print RoPE %2, concentrated massive values %3 (%4).")
                      .arg(text(state->name), verdict.rope ? tr("yes") : tr("no"), concentratedWords(verdict),
                           counted(static_cast<qint64>(verdict.prompts), tr("1 prompt"), tr("%1 prompts")));
  if (!state->problem.isEmpty()) words += u' ' + state->problem;
  sentence_->setText(words);
  rule_->setText(verdictRuleWords(runner_.prompts().lambda, verdict.rope, verdict.heads_share.mean,
                                  verdict.low_share.mean));
  if (!links_timer_.isActive()) links_timer_.start(runner_.isRunning() ? 1000ms : 0ms);
}

void VerdictsWindow::showLinks() {
  TextTable table{{{tr("layer"), true},
                   {tr("KV head"), true},
                   {tr("dim of K"), true},
                   {tr("query head"), true},
                   {tr("dim of Q"), true},
                   {tr("on prompts"), true}},
                  {}};
  const VerdictState* state = selected();
  std::vector<CommonLink> links;
  if (state) links = common_links(state->found);
  for (const auto& [link, prompts] : std::span(links).first(std::min(most_links, links.size()))) {
    TextTable::Row row;
    // Layers and heads are counted from one, dims from zero, as everywhere.
    for (const int number : {link.layer + 1, link.kv_head + 1, link.key_dim, link.head + 1, link.query_dim})
      row.cells.push_back({QString::number(number)});
    row.cells.push_back({tr("%1 of %2").arg(prompts).arg(state->found.size())});
    table.rows.push_back(std::move(row));
  }
  fillTable(*links_table_, *links_, table);
  save_links_->setEnabled(!links.empty());
  links_table_->setVisible(!links.empty());
  const auto count = static_cast<qint64>(links.size());
  links_text_->setText(
      count == 0
          ? QString()
          : tr("Partner links: %1 of a massive value of K and one of a query head that reads it, on the "
               "same rotary pair; those on most prompts first%2.")
                .arg(counted(count, tr("1 pair"), tr("%1 pairs")),
                     count > static_cast<qint64>(most_links)
                         ? tr(", %1 of them here, all in the file").arg(most_links)
                         : QString()));
}

void VerdictsWindow::saveVerdicts() {
  const auto make = [this] {
    std::vector<ModelVerdict> models;
    for (const VerdictState* state : runner_.states()) {
      if (!state->found.empty()) models.push_back(summarize(state->name, state->found));
    }
    return to_csv(models);
  };
  saveTable(this, tr("Save table"), QStringLiteral("verdicts"),
            {{tr("Table of values"), QStringLiteral("csv"), make}},
            [this](const QString& sentence, bool problem) { say(sentence, problem); });
}

void VerdictsWindow::saveLinks() {
  const VerdictState* state = selected();
  if (!state) return;
  const auto make = [state] { return to_csv(state->name, state->found.size(), common_links(state->found)); };
  saveTable(this, tr("Save links"), QStringLiteral("partner-links"),
            {{tr("Table of values"), QStringLiteral("csv"), make}},
            [this](const QString& sentence, bool problem) { say(sentence, problem); });
}

void VerdictsWindow::say(const QString& sentence, bool problem) {
  message_->setTone(problem ? Tone::Disrupted : Tone::Memory);
  message_->setText(sentence);
  message_->show();
}

}  // namespace qkscope

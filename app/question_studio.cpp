#include "app/question_studio.h"

#include <QComboBox>
#include <QHeaderView>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>

#include "app/problem.h"
#include "app/question_details.h"
#include "app/session.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/tasks/statistics.h"
#include "views/counted.h"
#include "views/question_model.h"
#include "views/styled_label.h"
#include "views/text.h"

// What is decided, asked and told; question_studio_parts.cpp lays it out and reads and writes files.

namespace qkscope {

QuestionStudio::QuestionStudio(Session& session, QWidget* parent)
    : QDialog(parent),
      session_(session),
      runner_(session),
      model_(new QuestionModel(this)),
      filter_(new QuestionFilter(model_, this)) {
  setWindowTitle(tr("Questions"));
  setObjectName(QStringLiteral("questionStudio"));
  setWindowFlag(Qt::WindowMaximizeButtonHint);
  setAcceptDrops(true);
  auto* column = new QVBoxLayout(this);
  column->addWidget(makeHead());
  column->addWidget(makeMiddle(), 1);
  column->addWidget(makeFoot());
  addKeys();
  resize(1240, 720);

  connect(&runner_, &ExperimentRunner::changed, this, &QuestionStudio::takeState);
  connect(&runner_, &ExperimentRunner::runningChanged, this, &QuestionStudio::showState);
  connect(&runner_, &ExperimentRunner::failed, this,
          [this](const QString& sentence) { say(sentence, true); });
  connect(&session_, &Session::busyChanged, this, &QuestionStudio::showState);
  connect(&session_, &Session::modelChanged, this, &QuestionStudio::readKept);
  connect(&reader_, &FileReader::ended, this, &QuestionStudio::showState);
  showCurrent();
  showState();
}

void QuestionStudio::takeBook(std::shared_ptr<QaBook> book) {
  book_ = std::move(book);
  model_->setBook(book_);
  system_->setText(text(usual_asking(book_->set()).system));
  kind_->setCurrentIndex(0);
  words_->clear();
  if (filter_->rowCount() > 0) table_->selectRow(0);
  table_->setFocus();
  message_->hide();
  const auto& problems = book_->set().problems;
  if (!problems.empty()) {
    say(tr("%1 left out. Row %2: %3.")
            .arg(counted(static_cast<qint64>(problems.size()), tr("1 row is"), tr("%1 rows are")))
            .arg(static_cast<qulonglong>(problems.front().row))
            .arg(text(problems.front().what)),
        true);
  }
  readKept();
}

void QuestionStudio::readKept() {
  state_ = {};
  if (runner_.isRunning() && !runner_.isEstimating()) return showState();
  if (book_) {
    QaAnswers answers;
    if (const auto& model = session_.model()) {
      const auto problem =
          problemOf(tr("There is not enough memory for the answers of earlier checks."),
                    [&] { answers = kept_qa_answers(book_->folder(), check(), model->card().name); });
      if (problem && !problem->isEmpty()) say(*problem, true);
      if (isVisible() && !book_->decisions().not_rejected().empty())
        runner_.estimate(check(), book_->folder());
    }
    model_->setAnswers(answers);
  }
  showCurrent();
  showCounts();
  showState();
}

QaAsking QuestionStudio::asking() const {
  QaAsking asking;
  asking.system = system_->text().trimmed().toStdString();
  return asking;
}

Experiment QuestionStudio::check() const {
  return qa_check(book_->set(), book_->decisions().not_rejected(), asking());
}

void QuestionStudio::checkOrStop() {
  if (runner_.isRunning() && !runner_.isEstimating()) return runner_.stop();
  if (!book_ || !session_.model()) return;
  message_->hide();
  if (book_->decisions().not_rejected().empty()) return say(tr("All questions are rejected."), true);
  runner_.start(check(), book_->folder());
}

void QuestionStudio::takeState() {
  state_ = runner_.state();
  if (book_ && state_.plan && state_.results) {
    model_->addAnswers(qa_answers(*state_.plan, *state_.results));  // rejected ones are not asked again
    showCurrent();
    showCounts();
  }
  showState();
}

int QuestionStudio::currentRow() const {
  const QModelIndex at = filter_->mapToSource(table_->currentIndex());
  return at.isValid() ? at.row() : -1;
}

void QuestionStudio::changeBook(const std::function<void()>& change) {
  if (!book_) return;
  message_->hide();
  const auto problem = problemOf(tr("There is not enough memory to keep this decision."), change);
  if (problem && !problem->isEmpty()) say(*problem, true);
  model_->decisionsChanged();
  showCurrent();
  showCounts();
  showState();
}

void QuestionStudio::decide(QaState state) {
  if (!book_) return;
  std::vector<QaStep> steps;
  int last = -1;
  for (const QModelIndex& index : table_->selectionModel()->selectedRows()) {
    const auto item = static_cast<std::size_t>(filter_->mapToSource(index).row());
    last = std::max(last, index.row());
    const bool keeps_reason = state == book_->decisions().of(item).state;
    steps.push_back({item, {state, keeps_reason ? book_->decisions().of(item).reason : std::string()}});
  }
  if (steps.empty()) return;
  // Where the filter takes the decided ones away, the next one stands by then in their place.
  const QPersistentModelIndex next(filter_->index(std::min(last + 1, filter_->rowCount() - 1), 0));
  changeBook([&] { book_->decide(steps); });
  if (next.isValid()) {
    table_->selectRow(next.row());
  } else if (filter_->rowCount() > 0) {
    table_->selectRow(filter_->rowCount() - 1);
  }
}

void QuestionStudio::step(std::vector<std::size_t> (QaBook::*way)()) {
  std::vector<std::size_t> items;
  changeBook([&] { items = (book_.get()->*way)(); });
  if (items.empty()) return;
  const QModelIndex first = filter_->mapFromSource(model_->index(static_cast<int>(items.front()), 0));
  if (first.isValid()) table_->selectRow(first.row());
}

void QuestionStudio::rejectRepeated() {
  if (!book_) return;
  const QaSet& set = book_->set();
  std::vector<QaStep> steps;
  for (const QaDuplicates& group : find_duplicates(set, book_->decisions().not_rejected())) {
    for (const std::size_t item : repeated(std::span(&group, 1))) {
      const std::string first = std::to_string(set.items[group.items.front()].row);
      steps.push_back({item, {QaState::Rejected, "the same as row " + first}});
    }
  }
  changeBook([&] { book_->decide(steps); });
  say(steps.empty() ? tr("No question is asked twice with the same answer.")
                    : tr("%1 rejected: the first of each stays. Ctrl+Z takes it back.")
                          .arg(counted(static_cast<qint64>(steps.size()), tr("1 repeated question is"),
                                       tr("%1 repeated questions are"))),
      false);
}

void QuestionStudio::balance(QaBalance by, std::uint64_t seed) {
  if (!book_) return;
  std::vector<QaStep> steps;
  for (const std::size_t item : qa_surplus(book_->set(), book_->decisions().not_rejected(), by, seed))
    steps.push_back({item, {QaState::Rejected, "too many alike, drawn with seed " + std::to_string(seed)}});
  changeBook([&] { book_->decide(steps); });
}

void QuestionStudio::openQuestion() {
  const int row = currentRow();
  if (row < 0) return;
  const QaItem& item = book_->set().items[static_cast<std::size_t>(row)];
  Prompt prompt;
  prompt.kind = PromptKind::Memory;
  // A prompt of the window has no system turn: what it would say begins the question, as where a template
  // refuses one.
  const Task task = qa_task(book_->set(), std::vector<std::size_t>{static_cast<std::size_t>(row)}, asking());
  const auto problem = problemOf(tr("There is not enough memory to ask this."), [&] {
    const std::string system = filled_text(task.system, task.items.front(), "The system prompt");
    prompt.text = text(system.empty() ? item.question : system + "\n\n" + item.question);
    prompt.expected = text(item.answers.front());
  });
  if (problem && !problem->isEmpty()) return say(*problem, true);
  Q_EMIT openRequested(prompt, {tr("baseline"), {}, 0});
}

void QuestionStudio::showCurrent() {
  details_->showRow(currentRow());
}

void QuestionStudio::showCounts() {
  if (!book_) return;
  const QaSet& set = book_->set();
  const QaDecisions& decisions = book_->decisions();
  QStringList parts{counted(static_cast<qint64>(set.items.size()), tr("1 question"), tr("%1 questions"))};
  const std::vector<std::size_t> left = decisions.not_rejected();
  if (set.yes_no) {
    const auto groups = qa_groups(set, left, QaBalance::Answer);
    const auto count = [&](const char* answer) {
      const auto found = groups.find(answer);
      return found == groups.end() ? std::size_t{0} : found->second.size();
    };
    parts << tr("left: %1 yes, %2 no").arg(count("Yes")).arg(count("No"));
  } else {
    parts << tr("%1 left").arg(left.size());
  }
  parts << tr("%1 accepted, %2 rejected, %3 undecided")
               .arg(decisions.in(QaState::Accepted).size())
               .arg(decisions.in(QaState::Rejected).size())
               .arg(decisions.in(QaState::Undecided).size());
  std::int64_t asked = 0, right = 0;
  for (const std::size_t item : left) {
    const auto& said = model_->answer(static_cast<int>(item));
    asked += said ? 1 : 0;
    right += said && said->verdict.right ? 1 : 0;
  }
  if (asked > 0) {
    const Interval interval = wilson(right, asked);
    parts << tr("model: %1 of %2 right (%3 to %4 %)")
                 .arg(right)
                 .arg(asked)
                 .arg(100 * interval.low, 0, 'f', 0)
                 .arg(100 * interval.high, 0, 'f', 0);
  }
  counts_->setText(parts.join(QStringLiteral(" · ")));
  for (int kind = 0; kind < QuestionFilter::KindCount; ++kind) {
    int count = 0;
    for (int row = 0; row < model_->rowCount(); ++row)
      count += QuestionFilter::is(*model_, row, static_cast<QuestionFilter::Kind>(kind)) ? 1 : 0;
    kind_->setItemText(
        kind,
        tr("%1 (%2)").arg(QuestionFilter::kindText(static_cast<QuestionFilter::Kind>(kind))).arg(count));
  }
}

void QuestionStudio::showState() {
  const bool running = runner_.isRunning() && !runner_.isEstimating();
  const bool has_row = currentRow() >= 0;
  check_->setText(running ? tr("Stop") : tr("Check with the model"));
  choose_->setEnabled(!columns_.isEmpty() && !reader_.isReading());
  check_->setEnabled(running || (book_ && session_.model()));
  system_->setEnabled(book_ && !running);
  for (QPushButton* button : {accept_, reject_, undecide_, open_}) button->setEnabled(has_row);
  for (QPushButton* button : {repeated_, balance_, export_}) button->setEnabled(book_ != nullptr);
  undo_->setEnabled(book_ && book_->can_undo());
  redo_->setEnabled(book_ && book_->can_redo());
  const ExperimentProgress& at = state_.progress;
  progress_->setVisible(running);
  progress_->setMaximum(static_cast<int>(std::max<std::size_t>(1, at.of)));
  progress_->setValue(static_cast<int>(at.done));
  QString words;
  if (reader_.isReading()) {
    words = tr("Reading …");
  } else if (!book_) {
    words = tr("Open a file of questions, or drop one here: .csv, .json or .jsonl, also with .gz.");
  } else if (!session_.model()) {
    words = tr("Open a model to check the questions with it.");
  } else if (running) {
    words = at.of == 0 ? tr("Writing the questions …") : tr("%1 of %2 asked").arg(at.done).arg(at.of);
    if (at.remaining_ms >= 0) words += tr(" · %1 left").arg(text(time_text(at.remaining_ms)));
    if (session_.isBusy()) words += tr(" · waits while the window is at work");
  } else if (runner_.isEstimating()) {
    words = tr("Measuring how long a check takes …");
  } else if (state_.estimate && state_.estimate->answers > 0) {
    words =
        tr("%1 to ask, at most %2")
            .arg(counted(static_cast<qint64>(state_.estimate->answers), tr("1 question"), tr("%1 questions")))
            .arg(text(time_text(state_.estimate->most_ms)));
  }
  progress_text_->setText(words);
}

void QuestionStudio::say(const QString& sentence, bool problem) {
  message_->setTone(problem ? Tone::Disrupted : Tone::Memory);
  message_->setText(sentence);
  message_->show();
}

}  // namespace qkscope

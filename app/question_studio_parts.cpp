#include <QComboBox>
#include <QDialogButtonBox>
#include <QDir>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QMenu>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QShortcut>
#include <QSplitter>
#include <QStandardPaths>
#include <QTableView>
#include <QVBoxLayout>

#include "app/problem.h"
#include "app/question_details.h"
#include "app/question_dialogs.h"
#include "app/question_studio.h"
#include "app/session.h"
#include "app/settings.h"
#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/atomic_file.h"
#include "core/io/table_file.h"
#include "core/tasks/identity.h"
#include "core/tasks/qa_export.h"
#include "views/question_model.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/text.h"

// What the window of questions is made of, and its files.

namespace qkscope {

namespace {

const QString purpose = QStringLiteral("questions");

/// Beside the file where that can be written to, else in the user's own folder.
std::filesystem::path folderOf(const QString& path) {
  const QFileInfo info(path);
  const std::filesystem::path beside = qa_folder(info.absoluteFilePath().toStdString());
  const QFileInfo there(text(beside.string()));
  if (there.exists() ? there.isWritable() : QFileInfo(info.absolutePath()).isWritable()) return beside;
  const QString own = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
  return QStringLiteral("%1/questions/%2-%3.studio")
      .arg(own, info.fileName(), text(Hash().add(beside.string()).text().substr(0, 8)))
      .toStdString();
}

}  // namespace

QWidget* QuestionStudio::makeHead() {
  auto* head = new QWidget(this);
  auto* column = new QVBoxLayout(head);
  column->setContentsMargins(0, 0, 0, 0);
  auto* row = new QHBoxLayout;
  auto* browse_button = new QPushButton(tr("Open a file …"), head);
  browse_button->setAutoDefault(false);
  row->addWidget(browse_button);
  row->addWidget(choose_ =
                     addButton("questionColumnsButton", tr("Columns …"),
                               tr("Which columns of the file are question, answer, category and fact")));
  file_ = new StyledLabel(Type::Strong, Tone::Text, head);
  row->addWidget(file_, 1);
  kind_ = new QComboBox(head);
  kind_->setObjectName(QStringLiteral("questionKind"));
  kind_->setAccessibleName(tr("Which questions are listed"));
  for (int kind = 0; kind < QuestionFilter::KindCount; ++kind)
    kind_->addItem(QuestionFilter::kindText(static_cast<QuestionFilter::Kind>(kind)));
  kind_->setMinimumContentsLength(24);
  row->addWidget(kind_);
  words_ = new QLineEdit(head);
  words_->setObjectName(QStringLiteral("questionWords"));
  words_->setAccessibleName(tr("Words that the listed questions have"));
  words_->setPlaceholderText(tr("Find"));
  words_->setClearButtonEnabled(true);
  words_->setMaximumWidth(220);
  row->addWidget(words_);
  column->addLayout(row);
  counts_ = StyledLabel::reading(Type::Small, Tone::Muted, head);
  counts_->setObjectName(QStringLiteral("questionCounts"));
  column->addWidget(counts_);
  auto* ask = new QHBoxLayout;
  check_ =
      addButton("questionCheck", tr("Check with the model"),
                tr("Asks every question that is not rejected and not answered yet, behind whatever is done "
                   "in the window"));
  ask->addWidget(check_);
  system_ = new QLineEdit(head);
  system_->setObjectName(QStringLiteral("questionSystem"));
  system_->setAccessibleName(tr("System prompt"));
  system_->setPlaceholderText(tr("no system prompt"));
  system_->setToolTip(
      tr("The system prompt; {category} and other columns in braces stand for the question's"));
  ask->addWidget(system_, 1);
  progress_ = new QProgressBar(head);
  progress_->setObjectName(QStringLiteral("questionProgress"));
  progress_->setTextVisible(false);
  progress_->setFixedWidth(160);
  ask->addWidget(progress_);
  progress_text_ = new StyledLabel(Type::Small, Tone::Text, head);
  progress_text_->setObjectName(QStringLiteral("questionProgressWords"));
  ask->addWidget(progress_text_, 2);
  column->addLayout(ask);
  message_ = StyledLabel::reading(Type::Normal, Tone::Disrupted, head);
  message_->setObjectName(QStringLiteral("questionMessage"));
  message_->hide();
  column->addWidget(message_);
  connect(browse_button, &QPushButton::clicked, this, &QuestionStudio::browse);
  connect(choose_, &QPushButton::clicked, this, &QuestionStudio::askColumns);
  connect(check_, &QPushButton::clicked, this, &QuestionStudio::checkOrStop);
  connect(system_, &QLineEdit::editingFinished, this, [this] {
    if (book_ && system_->isModified()) readKept();
    system_->setModified(false);
  });
  connect(kind_, &QComboBox::currentIndexChanged, this, [this](int kind) {
    filter_->setKind(static_cast<QuestionFilter::Kind>(kind));
    if (!table_->currentIndex().isValid() && filter_->rowCount() > 0) table_->selectRow(0);
  });
  connect(words_, &QLineEdit::textChanged, this, [this](const QString& words) {
    filter_->setWords(words);
    if (!table_->currentIndex().isValid() && filter_->rowCount() > 0) table_->selectRow(0);
  });
  return head;
}

QWidget* QuestionStudio::makeMiddle() {
  auto* parts = new QSplitter(Qt::Horizontal, this);
  parts->setChildrenCollapsible(false);
  table_ = rowsTable(filter_, this);
  table_->setObjectName(QStringLiteral("questionTable"));
  table_->setAccessibleName(tr("Questions"));
  table_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  table_->setWordWrap(false);
  table_->sortByColumn(QuestionModel::RowColumn, Qt::AscendingOrder);
  QHeaderView* header = table_->horizontalHeader();
  header->setSectionResizeMode(QHeaderView::Interactive);
  header->setSectionResizeMode(QuestionModel::QuestionColumn, QHeaderView::Stretch);
  const std::pair<int, const char*> widths[] = {{QuestionModel::RowColumn, "00000"},
                                                {QuestionModel::ExpectedColumn, "New Delhi"},
                                                {QuestionModel::CategoryColumn, "technology"},
                                                {QuestionModel::StateColumn, "undecided"},
                                                {QuestionModel::AnswerColumn, "✓ Yes, the answer is"},
                                                {QuestionModel::PublishedColumn, "published rule"}};
  for (const auto& [section, words] : widths)
    header->resizeSection(section, fontMetrics().horizontalAdvance(QString::fromUtf8(words)) + 22);
  parts->addWidget(table_);
  details_ = new QuestionDetails(model_, this);
  parts->addWidget(details_);
  parts->setStretchFactor(0, 1);
  parts->setSizes({940, 280});
  connect(table_->selectionModel(), &QItemSelectionModel::currentChanged, this, [this] {
    showCurrent();
    showState();
  });
  connect(details_, &QuestionDetails::reasonWritten, this, [this](const QString& reason) {
    const int row = currentRow();
    if (row < 0) return;
    const auto item = static_cast<std::size_t>(row);
    const QaStep step{item, {book_->decisions().of(item).state, reason.toStdString()}};
    changeBook([&] { book_->decide({step}); });
    table_->setFocus();
  });
  connect(table_, &QTableView::activated, this, &QuestionStudio::openQuestion);
  return parts;
}

QPushButton* QuestionStudio::addButton(const char* name, const QString& words, const QString& tip) {
  auto* button = new QPushButton(words, this);
  button->setObjectName(QLatin1String(name));
  button->setToolTip(tip);
  button->setAutoDefault(false);
  return button;
}

QWidget* QuestionStudio::makeFoot() {
  auto* foot = new QWidget(this);
  auto* row = new QHBoxLayout(foot);
  row->setContentsMargins(0, 0, 0, 0);
  const auto add = [&](QPushButton*& button, const char* name, const QString& words, const QString& tip) {
    row->addWidget(button = addButton(name, words, tip));
  };
  add(accept_, "questionAccept", tr("Accept"), tr("The selected questions: A"));
  add(reject_, "questionReject", tr("Reject"), tr("The selected questions: R"));
  add(undecide_, "questionUndecide", tr("Undecided"), tr("The selected questions: U"));
  add(undo_, "questionUndo", tr("Undo"), tr("The last decision: Ctrl+Z"));
  add(redo_, "questionRedo", tr("Redo"), tr("What was undone: Ctrl+Shift+Z"));
  row->addStretch(1);
  add(repeated_, "questionRepeated", tr("Reject repeats"),
      tr("Rejects what is asked again, but for case, blanks and punctuation, with the same answer"));
  add(balance_, "questionBalanceButton", tr("Balance …"),
      tr("Drops questions at random until each answer or category comes equally often"));
  add(export_, "questionExport", tr("Export"), tr("Writes a file of questions, or a task for experiments"));
  auto* menu = new QMenu(export_);
  menu->addAction(tr("All that are not &rejected …"), this, [this] { exportDialog(false); });
  menu->addAction(tr("The &accepted alone …"), this, [this] { exportDialog(true); });
  export_->setMenu(menu);
  add(open_, "questionOpen", tr("Ask in the window"), tr("The selected question as a prompt: Enter"));
  auto* close = new QPushButton(tr("Close"), foot);
  close->setAutoDefault(false);
  row->addWidget(close);
  connect(accept_, &QPushButton::clicked, this, [this] { decide(QaState::Accepted); });
  connect(reject_, &QPushButton::clicked, this, [this] { decide(QaState::Rejected); });
  connect(undecide_, &QPushButton::clicked, this, [this] { decide(QaState::Undecided); });
  connect(undo_, &QPushButton::clicked, this, [this] { step(&QaBook::undo); });
  connect(redo_, &QPushButton::clicked, this, [this] { step(&QaBook::redo); });
  connect(repeated_, &QPushButton::clicked, this, &QuestionStudio::rejectRepeated);
  connect(balance_, &QPushButton::clicked, this, &QuestionStudio::balanceDialog);
  connect(open_, &QPushButton::clicked, this, &QuestionStudio::openQuestion);
  connect(close, &QPushButton::clicked, this, &QDialog::reject);
  return foot;
}

void QuestionStudio::addKeys() {
  const std::pair<QKeySequence, QPushButton*> keys[] = {
      {QKeySequence(Qt::Key_A), accept_},
      {QKeySequence(Qt::Key_R), reject_},
      {QKeySequence(Qt::Key_U), undecide_},
      {QKeySequence(Qt::CTRL | Qt::Key_Z), undo_},
      {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Z), redo_}};
  for (const auto& [key, button] : keys) {
    auto* shortcut = new QShortcut(key, table_);
    shortcut->setContext(Qt::WidgetShortcut);  // elsewhere they are letters of a text
    connect(shortcut, &QShortcut::activated, button, &QPushButton::click);
  }
  auto* find = new QShortcut(QKeySequence(Qt::CTRL | Qt::Key_F), this);
  connect(find, &QShortcut::activated, words_, [this] { words_->setFocus(Qt::ShortcutFocusReason); });
}

void QuestionStudio::openFile(const QString& path) {
  openFile(path, {});
}

void QuestionStudio::openFile(const QString& path, const QaColumns& columns) {
  message_->hide();
  runner_.stop();
  // Decisions of one file are kept by one window at a time: this one lets the old file go first.
  model_->setBook(nullptr);
  book_.reset();
  state_ = {};
  path_ = path;
  columns_.clear();
  file_->setText(QFileInfo(path).fileName());
  file_->setToolTip(QDir::toNativeSeparators(path));
  counts_->setText(QString());
  reader_.read([this, path, columns, folder = folderOf(path)](std::stop_token stop) -> std::function<void()> {
    std::shared_ptr<QaBook> book;
    QStringList names;
    QaColumns known;
    const auto problem = problemOf(tr("There is not enough memory for this file."), [&] {
      const std::filesystem::path file = QFileInfo(path).absoluteFilePath().toStdString();
      const std::string what = "The data set " + in_quotes(file.string());
      {
        Budget budget(what, stop);
        const TableFile table = read_table(file, budget);
        known = qa_columns(table.columns, columns);
        for (const std::string& name : table.columns) names << text(name);
      }
      Budget budget(what, stop);
      book = std::make_shared<QaBook>(file, columns, folder, budget);
    });
    if (!problem) return {};
    return [this, book, names, known, words = *problem] {
      columns_ = names;
      chosen_ = known;
      if (book) return takeBook(book);
      say(words, true);
      showState();
      if (!names.isEmpty() && (known.question.empty() || known.answer.empty())) askColumns();
    };
  });
  showCurrent();
  showState();
}

void QuestionStudio::askColumns() {
  auto* dialog = new QuestionColumnsDialog(QFileInfo(path_).fileName(), columns_, chosen_, this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this, [this, dialog] { openFile(path_, dialog->columns()); });
  dialog->open();
}

void QuestionStudio::browse() {
  const QString path = QFileDialog::getOpenFileName(
      this, tr("Questions"), Settings().folder(purpose),
      tr("Questions (*.csv *.json *.jsonl *.csv.gz *.json.gz *.jsonl.gz);;All files (*)"));
  if (path.isEmpty()) return;
  Settings().setFolder(purpose, QFileInfo(path).absolutePath());
  openFile(path);
}

void QuestionStudio::balanceDialog() {
  auto* dialog = new QuestionBalanceDialog(*book_, this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this, [this, dialog] { balance(dialog->by(), dialog->seed()); });
  dialog->open();
}

void QuestionStudio::write(const QString& path, Format format, bool accepted) const {
  const QaSet& set = book_->set();
  const std::vector<std::size_t> items =
      accepted ? book_->decisions().in(QaState::Accepted) : book_->decisions().not_rejected();
  if (items.empty())
    throw Error(accepted ? "No question is accepted: accept some with A" : "All questions are rejected");
  AtomicFile file(path.toStdString());
  file.write(format == Format::Published ? to_published_qa(set, items)
             : format == Format::Lines   ? to_qa_lines(set, items)
                                         : to_qa_task(set, items, asking()));
  file.commit();
}

void QuestionStudio::exportDialog(bool accepted) {
  const std::pair<Format, QString> formats[] = {
      {Format::Task, tr("Task for experiments (*.json)")},
      {Format::Published, tr("Schema of the published sets (*.json)")},
      {Format::Lines, tr("A question a line (*.jsonl)")}};
  QStringList filters;
  for (const auto& [format, words] : formats) filters << words;
  QString filter;
  QString path = QFileDialog::getSaveFileName(
      this, tr("Export questions"),
      Settings().folder(purpose) + u'/' + text(book_->set().name) + QStringLiteral("-selected.json"),
      filters.join(QStringLiteral(";;")), &filter);
  if (path.isEmpty()) return;
  Settings().setFolder(purpose, QFileInfo(path).absolutePath());
  const auto chosen = static_cast<std::size_t>(std::max<qsizetype>(0, filters.indexOf(filter)));
  Format format = formats[chosen].first;
  const QString suffix = QFileInfo(path).suffix().toLower();
  if (suffix == QStringLiteral("jsonl")) format = Format::Lines;
  if (suffix.isEmpty()) path += format == Format::Lines ? QStringLiteral(".jsonl") : QStringLiteral(".json");
  const auto problem = problemOf(tr("There is not enough memory to write these questions."),
                                 [&] { write(path, format, accepted); });
  if (problem) {
    say(problem->isEmpty() ? tr("Written: %1").arg(QDir::toNativeSeparators(path)) : *problem,
        !problem->isEmpty());
  }
}

void QuestionStudio::showEvent(QShowEvent* event) {
  QDialog::showEvent(event);
  if (!event->spontaneous()) readKept();
}

void QuestionStudio::dragEnterEvent(QDragEnterEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  if (urls.size() == 1 && urls.front().isLocalFile()) event->acceptProposedAction();
}

void QuestionStudio::dropEvent(QDropEvent* event) {
  event->acceptProposedAction();
  openFile(event->mimeData()->urls().front().toLocalFile());
}

}  // namespace qkscope

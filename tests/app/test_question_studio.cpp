#include <QApplication>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTableView>

#include "app/question_dialogs.h"
#include "app/question_studio.h"
#include "app/theme.h"
#include "core/tasks/qa_export.h"
#include "tests/app/loaded_window_test.h"
#include "tests/support/file_bytes.h"
#include "views/question_model.h"

namespace qkscope::test {

namespace {

constexpr int kMany = 150;

}  // namespace

/// A file of questions from the window: read, decided by keys, found again, asked behind the window, written.
class TestQuestionStudio : public LoadedWindowTestCase {
  Q_OBJECT

  const QString six_ = QStringLiteral(
      "question,answer,category,correct_fact\n"
      "Is Paris in France?,true,city,Paris is in France\n"
      "is  PARIS in france,Yes,city,\n"
      "Is France in Paris?,no,city,\n"
      "Is ice cold?,true,stuff,\n"
      "Is ice cold,false,stuff,\n"
      "Is fire hot?,true,stuff,\n");

  QString file(const char* name, const QString& text) const {
    const QString path = folder_.filePath(QString::fromLatin1(name));
    write_file(path.toStdString(), text.toStdString());
    return path;
  }

  struct Parts {
    Ready ready;
    QuestionStudio studio{ready.window.session(), &ready.window};
    QuestionModel* model = studio.findChild<QuestionModel*>();
    QuestionFilter* filter = studio.findChild<QuestionFilter*>();
    QTableView* table = part<QTableView>("questionTable");
    QComboBox* kind = part<QComboBox>("questionKind");

    template <typename Widget>
    Widget* part(const char* name) const {
      return studio.findChild<Widget*>(QLatin1String(name));
    }
    void click(const char* name) const { part<QPushButton>(name)->click(); }
    QString words(const char* name) const {
      const auto* label = part<QLabel>(name);
      return label->isHidden() ? QString() : label->text();
    }
    QString said() const { return words("questionMessage"); }
    bool open(const QString& path, const QaColumns& columns = {}) {
      studio.show();
      studio.openFile(path, columns);
      return QTest::qWaitFor([&] { return !studio.isReading(); }, 20000) && model->book();
    }
    QStringList states() const {
      QStringList list;
      for (int row = 0; row < model->rowCount(); ++row)
        list << model->index(row, QuestionModel::StateColumn).data().toString().left(1);
      return list;
    }
    void press(Qt::Key key, Qt::KeyboardModifiers with = {}) const { QTest::keyClick(table, key, with); }
    bool checked() {
      return QTest::qWaitFor([&] { return !studio.runner().isRunning(); }, 60000);
    }
  };

 private Q_SLOTS:
  void init() { qputenv("XDG_DATA_HOME", folder_.path().toUtf8()); }

  /// A, R and U go to the next question, Ctrl+Z goes back, and another window finds what was decided.
  void keysDecideAndAreKept() {
    const QString path = file("keys.csv", six_);
    {
      Parts parts;
      QVERIFY(parts.open(path));
      QCOMPARE(parts.said(), QString());
      QCOMPARE(parts.model->rowCount(), 6);
      parts.studio.activateWindow();
      QVERIFY(QTest::qWaitFor([&] { return parts.table->hasFocus(); }));
      parts.press(Qt::Key_A);
      parts.press(Qt::Key_R);
      parts.press(Qt::Key_A);
      QCOMPARE(parts.states().join(QString()), QStringLiteral("arauuu"));
      QCOMPARE(parts.table->currentIndex().row(), 3);
      parts.press(Qt::Key_Up);
      parts.press(Qt::Key_U);
      QCOMPARE(parts.states().join(QString()), QStringLiteral("aruuuu"));
      parts.press(Qt::Key_Z, Qt::ControlModifier);
      QCOMPARE(parts.states().join(QString()), QStringLiteral("arauuu"));
      parts.press(Qt::Key_Z, Qt::ControlModifier);
      parts.press(Qt::Key_Z, Qt::ControlModifier);
      QCOMPARE(parts.states().join(QString()), QStringLiteral("auuuuu"));
      parts.press(Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
      QCOMPARE(parts.states().join(QString()), QStringLiteral("aruuuu"));
      // Why: the reason of the question that is shown.
      parts.table->selectRow(1);
      auto* reason = parts.part<QLineEdit>("questionReason");
      reason->setText(QStringLiteral("asked before"));
      QTest::keyClick(reason, Qt::Key_Return);
      QVERIFY(parts.words("questionCounts").contains(QStringLiteral("1 accepted, 1 rejected, 4 undecided")));
    }
    Parts again;
    QVERIFY(again.open(path));
    QCOMPARE(again.states().join(QString()), QStringLiteral("aruuuu"));
    QCOMPARE(again.model->book()->decisions().of(1).reason, std::string("asked before"));
    QVERIFY(!again.model->book()->can_undo());
    // The same file once more in the same window: it lets itself go first.
    QVERIFY(again.open(path));
    QCOMPARE(again.states().join(QString()), QStringLiteral("aruuuu"));
    // Another window does not decide the same file.
    QuestionStudio other(again.ready.window.session(), &again.ready.window);
    other.openFile(path);
    QTRY_VERIFY_WITH_TIMEOUT(!other.isReading(), 20000);
    QVERIFY(other.findChild<QLabel*>(QStringLiteral("questionMessage"))
                ->text()
                .contains(QStringLiteral("decisions.jsonl")));
  }

  /// What leaves the list when it is decided makes room for the next one.
  void filtersAndDuplicates() {
    Parts parts;
    QVERIFY(parts.open(file("filters.csv", six_)));
    const auto listed = [&](QuestionFilter::Kind kind) {
      parts.kind->setCurrentIndex(kind);
      QStringList rows;
      for (int row = 0; row < parts.filter->rowCount(); ++row)
        rows << parts.filter->index(row, QuestionModel::RowColumn).data().toString();
      return rows.join(u' ');
    };
    QCOMPARE(listed(QuestionFilter::Duplicates), QStringLiteral("2 3 4 5 6"));
    QVERIFY(parts.kind->currentText().contains(QStringLiteral("(5)")));
    parts.table->selectRow(0);
    QCOMPARE(parts.words("questionOthers"),
             QStringLiteral("row 3 (undecided, answer Yes)\nrow 4 (undecided, answer No), in other order"));
    parts.click("questionRepeated");
    QVERIFY(parts.said().contains(QStringLiteral("1 repeated question")));
    QCOMPARE(parts.states().join(QString()), QStringLiteral("uruuuu"));
    QCOMPARE(parts.model->book()->decisions().of(1).reason, std::string("the same as row 2"));
    parts.click("questionRepeated");
    QVERIFY(parts.said().contains(QStringLiteral("No question")));
    QCOMPARE(listed(QuestionFilter::Duplicates), QStringLiteral("2 4 5 6"));
    QCOMPARE(listed(QuestionFilter::Undecided), QStringLiteral("2 4 5 6 7"));
    parts.table->selectRow(1);
    parts.studio.decide(QaState::Accepted);
    QCOMPARE(parts.filter->rowCount(), 4);
    QCOMPARE(parts.table->currentIndex().siblingAtColumn(0).data().toInt(), 5);
    parts.table->selectAll();
    parts.studio.decide(QaState::Rejected);
    QCOMPARE(parts.filter->rowCount(), 0);
    QVERIFY(!parts.part<QPushButton>("questionAccept")->isEnabled());
    parts.click("questionUndo");
    QCOMPARE(parts.filter->rowCount(), 4);
    parts.kind->setCurrentIndex(QuestionFilter::All);
    parts.part<QLineEdit>("questionWords")->setText(QStringLiteral("ICE"));
    QCOMPARE(parts.filter->rowCount(), 2);
  }

  void balances() {
    Parts parts;
    QVERIFY(parts.open(file("balance.csv", six_)));
    QuestionBalanceDialog dialog(*parts.model->book(), &parts.studio);
    auto* outcome = dialog.findChild<QLabel*>(QStringLiteral("balanceOutcome"));
    QVERIFY(outcome->text().contains(QStringLiteral("2 questions are rejected, 4 stay")));
    dialog.findChild<QComboBox*>(QStringLiteral("balanceBy"))->setCurrentIndex(1);
    QCOMPARE(outcome->text(), QStringLiteral("Nothing has to go."));
    dialog.findChild<QComboBox*>(QStringLiteral("balanceBy"))->setCurrentIndex(2);
    dialog.findChild<QSpinBox*>(QStringLiteral("balanceSeed"))->setValue(5);
    parts.studio.balance(dialog.by(), dialog.seed());
    const auto groups = qa_groups(parts.model->book()->set(), parts.model->book()->decisions().not_rejected(),
                                  QaBalance::Both);
    QCOMPARE(groups.size(), 4u);
    for (const auto& [name, items] : groups) QCOMPARE(items.size(), 1u);
    parts.click("questionUndo");
    QCOMPARE(parts.states().join(QString()), QStringLiteral("uuuuuu"));
  }

  /// Asked behind the window; stopped, gone on with and found again; judged by both rules.
  void theModelIsAsked() {
    QString many = QStringLiteral("question,answer\n");
    for (int i = 0; i < kMany; ++i)
      many += QStringLiteral("Is she Lily%1?,%2\n")
                  .arg(i)
                  .arg(i % 2 ? QStringLiteral("yes") : QStringLiteral("no"));
    const QString path = file("asked.csv", many);
    Parts parts;
    QVERIFY(parts.ready.there);
    QVERIFY(parts.open(path));
    parts.part<QLineEdit>("questionSystem")->clear();
    QTRY_VERIFY_WITH_TIMEOUT(parts.words("questionProgressWords").contains(QStringLiteral("at most")), 60000);
    const auto answered = [&] {
      int count = 0;
      for (int row = 0; row < parts.model->rowCount(); ++row) count += parts.model->answer(row) ? 1 : 0;
      return count;
    };
    QCOMPARE(answered(), 0);
    parts.table->selectRow(kMany - 1);
    parts.studio.decide(QaState::Rejected);
    parts.click("questionCheck");
    QCOMPARE(parts.part<QPushButton>("questionCheck")->text(), QStringLiteral("Stop"));
    QTRY_VERIFY_WITH_TIMEOUT(answered() > 0, 60000);
    parts.click("questionCheck");
    QVERIFY(!parts.studio.runner().isRunning());
    QTest::qWait(200);
    QVERIFY(answered() < kMany - 1);
    parts.click("questionCheck");
    // What is done in the window goes first.
    parts.ready.window.commands().run(QStringLiteral("disrupt"));
    QVERIFY(finish(parts.ready.window.session()));
    QVERIFY(parts.checked());
    QCOMPARE(parts.said(), QString());
    QCOMPARE(answered(), kMany - 1);  // the rejected one is not asked
    QVERIFY(!parts.model->answer(kMany - 1));
    // As many as the file of results has lines: none was asked twice.
    const std::string results = read_file(path.toStdString() + ".studio/results.jsonl");
    QCOMPARE(std::ranges::count(results, '\n'), kMany - 1);
    int right = 0;
    for (int row = 0; row < kMany - 1; ++row) {
      const QaVerdict& verdict = parts.model->answer(row)->verdict;
      const std::string said = parts.model->answer(row)->text.toStdString();
      QVERIFY((verdict == qa_verdict(parts.model->book()->set(),
                                     parts.model->book()->set().items[static_cast<std::size_t>(row)], said)));
      right += verdict.right ? 1 : 0;
    }
    QVERIFY(parts.words("questionCounts")
                .contains(QStringLiteral("model: %1 of %2 right").arg(right).arg(kMany - 1)));
    parts.kind->setCurrentIndex(QuestionFilter::Wrong);
    QCOMPARE(parts.filter->rowCount(), kMany - 1 - right);

    // What was answered before it was rejected stays so, though it is not asked again.
    parts.kind->setCurrentIndex(QuestionFilter::All);
    parts.table->selectRow(0);
    parts.studio.decide(QaState::Rejected);
    parts.click("questionCheck");
    QVERIFY(parts.checked());
    QVERIFY(parts.model->answer(0));

    QuestionStudio again(parts.ready.window.session(), &parts.ready.window);
    parts.open(file("other.csv", six_));  // lets the first file go
    again.openFile(path);
    QTRY_VERIFY_WITH_TIMEOUT(!again.isReading(), 20000);
    auto* model = again.findChild<QuestionModel*>();
    auto* system = again.findChild<QLineEdit*>(QStringLiteral("questionSystem"));
    QVERIFY(!model->answer(0));  // it was not asked like this
    system->setFocus();
    system->clear();
    system->setModified(true);
    Q_EMIT system->editingFinished();
    QVERIFY(model->answer(0) && model->answer(kMany - 2) && !model->answer(kMany - 1));
  }

  /// What is written is what another program of the project reads.
  void writesWhatIsLeft() {
    Parts parts;
    QVERIFY(parts.open(file("write.csv", six_)));
    const QString path = folder_.filePath(QStringLiteral("written.json"));
    QVERIFY_THROWS_EXCEPTION(Error, parts.studio.write(path, QuestionStudio::Format::Lines, true));
    parts.table->selectRow(3);
    parts.studio.decide(QaState::Accepted);
    parts.table->selectRow(0);
    parts.studio.decide(QaState::Rejected);
    parts.studio.write(path, QuestionStudio::Format::Task, true);
    const Task task = read_task(path.toStdString());
    QCOMPARE(task.items.size(), 1u);
    QCOMPARE(task.items[0].at("question").front(), std::string("Is ice cold?"));
    QCOMPARE(task.system, parts.part<QLineEdit>("questionSystem")->text().toStdString());
    parts.studio.write(path, QuestionStudio::Format::Published, false);
    QVERIFY(parts.open(path));
    QCOMPARE(parts.model->rowCount(), 5);
  }

  /// Columns that are not known are asked for; what is wrong is said.
  void asksForColumns() {
    Parts parts;
    const QString path =
        file("columns.csv", QStringLiteral("city,land,label\nParis,France,1\nLyon,Peru,0\n,Peru,0\n"));
    QVERIFY(!parts.open(path));
    QVERIFY(parts.said().contains(QStringLiteral("'city'")));
    auto* dialog = parts.studio.findChild<QuestionColumnsDialog*>();
    QVERIFY(dialog && dialog->isVisible());
    auto* question = dialog->findChild<QComboBox*>(QStringLiteral("columnsQuestion"));
    question->setEditText(QStringLiteral("Is {city} in {land}?"));
    QCOMPARE(dialog->findChild<QComboBox*>(QStringLiteral("columnsAnswer"))->currentText(),
             QStringLiteral("label"));
    dialog->accept();
    QTRY_VERIFY_WITH_TIMEOUT(parts.model->rowCount() > 0, 20000);
    QCOMPARE(parts.model->index(1, QuestionModel::QuestionColumn).data().toString(),
             QStringLiteral("Is Lyon in Peru?"));
    QVERIFY(!parts.open(file("broken.csv", QStringLiteral("question,answer\n\"x,y\n"))));
    QVERIFY(parts.said().contains(QStringLiteral("broken.csv")));
    QVERIFY(!parts.open(file("rows.jsonl", QStringLiteral("{\"question\":\"\",\"answer\":\"x\"}\n"))));
    QVERIFY(parts.said().contains(QStringLiteral("row 1")));
    QVERIFY(parts.open(file("some.csv", QStringLiteral("question,answer\nIs it?,yes\n,no\n"))));
    QVERIFY(parts.said().contains(QStringLiteral("Row 3")));
  }

  /// The window opens it, takes a file that is dropped there, and its question as a prompt.
  void theWindowTakesTheQuestion() {
    Ready ready;
    QVERIFY(ready.there);
    ready.window.commands().run(QStringLiteral("questions"));
    auto* studio = ready.window.findChild<QuestionStudio*>();
    QVERIFY(studio && studio->isVisible());
    ready.window.openPath(file("dropped.csv", six_), true);
    QTRY_VERIFY_WITH_TIMEOUT(!studio->isReading(), 20000);
    auto* system = studio->findChild<QLineEdit*>(QStringLiteral("questionSystem"));
    system->setText(QStringLiteral("On {category}:"));
    studio->findChild<QTableView*>(QStringLiteral("questionTable"))->selectRow(3);
    for (int times = 0; times < 2; ++times) {  // asked again, it is not added again
      studio->findChild<QPushButton*>(QStringLiteral("questionOpen"))->click();
      QVERIFY(finish(ready.window.session()));
      QCOMPARE(ready.window.session().prompts().size(), std::size_t{3});
      const Prompt& prompt = ready.window.session().prompts()[2];
      QCOMPARE(prompt.text, QStringLiteral("On stuff:\n\nIs ice cold?"));
      QCOMPARE(prompt.expected, QStringLiteral("Yes"));
      QCOMPARE(ready.window.session().selectedPrompt(), 2);
      QVERIFY(!ready.window.session().arms().on);
    }
  }

  /// Closed while it asks or reads, with its window or with the whole program.
  void closesWhileItRuns() {
    QString many = QStringLiteral("question,answer\n");
    for (int i = 0; i < 2000; ++i) many += QStringLiteral("Is she Lily%1?,yes\n").arg(i);
    const QString path = file("closes.csv", many);
    for (const bool reads : {true, false}) {
      auto parts = std::make_unique<Parts>();
      if (reads) {
        parts->studio.openFile(path);
      } else {
        QVERIFY(parts->open(path));
        parts->click("questionCheck");
        QTRY_VERIFY_WITH_TIMEOUT(parts->studio.runner().state().progress.done > 0, 60000);
        parts->studio.close();
        QVERIFY(parts->studio.runner().isRunning());
      }
      parts.reset();
    }
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestQuestionStudio test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_question_studio.moc"

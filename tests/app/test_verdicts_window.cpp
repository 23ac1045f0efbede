#include <QApplication>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QTableView>
#include <QTreeWidget>

#include "app/prompt_text.h"
#include "app/theme.h"
#include "app/verdicts_window.h"
#include "core/run/runner.h"
#include "core/tasks/datasets.h"
#include "core/tasks/plan.h"
#include "tests/app/loaded_window_test.h"
#include "tests/support/file_bytes.h"
#include "views/prompt_gallery.h"

namespace qkscope::test {

namespace fs = std::filesystem;

/// Table 3 from the window: over models that are open or on this machine, and over prompts.
class TestVerdictsWindow : public LoadedWindowTestCase {
  Q_OBJECT

  fs::path snapshot(const char* repository) const {
    return fs::path(folder_.path().toStdString()) / "hub" / (std::string("models--org--") + repository) /
           "snapshots" / "abcdef123456";
  }

  struct Parts {
    Ready ready;
    VerdictsWindow verdicts{ready.window.session(), &ready.window};
    QTreeWidget* models = verdicts.findChild<QTreeWidget*>(QStringLiteral("verdictModels"));
    QTreeWidget* prompts = verdicts.findChild<QTreeWidget*>(QStringLiteral("verdictPrompts"));
    QPushButton* start = verdicts.findChild<QPushButton*>(QStringLiteral("verdictStart"));
    QTableView* table = verdicts.findChild<QTableView*>(QStringLiteral("verdictTable"));
    QTableView* links = verdicts.findChild<QTableView*>(QStringLiteral("verdictLinks"));
    VerdictRunner& runner = verdicts.runner();
    QSpinBox* items = verdicts.findChild<QSpinBox*>(QStringLiteral("verdictItems"));

    QString words(const char* label) const {
      auto* found = verdicts.findChild<QLabel*>(QString::fromLatin1(label));
      return found->isHidden() ? QString() : found->text();
    }
    QString cell(int row, int column) const { return table->model()->index(row, column).data().toString(); }
    /// The window's prompts and those of the gallery, no tasks.
    void choosePrompts(bool window, int of_gallery) {
      prompts->topLevelItem(0)->setCheckState(0, window ? Qt::Checked : Qt::Unchecked);
      prompts->topLevelItem(2)->setCheckState(0, Qt::Unchecked);
      for (int i = 0; i < of_gallery; ++i) prompts->topLevelItem(1)->child(i)->setCheckState(0, Qt::Checked);
    }
    /// All that are on this machine, once they are there.
    QTreeWidgetItem* found(const char* name) {
      QTreeWidgetItem* group = models->topLevelItem(1);
      for (int i = 0; i < group->childCount(); ++i) {
        if (group->child(i)->text(0).startsWith(QString::fromLatin1(name))) return group->child(i);
      }
      return nullptr;
    }
    bool run() {
      start->click();
      return QTest::qWaitFor([this] { return !runner.isRunning(); }, 60000);
    }
  };

  /// What a runner of its own says.
  static std::vector<PromptVerdict> judge(const std::shared_ptr<const LanguageModel>& model,
                                          const std::vector<TokenIds>& prompts, double lambda = 5) {
    Runner runner(model);
    std::vector<PromptVerdict> all;
    for (const TokenIds& ids : prompts) all.push_back(verdict_on(runner, *model, ids, lambda));
    return all;
  }
  static std::string table(const std::string& name, const std::vector<PromptVerdict>& found) {
    return to_csv(std::vector{summarize(name, found)}) + to_csv(name, found.size(), common_links(found));
  }
  static std::string table(const VerdictState& state) { return table(state.name, state.found); }

 private Q_SLOTS:
  void initTestCase() {
    for (const char* variable : {"HUGGINGFACE_HUB_CACHE", "HF_HOME", "OLLAMA_MODELS", "LLAMA_CACHE"})
      qunsetenv(variable);
    qputenv("HOME", folder_.path().toUtf8());
    qputenv("XDG_CACHE_HOME", folder_.path().toUtf8());
    qputenv("HF_HUB_CACHE", folder_.path().toUtf8() + "/hub");
    const TinyModel other("llama-bias");
    other.change_config([](nlohmann::json& config) { config["max_position_embeddings"] = 16384; });
    for (const char* name : {"other", "broken"}) {
      fs::create_directories(snapshot(name));
      for (const auto& entry : fs::directory_iterator(other.folder()))
        fs::copy(entry.path(), snapshot(name) / entry.path().filename());
    }
  }

  /// The open model and one that is read for it, over the window's prompts, the gallery's and a task's: what
  /// is told is what a runner of its own finds.
  void judgesModelsByPrompts() {
    Parts parts;
    QVERIFY(parts.ready.there);
    parts.verdicts.show();
    parts.choosePrompts(true, 2);
    parts.items->setValue(2);
    parts.verdicts.findChild<QDoubleSpinBox*>(QStringLiteral("verdictLambda"))->setValue(1.5);
    QTreeWidgetItem* tasks = parts.prompts->topLevelItem(2);
    for (int i = 0; i < tasks->childCount(); ++i)
      tasks->child(i)->setCheckState(
          0, tasks->child(i)->text(0) == QStringLiteral("capitals") ? Qt::Checked : Qt::Unchecked);
    QTRY_VERIFY_WITH_TIMEOUT(parts.found("org/other"), 20000);
    parts.found("org/other")->setCheckState(0, Qt::Checked);
    QVERIFY(parts.run());
    QCOMPARE(parts.words("verdictMessage"), QString());
    const auto states = parts.runner.states();
    QCOMPARE(states.size(), std::size_t(2));
    Session& session = parts.ready.window.session();
    for (const VerdictState* state : states) {
      QCOMPARE(state->problem, QString());
      const auto model =
          state == states[0] ? session.model() : LanguageModel::load(snapshot("other"), onOneThread());
      std::vector<Prompt> prompts = smallPrompts();
      for (std::size_t i = 0; i < 2; ++i) prompts.push_back(promptGallery()[i].prompt);
      std::vector<TokenIds> ids;
      for (const Prompt& prompt : prompts) ids.push_back(readPrompt(*model, prompt).ids);
      for (const TaskItem& item : items_of(read_task(find_task("capitals")), model->tokenizer(), 2))
        ids.push_back(question_ids(*model, item));
      QCOMPARE(state->of, ids.size());
      QCOMPARE(table(*state), table(state->name, judge(model, ids, 1.5)));
      QVERIFY(state->found.front().verdict.query.count.entries > 0);
    }
    QCOMPARE(parts.table->model()->rowCount(), 6);
    QCOMPARE(parts.cell(0, 0), QString::fromStdString(session.model()->card().name));
    QVERIFY(parts.cell(3, 0).startsWith(QStringLiteral("org/other")));
    QCOMPARE(parts.cell(3, 3), QStringLiteral("6 of 6"));
    const Spread massive = summarize("", states[1]->found).key.massive;
    QVERIFY(massive.mean > 0);
    QVERIFY2(parts.cell(4, 5).startsWith(QLocale().toString(massive.mean, 'f', 1) + QStringLiteral(" ± ")),
             qPrintable(parts.cell(4, 5)));
    // What is selected is told in a sentence with its rule, and has its links below.
    parts.table->selectRow(4);
    QVERIFY2(parts.words("verdictSentence").startsWith(QStringLiteral("org/other")),
             qPrintable(parts.words("verdictSentence")));
    QVERIFY(parts.words("verdictSentence").contains(QStringLiteral("RoPE yes")));
    const auto links = common_links(states[1]->found);
    QTRY_COMPARE(parts.links->model()->rowCount(),
                 static_cast<int>(std::min<std::size_t>(300, links.size())));
  }

  /// A model that cannot be judged says why, and those after it have their turn.
  void aBrokenModelSaysWhy() {
    Parts parts;
    parts.verdicts.show();
    parts.choosePrompts(true, 0);
    QTRY_VERIFY_WITH_TIMEOUT(parts.found("org/other") && parts.found("org/broken"), 20000);
    for (const char* name : {"org/other", "org/broken"}) parts.found(name)->setCheckState(0, Qt::Checked);
    // Broken after it was found.
    write_file(snapshot("broken") / "model.safetensors", "nothing of the kind");
    QVERIFY(parts.run());
    const auto states = parts.runner.states();
    QCOMPARE(states.size(), std::size_t(3));
    QVERIFY2(states[1]->problem.contains(QStringLiteral("model.safetensors")),
             qPrintable(states[1]->problem));
    QVERIFY(states[0]->isComplete() && states[2]->isComplete() && states[1]->found.empty());
    QCOMPARE(parts.cell(3, 2), QStringLiteral("cannot be told"));
    parts.table->selectRow(3);
    QVERIFY(parts.words("verdictSentence").contains(states[1]->problem));
  }

  /// What is asked in the window goes first; paused, or another model shown, it goes on where it was.
  void pausesAndGoesOn() {
    Parts parts;
    QVERIFY(parts.ready.there);
    Session& session = parts.ready.window.session();
    parts.choosePrompts(true, 6);
    QSignalSpy told(&parts.runner, &VerdictRunner::changed);
    const auto done = [&] {
      return parts.runner.states().empty() ? 0 : parts.runner.states()[0]->found.size();
    };
    parts.start->click();
    QCOMPARE(parts.start->text(), QStringLiteral("Pause"));
    // At the first answer: looked for now and then, the others may be there, too.
    std::size_t before = 0;
    const auto at_first = connect(&parts.runner, &VerdictRunner::changed, this, [&] {
      if (before > 0 || done() == 0) return;
      before = done();
      parts.start->click();
    });
    QTRY_VERIFY_WITH_TIMEOUT(before > 0, 30000);
    disconnect(at_first);
    QVERIFY(!parts.runner.isRunning());
    QVERIFY(before < 8);
    QCOMPARE(parts.start->text(), QStringLiteral("Go on"));
    parts.start->click();
    parts.ready.window.commands().run(QStringLiteral("disrupt"));
    QVERIFY(finish(session) && session.showsWhatIsAsked());
    QTRY_VERIFY_WITH_TIMEOUT(!parts.runner.isRunning(), 60000);
    QCOMPARE(done(), std::size_t(8));
    std::vector<TokenIds> ids;
    for (const Prompt& prompt : smallPrompts()) ids.push_back(readPrompt(*session.model(), prompt).ids);
    for (std::size_t i = 0; i < 6; ++i)
      ids.push_back(readPrompt(*session.model(), promptGallery()[i].prompt).ids);
    QCOMPARE(table(*parts.runner.states()[0]),
             table(session.model()->card().name, judge(session.model(), ids)));

    // All is there: nothing is computed again.
    told.clear();
    QVERIFY(parts.run());
    QCOMPARE(done(), std::size_t(8));

    // By other prompts all is asked anew.
    parts.choosePrompts(false, 7);
    QCOMPARE(parts.start->text(), QStringLiteral("Start"));
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(done() > 0, 30000);
    parts.ready.window.loadModel(QString::fromStdString(snapshot("other").string()), onOneThread());
    QVERIFY(finish(session));
    QVERIFY(!parts.runner.isRunning());
    if (done() < 7) {
      QVERIFY2(parts.words("verdictMessage").contains(QStringLiteral("Go on")),
               qPrintable(parts.words("verdictMessage")));
      QVERIFY(parts.run());
    }
    QCOMPARE(done(), std::size_t(7));
  }

  /// Closed while it runs, with its window or with the whole program; by the keyboard alone.
  void closesWhileItRuns() {
    auto ready = std::make_unique<Ready>();
    ready->window.commands().run(QStringLiteral("verdicts"));
    auto* verdicts = ready->window.findChild<VerdictsWindow*>();
    QVERIFY(verdicts && verdicts->isVisible());
    auto* start = verdicts->findChild<QPushButton*>(QStringLiteral("verdictStart"));
    QVERIFY(start->isEnabled());
    verdicts->findChild<QSpinBox*>(QStringLiteral("verdictItems"))
        ->setValue(40);  // more than are done meanwhile
    QTest::keyClick(verdicts, Qt::Key_Return);
    QVERIFY(verdicts->runner().isRunning());
    QTRY_VERIFY_WITH_TIMEOUT(!verdicts->runner().states()[0]->found.empty(), 60000);
    verdicts->close();
    QVERIFY(verdicts->runner().isRunning());
    ready.reset();
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestVerdictsWindow test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_verdicts_window.moc"

#include <QApplication>
#include <QComboBox>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>

#include "app/effect_window.h"
#include "app/experiments_window.h"
#include "app/table_file.h"
#include "app/theme.h"
#include "core/tasks/experiment_text.h"
#include "tests/app/loaded_window_test.h"
#include "tests/support/file_bytes.h"
#include "views/curve_plot.h"
#include "views/effect_canvas.h"
#include "views/experiment_models.h"

namespace qkscope::test {

namespace {

constexpr int kItems = 12, kArms = 4;  // baseline, one edit and its two controls

}  // namespace

/// An experiment from the window: run, paused, found again, looked at item by item, asked in the window.
class TestExperimentsWindow : public LoadedWindowTestCase {
  Q_OBJECT

  QString experiment(const char* name, int tokens = 4) const {
    nlohmann::json items = nlohmann::json::array();
    for (int i = 0; i < kItems; ++i) items.push_back({{"name", "Lily" + std::to_string(i)}});
    const nlohmann::json task = {{"kind", "context"},    {"prompt", "The girl is {name}. Who is she?"},
                                 {"expected", "{name}"}, {"answers", "{name}"},
                                 {"rule", "contains"},   {"max_new_tokens", tokens},
                                 {"items", items}};
    write_file(folder_.filePath(QStringLiteral("names.json")).toStdString(), task.dump());
    const nlohmann::json file = {{"title", "Names"},
                                 {"tasks", {"names"}},
                                 {"arms", {"site=q,pick=largest:2,replace=zero"}},
                                 {"controls", {"smallest", "random"}}};
    const QString path = folder_.filePath(QString::fromLatin1(name) + QLatin1String(".json"));
    write_file(path.toStdString(), file.dump());
    return path;
  }

  struct Parts {
    Ready ready;
    ExperimentsWindow experiments{ready.window.session(), &ready.window};
    ExperimentTableModel* table = experiments.findChild<ExperimentTableModel*>();
    OutcomeModel* items = experiments.findChild<OutcomeModel*>();
    QPushButton* start = experiments.findChild<QPushButton*>(QStringLiteral("experimentStart"));
    QTableView* table_view = experiments.findChild<QTableView*>(QStringLiteral("experimentTable"));
    QString said() const {
      auto* label = experiments.findChild<QLabel*>(QStringLiteral("experimentMessage"));
      return label->isHidden() ? QString() : label->text();
    }
    std::size_t done() const { return table->table().done; }
    ExperimentRunner& runner() { return experiments.runner(); }
  };

 private Q_SLOTS:
  void init() { qputenv("XDG_DATA_HOME", folder_.path().toUtf8()); }

  /// Before it starts: what there is to ask, and how long that takes at most; afterwards nothing of the kind.
  void tellsHowLongItTakes() {
    Parts parts;
    QVERIFY(parts.ready.there);
    parts.experiments.addFile(experiment("takes", 16));
    parts.experiments.show();
    auto* words = parts.experiments.findChild<QLabel*>(QStringLiteral("experimentProgressWords"));
    QTRY_VERIFY_WITH_TIMEOUT(words->text().contains(QStringLiteral("at most")), 60000);
    QVERIFY(!parts.runner().isRunning());
    QCOMPARE(parts.done(), std::size_t{0});
    QCOMPARE(parts.table->rowCount(), kArms);  // the table is there, empty
    const ExperimentEstimate estimate = *parts.runner().state().estimate;
    QCOMPARE(estimate.answers, static_cast<std::size_t>(kItems * kArms));
    QVERIFY(estimate.read_ms > 0 && estimate.write_ms > 0);
    // Every answer has 16 tokens at most, and every arm reads its prompt.
    QVERIFY(estimate.most_ms > kItems * kArms * (16 * estimate.write_ms + 10 * estimate.read_ms));
    QVERIFY(estimate.most_ms < kItems * kArms * (16 * estimate.write_ms + 200 * estimate.read_ms));
    QCOMPARE(parts.start->text(), QStringLiteral("Start"));
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(parts.done() == static_cast<std::size_t>(kItems * kArms), 60000);
    QTRY_VERIFY(words->text().startsWith(QStringLiteral("All ")));
    QVERIFY(!parts.runner().state().estimate);
  }

  void runsAndIsFoundAgain() {
    Parts parts;
    QVERIFY(parts.ready.there);
    parts.experiments.addFile(experiment("runs"));
    QCOMPARE(parts.start->text(), QStringLiteral("Start"));
    parts.start->click();
    QCOMPARE(parts.start->text(), QStringLiteral("Pause"));
    QTRY_VERIFY_WITH_TIMEOUT(!parts.runner().isRunning(), 60000);
    QCOMPARE(parts.said(), QString());
    QCOMPARE(parts.done(), static_cast<std::size_t>(kItems * kArms));
    QVERIFY(!parts.start->isEnabled());  // there is nothing left to ask
    QCOMPARE(parts.table->rowCount(), kArms);
    QCOMPARE(parts.table->columnCount(), 4);

    // Another window, as after a restart, has the same table without asking anything.
    ExperimentsWindow again(parts.ready.window.session(), &parts.ready.window);
    again.addFile(experiment("runs"));
    auto* table = again.findChild<ExperimentTableModel*>();
    QCOMPARE(to_json(table->table()).dump(), to_json(parts.table->table()).dump());
    QVERIFY(to_csv(table->table()).find("baseline,names,context,12,") != std::string::npos);
  }

  /// A task that reads a file of the user's says where it looked, and finds it in the folder that is given.
  void findsDataSets() {
    const QString path = experiment("reads"), data = folder_.filePath(QStringLiteral("sets"));
    QVERIFY(QDir().mkpath(data));
    const nlohmann::json task = {{"kind", "memory"},   {"prompt", "{question}"}, {"answers", "{answer}"},
                                 {"rule", "contains"}, {"max_new_tokens", 2},    {"file", "questions.csv"}};
    write_file(folder_.filePath(QStringLiteral("reads-file.json")).toStdString(), task.dump());
    const nlohmann::json file = {{"tasks", {"reads-file"}}, {"arms", {"site=q,pick=largest:1"}}};
    write_file(path.toStdString(), file.dump());
    write_file(data.toStdString() + "/questions.csv", "question,answer\nWho?,me\n");
    Parts parts;
    parts.experiments.addFile(path);
    parts.experiments.show();
    QTRY_VERIFY_WITH_TIMEOUT(parts.said().contains(QStringLiteral("questions.csv")), 20000);
    QVERIFY(parts.said().contains(QStringLiteral("Data sets")));
    parts.experiments.setDataFolder(data);
    QTRY_VERIFY_WITH_TIMEOUT(parts.runner().state().estimate.has_value(), 20000);
    QCOMPARE(parts.said(), QString());
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(parts.done() == 2, 20000);
  }

  /// A sweep has curves: what it does, its controls, the baseline, with intervals; another experiment has
  /// none.
  void curvesOfASweep() {
    const QString path = experiment("sweep");
    const std::string name = "names, asked for in a sentence of some length";
    nlohmann::json file = {{"tasks", {{{"task", "names"}, {"name", name}}}},
                           {"sweep", {{"edits", "site=q,pick=largest:{value}"}, {"values", {1, 2, 4}}}},
                           {"controls", {"smallest", "random"}},
                           {"control_seeds", {0, 1}}};
    write_file(path.toStdString(), file.dump());
    Parts parts;
    parts.experiments.show();
    auto* pages = parts.experiments.findChild<QTabWidget*>();
    auto* curves = parts.experiments.findChild<CurvePlot*>(QStringLiteral("experimentCurves"));
    QVERIFY(!pages->isTabVisible(pages->indexOf(curves)));
    parts.experiments.addFile(path);
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(!parts.runner().isRunning(), 60000);
    QCOMPARE(parts.said(), QString());
    QVERIFY(pages->isTabVisible(pages->indexOf(curves)));
    pages->setCurrentWidget(curves);
    QCOMPARE(curves->charts().size(), 1u);
    const Chart& chart = curves->charts().front();
    QCOMPARE(chart.curves.size(), 3u);
    const auto& arms = parts.table->table().arms;
    QCOMPARE(arms.size(), 1u + 3 * 4);
    const Curve& swept = chart.curves.front();
    QCOMPARE(swept.x, (std::vector<double>{1, 2, 4}));
    for (std::size_t i = 0; i < 3; ++i) {
      const TaskScore& score = arms[1 + 4 * i].tasks.front();
      QCOMPARE(swept.y[i], 100 * *score.accuracy());
      QCOMPARE(swept.low[i], 100 * score.interval.low);
      // Of two random controls the mean, and how far they stand apart.
      const Curve& random = chart.curves[1];
      QCOMPARE(random.name, QStringLiteral("random"));
      const double a = 100 * *arms[3 + 4 * i].tasks.front().accuracy(),
                   b = 100 * *arms[4 + 4 * i].tasks.front().accuracy();
      QCOMPARE(random.y[i], (a + b) / 2);
      const double high = std::min(100.0, (a + b) / 2 + std::abs(a - b) / std::sqrt(2.0));
      QVERIFY(std::abs(random.high[i] - high) < 1e-9);
    }
    QCOMPARE(chart.levels.front().y, 100 * *arms.front().tasks.front().accuracy());
    auto* title = qobject_cast<QCPTextElement*>(curves->plotLayout()->element(0, 0));
    QCOMPARE(title->text(), QString::fromStdString(name));
  }

  void pausesAndGoesOn() {
    Parts parts;
    parts.experiments.addFile(experiment("pauses", 64));
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(parts.done() > 2, 60000);
    parts.start->click();
    QVERIFY(!parts.runner().isRunning());
    QTest::qWait(300);  // what was under way is gone
    const std::size_t before = parts.done();
    QVERIFY(before < static_cast<std::size_t>(kItems * kArms));
    QCOMPARE(parts.start->text(), QStringLiteral("Go on"));
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(!parts.runner().isRunning(), 120000);
    QCOMPARE(parts.said(), QString());
    QCOMPARE(parts.done(), static_cast<std::size_t>(kItems * kArms));
    // Nothing was asked twice.
    QFile store(folder_.path() +
                QLatin1String("/qkscope-test/qkscope-test/experiments/pauses/results.jsonl"));
    QVERIFY(store.open(QIODevice::ReadOnly));
    QCOMPARE(store.readAll().count('\n'), kItems * kArms);
  }

  /// What is asked in the window is answered while an experiment is under way, which goes on afterwards.
  void theWindowGoesFirst() {
    Parts parts;
    parts.experiments.addFile(experiment("waits", 64));
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(parts.done() > 0, 60000);
    Session& session = parts.ready.window.session();
    for (int i = 0; i < 3; ++i) {
      parts.ready.window.commands().run(QStringLiteral("disrupt"));
      QVERIFY(finish(session));
      QVERIFY(parts.runner().isRunning());
      QVERIFY(session.data().comparison && session.showsWhatIsAsked());
    }
    QTRY_VERIFY_WITH_TIMEOUT(!parts.runner().isRunning(), 120000);
    QCOMPARE(parts.done(), static_cast<std::size_t>(kItems * kArms));
  }

  void cellsHaveItemsAndItemsAreAsked() {
    Parts parts;
    parts.ready.window.setDocument(parts.ready.window.document());
    parts.experiments.addFile(experiment("items"));
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(!parts.runner().isRunning(), 60000);
    parts.table_view->setCurrentIndex(parts.table->index(1, 1));
    QCOMPARE(parts.items->rowCount(), kItems);
    const ItemOutcome& first = parts.items->outcome(0);
    QCOMPARE(QString::fromStdString(first.item->prompt), QStringLiteral("The girl is Lily0. Who is she?"));
    QVERIFY(first.baseline && first.result);
    int right = 0;
    for (int row = 0; row < kItems; ++row) right += parts.items->outcome(row).right ? 1 : 0;
    QCOMPARE(right, parts.table->score(parts.table->index(1, 1))->correct);

    Prompt asked;
    EditArm arm;
    connect(&parts.experiments, &ExperimentsWindow::openRequested, this,
            [&](const Prompt& prompt, const EditArm& edits) {
              asked = prompt;
              arm = edits;
            });
    parts.experiments.findChild<QPushButton*>(QStringLiteral("experimentOpen"))->click();
    QCOMPARE(asked.text, QString::fromStdString(first.item->prompt));
    QCOMPARE(asked.expected, QStringLiteral("Lily0"));
    QCOMPARE(asked.kind, PromptKind::Context);
    QVERIFY(arm.edits == Edits{parse_edit("site=q,pick=largest:2,replace=zero")});
    // The cell of a mean has no items.
    parts.table_view->setCurrentIndex(parts.table->index(1, 2));
    QCOMPARE(parts.items->rowCount(), 0);
  }

  /// The command opens it; its question becomes a prompt of the window under its arm.
  void theWindowTakesTheQuestion() {
    Ready ready;
    ready.window.commands().run(QStringLiteral("experiments"));
    auto* experiments = ready.window.findChild<ExperimentsWindow*>();
    QVERIFY(experiments && experiments->isVisible());
    QVERIFY(experiments->findChild<QComboBox*>(QStringLiteral("experimentChoice"))->count() >= 5);
    Prompt prompt;
    prompt.kind = PromptKind::Memory;
    prompt.text = QStringLiteral("Who is she?");
    const EditArm arm{QStringLiteral("zero K"), {parse_edit("site=k,pick=largest:1,replace=zero")}, 0};
    for (int times = 0; times < 2; ++times) {  // asked again, it is not added again
      Q_EMIT experiments->openRequested(prompt, arm);
      QVERIFY(finish(ready.window.session()));
      QCOMPARE(ready.window.session().prompts().size(), std::size_t{3});
      QCOMPARE(ready.window.session().selectedPrompt(), 2);
      QCOMPARE(ready.window.session().arms().shown().name, arm.name);
      QVERIFY(ready.window.session().arms().on);
      QCOMPARE(ready.window.session().arms().count(), 2);
    }
    Q_EMIT experiments->openRequested(prompt, {QStringLiteral("baseline"), {}, 0});
    QVERIFY(!ready.window.session().arms().on);
  }

  /// The effect map: computed behind the window's own questions, paused, gone on with, and a cell is done.
  void effectsAreMappedAndDone() {
    Ready ready;
    QVERIFY(ready.there);
    ready.window.commands().run(QStringLiteral("effectMap"));
    auto* window = ready.window.findChild<EffectWindow*>();
    QVERIFY(window && window->isVisible());
    auto* canvas = window->findChild<EffectCanvas*>();
    auto* start = window->findChild<QPushButton*>(QStringLiteral("effectStart"));
    EffectRunner& runner = window->runner();
    const ModelSpec& spec = ready.window.session().model()->spec();
    const auto cells = static_cast<std::size_t>(spec.num_layers() * 9);
    start->click();
    QVERIFY(runner.isRunning());
    QCOMPARE(start->text(), QStringLiteral("Pause"));
    start->click();
    QVERIFY(!runner.isRunning());
    start->click();
    QTRY_VERIFY_WITH_TIMEOUT(!runner.isRunning(), 60000);
    QCOMPARE(runner.map().cells.size(), cells);
    QCOMPARE(canvas->cells().size(), cells);
    QVERIFY(runner.isOfNow());

    // Every cell is where it is pointed at, and is what is then done in the window.
    QVERIFY(!canvas->grab().isNull());
    QSignalSpy chosen(canvas, &EffectCanvas::cellChosen);
    for (const std::size_t i : {std::size_t{0}, cells / 2, cells - 1}) {
      const EffectCell& cell = canvas->cells()[i];
      QTest::mouseClick(canvas, Qt::LeftButton, {}, canvas->rectOf(cell).center().toPoint());
      QCOMPARE(chosen.size(), 1);
      const auto got = chosen.takeFirst().front().value<EffectCell>();
      QCOMPARE(std::tuple(got.layer, got.site, got.pick), std::tuple(cell.layer, cell.site, cell.pick));
      QCOMPARE(ready.window.session().arms().shown().edits, Edits{runner.map().edit(cell)});
      QVERIFY(ready.window.session().arms().on);
      QVERIFY(finish(ready.window.session()));
    }
    // Another prompt has no map yet.
    ready.window.session().selectPrompt(1);
    QVERIFY(finish(ready.window.session()));
    QVERIFY(!runner.isOfNow());
  }

  /// A table is written as its file's name says, and as was chosen where that says nothing.
  void tablesAreWrittenAsTheyAreNamed() {
    const std::vector<TableFormat> formats{
        {QStringLiteral("values"), QStringLiteral("csv"), [] { return std::string("a,b"); }},
        {QStringLiteral("LaTeX"), QStringLiteral("tex"), [] { return std::string("a & b"); }}};
    const auto written = [&](const char* name, std::size_t chosen) {
      const QString path = writeTable(folder_.filePath(QLatin1String(name)), formats, chosen);
      QFile file(path);
      return file.open(QIODevice::ReadOnly)
                 ? QFileInfo(path).fileName() + u' ' + QString::fromUtf8(file.readAll())
                 : path;
    };
    QCOMPARE(written("one.csv", 1), QStringLiteral("one.csv a,b"));
    QCOMPARE(written("one.tex", 0), QStringLiteral("one.tex a & b"));
    QCOMPARE(written("one.TEX", 0), QStringLiteral("one.TEX a & b"));
    QCOMPARE(written("two", 0), QStringLiteral("two.csv a,b"));
    QCOMPARE(written("two", 1), QStringLiteral("two.tex a & b"));
    QCOMPARE(written("three.txt", 1), QStringLiteral("three.txt a & b"));
    QVERIFY_THROWS_EXCEPTION(Error, written("none/two", 0));
  }

  void saysWhatIsWrong() {
    Parts parts;
    const QString path = experiment("broken");
    write_file(path.toStdString(), "{\"tasks\": [\"names\"], \"arms\": [\"site=q,layers=9\"]}");
    parts.experiments.addFile(path);
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(!parts.runner().isRunning(), 60000);
    QVERIFY2(parts.said().contains(QStringLiteral("layer 9")), qPrintable(parts.said()));
    QCOMPARE(parts.done(), std::size_t{0});
  }

  /// Closed while it runs, with its window or with the whole program.
  void closesWhileItRuns() {
    for (const bool all : {false, true}) {
      auto parts = std::make_unique<Parts>();
      parts->experiments.addFile(experiment(all ? "closes" : "closes-window", 64));
      parts->start->click();
      QTRY_VERIFY_WITH_TIMEOUT(parts->done() > 0, 60000);
      if (!all) {
        parts->experiments.close();
        QTRY_VERIFY_WITH_TIMEOUT(!parts->runner().isRunning(), 120000);
        QCOMPARE(parts->done(), static_cast<std::size_t>(kItems * kArms));
      }
      parts.reset();
    }
    auto ready = std::make_unique<Ready>();
    ready->window.commands().run(QStringLiteral("effectMap"));
    auto* effects = ready->window.findChild<EffectWindow*>();
    effects->findChild<QPushButton*>(QStringLiteral("effectStart"))->click();
    QVERIFY(effects->runner().isRunning());
    ready.reset();
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestExperimentsWindow test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_experiments_window.moc"

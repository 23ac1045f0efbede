#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QInputDialog>
#include <QMenu>
#include <set>

#include "app/names.h"
#include "app/prompt_text.h"
#include "app/theme.h"
#include "tests/app/loaded_window_test.h"

namespace qkscope::test {

/// Several arms beside the baseline: how they are answered, and all that is done to them in the window.
class TestArms : public LoadedWindowTestCase {
  Q_OBJECT

  static const PromptResult& result(const Session& session, std::size_t i = 0) {
    return session.results().at(i);
  }
  static ArmStatus done() { return {ArmState::Done, false}; }
  static ArmStatus off() { return {ArmState::Off, false}; }

  static Arms threeArms(const Session& session, int chosen) {
    Arms arms = session.arms();
    arms.list = {
        {QStringLiteral("first"), {parse_disruption("site=q,pick=largest:2,replace=zero")}},
        {QString(),
         {parse_disruption("site=k,pick=largest:3,replace=zero"), parse_edit("off lambda 5 on Q")}},
        {QString(), {parse_disruption("site=v,pick=largest:4"), parse_disruption("site=q,pick=largest:1")}}};
    arms.chosen = chosen;
    arms.on = true;
    return arms;
  }

 private Q_SLOTS:
  /// Every prompt under every arm: the shown one of all prompts first, then the others prompt by prompt; each
  /// with the answer that a runner of its own gives.
  void everyArmIsAnswered() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    QStringList order;
    std::set<QString> done_before;
    connect(&session, &Session::resultChanged, &session, [&](int i) {
      const PromptResult& now = result(session, static_cast<std::size_t>(i));
      for (std::size_t arm = 0; arm < now.arms.size(); ++arm) {
        const QString name = QStringLiteral("%1:%2").arg(i).arg(arm);
        if (now.arms[arm].status == done() && done_before.insert(name).second) order << name;
      }
    });
    session.selectPrompt(1);
    session.setArms(threeArms(session, 2));
    QVERIFY(finish(session));
    QCOMPARE(order.join(u' '), QStringLiteral("1:2 0:2 1:0 1:1 0:0 0:1"));
    Runner judge(session.model());
    const RunRequest shown = session.data().comparison->request;
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t arm = 0; arm < 3; ++arm) {
        RunRequest request;
        const ReadPrompt read = readPrompt(*session.model(), session.prompts()[i]);
        request.prompt = read.ids;
        request.expected = read.expected;
        request.edits = switched_on(session.arms().list[arm].edits);
        request.max_new_tokens = session.maxNewTokens();
        request.stop_tokens = shown.stop_tokens;
        request.score_continuation = true;
        request.top_scored_tokens = shown.top_scored_tokens;
        const auto run = judge.run(request);
        const PromptArm& told = *result(session, i).arms[arm].run;
        QCOMPARE(told.answer, QString::fromStdString(session.model()->tokenizer().decode(run->answer, true)));
        QVERIFY(told.continuation == run->continuation);
        QCOMPARE(told.replaced, run->replaced);
      }
    }
    QVERIFY(shown.edits == appliedEdits(session.arms()));
  }

  /// Another arm in the pictures is there at once, and no other is run again where one is edited.
  void anotherArmIsShownAtOnce() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setArms(threeArms(session, 0));
    QVERIFY(finish(session));
    bool ran = false;
    connect(&session, &Session::resultChanged, &session, [&](int i) {
      for (const ArmResult& arm : result(session, static_cast<std::size_t>(i)).arms)
        ran = ran || arm.status.state == ArmState::Running;
    });
    for (const int step : {1, 1, 1, -1}) {
      session.setArms(moved(session.arms(), step));
      QCoreApplication::processEvents();
      QVERIFY(!session.isBusy() && !ran);
      QVERIFY(session.data().comparison->request.edits == appliedEdits(session.arms()));
      QVERIFY(session.data().comparison->disrupted && !session.data().stale);
    }
    const ArmId id = session.arms().list[1].id;
    const PromptArm before = *result(session).arms[1].run;
    Arms arms = session.arms();
    arms.list[0].edits = {parse_disruption("site=v,pick=largest:1")};
    session.setArms(arms);
    QCOMPARE(result(session).arms[1].status, done());
    QVERIFY(finish(session));
    arms = session.arms();
    std::swap(arms.list[0], arms.list[1]);  // answers go with their arms
    session.setArms(arms);
    QCOMPARE(session.arms().list[0].id, id);
    QVERIFY(*result(session).arms[0].run == before);
    arms.list.erase(arms.list.begin());
    session.setArms(arms);
    QVERIFY(finish(session));
    QCOMPARE(result(session).arms.size(), std::size_t{2});
    for (const ArmResult& arm : result(session).arms) QCOMPARE(arm.status, done());
  }

  /// An arm that is refused says why; the baseline and the other arms are answered all the same.
  void oneRefusedArmIsOneSentence() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    Arms arms = threeArms(session, 1);
    arms.list[1].edits = {parse_disruption("site=q,pick=largest:2,layers=40")};
    arms.list.push_back({});
    arms.list.push_back({QString(), {parse_edit("off lambda 5 on Q")}});
    session.setMaxNewTokens(5);  // so that the baseline is a new question, too
    session.setArms(arms);
    QVERIFY(finish(session));
    for (std::size_t i = 0; i < 2; ++i) {
      const PromptResult& now = result(session, i);
      QCOMPARE(now.baseline.status, done());
      QCOMPARE(now.arms[0].status, done());
      QCOMPARE(now.arms[1].status.state, ArmState::Failed);
      QVERIFY(now.arms[1].problem.contains(QStringLiteral("40")) && now.hasProblem());
      QCOMPARE(stateWords(now, now.arms[1]), now.arms[1].problem);
      QCOMPARE(now.arms[2].status, done());
      QCOMPARE(now.arms[3].status.state, ArmState::Empty);
      QCOMPARE(now.arms[4].status.state, ArmState::Empty);
      QVERIFY(!now.arms[4].run);
    }
    QCOMPARE(session.data().state, DataState::Failed);
    // An empty arm has the baseline in its pictures.
    session.setArms(moved(session.arms(), 2));
    QVERIFY(finish(session));
    QCOMPARE(session.data().state, DataState::Current);
    QVERIFY(!session.data().comparison->disrupted);
    // Off: no arm has an answer, and none is run.
    disrupt(session, false);
    QVERIFY(finish(session));
    for (const ArmResult& arm : result(session).arms) QVERIFY(arm.status == off() && !arm.run);
  }

  void armsHaveBounds() {
    Session session;
    Arms arms;
    arms.list.assign(9, {QStringLiteral("same"), {}});
    arms.chosen = 8;
    session.setArms(arms);
    QCOMPARE(session.arms().count(), most_arms);
    QCOMPARE(session.arms().chosen, most_arms - 1);
    std::set<ArmId> ids;
    for (const EditArm& arm : session.arms().list) ids.insert(arm.id);
    QCOMPARE(ids.size(), static_cast<std::size_t>(most_arms));
    QVERIFY(!ids.contains(0));
    arms.list.clear();
    session.setArms(arms);
    QCOMPARE(session.arms().count(), 1);
    QCOMPARE(session.arms().chosen, 0);
  }

  // ---- in the window

  /// Space held down shows the baseline, and what was shown before once it is let go, wherever that happens.
  void spaceShowsTheBaseline() {
    Ready ready;
    QVERIFY(ready.there);
    MainWindow& window = ready.window;
    const auto shown = [&] { return window.state().look().shown; };
    QTest::keyPress(&window, Qt::Key_Space);
    QTest::keyRelease(&window, Qt::Key_Space);
    QCOMPARE(shown(), Shown::Baseline);
    QTest::keyClick(&window, Qt::Key_D);
    QVERIFY(finish(window.session()));
    QCOMPARE(shown(), Shown::Disrupted);
    for (const Shown before : {Shown::Disrupted, Shown::Difference}) {
      window.commands().run(u"shown_" + nameOf(before));
      QCOMPARE(shown(), before);
      QTest::keyPress(&window, Qt::Key_Space);
      QCOMPARE(shown(), Shown::Baseline);
      QKeyEvent repeated(QEvent::KeyRelease, Qt::Key_Space, Qt::NoModifier, QStringLiteral(" "), true);
      QCoreApplication::sendEvent(&window, &repeated);
      QCOMPARE(shown(), Shown::Baseline);
      QTest::keyRelease(&window, Qt::Key_Space);
      QCOMPARE(shown(), before);
    }
    // What is held while the arms go off has nothing to come back to.
    QTest::keyPress(&window, Qt::Key_Space);
    QTest::keyClick(&window, Qt::Key_D);
    QTest::keyRelease(&window, Qt::Key_Space);
    QVERIFY(finish(window.session()));
    QCOMPARE(shown(), Shown::Baseline);
    QVERIFY(!window.commands().action(QStringLiteral("undo"))->isEnabled());
  }

  /// Edits go through the clipboard and a folder of one's own as the text that they are.
  void editsAreTextAndPresets() {
    Ready ready;
    QVERIFY(ready.there);
    MainWindow& window = ready.window;
    Session& session = window.session();
    const auto edits = [&]() -> const Edits& { return session.arms().shown().edits; };
    const Edits mine{parse_disruption("site=k,pick=lambda:3"), parse_edit("off massive activations to zero")};
    setEdits(session, mine);
    window.commands().run(QStringLiteral("copyEdits"));
    QVERIFY(parse_edits(QApplication::clipboard()->text().toStdString()) == mine);
    window.commands().run(QStringLiteral("addArm"));
    QVERIFY(edits().empty());
    window.commands().run(QStringLiteral("pasteEdits"));
    QVERIFY(edits() == mine && session.arms().on);
    window.commands().run(QStringLiteral("pasteEdits"));
    QCOMPARE(edits().size(), std::size_t{4});
    QApplication::clipboard()->setText(QStringLiteral("site=z"));
    window.commands().run(QStringLiteral("pasteEdits"));
    QCOMPARE(edits().size(), std::size_t{4});
    QVERIFY2(message(window).contains(QStringLiteral("'z'")), qPrintable(message(window)));

    setEdits(session, mine);
    const auto save = [&](const QString& name) {
      window.commands().run(QStringLiteral("savePreset"));
      auto* dialog = window.findChild<QInputDialog*>();
      dialog->setTextValue(name);
      dialog->accept();
      QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    };
    save(QStringLiteral("mine & others"));
    save(QStringLiteral("../beside"));
    QVERIFY2(message(window).contains(QStringLiteral("without /")), qPrintable(message(window)));
    const QDir folder(Settings().presetFolder());
    QCOMPARE(folder.entryList(QDir::Files), QStringList{QStringLiteral("mine & others.txt")});
    QFile broken(folder.filePath(QStringLiteral("broken.txt")));
    QVERIFY(broken.open(QIODevice::WriteOnly) && broken.write("site=z") > 0);
    broken.close();
    setEdits(session, {});
    auto* menu = window.findChild<QMenu*>(QStringLiteral("ownPresets"));
    Q_EMIT menu->aboutToShow();
    QCOMPARE(menu->actions().size(), 2);
    menu->actions()[0]->trigger();
    QVERIFY2(message(window).contains(QStringLiteral("broken.txt")), qPrintable(message(window)));
    QVERIFY(edits().empty());
    menu->actions()[1]->trigger();
    QVERIFY(edits() == mine);
    QVERIFY(finish(session));
  }

  /// Arms are added, named and stepped through by the table of commands.
  void armsByCommand() {
    Ready ready;
    QVERIFY(ready.there);
    MainWindow& window = ready.window;
    Session& session = window.session();
    const auto run = [&](const char* id) { window.commands().run(QString::fromLatin1(id)); };
    const auto can = [&](const char* id) {
      return window.commands().action(QString::fromLatin1(id))->isEnabled();
    };
    QVERIFY(!can("removeArm") && !can("armAfter"));
    run("addControls");
    QCOMPARE(session.arms().count(), 3);
    QCOMPARE(session.arms().chosen, 0);
    QVERIFY(session.arms().list[1].edits[0] == control_of(firstEdit(session), PickKind::Smallest));
    QVERIFY(session.arms().list[2].edits[0] == control_of(firstEdit(session), PickKind::Random));
    run("addControls");  // they are there
    QCOMPARE(session.arms().count(), 3);
    QVERIFY(!message(window).isEmpty());
    QTest::keyClick(&window, Qt::Key_Period);
    QCOMPARE(session.arms().chosen, 1);
    QTest::keyClick(&window, Qt::Key_Comma);
    QTest::keyClick(&window, Qt::Key_Comma);
    QCOMPARE(session.arms().chosen, 2);
    run("nameArm");
    auto* dialog = window.findChild<QInputDialog*>();
    dialog->setTextValue(QStringLiteral("  by \n chance "));
    dialog->accept();
    QCOMPARE(session.arms().list[2].name, QStringLiteral("by chance"));
    run("duplicateArm");
    run("addArm");
    QCOMPARE(session.arms().list[3].name, QStringLiteral("copy of by chance"));
    QVERIFY(session.arms().list[4].edits.empty());
    run("duplicateArm");
    QCOMPARE(session.arms().count(), most_arms);
    QVERIFY(!can("addArm") && !can("duplicateArm") && !can("addControls"));
    QTest::keyClick(&window, Qt::Key_D);
    QVERIFY(finish(session));
    for (const ArmResult& arm : session.results()[0].arms)
      QVERIFY(arm.status.state == ArmState::Done || arm.status.state == ArmState::Empty);
    while (can("removeArm")) run("removeArm");
    QCOMPARE(session.arms().count(), 1);
    QVERIFY(finish(session));
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestArms test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_arms.moc"

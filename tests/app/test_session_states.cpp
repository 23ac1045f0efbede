#include <ctime>

#include "tests/app/app_test.h"

namespace qkscope::test {

/// What a session says of its prompts while things go wrong, are stopped, change places.
class TestSessionStates : public AppTestCase {
  Q_OBJECT

  static const PromptResult& result(const Session& session, std::size_t i = 0) {
    return session.results().at(i);
  }
  static ArmStatus done() { return {ArmState::Done, false}; }
  static ArmStatus off() { return {ArmState::Off, false}; }

  /// Seconds of processor time that this process uses within `ms`.
  static double used(int ms) {
    const std::clock_t before = std::clock();
    QTest::qWait(ms);
    return static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  }
  /// Long enough to be stopped: seconds of work.
  static constexpr int endless = 12000;

 private Q_SLOTS:
  void withoutAModelNothingIsRun() {
    Session session;
    session.setPrompts(smallPrompts(), 0);
    QVERIFY(finish(session));
    QCOMPARE(result(session).baseline.status.state, ArmState::NotRun);
    QCOMPARE(session.data().state, DataState::NoModel);
    disrupt(session);
    QVERIFY(finish(session));
    QCOMPARE(result(session).arms[0].status.state, ArmState::NotRun);
    session.cancel();
    session.resume();
    QVERIFY(finish(session));
    QCOMPARE(result(session).arms[0].status.state, ArmState::NotRun);
  }

  void loadingIsSaid() {
    Session session;
    session.setPrompts(smallPrompts(), 0);
    session.load(smallModel(), onOneThread());
    QCOMPARE(session.data().state, DataState::Loading);
    QCOMPARE(result(session).baseline.status.state, ArmState::Waiting);
    QVERIFY(finish(session));
    QCOMPARE(session.data().state, DataState::Current);
  }

  void whatRunsAndWhatWaits() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setMaxNewTokens(endless);
    QTRY_COMPARE(result(session, 0).baseline.status.state, ArmState::Running);
    QCOMPARE(result(session, 1).baseline.status, (ArmStatus{ArmState::Waiting, true}));
    QTRY_COMPARE(result(session, 0).baseline.status, (ArmStatus{ArmState::Running, false}));  // it writes
    session.cancel();
  }

  /// After Esc nothing old looks current, no arm still claims to run, and F5 runs what was stopped.
  void stoppedAndRunAgain() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    setEdits(session, {parse_disruption("site=q,pick=largest:2,replace=zero")});
    disrupt(session);
    QVERIFY(finish(session));
    QCOMPARE(result(session).arms[0].status, done());
    const QString old = result(session).arms[0].run->answer;
    setEdits(session, {parse_disruption("site=k,pick=largest:5,replace=zero")});
    session.cancel();
    for (std::size_t i = 0; i < 2; ++i) {
      QCOMPARE(result(session, i).baseline.status, done());
      QCOMPARE(result(session, i).arms[0].status, (ArmStatus{ArmState::Stopped, true}));
      QVERIFY(stateWords(result(session, i), result(session, i).arms[0])
                  .contains(QStringLiteral("earlier setting")));
      QVERIFY(stateWords(result(session, i), result(session, i).arms[0]).contains(QStringLiteral("F5")));
    }
    QCOMPARE(result(session).arms[0].run->answer, old);
    QCOMPARE(session.data().state, DataState::Stopped);
    QVERIFY(session.data().stale);
    session.resume();
    QVERIFY(finish(session));
    for (std::size_t i = 0; i < 2; ++i) QCOMPARE(result(session, i).arms[0].status, done());
    QCOMPARE(session.data().state, DataState::Current);
    QVERIFY(!session.data().stale);
    QCOMPARE(session.data().comparison->request.edits.front(), firstEdit(session));
  }

  void stoppedInTheMiddleOfAnAnswer() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setMaxNewTokens(endless);
    QTRY_VERIFY(result(session).baseline.status == (ArmStatus{ArmState::Running, false}) &&
                result(session).baseline.run->answer.size() > 3);
    session.cancel();
    QCOMPARE(result(session).baseline.status, (ArmStatus{ArmState::Stopped, false}));
    QVERIFY(!result(session).baseline.run->complete);
    QCOMPARE(result(session, 1).baseline.status, (ArmStatus{ArmState::Stopped, true}));
    const QString there = result(session).baseline.run->answer;
    QTest::qWait(50);
    QCOMPARE(result(session).baseline.run->answer, there);
    session.setMaxNewTokens(6);
    QVERIFY(finish(session));
    QCOMPARE(result(session).baseline.status, done());
  }

  /// Cancel stops the work itself, not only its reports.
  void cancelEndsTheWork() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setMaxNewTokens(endless);
    QTRY_VERIFY(result(session).baseline.status == (ArmStatus{ArmState::Running, false}));
    QVERIFY(used(200) > 0.02);
    session.cancel();
    QVERIFY(!session.isBusy());
    QTest::qWait(200);  // to the next token
    const double still = used(500);
    QVERIFY2(still < 0.1, qPrintable(QString::number(still)));
    QVERIFY(!session.isBusy());
  }

  void runAgainRunsEvenWhereAllIsDone() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const auto before = session.data().comparison->baseline;
    const QString answer = result(session).baseline.run->answer;
    session.resume();
    QVERIFY(finish(session));
    QVERIFY(session.data().comparison->baseline != before);
    QVERIFY(session.data().comparison->baseline->prefill_ms > 0);  // computed, not remembered
    QCOMPARE(result(session).baseline.run->answer, answer);
    QCOMPARE(result(session).baseline.status, done());
  }

  /// With D off no disrupted row stays, whatever happened while it was on.
  void offLeavesNoRow() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    disrupt(session);
    QVERIFY(finish(session));
    session.setMaxNewTokens(endless);
    QTRY_COMPARE(result(session).baseline.status.state, ArmState::Running);
    disrupt(session, false);
    session.cancel();
    for (std::size_t i = 0; i < 2; ++i) {
      QVERIFY(!result(session, i).arms[0].run);
      QCOMPARE(result(session, i).arms[0].status, off());
    }
  }

  /// On, and nothing runs: never an invitation to switch it on.
  void onIsNeverToldAsOff() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    disrupt(session);
    session.cancel();
    session.setPrompts(
        {smallPrompts()[0], smallPrompts()[1], {PromptKind::Free, QStringLiteral("new"), {}, true}}, 2);
    session.cancel();
    for (std::size_t i = 0; i < 3; ++i) {
      QCOMPARE(result(session, i).arms[0].status.state, ArmState::Stopped);
      QVERIFY(
          !stateWords(result(session, i), result(session, i).arms[0]).contains(QStringLiteral("press D")));
    }
    session.resume();
    QVERIFY(finish(session));
    for (std::size_t i = 0; i < 3; ++i) QCOMPARE(result(session, i).arms[0].status, done());
  }

  /// A question that fails leaves its sentence, and no old answer that looks current.
  void failureIsSaidAndAskedAgain() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    QSignalSpy failed(&session, &Session::failed);
    disrupt(session);
    QVERIFY(finish(session));
    QVERIFY(result(session).arms[0].run);
    const Edits right = session.arms().shown().edits;
    setEdits(session, {parse_disruption("site=q,pick=largest:2,layers=40")});  // there are two layers
    QVERIFY(finish(session));
    QVERIFY(failed.count() >= 1);
    const QString sentence = failed.front().front().toString();
    QCOMPARE(result(session).arms[0].status.state, ArmState::Failed);
    QVERIFY(!result(session).arms[0].run);
    QCOMPARE(stateWords(result(session), result(session).arms[0]), sentence);
    QCOMPARE(result(session).baseline.status, done());  // its own question has its answer
    QCOMPARE(session.data().state, DataState::Failed);
    QCOMPARE(session.data().problem, sentence);
    QVERIFY(!session.data().comparison || !session.data().comparison->disrupted);
    const qsizetype before = failed.count();
    session.resume();
    QVERIFY(finish(session));
    QVERIFY(failed.count() > before);
    setEdits(session, right);
    QVERIFY(finish(session));
    QCOMPARE(result(session).arms[0].status, done());
    QVERIFY(result(session).problem.isEmpty());
    QCOMPARE(session.data().state, DataState::Current);
  }

  void undoneBeforeItRan() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    disrupt(session);
    QVERIFY(finish(session));
    const Edits right = session.arms().shown().edits;
    setEdits(session, {parse_disruption("site=k,pick=largest:3")});
    QTRY_VERIFY(result(session, 1).arms[0].status.earlier);
    setEdits(session, right);
    QVERIFY(finish(session));
    for (std::size_t i = 0; i < 2; ++i) QCOMPARE(result(session, i).arms[0].status, done());
  }

  // ---- prompts come, go, change places

  void answersMoveWithTheirPrompts() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const QString first = result(session, 0).baseline.run->answer,
                  second = result(session, 1).baseline.run->answer;
    const std::vector<Prompt> both = session.prompts();
    session.setPrompts({both[1], both[0]}, 0);
    QCOMPARE(result(session, 0).baseline.run->answer, second);
    QCOMPARE(result(session, 1).baseline.run->answer, first);
    session.setPrompts({smallPrompts()[1]}, 0);  // without its id
    QCOMPARE(session.prompts()[0].id, both[1].id);
    QCOMPARE(result(session, 0).baseline.run->answer, second);
    QVERIFY(finish(session));
    QCOMPARE(result(session, 0).baseline.status, done());
    session.setPrompts({}, 0);
    QVERIFY(finish(session));
    QVERIFY(session.results().empty());
    QCOMPARE(session.data().state, DataState::NoPrompt);
    QVERIFY(!session.data().comparison);
  }

  void everyPromptHasItsOwnId() {
    Session session;
    const Prompt same = smallPrompts()[0];
    session.setPrompts({same, same, same}, 0);
    std::set<PromptId> ids;
    for (const Prompt& prompt : session.prompts()) ids.insert(prompt.id);
    QCOMPARE(ids.size(), std::size_t(3));
    QVERIFY(!ids.contains(0));
    const Prompt first = session.prompts()[0];
    session.setPrompts({first, first}, 0);  // a copy
    QCOMPARE(session.prompts()[0].id, first.id);
    QVERIFY(session.prompts()[1].id != first.id);
  }

  /// Prompts are removed, reordered and edited at every moment of a run; each card ends with its own answer.
  void promptsChangeWhileAnswersStream() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    disrupt(session);
    session.setMaxNewTokens(30);
    std::map<QString, QString> right;  // text -> answer
    const auto prompt = [](int i) {
      return Prompt{PromptKind::Free, QStringLiteral("prompt %1 of many").arg(i), {}, true};
    };
    std::vector<Prompt> all;
    for (int i = 0; i < 4; ++i) all.push_back(prompt(i));
    session.setPrompts(all, 0);
    QVERIFY(finish(session));
    for (std::size_t i = 0; i < 4; ++i)
      right[session.prompts()[i].text] = result(session, i).arms[0].run->answer;
    std::set<QString> different;
    for (const auto& [text, answer] : right) different.insert(answer);
    QVERIFY(different.size() > 1);

    for (int round = 0; round < 24; ++round) {
      setEdits(session, {parse_disruption("site=q,pick=largest:" + std::to_string(1 + round % 7))});
      session.setPrompts({prompt(round % 4), prompt((round + 1) % 4), prompt((round + 2) % 4)}, round % 3);
      QTest::qWait(3 + round);
      std::vector<Prompt> now = session.prompts();
      if (round % 3 == 0) now.erase(now.begin());
      if (round % 3 == 1) std::swap(now.front(), now.back());
      if (round % 3 == 2) now.back().text = prompt(9).text;
      session.setPrompts(now, 0);
      QTest::qWait(round % 5);
      QCOMPARE(session.results().size(), session.prompts().size());
    }
    setEdits(session, {parse_disruption("lambda 5 on Q")});
    session.setPrompts(all, 0);
    QVERIFY(finish(session));
    for (std::size_t i = 0; i < 4; ++i) {
      QCOMPARE(result(session, i).arms[0].status, done());
      QCOMPARE(result(session, i).arms[0].run->answer, right.at(session.prompts()[i].text));
    }
  }

  /// The card of an edited prompt never takes what runs for its old text.
  void editedWhileItRuns() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setMaxNewTokens(endless);
    QTRY_VERIFY(result(session).baseline.status == (ArmStatus{ArmState::Running, false}));
    std::vector<Prompt> prompts = session.prompts();
    prompts[0].text = QStringLiteral("Something else");
    session.setPrompts(prompts, 0);
    QVERIFY(result(session).baseline.status.state != ArmState::Done);
    QTRY_VERIFY(result(session).pieces.size() == result(session).user_end &&
                result(session).pieces.size() < 20);
    QVERIFY(result(session).baseline.status.earlier || result(session).baseline.run->answer.size() < 4000);
    session.setMaxNewTokens(5);
    QVERIFY(finish(session));
    QCOMPARE(result(session).baseline.status, done());
    const RunRequest& asked = session.data().comparison->request;
    QCOMPARE(QString::fromStdString(session.model()->tokenizer().decode(asked.prompt, true)),
             prompts[0].text);
  }

  // ---- what cannot be asked

  void emptyPromptIsSaid() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setPrompts({{PromptKind::Free, QString(), QString(), true}, smallPrompts()[1]}, 0);
    QVERIFY(finish(session));
    QCOMPARE(result(session).baseline.status.state, ArmState::Failed);
    QVERIFY2(stateWords(result(session), result(session).baseline).contains(QStringLiteral("empty")),
             qPrintable(result(session).problem));
    QVERIFY(!result(session).baseline.run);
    QCOMPARE(result(session, 1).baseline.status, done());
    QVERIFY(!session.data().comparison);
    QVERIFY(session.data().problem.contains(QStringLiteral("empty")));
  }

  void tooLongPromptIsSaid() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setPrompts({{PromptKind::Free, QStringLiteral("x ").repeated(9000), QString(), true}}, 0);
    QVERIFY(finish(session));
    QCOMPARE(result(session).baseline.status.state, ArmState::Failed);
    QVERIFY2(result(session).problem.contains(QStringLiteral("16384")), qPrintable(result(session).problem));
    QVERIFY(!result(session).baseline.run);
    QVERIFY(!session.data().comparison);
    std::vector<Prompt> prompts = session.prompts();
    prompts[0].text = QStringLiteral("short");
    session.setPrompts(prompts, 0);
    QVERIFY(finish(session));
    QCOMPARE(result(session).baseline.status, done());
  }

  /// A megabyte that is pasted holds up no turn of the event loop.
  void hugePromptsHoldUpNothing() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const Prompt huge{PromptKind::Free, QStringLiteral("word ").repeated(200000), QString(), true};
    const std::clock_t start = std::clock();
    timespec before{}, after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    session.setPrompts({huge, smallPrompts()[0]}, 0);
    QVERIFY(finish(session));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    const double here = static_cast<double>(after.tv_sec - before.tv_sec) +
                        static_cast<double>(after.tv_nsec - before.tv_nsec) * 1e-9;
    const double all = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    QVERIFY2(here < 0.05 && here < all / 2, qPrintable(QStringLiteral("%1 of %2 s").arg(here).arg(all)));
    QCOMPARE(result(session).baseline.status.state, ArmState::Failed);
    QCOMPARE(result(session, 1).baseline.status, done());
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestSessionStates)
#include "test_session_states.moc"

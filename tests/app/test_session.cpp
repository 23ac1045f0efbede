#include <QThread>
#include <atomic>
#include <cmath>

#include "tests/app/app_test.h"
#include "tests/support/runs.h"

namespace qkscope::test {

class TestSession : public AppTestCase {
  Q_OBJECT

 private Q_SLOTS:
  void runsEveryPromptAndShowsTheSelected() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const int layers = session.model()->spec().num_layers();
    const ViewData& data = session.data();
    QVERIFY(data.comparison && data.comparison->baseline);
    QVERIFY(!data.comparison->disrupted);
    QVERIFY(!data.stale);
    QCOMPARE(data.state, DataState::Current);
    QCOMPARE(data.pieces.size(), data.comparison->baseline->capture.positions);
    for (int layer = 0; layer < layers; ++layer) {
      for (const Site site : {Site::Query, Site::Key, Site::Value}) {
        QVERIFY(data.comparison->baseline->capture.norm(layer, site));
      }
    }
    QVERIFY(same_numbers(*data.comparison, fresh(session)));
    QCOMPARE(session.results().size(), std::size_t(2));
    for (const PromptResult& result : session.results()) {
      QVERIFY2(result.problem.isEmpty(), qPrintable(result.problem));
      QVERIFY(result.baseline.run && result.baseline.run->complete);
      QVERIFY(!result.arms[0].run);
      QVERIFY(!result.baseline.run->answer.isEmpty());
      QVERIFY(!result.baseline.run->next.empty());
      QVERIFY(result.baseline.run->continuation && result.baseline.run->continuation->value());
      QCOMPARE(static_cast<std::size_t>(result.baseline.run->continuation_pieces.size()),
               result.baseline.run->continuation->nll.size());
    }
    QVERIFY(session.times().baseline_ms);
  }

  void disruptAndBack() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const QString baseline = session.results()[0].baseline.run->answer;
    Disruption value = parse_disruption("site=q,pick=largest:2,replace=zero");
    setEdits(session, {value});
    QVERIFY(finish(session));
    QVERIFY(!session.data().comparison->disrupted);  // off: nothing is applied
    disrupt(session);
    QVERIFY(finish(session));
    const auto& comparison = session.data().comparison;
    QVERIFY(comparison->disrupted);
    QCOMPARE(comparison->request.edits, Edits{value});
    const ModelSpec& spec = session.model()->spec();
    QCOMPARE(comparison->disrupted->replaced, std::int64_t(2 * spec.num_layers() * spec.num_heads()));
    QVERIFY(same_numbers(*comparison, fresh(session)));
    for (const PromptResult& result : session.results()) {
      QVERIFY(result.arms[0].run && result.arms[0].run->complete);
      QCOMPARE(result.arms[0].status, (ArmStatus{ArmState::Done, false}));
    }
    QCOMPARE(session.results()[0].baseline.run->answer, baseline);

    disrupt(session, false);
    QVERIFY(finish(session));
    QVERIFY(!session.data().comparison->disrupted);
    QVERIFY(!session.results()[0].arms[0].run);
  }

  /// Before the key is pressed its pass has run: not a word of it is told, and no pass comes between the key
  /// and the pictures.
  void theArmThatIsOffIsComputedAhead() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    for (const char* pick : {"largest:2", "largest:3"}) {
      setEdits(session, {parse_disruption(std::string("site=q,replace=zero,pick=") + pick)});
      QVERIFY(finish(session));
      std::atomic<bool> idle = false;
      session.setBackground(QStringLiteral("comes after it"), [&](const std::stop_token&) { idle = true; });
      QTRY_VERIFY(idle);
      session.setBackground({}, nullptr);
      QVERIFY(!session.isBusy() && !session.data().comparison->disrupted);

      disrupt(session);
      QVERIFY(!session.showsWhatIsAsked());
      QCoreApplication::sendPostedEvents(&session, QEvent::MetaCall);  // it plans; no run can tell of itself
      QVERIFY(session.showsWhatIsAsked() && session.isBusy());
      QVERIFY(session.data().comparison->disrupted && session.times().disrupted_ms);
      QVERIFY(same_numbers(*session.data().comparison, fresh(session)));
      QVERIFY(finish(session));
      QVERIFY(same_numbers(*session.data().comparison, fresh(session)));
      QVERIFY(session.results()[0].arms[0].run->complete);
      disrupt(session, false);
      QVERIFY(finish(session));
    }
  }

  /// The passes' pictures are told once; that the answers are there by now is no other picture.
  void answersTellNoPictures() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    setEdits(session, {parse_disruption("site=q,pick=largest:2,replace=zero")});
    disrupt(session);
    const auto are_there = [&] {
      return session.data().state == DataState::Current && session.data().comparison->disrupted;
    };
    QVERIFY(QTest::qWaitFor(are_there, 60000));
    QSignalSpy told(&session, &Session::dataChanged);
    QVERIFY(finish(session));
    QCOMPARE(told.count(), 0);
    QVERIFY(!session.data().comparison->disrupted->answer.empty());
    QVERIFY(same_numbers(*session.data().comparison, fresh(session)));
    session.resume();  // all of it once more
    QVERIFY(finish(session));
    QVERIFY(told.count() > 0);
  }

  void goingBackCostsNoRun() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    disrupt(session);
    QVERIFY(finish(session));
    const auto first = session.data().comparison->disrupted;
    disrupt(session, false);
    QVERIFY(finish(session));
    disrupt(session);
    QVERIFY(finish(session));
    QCOMPARE(session.data().comparison->disrupted, first);  // the very same object
  }

  /// Whatever is shown as current is what a fresh runner makes of the setting of that moment, however fast
  /// settings follow one another.
  void nothingStaleIsShownAsCurrent() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    disrupt(session);
    Runner judge(session.model());
    int looked = 0;
    bool right = true;
    const auto look = [&] {
      const ViewData& data = session.data();
      if (data.state == DataState::Current && !data.stale && data.comparison->disrupted) {
        RunRequest asked = data.comparison->request;
        asked.edits = appliedEdits(session.arms());
        asked.max_new_tokens = 0;
        asked.score_continuation = false;
        right = right && data.comparison->disrupted->capture == judge.compare(asked).disrupted->capture;
        ++looked;
      }
    };
    connect(&session, &Session::dataChanged, &session, look);
    Disruption value = parse_disruption("site=q,pick=largest:1,replace=zero");
    for (int step = 1; step <= 40; ++step) {
      value.pick.n = 1 + step % 8;
      setEdits(session, {value});
      if (step % 3 != 0) continue;
      QTest::qWait(step);
      look();
    }
    QVERIFY(finish(session));
    QVERIFY(right);
    QVERIFY(looked > 0);
    QVERIFY(session.data().comparison->request.edits.front() == value);
    for (std::size_t i = 0; i < 2; ++i) {
      session.selectPrompt(static_cast<int>(i));
      QVERIFY(finish(session));
      RunRequest asked = session.data().comparison->request;
      asked.max_new_tokens = 6;
      asked.score_continuation = true;
      const Comparison wanted = Runner(session.model()).compare(asked);
      const PromptResult& result = session.results()[i];
      QCOMPARE(result.arms[0].status, (ArmStatus{ArmState::Done, false}));
      QCOMPARE(result.arms[0].run->answer,
               QString::fromStdString(session.model()->tokenizer().decode(wanted.disrupted->answer, true)));
    }
  }

  /// What was reported before a newer question, and is heard after it, is not shown any more.
  void lateReportsAreDropped() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const Disruption older = parse_disruption("site=q,pick=largest:3,replace=zero");
    disrupt(session);
    QVERIFY(finish(session));
    setEdits(session, {older});
    QTRY_COMPARE(session.results()[0].arms[0].status.state, ArmState::Running);
    QThread::msleep(500);  // the thread reports all it has; nobody listens yet
    bool shown = false;
    connect(&session, &Session::dataChanged, &session, [&] {
      const auto& comparison = session.data().comparison;
      shown = shown || (comparison && comparison->request.edits == Edits{older});
    });
    setEdits(session, {parse_disruption("site=k,pick=largest:3,replace=zero")});
    QVERIFY(finish(session));
    QVERIFY(!shown);
    QCOMPARE(session.data().state, DataState::Current);
  }

  void selectedPromptDrivesThePictures() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const auto first = session.data().comparison->request.prompt;
    session.selectPrompt(1);
    QVERIFY(finish(session));
    QVERIFY(session.data().comparison->request.prompt != first);
    QCOMPARE(static_cast<std::size_t>(session.data().pieces.size()),
             session.data().comparison->request.prompt.size());
    QVERIFY(session.data().comparison->baseline->capture.norm(0, Site::Key));
  }

  void needsAreMetAfterwards() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    Needs needs = allNorms();
    needs.values = {Site::Query};
    needs.value_layers = {1};
    session.setNeeds(needs);
    QVERIFY(finish(session));
    const Array* value = session.data().comparison->baseline->capture.value(1, Site::Query);
    QVERIFY(value);
    QCOMPARE(value->shape.at(0), std::int64_t(session.data().pieces.size()));
    QVERIFY(session.results()[0].baseline.run->complete);
  }

  /// A pass that takes its time is shown layer by layer.
  void longPassesComeLayerByLayer() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setMaxNewTokens(1);
    std::set<std::size_t> layers;
    connect(&session, &Session::dataChanged, &session, [&] {
      const auto& comparison = session.data().comparison;
      if (!comparison || !comparison->baseline || comparison->baseline->capture.positions < 100) return;
      std::set<int> there;
      for (const auto& [where, norm] : comparison->baseline->capture.norms) there.insert(where.layer);
      layers.insert(there.size());
    });
    session.setPrompts({{PromptKind::Free, QStringLiteral("x ").repeated(6000), QString(), true}}, 0);
    QVERIFY(finish(session));
    QCOMPARE(session.data().state, DataState::Current);
    const auto all = static_cast<std::size_t>(session.model()->spec().num_layers());
    QVERIFY(layers.contains(all));
    QVERIFY2(layers.contains(1), "the first layer alone was never shown");
  }

  void promptLoss() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setPromptLoss(true);
    const auto known = [](const ArmResult& arm, const PromptResult& result) {
      // The first token of a text has nothing to be predicted from.
      return arm.prompt_scores &&
             arm.prompt_scores->nll.size() == static_cast<std::size_t>(result.pieces.size()) - 1 &&
             arm.prompt_scores->likely.size() == arm.prompt_scores->nll.size() &&
             std::ranges::all_of(arm.prompt_scores->nll,
                                 [](float nats) { return std::isfinite(nats) && nats >= 0; });
    };
    const auto there = [&] {
      return std::ranges::all_of(session.results(), [&](const PromptResult& result) {
        return known(result.baseline, result) &&
               (session.arms().on ? known(result.arms[0], result) : !result.arms[0].prompt_scores);
      });
    };
    QVERIFY(finish(session));
    QVERIFY(there());
    // They are the prompt's own: neither a disruption nor the length of answers takes them away.
    setEdits(session, {parse_disruption("site=q,pick=largest:2,replace=zero")});
    disrupt(session);
    QVERIFY(finish(session));
    QVERIFY(there());
    session.setMaxNewTokens(4);
    QVERIFY(finish(session));
    QVERIFY(there());
    QVERIFY(session.results()[0].arms[0].run->complete);
    // Each arm's are its own: what a runner that has seen nothing before makes of them.
    const PromptResult& first = session.results()[0];
    RunRequest request;
    request.prompt = session.data().comparison->request.prompt;
    request.edits = {firstEdit(session)};
    request.score_prompt = true;
    const Comparison judge = Runner(session.model()).compare(request);
    QVERIFY(first.baseline.prompt_scores->nll == judge.baseline->prompt_text->nll);
    QVERIFY(first.arms[0].prompt_scores->nll == judge.disrupted->prompt_text->nll);
    QVERIFY(judge.baseline->prompt_text->nll != judge.disrupted->prompt_text->nll);
    // Another edit's are not shown as this one's.
    setEdits(session, {parse_disruption("site=k,pick=largest:3")});
    QVERIFY(!session.results()[0].arms[0].prompt_scores && session.results()[0].baseline.prompt_scores);
    QVERIFY(finish(session));
    QVERIFY(there());
    session.setPromptLoss(false);
    QVERIFY(finish(session));
    QVERIFY(!session.results()[0].baseline.prompt_scores);
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestSession)
#include "test_session.moc"

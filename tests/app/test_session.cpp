#include <cmath>

#include "app/prompt_text.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

class TestSession : public AppTestCase {
  Q_OBJECT

  /// A session on the small model with two prompts, idle.
  struct Ready {
    Session session;
    bool there = false;
    Ready() {
      session.setMaxNewTokens(6);
      session.setNeeds(allNorms());
      session.setPrompts(smallPrompts(), 0);
      session.load(smallModel());
      there = finish(session) && session.model();
    }
  };

 private Q_SLOTS:
  void runsEveryPromptAndShowsTheSelected() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const int layers = session.model()->spec().num_layers;
    const ViewData& data = session.data();
    QVERIFY(data.comparison && data.comparison->baseline);
    QVERIFY(!data.comparison->disrupted);
    QVERIFY(!data.stale);
    QCOMPARE(data.pieces.size(), data.comparison->baseline->capture.positions);
    for (int layer = 0; layer < layers; ++layer) {
      for (const Site site : {Site::Query, Site::Key, Site::Value}) {
        QVERIFY(data.comparison->baseline->capture.norm(layer, site));
      }
    }
    QCOMPARE(session.results().size(), std::size_t(2));
    for (const PromptResult& result : session.results()) {
      QVERIFY2(result.problem.isEmpty(), qPrintable(result.problem));
      QVERIFY(result.baseline && result.baseline->complete);
      QVERIFY(!result.disrupted);
      QVERIFY(!result.baseline->answer.isEmpty());
      QVERIFY(!result.baseline->next.empty());
      QVERIFY(result.baseline->continuation && result.baseline->continuation->value());
      QCOMPARE(static_cast<std::size_t>(result.baseline->continuation_pieces.size()),
               result.baseline->continuation->nll.size());
    }
    QVERIFY(session.times().baseline_ms);
  }

  void disruptAndBack() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const QString baseline = session.results()[0].baseline->answer;
    Disruption value = parse_disruption("site=q,pick=largest:2,replace=zero");
    session.stack().push(value);
    QVERIFY(finish(session));
    QVERIFY(!session.data().comparison->disrupted);  // off: nothing is applied
    session.stack().setOn(true);
    QVERIFY(finish(session));
    const auto& comparison = session.data().comparison;
    QVERIFY(comparison->disrupted);
    QCOMPARE(comparison->request.disruptions, std::vector<Disruption>{value});
    const DecoderSpec& spec = session.model()->spec();
    QCOMPARE(comparison->disrupted->replaced, std::int64_t(2 * spec.num_layers * spec.num_heads));
    for (const PromptResult& result : session.results()) {
      QVERIFY(result.disrupted && result.disrupted->complete);
      QVERIFY(!result.stale);
    }
    QCOMPARE(session.results()[0].baseline->answer, baseline);

    session.stack().setOn(false);
    QVERIFY(finish(session));
    QVERIFY(!session.data().comparison->disrupted);
    QVERIFY(!session.results()[0].disrupted);
  }

  void goingBackCostsNoRun() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.stack().setOn(true);
    QVERIFY(finish(session));
    const auto first = session.data().comparison->disrupted;
    session.stack().setOn(false);
    QVERIFY(finish(session));
    session.stack().setOn(true);
    QVERIFY(finish(session));
    QCOMPARE(session.data().comparison->disrupted, first);  // the very same object
  }

  /// What is undone before it has run leaves the answers of before, which are as good as ever.
  void undoneBeforeItRan() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.stack().setOn(true);
    QVERIFY(finish(session));
    session.stack().push(parse_disruption("site=k,pick=largest:3"));
    QTRY_VERIFY(session.results()[1].stale);
    session.stack().undo();
    QVERIFY(finish(session));
    for (const PromptResult& result : session.results()) QVERIFY(!result.stale && result.disrupted->complete);
  }

  void latestWins() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.stack().setOn(true);
    std::vector<double> shown;
    connect(&session, &Session::dataChanged, &session, [&] {
      const auto& comparison = session.data().comparison;
      if (comparison && comparison->disrupted && !session.data().stale) {
        shown.push_back(comparison->request.disruptions.front().pick.lambda);
      }
    });
    Disruption value = session.stack().current();
    for (int step = 1; step <= 40; ++step) {
      value.pick.lambda = 1.0 + 0.1 * step;
      session.stack().push(value);
      if (step % 3 == 0) QTest::qWait(2);
    }
    QVERIFY(finish(session));
    QVERIFY(session.data().comparison->request.disruptions.front() == value);
    QVERIFY(!shown.empty());
    QCOMPARE(shown.back(), value.pick.lambda);
    // Never back to an older value: stale answers are dropped.
    QVERIFY(std::is_sorted(shown.begin(), shown.end()));
    for (const PromptResult& result : session.results()) QVERIFY(!result.stale);
  }

  void selectedPromptDrivesThePictures() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
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
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    Needs needs = allNorms();
    needs.values = {Site::Query};
    needs.value_layers = {2};
    session.setNeeds(needs);
    QVERIFY(finish(session));
    const Array* value = session.data().comparison->baseline->capture.value(2, Site::Query);
    QVERIFY(value);
    QCOMPARE(value->shape.at(0), std::int64_t(session.data().pieces.size()));
    QVERIFY(session.results()[0].baseline->complete);
  }

  void answersMoveWithTheirPrompts() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const QString second = session.results()[1].baseline->answer;
    session.setPrompts({smallPrompts()[1]}, 0);
    QVERIFY(session.results()[0].baseline);
    QCOMPARE(session.results()[0].baseline->answer, second);
    QVERIFY(finish(session));
    QCOMPARE(session.results()[0].baseline->answer, second);
    session.setPrompts({}, 0);
    QVERIFY(finish(session));
    QVERIFY(session.results().empty());
  }

  void promptLoss() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setPromptLoss(true);
    QVERIFY(finish(session));
    for (const PromptResult& result : session.results()) {
      // The first token of a text has nothing to be predicted from.
      QCOMPARE(result.baseline->prompt_loss.size(), static_cast<std::size_t>(result.pieces.size()) - 1);
      for (const float nats : result.baseline->prompt_loss) QVERIFY(std::isfinite(nats) && nats >= 0);
    }
  }

  void cancelWhileRunning() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setMaxNewTokens(200);
    QTest::qWait(5);
    QVERIFY(session.isBusy());
    session.cancel();
    QVERIFY(!session.isBusy());
    QTest::qWait(50);
    QVERIFY(!session.isBusy());
    session.setMaxNewTokens(4);
    QVERIFY(finish(session));
    QVERIFY(session.results()[0].baseline->complete);
  }

  void cancelWhileLoading() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Session session;
    QSignalSpy failed(&session, &Session::failed);
    session.load(smallModel());
    session.cancel();
    QVERIFY(!session.isLoading());
    QTest::qWait(300);
    QVERIFY(!session.model());
    QCOMPARE(failed.count(), 0);
    session.load(smallModel());
    QVERIFY(finish(session));
    QVERIFY(session.model());
  }

  void badFilesAreOneSentence_data() {
    QTest::addColumn<QString>("path");
    QTest::newRow("missing") << folder_.filePath(QStringLiteral("nothing.gguf"));
    QTest::newRow("empty") << writeFile(QStringLiteral("empty.gguf"), {});
    QTest::newRow("text") << writeFile(QStringLiteral("text.gguf"), "this is no model");
    QTest::newRow("cut") << writeFile(QStringLiteral("cut.gguf"), QByteArray("GGUF\3\0\0\0", 8));
    QTest::newRow("folder") << folder_.path();
  }
  void badFilesAreOneSentence() {
    QFETCH(QString, path);
    Session session;
    QSignalSpy failed(&session, &Session::failed);
    session.load(path.toStdString());
    QVERIFY(finish(session));
    QCOMPARE(failed.count(), 1);
    const QString sentence = failed.front().front().toString();
    QVERIFY2(sentence.contains(QFileInfo(path).fileName()), qPrintable(sentence));
    QVERIFY(!session.model());
  }

  void emptyPromptIsSaid() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    QSignalSpy failed(&session, &Session::failed);
    session.setPrompts({{PromptKind::Free, QString(), QString(), true}}, 0);
    QVERIFY(finish(session));
    const PromptResult& result = session.results()[0];
    QVERIFY(!result.problem.isEmpty() || result.baseline);  // a tokenizer that adds BOS makes one token of it
  }

  void tooLongPromptIsSaid() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Ready ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    QSignalSpy failed(&session, &Session::failed);
    session.setPrompts({{PromptKind::Free, QStringLiteral("x ").repeated(3000), QString(), true}}, 0);
    QVERIFY(finish(session));
    QVERIFY(!session.results()[0].problem.isEmpty() || session.results()[0].baseline);
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestSession)
#include "test_session.moc"

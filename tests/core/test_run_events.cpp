// What a run reports on its way, how it is stopped, and what it refuses.
#include "core/base/error.h"
#include "core/run/runner.h"
#include "tests/support/errors.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

class TestRunEvents : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void eventsComeInOrder() {
    const auto model = TinyModel("llama-bias").load();
    RunRequest request = request_of(golden_prompt("llama-bias"), {"site=q,pick=largest:1,layers=2-3"});
    request.needs = {{Site::Query, Site::Value}, {}, {1, 2}, {}};
    request.max_new_tokens = 2;
    request.score_continuation = true;
    Log log;
    Runner(model).compare(request, log.events());
    // A clean mask has M of Q, K and V measured in every layer of the baseline.
    std::vector<std::string> expected;
    for (const char* arm : {"B", "D"}) {
      for (int layer = arm[0] == 'B' ? 0 : 1; layer < 3; ++layer) {
        const std::string number = std::to_string(layer);
        // Of a GPU, M comes when the pass has ended.
        for (const char* site : {"query", "key", "value"})
          if (on_cpu()) expected.push_back(std::string(arm) + " norm " + number + " " + site);
        expected.push_back(std::string(arm) + " layer " + number + "/3");
      }
      expected.push_back(std::string(arm) + " prefilled");
    }
    for (const char* line :
         {"B token", "B token", "D token", "D token", "B scored continuation", "D scored continuation"})
      expected.emplace_back(line);
    QCOMPARE(log.lines, expected);
  }

  void prefilledRunsAreComplete() {
    const auto model = TinyModel().load();
    const RunRequest request = request_of(golden_prompt("llama-default"), {"site=q,pick=largest:2"});
    std::map<Arm, std::shared_ptr<const Run>> prefilled;
    RunEvents events;
    events.prefilled = [&](Arm arm, const std::shared_ptr<const Run>& run) { prefilled[arm] = run; };
    std::map<SiteId, SharedArray> norms;
    events.norm = [&](Arm arm, SiteId id, const Array& m) {
      if (arm == Arm::Disrupted) norms[id] = m;
    };
    const Comparison comparison = Runner(model).compare(request, events);
    for (const auto& [arm, final] :
         {std::pair{Arm::Baseline, comparison.baseline}, {Arm::Disrupted, comparison.disrupted}}) {
      QCOMPARE(prefilled.at(arm)->capture, final->capture);
      QCOMPARE(prefilled.at(arm)->next_tokens, final->next_tokens);
      QVERIFY(prefilled.at(arm)->answer.empty());  // not yet, and it does not appear there later
    }
    if (on_cpu()) QCOMPARE(norms, comparison.disrupted->capture.norms);
  }

  /// Stopped anywhere, a run ends at once, and the Runner goes on as if nothing had been.
  void stopsAndGoesOn_data() {
    QTest::addColumn<QString>("at");
    for (const char* at : {"B layer 1/3", "B prefilled", "B token", "D layer 1/3", "D prefilled", "D token",
                           "B scored", "D scored"})
      QTest::newRow(at) << at;
  }
  void stopsAndGoesOn() {
    QFETCH(QString, at);
    const auto model = TinyModel("llama-bias").load();
    RunRequest request = request_of(golden_prompt("llama-bias"), {"site=qk,pick=largest:2,phase=every"});
    request.score_continuation = request.score_prompt = request.score_as_published = true;
    const Comparison expected = Runner(model).compare(request);

    Runner runner(model);
    std::stop_source source;
    Log log;
    RunEvents events = log.events();
    const auto stop_at = [&] {
      if (log.lines.back().starts_with(at.toStdString())) source.request_stop();
    };
    events.layer = [&, inner = events.layer](Arm arm, int layer, int of) {
      inner(arm, layer, of), stop_at();
    };
    events.prefilled = [&, inner = events.prefilled](Arm arm, const std::shared_ptr<const Run>& run) {
      inner(arm, run), stop_at();
    };
    events.token = [&, inner = events.token](Arm arm, int id) { inner(arm, id), stop_at(); };
    events.scored = [&, inner = events.scored](Arm arm, const Perplexity& p) { inner(arm, p), stop_at(); };
    QVERIFY_EXCEPTION_THROWN(runner.compare(request, events, source.get_token()), Cancelled);
    QCOMPARE(log.count(at.toStdString()), 1);
    QVERIFY2(log.lines.back().starts_with(at.toStdString()), log.lines.back().c_str());
    QVERIFY(same_numbers(runner.compare(request), expected));
  }

  void aStopAskedBeforehandDoesNothing() {
    const auto model = TinyModel().load();
    Runner runner(model);
    std::stop_source source;
    source.request_stop();
    Log log;
    const RunRequest request = request_of(golden_prompt("llama-default"));
    QVERIFY_EXCEPTION_THROWN(runner.compare(request, log.events(), source.get_token()), Cancelled);
    QVERIFY(log.lines.empty());
    QVERIFY_EXCEPTION_THROWN(text_perplexity(*model, request.prompt, {}, source.get_token()), Cancelled);
    QVERIFY(same_numbers(runner.compare(request), Runner(model).compare(request)));
  }

  void refusals() {
    const auto model = TinyModel().load();
    Runner runner(model);
    QKSCOPE_EXPECT_ERROR(runner.compare(request_of({})), "prompt", "no tokens");
    QKSCOPE_EXPECT_ERROR(runner.compare(request_of({1, 96})), "96", "vocabulary");
    QKSCOPE_EXPECT_ERROR(runner.compare(request_of({1, 5}, {"site=q,layers=3"})), "layer 3", "2 layers");
    QKSCOPE_EXPECT_ERROR(runner.compare(request_of({1, 5}, {"site=k,heads=5"})), "head 5");
    RunRequest request = request_of({1, 5});
    request.expected = {3, 96};
    request.score_continuation = true;
    QKSCOPE_EXPECT_ERROR(runner.compare(request), "96", "vocabulary");
    QVERIFY(runner.compare(request_of({1, 5})).baseline);
  }
};

QTEST_GUILESS_MAIN(TestRunEvents)
#include "test_run_events.moc"

// Runs from request to comparison: what is recomputed, kept, reported and left alone.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "core/analysis/massive_values.h"
#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/run/generate.h"
#include "core/run/request_tap.h"
#include "core/run/runner.h"
#include "core/run/tensor_array.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

/// The disrupted run of a request computed from the embedding on, without a Runner.
Run whole_pass(const LanguageModel& model, const RunRequest& request, const Capture& baseline) {
  const c10::InferenceMode inference;
  const Decoder& decoder = model.decoder();
  Run run;
  Intervention intervention(request.edits, decoder.spec(), baseline, device());
  RequestTap tap(&request.needs, &intervention, /*prefill=*/true);
  State cache(decoder.spec().num_layers());
  const at::Tensor residual =
      decoder.run_layers(decoder.embed(request.prompt, cache), 0, decoder.spec().num_layers(), cache, tap);
  cache.advance(static_cast<int>(request.prompt.size()));
  const at::Tensor logits = decoder.logits(residual.narrow(0, -1, 1), tap)[0];
  tap.take(run.capture);
  run.capture.positions = static_cast<int>(request.prompt.size());
  run.next_tokens = top_tokens(logits, request.top_next_tokens);
  run.replaced = intervention.replaced();
  run.answer = generate(decoder, logits, cache, request, &intervention, {}, {}).ids;
  return run;
}

/// Largest difference of two arrays.
double difference(const Array& a, const Array& b) {
  if (a.shape != b.shape) return 1e9;
  double largest = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.data[i]) - static_cast<double>(b.data[i])));
  return largest;
}

}  // namespace

class TestRunner : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Started at the first disrupted layer, yet to the last bit the pass from the embedding on.
  void startsAtTheFirstDisruptedLayer_data() { golden_rows(); }
  void startsAtTheFirstDisruptedLayer() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    Runner runner(model);
    const int layers = model->spec().num_layers();
    for (const int first : {1, layers - 1}) {
      const std::string where = ",layers=" + std::to_string(first + 1) + "-" + std::to_string(layers);
      for (const char* settings :
           {"site=q,pick=largest:2", "site=qk,pick=largest:1,pool=chosen,mask=live",
            "site=k,pick=lambda:1.3,replace=max", "site=v,pick=random:3,seed=5,cache=clean",
            "site=qkv,pick=smallest:2,replace=zero,phase=every",
            "site=kv,pick=largest:lambda:1.5,mask=live,phase=every,cache=clean"}) {
        const RunRequest request = request_of(golden_prompt(name.toStdString()), {settings + where});
        const Comparison comparison = runner.compare(request);
        const Run expected = whole_pass(*model, request, comparison.baseline->capture);
        QCOMPARE(comparison.disrupted->first_layer, first);
        QCOMPARE(comparison.disrupted->replaced, expected.replaced);
        QVERIFY2(same_numbers(*comparison.disrupted, expected), settings);
        QVERIFY2(!(comparison.disrupted->capture == comparison.baseline->capture), settings);
      }
    }
  }

  /// Layers apart from one another, two disruptions at once, a trained model.
  void startsAtTheFirstOfSeveralLayers() {
    const auto folder = shared_data() / "models" / "stories260K";
    QKSCOPE_REQUIRE_DATA(folder);
    const auto model = LanguageModel::load(folder, {.device = device(), .threads = 1});
    Runner runner(model);
    const RunRequest request =
        request_of(model->tokenize("Once upon a time there was a girl named Lily. She"),
                   {"site=qk,pick=lambda:2,layers=3,5", "site=v,pick=largest:1,mask=live,layers=4"});
    const Comparison comparison = runner.compare(request);
    QCOMPARE(comparison.disrupted->first_layer, 2);
    QVERIFY(same_numbers(*comparison.disrupted, whole_pass(*model, request, comparison.baseline->capture)));
    QVERIFY(!(comparison.disrupted->next_tokens == comparison.baseline->next_tokens));
  }

  /// A run is one arm of the comparison of the same request, whether or not the baseline was there before.
  void aRunIsOneArm_data() { golden_rows(); }
  void aRunIsOneArm() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    const TokenIds prompt = golden_prompt(name.toStdString());
    for (const bool expects : {true, false}) {
      RunRequest request =
          request_of(prompt, {"site=qk,pick=largest:2", "site=v,pick=largest:1,phase=every"});
      if (expects) request.expected = {5, 6, 7};
      request.score_continuation = request.score_as_published = request.score_prompt = true;
      RunRequest plain = request;
      plain.edits.clear();
      const Comparison comparison = Runner(model).compare(request);
      QVERIFY(same_numbers(*Runner(model).run(request), *comparison.disrupted));
      QVERIFY(same_numbers(*Runner(model).run(plain), *comparison.baseline));
      RunRequest off = request;
      for (Edit& edit : off.edits) edit.on = false;
      QVERIFY(same_numbers(*Runner(model).run(off), *comparison.baseline));
      QVERIFY(!Runner(model).compare(off).disrupted);
      Runner warm(model);
      warm.run(plain);
      Log log;
      QVERIFY(same_numbers(*warm.run(request, log.events()), *comparison.disrupted));
      QCOMPARE(log.count("B"), 0);
      QCOMPARE(log.count("D prefilled"), 1);
      QCOMPARE(log.count("D token"), std::ssize(comparison.disrupted->answer));
      QCOMPARE(log.count("D scored"), 3);
    }
  }

  /// The columns that a rule finds, listed, are disrupted as by the rule, to the last bit.
  void listedColumnsAreTheRules_data() { golden_rows(); }
  void listedColumnsAreTheRules() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    Runner runner(model);
    RunRequest request = request_of(golden_prompt(name.toStdString()), {"site=qkv,pick=lambda:1.3"});
    request.score_continuation = request.score_prompt = true;
    const Comparison by_rule = runner.compare(request);
    Disruption listed = *request.edits.front().disruption();
    for (const Site site : {Site::Query, Site::Key, Site::Value}) {
      for (const MassiveValue& v : massive_values(by_rule.baseline->capture.norms, site, 1.3))
        listed.entries.push_back({site, v.where.layer, v.head, v.dim});
    }
    listed.entries = ordered(std::move(listed.entries));
    request.edits = {parse_edit(to_option(listed))};
    const Comparison by_list = runner.compare(request);
    QCOMPARE(by_list.disrupted->replaced, std::ssize(listed.entries));
    QVERIFY(by_list.disrupted->replaced > 0);
    QVERIFY(same_numbers(by_list, by_rule));
  }

  /// A disruption of nothing is the baseline to the last bit.
  void nothingDisruptedIsTheBaseline_data() { golden_rows(); }
  void nothingDisruptedIsTheBaseline() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    Runner runner(model);
    for (const char* settings :
         {"site=qkv,pick=largest:0,phase=every", "site=qk,pick=smallest:0,mask=live", "site=q,pick=random:0",
          "site=qkv,pick=lambda:1000", "site=qkv,pick=largest:lambda:1000,mask=live,layers=2", "site=none"}) {
      RunRequest request = request_of(golden_prompt(name.toStdString()), {settings});
      request.score_continuation = request.score_prompt = request.score_as_published = true;
      const Comparison comparison = runner.compare(request);
      QVERIFY(comparison.disrupted);
      QCOMPARE(comparison.disrupted->replaced, std::int64_t(0));
      QVERIFY2(same_numbers(*comparison.disrupted, *comparison.baseline), settings);
    }
  }

  /// Nothing lies under the first disrupted layer: there, live is clean.
  void liveIsCleanInTheFirstLayer() {
    const auto model = TinyModel("llama-bias").load();
    Runner runner(model);
    for (const char* pick : {"lambda:2", "largest:2", "smallest:3", "random:4", "random:lambda:1.5"}) {
      const auto run = [&](const char* mask) {
        return runner.compare(request_of(golden_prompt("llama-bias"),
                                         {std::string("site=qkv,layers=2,pick=") + pick + ",mask=" + mask}));
      };
      const Comparison clean = run("clean"), live = run("live");
      QVERIFY2(clean.disrupted->replaced > 0, pick);
      QCOMPARE(live.disrupted->replaced, clean.disrupted->replaced);
      QVERIFY2(same_numbers(*clean.disrupted, *live.disrupted), pick);
    }
  }

  /// q.k with one key dimension the same at every position moves all scores of a query alike, and softmax
  /// does not see it: in prefill mean = zero = max = min on K. No longer once decode adds keys that are not
  /// disrupted.
  void constantsOnKeysAreOne_data() { golden_rows(); }
  void constantsOnKeysAreOne() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    Runner runner(model);
    std::vector<std::shared_ptr<const Run>> runs;
    std::shared_ptr<const Run> baseline;
    for (const char* replace : {"zero", "mean", "max", "min"}) {
      RunRequest request = request_of(golden_prompt(name.toStdString()),
                                      {std::string("site=k,pick=largest:2,pool=own,replace=") + replace});
      request.needs.values = {Site::AttnPattern};
      request.expected = {5, 17, 40};
      request.score_continuation = true;
      const Comparison comparison = runner.compare(request);
      baseline = comparison.baseline;
      runs.push_back(comparison.disrupted);
    }
    for (int layer = 0; layer < model->spec().num_layers(); ++layer) {
      const auto pattern = [&](const Run& run) { return *run.capture.value(layer, Site::AttnPattern); };
      for (const auto& run : runs) {
        const double d = difference(pattern(*run), pattern(*runs[0]));
        QVERIFY2(d < (on_cpu() ? 1e-5 : 1e-4), qPrintable(QString::number(d)));
      }
      QVERIFY(difference(pattern(*runs[0]), pattern(*baseline)) > 1e-3);
    }
    for (std::size_t i = 1; i < runs.size(); ++i) {
      const auto& zero = runs[0]->continuation->nll;
      const auto& other = runs[i]->continuation->nll;
      QVERIFY(std::abs(other[0] - zero[0]) < 1e-4f);
      QVERIFY(std::max(std::abs(other[1] - zero[1]), std::abs(other[2] - zero[2])) > 2e-3f);
    }
  }

  /// A head's pattern is its part of the site: in a whole pass, added to a kept baseline, and under an edit.
  void patternsOfHeads() {
    const auto model = TinyModel("llama-bias").load();  // 3 layers, 2 heads
    RunRequest request = request_of(golden_prompt("llama-bias"), {"site=q,pick=largest:2,layers=2"}),
               whole = request;
    whole.needs.values = {Site::AttnPattern};
    request.needs.patterns = {{0, 1}, {2, 0}, {2, 1}};
    const Comparison expected = Runner(model).compare(whole);
    Runner fresh(model), grown(model);
    grown.compare(request_of(golden_prompt("llama-bias")));
    for (Runner* runner : {&fresh, &grown}) {
      const Comparison found = runner->compare(request);
      for (const bool edited : {false, true}) {
        const Capture& capture = (edited ? found.disrupted : found.baseline)->capture;
        QCOMPARE(capture.patterns.size(), std::size_t(3));
        for (const auto& [id, pattern] : capture.patterns) {
          const Array& all =
              *(edited ? expected.disrupted : expected.baseline)->capture.value(id.layer, Site::AttnPattern);
          const auto size = static_cast<std::ptrdiff_t>(all.size(1) * all.size(2));
          const auto first = all.data.begin() + id.head * size;
          QVERIFY(difference(*pattern, Array{pattern->shape, {first, first + size}}) < 1e-5);
        }
      }
    }
  }

  void keepsWhatIsNeededAlone() {
    const auto model = TinyModel("llama-bias").load();  // 3 layers, 2 heads, 1 KV head
    Runner runner(model);
    RunRequest request = request_of(golden_prompt("llama-bias"));
    request.needs = {{Site::Query, Site::KeyPreRope},
                     {Site::Value, Site::ResidPost, Site::AttnScores, Site::Logits},
                     {0, 2},
                     {1}};
    const Capture capture = runner.compare(request).baseline->capture;
    const auto positions = static_cast<std::int64_t>(request.prompt.size());
    QCOMPARE(capture.positions, static_cast<int>(positions));
    using Shape = std::vector<std::int64_t>;
    const auto shapes = [](const std::map<SiteId, SharedArray>& arrays) {
      std::map<SiteId, Shape> found;
      for (const auto& [where, array] : arrays) found[where] = array->shape;
      return found;
    };
    QCOMPARE(shapes(capture.norms), (std::map<SiteId, Shape>{{{0, Site::Query}, {2, 16}},
                                                             {{2, Site::Query}, {2, 16}},
                                                             {{0, Site::KeyPreRope}, {1, 16}},
                                                             {{2, Site::KeyPreRope}, {1, 16}}}));
    QCOMPARE(shapes(capture.values),
             (std::map<SiteId, Shape>{{{1, Site::Value}, {positions, 1, 16}},
                                      {{1, Site::ResidPost}, {positions, 32}},
                                      {{1, Site::AttnScores}, {2, positions, positions}},
                                      {{-1, Site::Logits}, {1, 96}}}));
  }

  /// M is the norm of the very numbers that can be kept beside it.
  void normsAreThoseOfTheValues() {
    const auto model = TinyModel("qwen2").load();
    RunRequest request = request_of(golden_prompt("qwen2"), {"site=qkv,pick=largest:3,replace=max"});
    request.needs.values = request.needs.norms;
    const Comparison comparison = Runner(model).compare(request);
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      for (const auto& [where, values] : run->capture.values)
        QVERIFY(difference(norms_over_positions(values), *run->capture.norm(where.layer, where.site)) < 1e-4);
    }
  }

  void baselinesAreKept() {
    const auto model = TinyModel().load();
    Runner runner(model);
    const TokenIds prompt = golden_prompt("llama-default");
    const RunRequest plain = request_of(prompt);
    Log first, second, third;
    const Comparison made = runner.compare(plain, first.events());
    QCOMPARE(first.count("B layer"), 2);
    const Comparison kept = runner.compare(plain, second.events());
    QCOMPARE(second.count("B layer"), 0);
    QCOMPARE(second.count("B prefilled"), 1);
    QCOMPARE(second.count("B token"), 6);  // told again, not computed again
    QVERIFY(same_numbers(made, kept));
    // A disruption of the upper layer computes that layer alone.
    runner.compare(request_of(prompt, {"site=q,pick=largest:1,layers=2"}), third.events());
    QCOMPARE(third.count("B layer"), 0);
    QCOMPARE(third.count("D layer"), 1);
    QCOMPARE(third.count("D layer 1/2"), 1);
  }

  /// Needs grow: what was kept before is still there, and asked for again it costs nothing.
  void baselinesGrowWithTheNeeds() {
    const auto model = TinyModel().load();
    Runner runner(model);
    RunRequest small = request_of(golden_prompt("llama-default")), more = small;
    small.needs = {{Site::Query}, {}, {0}, {}};
    more.needs = {{Site::Key}, {Site::Value}, {}, {1}};
    const Array m = *runner.compare(small).baseline->capture.norm(0, Site::Query);
    Log log, after;
    const Capture grown = runner.compare(more, log.events()).baseline->capture;
    QCOMPARE(log.count("B layer"), 2);
    QVERIFY(grown.norm(0, Site::Key) && grown.norm(1, Site::Key) && grown.value(1, Site::Value));
    QVERIFY(grown.norm(0, Site::Query) && *grown.norm(0, Site::Query) == m);
    runner.compare(small, after.events());
    runner.compare(more, after.events());
    small.needs.norms = {Site::Query, Site::Key};
    runner.compare(small, after.events());
    QCOMPARE(after.count("B layer"), 0);
    small.needs.layers = {1};  // Query of that layer is new
    runner.compare(small, after.events());
    QCOMPARE(after.count("B layer"), 1);
  }

  /// A clean mask needs M of the baseline, whoever looks at it.
  void cleanMasksNeedNoNeeds() {
    const auto model = TinyModel().load();
    const RunRequest full = request_of(golden_prompt("llama-default"), {"site=qkv,pick=largest:2"});
    RunRequest bare = full;
    bare.needs = {};
    const Comparison expected = Runner(model).compare(full), found = Runner(model).compare(bare);
    QCOMPARE(found.disrupted->replaced, expected.disrupted->replaced);
    QCOMPARE(found.disrupted->next_tokens, expected.disrupted->next_tokens);
  }

  void severalPromptsStayApart() {
    const auto model = TinyModel().load();
    Runner runner(model);
    std::vector<RunRequest> requests;
    for (int i = 0; i < 12; ++i)  // more than are kept
      requests.push_back(request_of({1, 10 + i, 20, 30}, {"site=qk,pick=largest:1,mask=live"}));
    std::vector<Comparison> first;
    for (const RunRequest& request : requests) first.push_back(runner.compare(request));
    for (std::size_t i = 0; i < requests.size(); ++i) {
      QVERIFY(same_numbers(runner.compare(requests[i]), first[i]));
      QVERIFY(same_numbers(Runner(model).compare(requests[i]), first[i]));
      QCOMPARE(first[i].request, requests[i]);
    }
  }

  /// A comparison holds what its own request asked for, whatever was asked before.
  void scoresAreThoseAskedFor() {
    const auto model = TinyModel().load();
    Runner runner(model);
    RunRequest scored = request_of(golden_prompt("llama-default"), {"site=q,pick=largest:2"});
    scored.score_continuation = scored.score_prompt = scored.score_as_published = true;
    RunRequest expected = scored, unscored = scored;
    expected.expected = {9, 8, 7};
    unscored.score_continuation = unscored.score_prompt = unscored.score_as_published = false;
    for (const RunRequest& request : {scored, expected, unscored, scored}) {
      Log log;
      const Comparison comparison = runner.compare(request, log.events());
      QVERIFY(same_numbers(comparison, Runner(model).compare(request)));
      for (const auto& run : {comparison.baseline, comparison.disrupted}) {
        QCOMPARE(run->continuation.has_value(), request.score_continuation);
        QCOMPARE(run->prompt_text.has_value(), request.score_prompt);
        QCOMPARE(run->as_published.has_value(), request.score_as_published);
      }
      QCOMPARE(log.count("B scored"), request.score_prompt ? 3 : 0);
      QCOMPARE(log.count("D scored"), request.score_prompt ? 3 : 0);
    }
  }

  /// Looking at pictures alone costs no answer, and the next request that wants one has it still.
  void anAnswerOutlivesARequestWithoutOne() {
    Runner runner(TinyModel().load());
    RunRequest answered = request_of(golden_prompt("llama-default")), pictures = answered;
    answered.score_continuation = true;
    pictures.max_new_tokens = 0;
    const auto first = runner.compare(answered).baseline;
    QCOMPARE(first->answer.size(), 6u);
    const auto between = runner.compare(pictures).baseline;
    QVERIFY(between->answer.empty() && !between->continuation);
    const auto again = runner.compare(answered).baseline;
    QVERIFY(same_numbers(*again, *first));
    QVERIFY(again->decode_ms == first->decode_ms);  // the very answer: no two take the same time
  }

  /// One token is enough for a run.
  void oneTokenIsAPrompt() {
    const auto model = TinyModel().load();
    const Comparison comparison = Runner(model).compare(request_of({1}, {"site=qkv,pick=largest:2"}));
    QCOMPARE(comparison.baseline->answer.size(), 6u);
    QCOMPARE(comparison.disrupted->replaced, std::int64_t(2 * 2 * (4 + 2 + 2)));
  }
};

QTEST_GUILESS_MAIN(TestRunner)
#include "test_runner.moc"

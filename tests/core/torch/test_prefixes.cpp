// Prompts that begin alike: what they have in common is read once, and to the last bit it is as if each had
// been read by itself.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "core/base/error.h"
#include "core/model/products/product.h"
#include "core/run/baseline_runner.h"
#include "core/run/runner.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

const c10::InferenceMode inference;

/// 40 tokens, the first `common` of them the same whatever `step` is.
TokenIds prompt(int common, int step) {
  TokenIds ids;
  for (int i = 0; i < 40; ++i) ids.push_back(3 + i * (i < common ? 7 : step) % 90);
  return ids;
}

bool same(const Baseline& a, const Baseline& b) {
  const auto equal = [](const auto& x, const auto& y) {
    return x.first == y.first && at::equal(x.second, y.second);
  };
  return a.prefill.run->capture == b.prefill.run->capture && at::equal(a.prefill.logits, b.prefill.logits) &&
         at::equal(a.prefill.residual, b.prefill.residual) &&
         std::ranges::equal(a.prefill.residuals, b.prefill.residuals, equal);
}

}  // namespace

class TestPrefixes : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void beginningsAreReadOnce_data() { golden_rows(); }
  void beginningsAreReadOnce() {
    using enum BaselineRunner::Prefixes;
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    const Decoder& decoder = model->decoder();
    if (!decoder.prefixes_stand_alone()) QSKIP("what a pass gives hangs on what is read with it");
    Needs needs;
    needs.norms = {Site::Query, Site::Key, Site::Value};
    BaselineRunner sharing(decoder), alone(decoder);
    sharing.prefill(prompt(20, 5), needs, {}, {}, Shared);
    for (const int common : {12, 25, 40}) {
      const TokenIds ids = prompt(common, 11);
      const auto found = sharing.prefill(ids, needs, {}, {}, Shared),
                 expected = alone.prefill(ids, needs, {}, {});
      QCOMPARE(expected->shared, 0);
      QVERIFY(found->shared >= std::min(common, 20) && found->shared < 40 - few_rows &&
              found->before.empty());
      QVERIFY2(same(*found, *expected), qPrintable(QString::number(common)));
      State a = found->prefill.cache.fork(), b = expected->prefill.cache.fork();
      Tap tap;
      QVERIFY(at::equal(decoder.step(5, a, tap), decoder.step(5, b, tap)));
    }
    // Too little in common, or to be read on.
    QCOMPARE(sharing.prefill(prompt(3, 13), needs, {}, {}, Shared)->shared, 0);
    const TokenIds ids = prompt(20, 5);
    QCOMPARE(sharing.prefill({ids.begin(), ids.begin() + 15}, needs, {}, {}, Shared)->shared, 0);
  }

  /// Cancelled, it goes on where it was; asked for more, it grows as others do.
  void goesOnAndGrows() {
    using enum BaselineRunner::Prefixes;
    const auto model = TinyModel().load();
    const Decoder& decoder = model->decoder();
    if (!decoder.prefixes_stand_alone()) QSKIP("what a pass gives hangs on what is read with it");
    Needs needs, more;
    needs.norms = more.norms = {Site::Query, Site::Key, Site::Value};
    more.values = {Site::Query};
    BaselineRunner sharing(decoder), alone(decoder);
    sharing.prefill(prompt(20, 5), needs, {}, {}, Shared);
    const TokenIds ids = prompt(20, 11);
    std::stop_source stop;
    RunEvents events;
    events.layer = [&](Arm, int, int) { stop.request_stop(); };
    QVERIFY_EXCEPTION_THROWN(sharing.prefill(ids, needs, events, stop.get_token(), Shared), Cancelled);
    const auto found = sharing.prefill(ids, needs, {}, {}, Shared);
    QVERIFY(found->shared >= 20);
    QVERIFY(same(*found, *alone.prefill(ids, needs, {}, {})));
    QVERIFY(same(*sharing.prefill(ids, more, {}, {}), *alone.prefill(ids, more, {}, {})));
  }

  /// What an experiment asks at once: every arm of every prompt as if it were asked alone.
  void runsAreTheSame() {
    const auto model = TinyModel().load();
    std::vector<RunRequest> requests;
    for (const int step : {5, 11, 13}) {
      for (const char* edits : {"", "site=q,pick=lambda:1.5", "site=k,pick=smallest:2"}) {
        requests.push_back(request_of(prompt(20, step), {}));
        requests.back().edits = parse_edits(edits);
        requests.back().needs = {};
        requests.back().expected = {5, 17};
        requests.back().score_continuation = true;
      }
    }
    const auto runs = Runner(model).run_all(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto alone = Runner(model).run(requests[i]);
      QCOMPARE(runs[i]->answer, alone->answer);
      QCOMPARE(runs[i]->next_tokens, alone->next_tokens);
      QVERIFY(runs[i]->continuation == alone->continuation);
    }
  }
};

QTEST_GUILESS_MAIN(TestPrefixes)
#include "test_prefixes.moc"

// What stopping rotary pairs does to a pass.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "core/model/decoder.h"
#include "core/run/generate.h"
#include "core/run/runner.h"
#include "core/run/tensor_array.h"
#include "tests/support/errors.h"
#include "tests/support/golden_model.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

const c10::InferenceMode inference;

/// Every position of one layer stands where the first does: an independent form of stopping all its pairs.
class FirstPosition : public Tap {
 public:
  explicit FirstPosition(int layer) : layer_(layer) {}
  Rotation rotation(SiteId id, const Rotation& angles) override {
    if (id.layer != layer_) return angles;
    const auto still = [](const at::Tensor& t) { return t.narrow(0, 0, 1).expand(t.sizes()).contiguous(); };
    return {still(angles.cos), still(angles.sin)};
  }

 private:
  int layer_;
};

bool turns(const ModelSpec& spec, int layer) {
  const AttentionSpec* attention = spec.attention(layer);
  return attention && attention->rope;
}

}  // namespace

class TestRotationEdit : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Of every family that rotates all pairs of one layer stopped are a pass with the rotation of position 0
  /// there, to the last bit; layers below are the baseline's. Others refuse in words.
  void wholeLayers_data() { golden_models(); }
  void wholeLayers() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const ModelSpec& spec = model.spec();
    const int last = spec.num_layers() - 1;
    if (!spec.rope()) {
      QKSCOPE_EXPECT_ERROR(Intervention({parse_edit("rotation=off")}, spec, {}, at::kCPU), "rotation",
                           spec.architecture);
      return;
    }
    if (!turns(spec, last)) {
      QKSCOPE_EXPECT_ERROR(
          Intervention({parse_edit("rotation=off,layers=" + std::to_string(last + 1))}, spec, {}, at::kCPU),
          "layer " + std::to_string(last + 1));
      return;
    }
    Intervention intervention({parse_edit("rotation=off,layers=" + std::to_string(last + 1))}, spec, {},
                              device());
    QCOMPARE(intervention.first_layer(), last);
    QVERIFY(intervention.every_step());
    RequestTap edited(nullptr, &intervention, true);
    FirstPosition expected(last);
    Tap plain;
    const auto logits = [&](Tap& tap) {
      State state(spec.num_layers());
      return prefill(model.decoder, model.prompt(), state, tap);
    };
    const at::Tensor found = logits(edited);
    QVERIFY(at::equal(found, logits(expected)));
    QVERIFY(!at::equal(found, logits(plain)));
    const AttentionSpec& attention = *spec.attention(last);
    const auto still =
        std::ranges::count(rope_frequencies(*attention.rope, spec.max_position_embeddings, 1).inv_freq, 0.0);
    const std::int64_t heads =
        attention.num_heads + (attention.keys_of_layer >= 0 ? 0 : attention.num_kv_heads);
    QCOMPARE(intervention.replaced(), (attention.rope->rotary_dim / 2 - still) * 2 * heads);
  }

  /// One pair of Q: its two dims are those before RoPE, all others are the baseline's.
  void onePairAlone() {
    const auto model = TinyModel().load();
    Runner runner(model);
    RunRequest request = request_of(golden_prompt("llama-default"), {"rotation=off,site=q,pairs=1,layers=2"});
    request.needs.values = {Site::QueryPreRope, Site::Query, Site::Key};
    const Comparison pair = runner.compare(request);
    const auto value = [&](const Run& run, Site site) {
      return to_tensor(*run.capture.value(1, site), at::kCPU);
    };
    QCOMPARE(pair.disrupted->first_layer, 1);
    const at::Tensor before = value(*pair.baseline, Site::Query), after = value(*pair.disrupted, Site::Query),
                     pre = value(*pair.baseline, Site::QueryPreRope);
    const std::int64_t half = before.size(2) / 2;
    for (std::int64_t dim = 0; dim < before.size(2); ++dim) {
      const at::Tensor& expected = dim % half == 1 ? pre : before;
      QVERIFY(at::equal(after.select(2, dim), expected.select(2, dim)));
    }
    QVERIFY(!at::equal(after, before));
    QVERIFY(at::equal(value(*pair.disrupted, Site::Key), value(*pair.baseline, Site::Key)));
    QCOMPARE(pair.disrupted->replaced, before.size(1) * 2);
  }

  void nothingIsTheBaseline() {
    const auto model = TinyModel().load();
    Runner runner(model);
    for (const char* edit :
         {"rotation=off,wavelengths=1e9:", "off rotation=off", "rotation=off,instead=fastest"}) {
      RunRequest request = request_of(golden_prompt("llama-default"), {edit, "off lambda 5 on Q"});
      request.edits.push_back(parse_edit("activations=first,over=1e9"));  // which takes none
      const Comparison pair = runner.compare(request);
      QVERIFY2(same_numbers(*pair.disrupted, *pair.baseline), edit);
      QCOMPARE(pair.disrupted->first_layer, model->spec().num_layers());
    }
  }

  /// An answer is read on as the prompt was: token by token after the cache, or all in one pass.
  void stepsStandStillToo() {
    const auto model = TinyModel().load();
    Runner runner(model);
    RunRequest request = request_of(golden_prompt("llama-default"), {"rotation=off"});
    request.score_continuation = request.score_as_published = true;
    const Run run = *runner.run(request);
    QVERIFY(run.continuation->nll.size() > 2);
    for (std::size_t i = 0; i < run.continuation->nll.size(); ++i)
      QVERIFY(std::abs(run.continuation->nll[i] - run.as_published->nll[i]) < 1e-4f);
    request.edits.clear();
    QVERIFY(runner.run(request)->continuation->nll != run.continuation->nll);
  }
};

QTEST_GUILESS_MAIN(TestRotationEdit)
#include "test_rotation_edit.moc"

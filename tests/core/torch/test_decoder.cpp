// The forward pass against what Hugging Face transformers computes on tiny random checkpoints of every
// family and its variants (tests/goldens/make_models.py), and the laws it must obey on any of them.
#include <ATen/ExpandUtils.h>
#include <torch/library.h>

#include "core/analysis/attention_split.h"
#include "core/analysis/logit_parts.h"
#include "tests/support/golden_model.h"

using namespace qkscope;
using test::GoldenModel;
using test::GoldenPass;
using test::relative_error;

// PyTorch keeps the shape functions of these operators in Python; the hygiene test needs them here.
at::Tensor index_select_meta(const at::Tensor& x, std::int64_t dim, const at::Tensor& index) {
  std::vector<std::int64_t> sizes = x.sizes().vec();
  sizes.at(static_cast<std::size_t>(dim)) = index.numel();
  return at::empty(sizes, x.options());
}
at::Tensor where_meta(const at::Tensor& condition, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor& like = a.is_meta() ? a : b;
  return at::empty(at::infer_size(at::infer_size(a.sizes(), b.sizes()), condition.sizes()), like.options());
}
std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm_meta(const at::Tensor& x, c10::SymIntArrayRef,
                                                               const std::optional<at::Tensor>& weight,
                                                               const std::optional<at::Tensor>& bias,
                                                               double) {
  for (const auto* parameter : {&weight, &bias}) {
    if (*parameter && (*parameter)->defined() && !(*parameter)->is_meta())
      throw Error("a layer norm's parameter is on another device");
  }
  return {at::empty_like(x), at::empty({0}, x.options()), at::empty({0}, x.options())};
}
/// Of one axis without padding, which is all that there is.
at::Tensor convolution_meta(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>&,
                            c10::SymIntArrayRef, c10::SymIntArrayRef, c10::SymIntArrayRef, bool,
                            c10::SymIntArrayRef, c10::SymInt) {
  if (!weight.is_meta()) throw Error("a convolution's weight is on another device");
  std::vector<std::int64_t> shape = x.sizes().vec();  // of one dimension as of two, one of them of size 1
  shape[1] = weight.size(0);
  shape.back() -= weight.size(-1) - 1;
  return at::empty(shape, x.options());
}
TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("index_select", index_select_meta);
  m.impl("native_layer_norm", layer_norm_meta);
  m.impl("relu", [](const at::Tensor& x) { return at::empty_like(x); });
  m.impl("convolution_overrideable", convolution_meta);
  m.impl("where.self", where_meta);
  m.impl("where.self_out",
         [](const at::Tensor&, const at::Tensor&, const at::Tensor&, at::Tensor& out) -> at::Tensor& {
           return out;
         });
}

namespace {

const c10::InferenceMode inference;

/// Whether some layer's rotation depends on the length of the sequence, so that keys in the cache keep the
/// one they got.
bool turns_by_length(const ModelSpec& spec) {
  return std::ranges::any_of(spec.layers, [](const LayerSpec& layer) {
    const AttentionSpec* a = layer.attention();
    return a && a->rope && (a->rope->type == "dynamic" || a->rope->type == "longrope");
  });
}

/// The layer whose site holds what this one reads: keys and values may be borrowed.
int reads_from(const ModelSpec& spec, int layer, Site site) {
  const AttentionSpec* attention = spec.attention(layer);
  const bool borrowed =
      attention && attention->keys_of_layer >= 0 &&
      (site == Site::Key || site == Site::KeyPreRope || site == Site::KeyRaw || site == Site::Value);
  return borrowed ? attention->keys_of_layer : layer;
}

}  // namespace

class TestDecoder : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void equalsTransformers_data() { test::golden_models(); }
  void equalsTransformers() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const ArrayFile golden = model.expected();
    const GoldenPass pass = test::forward(model.decoder, model.prompt(), test::everything());
    const GoldenPass open =
        test::forward(model.decoder, model.prompt(), test::values_of({Site::AttnPattern, Site::AttnSink}));
    int compared = 0;
    for (int l = 0; l < model.spec().num_layers(); ++l) {
      for (const auto& [site, word] : test::golden_sites()) {
        const std::string key = "layers." + std::to_string(l) + "." + word;
        const auto expected = golden.arrays.find(key);
        if (expected == golden.arrays.end()) continue;
        const int from = reads_from(model.spec(), l, site);
        QVERIFY2(model.spec().has_site({from, site}), (key + " is no site of this layer").c_str());
        const bool attention = site == Site::AttnPattern || site == Site::AttnSink;
        const at::Tensor captured = (attention ? open : pass).value(from, site);
        QVERIFY2(captured.defined(), (key + " was not captured").c_str());
        const at::Tensor found = test::as_transformers_orders(model.spec(), {l, site}, captured);
        const at::Tensor truth = to_tensor(expected->second, at::kCPU);
        const double e =
            relative_error(found.numel() == truth.numel() ? found.reshape(truth.sizes()) : found, truth);
        QVERIFY2(e < 1e-4, (key + ": largest relative error " + std::to_string(e)).c_str());
        ++compared;
      }
    }
    QVERIFY(compared >= model.spec().num_layers());
    const double e = relative_error(pass.logits, to_tensor(golden.arrays.at("logits"), at::kCPU));
    QVERIFY2(e < 1e-4, ("logits: largest relative error " + std::to_string(e)).c_str());
  }

  // In bfloat16 the same formulas in another order give other last digits. The measure is transformers' own
  // distance from what it computes in float32: ours may be twice that, and never nothing.
  void bfloat16EqualsTransformers_data() { test::golden_models("bfloat16"); }
  void bfloat16EqualsTransformers() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString(), test::device(), at::kBFloat16);
    const ArrayFile exact = model.expected();
    const ArrayFile rounded = read_safetensors(model.folder / "bfloat16.safetensors");
    const auto check = [&](const std::string& key, const at::Tensor& found) {
      const at::Tensor truth = to_tensor(exact.arrays.at(key), at::kCPU);
      const double allowed = 2 * relative_error(to_tensor(rounded.arrays.at(key), at::kCPU), truth);
      const double e = relative_error(found.to(at::kFloat), truth);
      return e > 0 && e <= allowed
                 ? std::string()
                 : key + ": relative error " + std::to_string(e) + ", allowed " + std::to_string(allowed);
    };
    const GoldenPass pass = test::forward(model.decoder, model.prompt(), test::everything());
    for (int l = 0; l < model.spec().num_layers(); ++l) {
      for (const auto& [site, word] : test::golden_sites()) {
        const std::string key = "layers." + std::to_string(l) + "." + word;
        if (!rounded.arrays.contains(key) || site == Site::AttnPattern || site == Site::AttnSink) continue;
        const std::string wrong =
            check(key, test::as_transformers_orders(model.spec(), {l, site}, pass.value(l, site)));
        QVERIFY2(wrong.empty(), wrong.c_str());
      }
    }
    const std::string wrong = check("logits", pass.logits);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void continuesLikeTransformers_data() { test::golden_models(); }
  void continuesLikeTransformers() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    GoldenPass pass = test::forward(model.decoder, model.prompt(), {});
    at::Tensor logits = pass.logits[-1];
    Tap tap;
    const ArrayFile golden = model.expected();
    for (const std::int64_t expected : golden.integers.at("continuation")) {
      QCOMPARE(logits.argmax().item<std::int64_t>(), expected);
      logits = model.decoder.step(static_cast<int>(expected), pass.state, tap)[0];
    }
  }

  // A step on the state equals the same position of one pass, wherever the rotation does not depend on the
  // length.
  void stepEqualsPrefill_data() { test::golden_models(); }
  void stepEqualsPrefill() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    if (turns_by_length(model.spec())) QSKIP("this RoPE turns cached keys differently, as published");
    const TokenIds ids = model.prompt();
    const GoldenPass whole = test::forward(model.decoder, ids, {});
    GoldenPass part = test::forward(model.decoder, {ids.begin(), ids.end() - 3}, {});
    Tap tap;
    for (std::size_t i = ids.size() - 3; i < ids.size(); ++i) {
      const at::Tensor logits = model.decoder.step(ids[i], part.state, tap)[0];
      QVERIFY(relative_error(logits, whole.logits[static_cast<std::int64_t>(i)]) < 1e-4);
    }
  }

  // What a logit is made of adds up to what goes into the softmax, for every query, key and head, and what is
  // not seen has no parts: scale, soft-cap, ALiBi, window, chunks, norms, borrowed keys.
  void partsAddUpToTheLogit_data() { test::golden_models(); }
  void partsAddUpToTheLogit() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const GoldenPass pass = test::forward(model.decoder, model.prompt(),
                                          test::values_of({Site::Query, Site::Key, Site::AttnScores}));
    int compared = 0;
    for (int l = 0; l < model.spec().num_layers(); ++l) {
      const AttentionSpec* attention = model.spec().attention(l);
      if (!attention) continue;
      const Array &q = *pass.capture.value(l, Site::Query),
                  &k = *pass.capture.value(reads_from(model.spec(), l, Site::Key), Site::Key),
                  &scores = *pass.capture.value(l, Site::AttnScores);  // (H, T, T)
      const auto positions = static_cast<int>(q.size(0));
      for (int head = 0; head < attention->num_heads; ++head) {
        for (int query = 0; query < positions; ++query) {
          for (int key = 0; key < positions; ++key) {
            const auto at = static_cast<std::size_t>((head * positions + query) * positions + key);
            const auto score = static_cast<double>(scores.data[at]);
            bool right = sees(*attention, query, key) == std::isfinite(score);
            if (right && std::isfinite(score)) {
              const LogitParts parts = logit_parts(*attention, q, k, head, query, key);
              double size = std::abs(parts.softcap) + std::abs(parts.bias);
              for (const double part : parts.dims) size += std::abs(part);
              right = std::abs(parts.logit() - score) <= 1e-5 * size &&
                      (parts.softcap != 0) == (attention->softcap > 0) &&
                      (parts.bias != 0) == (attention->alibi.has_value() && key > 0);
            }
            if (!right)
              QFAIL(qPrintable(QStringLiteral("layer %1, head %2, query %3, key %4")
                                   .arg(l)
                                   .arg(head)
                                   .arg(query)
                                   .arg(key)));
            ++compared;
          }
        }
      }
    }
    QVERIFY(compared > 0 || name.contains(QStringLiteral("jamba")));
  }

  // What comes from some positions and what from the others add up to the head's output, and neither holds
  // what the other should: with all positions or none in one part, the other is zero.
  void partsAddUpToTheOutput_data() { test::golden_models(); }
  void partsAddUpToTheOutput() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const GoldenPass pass = test::forward(model.decoder, model.prompt(),
                                          test::values_of({Site::AttnPattern, Site::Value, Site::AttnHeads}));
    for (int l = 0; l < model.spec().num_layers(); ++l) {
      const AttentionSpec* attention = model.spec().attention(l);
      if (!attention || attention->gate) continue;
      const Array &patterns = *pass.capture.value(l, Site::AttnPattern),  // (H, T, T)
          &values = *pass.capture.value(reads_from(model.spec(), l, Site::Value), Site::Value),
                  &outputs = *pass.capture.value(l, Site::AttnHeads);  // (T, H Dv)
      const std::int64_t positions = patterns.size(1), dims = outputs.size(1) / attention->num_heads;
      for (int head = 0; head < attention->num_heads; ++head) {
        Array pattern{{positions, positions}, {}};
        const auto first = patterns.data.begin() + head * positions * positions;
        pattern.data.assign(first, first + positions * positions);
        const int kv_head = head / attention->num_kv_groups();
        const OutputSplit split = split_output(pattern, values, kv_head, {0, 2}),
                          none = split_output(pattern, values, kv_head, {}),
                          zero = split_output(pattern, values, kv_head, {0});
        double largest = 0;
        for (std::int64_t t = 0; t < positions; ++t) {
          for (std::int64_t d = 0; d < dims; ++d) {
            const auto output = static_cast<double>(outputs.at(t, head * dims + d));
            largest = std::max(largest, std::abs(output));
            QVERIFY(std::abs(static_cast<double>(split.part.at(t, d)) +
                             static_cast<double>(split.rest.at(t, d)) - output) <=
                    1e-5 * std::max(1.0, std::abs(output)));
            QCOMPARE(none.part.at(t, d), 0.0f);
            const auto expected =
                static_cast<double>(pattern.at(t, 0)) *
                static_cast<double>(values.data[static_cast<std::size_t>(kv_head * dims + d)]);
            QVERIFY(std::abs(static_cast<double>(zero.part.at(t, d)) - expected) < 1e-6);
          }
        }
        QVERIFY(largest > 0);
      }
    }
  }

  // A fork goes its own way and leaves the other where it was; a state rolled back is as it was before.
  void forksAreIndependent_data() { test::golden_models(); }
  void forksAreIndependent() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const TokenIds ids = model.prompt();
    GoldenPass pass = test::forward(model.decoder, ids, {});
    const int length = pass.state.length();
    Tap tap;
    State fork = pass.state.fork();
    const at::Tensor first = model.decoder.step(ids[0], fork, tap).clone();
    model.decoder.step(ids[1], fork, tap);
    State other = pass.state.fork();
    const at::Tensor second = model.decoder.step(ids[2], other, tap).clone();
    QVERIFY(relative_error(first, second) > 1e-4);
    QCOMPARE(pass.state.length(), length);
    QVERIFY(at::equal(model.decoder.step(ids[0], pass.state, tap), first));
    pass.state.rollback(length);
    QVERIFY(at::equal(model.decoder.step(ids[2], pass.state, tap), second));
  }

  void explicitAttentionEqualsFused_data() { test::golden_models(); }
  void explicitAttentionEqualsFused() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const TokenIds ids = model.prompt();
    const GoldenPass open = test::forward(
        model.decoder, ids, test::values_of({Site::AttnScores, Site::AttnPattern, Site::AttnSink}));
    const at::Tensor fused = test::forward(model.decoder, ids, {}).logits;
    QVERIFY2(at::equal(open.logits, fused), "a pass is another one when it is looked at");
    test::PatternsGivenBack tap;
    State state(model.spec().num_layers());
    const at::Tensor explicitly = test::prefill(model.decoder, ids, state, tap);
    QVERIFY(relative_error(explicitly, fused) < 1e-4);
    for (int l = 0; l < model.spec().num_layers(); ++l) {
      const AttentionSpec* attention = model.spec().attention(l);
      if (!attention) continue;
      const at::Tensor pattern = open.value(l, Site::AttnPattern);
      at::Tensor mass = pattern.sum(-1);
      if (attention->sinks) mass = mass + open.value(l, Site::AttnSink);
      QVERIFY(relative_error(mass, at::ones_like(mass)) < 1e-5);
      QVERIFY(pattern.triu(1).abs().max().item<double>() == 0.0);
    }
  }

  void rotationKeepsNorms_data() { test::golden_models(); }
  void rotationKeepsNorms() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const GoldenPass pass = test::forward(model.decoder, model.prompt(), test::everything());
    bool turned = false;
    for (int l = 0; l < model.spec().num_layers(); ++l) {
      const AttentionSpec* attention = model.spec().attention(l);
      if (!attention || !attention->rope || attention->norms_after_rotation || attention->query_scale)
        continue;
      const RopeFrequencies rope =
          rope_frequencies(*attention->rope, model.spec().max_position_embeddings, pass.state.length());
      if (rope.attention_factor != 1) continue;  // scales rotated q and k by design
      for (const auto& [before, after] :
           {std::pair{Site::QueryPreRope, Site::Query}, std::pair{Site::KeyPreRope, Site::Key}}) {
        if (!model.spec().has_site({l, before})) continue;
        const at::Tensor a = pass.value(l, before), b = pass.value(l, after);
        QVERIFY(relative_error(b.norm(2, -1), a.norm(2, -1)) < 1e-5);
        QVERIFY(relative_error(b, a) > 1e-3);  // and yet it turns
        turned = true;
      }
    }
    if (!turned) QSKIP("no layer of it rotates, or all scale what they rotate");
  }

  // Device hygiene without a GPU: on "meta" a stray host tensor or a hidden synchronisation in the layers
  // throws.
  void runsOnMeta_data() { test::golden_models(); }
  void runsOnMeta() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString(), at::kMeta);
    const int layers = model.spec().num_layers();
    Needs needs = test::everything();
    needs.norms = {Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value};
    Disruption live;
    live.key = live.value = true;
    Edits edits;
    for (const PickKind kind : {PickKind::Lambda, PickKind::Largest, PickKind::Smallest, PickKind::Random}) {
      live.pick.kind = kind;
      live.reaches_kv_cache = kind != PickKind::Largest;
      for (const Replace replace : {Replace::Mean, Replace::Zero, Replace::Max, Replace::Min}) {
        for (const Pool pool : {Pool::Chosen, Pool::Head, Pool::Own}) {
          live.replace = replace;
          live.pool = pool;
          for (const Mask mask : {Mask::Live, Mask::Position}) {
            live.mask = mask;
            edits.push_back(live);
          }
        }
      }
    }
    Intervention intervention(edits, model.spec(), {}, at::kMeta);
    RequestTap tap(&needs, &intervention, true);
    State state(layers);
    // The embedding itself has no meta kernel in C++; it stands before the layers.
    const auto pass = [&](std::int64_t positions, Tap& through) {
      const auto options = at::TensorOptions().device(at::kMeta);
      const at::Tensor entering = at::empty({positions, model.spec().hidden_size}, options);
      const int per_layer = model.spec().embedding.per_layer_input;
      if (per_layer > 0) state.layer_inputs = at::empty({positions, layers, per_layer}, options);
      const at::Tensor residual = model.decoder.run_layers(entering, 0, layers, state, through);
      state.advance(static_cast<int>(positions));
      return model.decoder.logits(residual, through);
    };
    QVERIFY(pass(4, tap).is_meta());
    RequestTap step_tap(nullptr, &intervention, false);
    QVERIFY(pass(1, step_tap).is_meta());
  }

  void refusesIdsOutsideTheVocabulary() {
    const GoldenModel model("models/llama-default");
    State state(model.spec().num_layers());
    QVERIFY_EXCEPTION_THROWN(model.decoder.embed({0, 100000}, state), Error);
    QVERIFY_EXCEPTION_THROWN(model.decoder.embed({-1}, state), Error);
  }

  void everyArchitectureHasAGolden() {
    std::set<std::string> seen;
    for (const char* folder : {"models", "families"}) {
      if (!std::filesystem::exists(test::golden(folder))) continue;
      for (const auto& entry : std::filesystem::directory_iterator(test::golden(folder)))
        seen.insert(make_spec(*Checkpoint::open(entry.path())).architecture);
    }
    for (const std::string& name : architectures()) QVERIFY2(seen.contains(name), name.c_str());
  }
};

QTEST_GUILESS_MAIN(TestDecoder)
#include "test_decoder.moc"

// The forward pass against what Hugging Face transformers computes on tiny random checkpoints of every
// architecture and RoPE type (tests/goldens/make_models.py), and the laws it must obey on any of them.
#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <c10/core/InferenceMode.h>
#include <torch/library.h>

#include <set>

#include "core/checkpoint/checkpoint.h"
#include "core/io/safetensors.h"
#include "core/model/architecture.h"
#include "core/model/decoder.h"
#include "core/run/request_tap.h"
#include "core/run/tensor_array.h"
#include "tests/support/test_case.h"

using namespace qkscope;

// PyTorch keeps the shape function of this operator in Python; the hygiene test needs it here.
at::Tensor where_meta(const at::Tensor& condition, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor& like = a.is_meta() ? a : b;
  return at::empty(at::infer_size(at::infer_size(a.sizes(), b.sizes()), condition.sizes()), like.options());
}
TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("where.self", where_meta);
  m.impl("where.self_out",
         [](const at::Tensor&, const at::Tensor&, const at::Tensor&, at::Tensor& out) -> at::Tensor& {
           return out;
         });
}

namespace {

const c10::InferenceMode inference;

struct Model {
  explicit Model(const std::string& name, at::Device device = at::kCPU, at::ScalarType dtype = at::kFloat)
      : folder(test::golden("models") / name),
        checkpoint(Checkpoint::open(folder)),
        decoder(make_spec(*checkpoint),
                Weights(*checkpoint, make_spec(*checkpoint), device, dtype, Progress{})) {}

  std::filesystem::path folder;
  std::shared_ptr<const Checkpoint> checkpoint;
  Decoder decoder;
};

TokenIds tokens(const std::vector<std::int64_t>& ids) {
  return {ids.begin(), ids.end()};
}

/// Largest difference, relative to the largest expected number.
double error(const at::Tensor& actual, const at::Tensor& expected) {
  if (actual.sizes() != expected.sizes()) return 1e9;
  return ((actual - expected).abs().max() / expected.abs().max()).item<double>();
}

const std::map<Site, std::string> golden_names = {{Site::QueryPreRope, "q_pre"},
                                                  {Site::Query, "q"},
                                                  {Site::KeyPreRope, "k_pre"},
                                                  {Site::Key, "k"},
                                                  {Site::Value, "v"},
                                                  {Site::ResidPost, "resid"}};

Needs everything() {
  Needs needs;
  for (const auto& [site, name] : golden_names) needs.values.insert(site);
  return needs;
}

struct Pass {
  at::Tensor logits;  // (T, vocab_size)
  Capture capture;
  KvCache cache;
};

Pass forward(const Decoder& decoder, const TokenIds& ids, const Needs& needs) {
  Pass pass{{}, {}, KvCache(decoder.spec().num_layers)};
  RequestTap tap(&needs, nullptr, true);
  const at::Tensor residual =
      decoder.run_layers(decoder.embed(ids), 0, decoder.spec().num_layers, pass.cache, tap);
  pass.cache.advance(static_cast<int>(ids.size()));
  pass.logits = decoder.logits(residual, tap);
  tap.take(pass.capture);
  return pass;
}

}  // namespace

class TestDecoder : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void equalsTransformers_data() { models(); }
  void equalsTransformers() {
    QFETCH(QString, name);
    const Model model(name.toStdString());
    const ArrayFile golden = read_safetensors(model.folder / "expected.safetensors");
    const Pass pass = forward(model.decoder, tokens(golden.integers.at("prompt")), everything());
    for (int l = 0; l < model.decoder.spec().num_layers; ++l) {
      for (const auto& [site, word] : golden_names) {
        const std::string key = "layers." + std::to_string(l) + "." + word;
        const double e = error(to_tensor(*pass.capture.value(l, site), at::kCPU),
                               to_tensor(golden.arrays.at(key), at::kCPU));
        QVERIFY2(e < 1e-4, (key + ": largest relative error " + std::to_string(e)).c_str());
      }
    }
    const double e = error(pass.logits, to_tensor(golden.arrays.at("logits"), at::kCPU));
    QVERIFY2(e < 1e-4, ("logits: largest relative error " + std::to_string(e)).c_str());
  }

  // In bfloat16 the same formulas in another order give other last digits. The measure is transformers' own
  // distance from what it computes in float32: ours may be twice that, and never nothing.
  void bfloat16EqualsTransformers_data() { models("bfloat16"); }
  void bfloat16EqualsTransformers() {
    QFETCH(QString, name);
    const Model model(name.toStdString(), at::kCPU, at::kBFloat16);
    const ArrayFile exact = read_safetensors(model.folder / "expected.safetensors");
    const ArrayFile rounded = read_safetensors(model.folder / "bfloat16.safetensors");
    const auto check = [&](const std::string& key, const at::Tensor& found) {
      const at::Tensor truth = to_tensor(exact.arrays.at(key), at::kCPU);
      const double allowed = 2 * error(to_tensor(rounded.arrays.at(key), at::kCPU), truth);
      const double e = error(found.to(at::kFloat), truth);
      return e > 0 && e <= allowed
                 ? std::string()
                 : key + ": relative error " + std::to_string(e) + ", allowed " + std::to_string(allowed);
    };
    const Pass pass = forward(model.decoder, tokens(exact.integers.at("prompt")), everything());
    for (int l = 0; l < model.decoder.spec().num_layers; ++l) {
      for (const auto& [site, word] : golden_names) {
        const std::string wrong = check("layers." + std::to_string(l) + "." + word,
                                        to_tensor(*pass.capture.value(l, site), at::kCPU));
        QVERIFY2(wrong.empty(), wrong.c_str());
      }
    }
    const std::string wrong = check("logits", pass.logits);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void continuesLikeTransformers_data() { models(); }
  void continuesLikeTransformers() {
    QFETCH(QString, name);
    const Model model(name.toStdString());
    const ArrayFile golden = read_safetensors(model.folder / "expected.safetensors");
    Pass pass = forward(model.decoder, tokens(golden.integers.at("prompt")), {});
    at::Tensor logits = pass.logits[-1];
    Tap tap;
    for (const int expected : tokens(golden.integers.at("continuation"))) {
      const int id = static_cast<int>(logits.argmax().item<std::int64_t>());
      QCOMPARE(id, expected);
      logits = model.decoder.step(id, pass.cache, tap)[0];
    }
  }

  // A step on the KV cache equals the same position of one pass, wherever the rotation does not depend on the
  // length.
  void stepEqualsPrefill_data() { models(); }
  void stepEqualsPrefill() {
    QFETCH(QString, name);
    if (name.contains(QStringLiteral("dynamic")))
      QSKIP("dynamic RoPE turns cached keys differently, as published");
    const Model model(name.toStdString());
    const TokenIds ids =
        tokens(read_safetensors(model.folder / "expected.safetensors").integers.at("prompt"));
    const Pass whole = forward(model.decoder, ids, {});
    Pass part = forward(model.decoder, {ids.begin(), ids.end() - 3}, {});
    Tap tap;
    for (std::size_t i = ids.size() - 3; i < ids.size(); ++i) {
      const at::Tensor logits = model.decoder.step(ids[i], part.cache, tap)[0];
      QVERIFY(error(logits, whole.logits[static_cast<std::int64_t>(i)]) < 1e-4);
    }
  }

  void explicitAttentionEqualsFused_data() { models(); }
  void explicitAttentionEqualsFused() {
    QFETCH(QString, name);
    const Model model(name.toStdString());
    const TokenIds ids =
        tokens(read_safetensors(model.folder / "expected.safetensors").integers.at("prompt"));
    Needs needs;
    needs.values = {Site::AttnScores, Site::AttnPattern};
    const Pass explicit_pass = forward(model.decoder, ids, needs);
    QVERIFY(error(explicit_pass.logits, forward(model.decoder, ids, {}).logits) < 1e-4);
    for (int l = 0; l < model.decoder.spec().num_layers; ++l) {
      const at::Tensor pattern = to_tensor(*explicit_pass.capture.value(l, Site::AttnPattern), at::kCPU);
      QVERIFY(error(pattern.sum(-1), at::ones_like(pattern.sum(-1))) < 1e-5);
      QVERIFY(pattern.triu(1).abs().max().item<double>() == 0.0);
    }
  }

  void rotationKeepsNorms_data() { models(); }
  void rotationKeepsNorms() {
    QFETCH(QString, name);
    if (name.contains(QStringLiteral("yarn")))
      QSKIP("yarn's attention factor scales rotated q and k by design");
    const Model model(name.toStdString());
    const TokenIds ids =
        tokens(read_safetensors(model.folder / "expected.safetensors").integers.at("prompt"));
    const Pass pass = forward(model.decoder, ids, everything());
    for (const auto& [before, after] :
         {std::pair{Site::QueryPreRope, Site::Query}, std::pair{Site::KeyPreRope, Site::Key}}) {
      const at::Tensor a = to_tensor(*pass.capture.value(0, before), at::kCPU);
      const at::Tensor b = to_tensor(*pass.capture.value(0, after), at::kCPU);
      QVERIFY(error(b.norm(2, -1), a.norm(2, -1)) < 1e-5);
      QVERIFY(error(b, a) > 1e-2);  // and yet it turns
    }
  }

  // Device hygiene without a GPU: on "meta" a stray host tensor or a hidden synchronisation in the layers
  // throws.
  void runsOnMeta_data() { models(); }
  void runsOnMeta() {
    QFETCH(QString, name);
    const Model model(name.toStdString(), at::kMeta);
    const int layers = model.decoder.spec().num_layers;
    Needs needs = everything();
    needs.norms = {Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value};
    Disruption live;
    live.key = live.value = true;
    live.mask = Mask::Live;
    std::vector<Disruption> disruptions;
    for (const PickKind kind : {PickKind::Lambda, PickKind::Largest, PickKind::Smallest, PickKind::Random}) {
      live.pick.kind = kind;
      live.reaches_kv_cache = kind != PickKind::Largest;
      for (const Replace replace : {Replace::Mean, Replace::Zero, Replace::Max, Replace::Min}) {
        for (const Pool pool : {Pool::Chosen, Pool::Head, Pool::Own}) {
          live.replace = replace;
          live.pool = pool;
          disruptions.push_back(live);
        }
      }
    }
    Intervention intervention(disruptions, model.decoder.spec(), {}, at::kMeta);
    RequestTap tap(&needs, &intervention, true);
    KvCache cache(layers);
    // The embedding itself has no meta kernel in C++; it stands before the layers.
    const auto pass = [&](std::int64_t positions, Tap& through) {
      const at::Tensor entering =
          at::empty({positions, model.decoder.spec().hidden_size}, at::TensorOptions().device(at::kMeta));
      const at::Tensor residual = model.decoder.run_layers(entering, 0, layers, cache, through);
      cache.advance(static_cast<int>(positions));
      return model.decoder.logits(residual, through);
    };
    QVERIFY(pass(4, tap).is_meta());
    RequestTap step_tap(nullptr, &intervention, false);
    QVERIFY(pass(1, step_tap).is_meta());
  }

  void refusesIdsOutsideTheVocabulary() {
    const Model model("llama-default");
    QVERIFY_EXCEPTION_THROWN(model.decoder.embed({0, 100000}), Error);
    QVERIFY_EXCEPTION_THROWN(model.decoder.embed({-1}), Error);
  }

  void everyArchitectureHasAGolden() {
    std::set<std::string> seen;
    for (const auto& entry : std::filesystem::directory_iterator(test::golden("models"))) {
      seen.insert(make_spec(*Checkpoint::open(entry.path())).architecture);
    }
    for (const std::string& name : architectures()) QVERIFY2(seen.contains(name), name.c_str());
  }

 private:
  static void models(std::string_view ending = {}) {
    QTest::addColumn<QString>("name");
    for (const auto& entry : std::filesystem::directory_iterator(test::golden("models"))) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(ending)) QTest::newRow(name.c_str()) << QString::fromStdString(name);
    }
  }
};

QTEST_GUILESS_MAIN(TestDecoder)
#include "test_decoder.moc"

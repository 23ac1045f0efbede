// Mixtures of experts: which are chosen, and that it does not matter how they are stored.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <QTemporaryDir>

#include <regex>

#include "core/checkpoint/checkpoint.h"
#include "core/io/safetensors.h"
#include "core/io/safetensors_writer.h"
#include "core/model/architecture.h"
#include "core/model/decoder.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/golden_model.h"

using namespace qkscope;

namespace {

const c10::InferenceMode inference;

class RouterTap : public Tap {
 public:
  at::Tensor operator()(SiteId id, at::Tensor x) override {
    if (id.site == Site::Router) shares = x;
    return x;
  }
  at::Tensor shares;
};

/// Of experts that all give what they read, chosen by these corrections alone.
at::Tensor shares_of(const RouterSpec& router, const std::vector<float>& corrections, int top_k) {
  MoeSpec spec;
  spec.num_experts = static_cast<int>(corrections.size());
  spec.top_k = top_k;
  spec.router = router;
  spec.expert = {.intermediate_size = 1, .gated = false, .activation = Activation::Relu};
  MoeWeights weights;
  weights.router = Linear(at::zeros({spec.num_experts, 1}), {});
  weights.correction = at::tensor(corrections);
  for (int e = 0; e < spec.num_experts; ++e)
    weights.experts.push_back({Linear(at::ones({1, 1}), {}), Linear(at::ones({1, 1}), {})});
  RouterTap tap;
  const at::Tensor x = at::ones({1, 1});
  moe(spec, weights, 0, x, x, tap);
  return tap.shares[0];
}

at::Tensor logits(const std::filesystem::path& folder) {
  const Decoder decoder = test::read_decoder(Checkpoint::open(folder));
  State state(decoder.spec().num_layers());
  Tap tap;
  return test::prefill(decoder, {5, 17, 40, 8, 61, 33}, state, tap);
}

/// The experts of each layer put one after the other, gate above up, as transformers has them in memory.
std::map<std::string, Array> put_together(const std::map<std::string, Array>& apart) {
  static const std::regex pattern(
      R"((.*\.)(\w+)\.experts\.(\d+)\.(w1|w2|w3|gate_proj|up_proj|down_proj)\.weight)");
  std::map<std::string, Array> result;
  const auto append = [&](const std::string& name, const std::vector<const Array*>& parts) {
    Array& all = result[name];
    std::int64_t rows = 0;
    for (const Array* part : parts) {
      rows += part->shape[0];
      all.data.insert(all.data.end(), part->data.begin(), part->data.end());
    }
    all.shape = {all.shape.empty() ? 1 : all.shape[0] + 1, rows, parts.front()->shape[1]};
  };
  std::smatch found;
  for (const auto& [name, array] : apart) {
    if (!std::regex_match(name, found, pattern)) {
      result[name] = array;
      continue;
    }
    if (found[3] != "0" || (found[4] != "w1" && found[4] != "gate_proj")) continue;  // done with the first
    const bool old = found[4] == "w1";
    const std::string before = found[1].str() + found[2].str() + ".experts.";
    const std::string after = found[1].str() + (old ? "mlp" : found[2].str()) + ".experts.";
    for (int e = 0;; ++e) {
      const auto of_expert = [&](const char* own) {
        return apart.find(before + std::to_string(e) + "." + own + ".weight");
      };
      const auto gate = of_expert(old ? "w1" : "gate_proj");
      if (gate == apart.end()) break;
      append(after + "gate_up_proj", {&gate->second, &of_expert(old ? "w3" : "up_proj")->second});
      append(after + "down_proj", {&of_expert(old ? "w2" : "down_proj")->second});
    }
  }
  return result;
}

}  // namespace

class TestExperts : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  // The best groups are chosen from even where all their scores are below zero.
  void groupsCountWhateverTheSign() {
    RouterSpec router;
    router.score = RouterSpec::Score::Sigmoid;  // 0.5 for all
    router.normalize = router.has_correction = true;
    router.num_groups = 3;
    router.top_groups = 1;
    // Sums of the groups' two best: -5.1, -6, -7. The single best is in the second.
    const at::Tensor shares = shares_of(router, {-3.0f, -3.1f, -2.0f, -5.0f, -4.0f, -4.0f}, 2);
    QVERIFY(at::equal(shares, at::tensor({0.5f, 0.5f, 0.0f, 0.0f, 0.0f, 0.0f})));
    // A correction chooses and does not weigh.
    router.num_groups = 1;
    const at::Tensor plain = shares_of(router, {-3.0f, -3.1f, -2.0f, -5.0f, -4.0f, -4.0f}, 2);
    QVERIFY(at::equal(plain, at::tensor({0.5f, 0.0f, 0.5f, 0.0f, 0.0f, 0.0f})));
  }

  void storedTogetherOrApart() {
    int compared = 0;
    for (const auto& folder : std::filesystem::directory_iterator(test::golden("families"))) {
      const auto apart = read_safetensors(folder.path() / "model.safetensors").arrays;
      const auto together = put_together(apart);
      if (together.size() == apart.size()) continue;
      const QTemporaryDir temporary;
      const std::filesystem::path other = temporary.path().toStdString();
      std::filesystem::copy(folder.path() / "config.json", other / "config.json");
      SafetensorsWriter writer;
      for (const auto& [name, array] : together) writer.add(name, array);
      writer.write(other / "model.safetensors");
      QVERIFY2(at::equal(logits(other), logits(folder.path())), folder.path().c_str());
      ++compared;
    }
    QVERIFY(compared >= 5);
  }

  void refusals_data() {
    QTest::addColumn<QString>("family");
    QTest::addColumn<QString>("change");
    QTest::addColumn<QString>("named");
    const auto row = [](const char* name, const char* family, const char* change, const char* named) {
      QTest::newRow(name) << family << change << named;
    };
    row("more chosen than there are", "mixtral-window", R"({"num_experts_per_tok": 4})",
        "num_experts_per_tok 4");
    row("groups of unlike size", "deepseek-v3-bfloat16", R"({"n_group": 3})", "n_group 3");
    row("groups of one", "deepseek-v3-bfloat16", R"({"n_group": 8})", "n_group 8");
    row("more groups than there are", "deepseek-v3-bfloat16", R"({"topk_group": 5})", "topk_group 5");
    row("too few in the groups", "deepseek-v3-bfloat16", R"({"topk_group": 1, "num_experts_per_tok": 3})",
        "topk_group 1");
    row("no list of layers", "qwen3-moe", R"({"mlp_only_layers": 1})", "mlp_only_layers");
    row("no layer", "qwen3-moe", R"({"mlp_only_layers": [-1]})", "mlp_only_layers");
    row("no kinds of layers", "glm4-moe-lite", R"({"mlp_layer_types": ["dense", "moe"]})", "mlp_layer_types");
    row("too few kinds", "glm4-moe-lite", R"({"mlp_layer_types": ["dense"]})", "mlp_layer_types");
    row("too few that rotate", "llama4-no-norm", R"({"no_rope_layers": [1]})", "no_rope_layers");
    row("chunks of no size", "llama4-bfloat16", R"({"attention_chunk_size": null})", "attention_chunk_size");
    row("keys of groups", "deepseek-v3-bfloat16", R"({"num_key_value_heads": 2})", "num_key_value_heads");
    row("unequal value heads", "qwen3.5-bfloat16", R"({"linear_num_value_heads": 3})",
        "linear_num_value_heads 3");
    row("no such layer of attention", "jamba-bias", R"({"attn_layer_offset": 3})", "attn_layer_offset");
    row("a window of nothing", "gpt-oss", R"({"sliding_window": null})", "sliding_window");
    row("a clamp of nothing", "gpt-oss", R"({"swiglu_limit": 0})", "swiglu_limit");
  }
  void refusals() {
    QFETCH(QString, family);
    QFETCH(QString, change);
    QFETCH(QString, named);
    changed_spec(family.toStdString(), "{}");
    QKSCOPE_EXPECT_ERROR(changed_spec(family.toStdString(), change.toStdString()), named.toStdString(),
                         folder().string());
  }

  void layersWithExperts_data() {
    QTest::addColumn<QString>("family");
    QTest::addColumn<QString>("change");
    QTest::addColumn<QString>("layers");  // E: with experts
    const auto row = [](const char* family, const char* change, const char* layers) {
      QTest::newRow((std::string(family) + " " + change).c_str()) << family << change << layers;
    };
    row("qwen3-moe", R"({"mlp_only_layers": [0]})", "-E");
    row("qwen3-moe", R"({"mlp_only_layers": null, "decoder_sparse_step": 2})", "-E");
    row("qwen2-moe", R"({"mlp_only_layers": [0, 1]})", "--");
    row("qwen3-next", R"({"mlp_only_layers": [1]})", "E-");
    row("deepseek-v3-bfloat16", R"({"first_k_dense_replace": 2})", "--");
    row("glm4-moe", R"({"first_k_dense_replace": 0})", "EE");
    row("glm4-moe-lite", R"({"mlp_layer_types": ["sparse", "dense"]})", "E-");
    row("glm4-moe-lite", R"({"mlp_layer_types": null})", "-E");
    row("llama4-bfloat16", R"({"moe_layers": [0]})", "E-");
    row("llama4-bfloat16", R"({"moe_layers": []})", "--");
    row("llama4-bfloat16", R"({"moe_layers": null, "interleave_moe_layer_step": 1})", "EE");
    row("jamba-bfloat16", R"({})", "-E-");
    row("jamba-bfloat16", R"({"expert_layer_offset": 0})", "E-E");
    row("jamba-bfloat16", R"({"num_experts": 1, "num_experts_per_tok": 1})", "---");
  }
  void layersWithExperts() {
    QFETCH(QString, family);
    QFETCH(QString, change);
    QFETCH(QString, layers);
    QString found;
    for (const LayerSpec& layer : changed_spec(family.toStdString(), change.toStdString()).layers)
      found += layer.moe() ? u'E' : u'-';
    QCOMPARE(found, layers);
  }

  // The norms within latent attention are made without the configuration.
  void latentsKeepTheirEps() {
    const ModelSpec spec = changed_spec("glm4-moe-lite", R"({"rms_norm_eps": 0.5})");
    QCOMPARE(spec.attention(0)->latent->q_norm.eps, 1e-6);
    QCOMPARE(spec.attention(0)->latent->kv_norm.eps, 1e-6);
    QCOMPARE(spec.layers[0].mixer_norm->eps, 0.5);
  }

 private:
  std::filesystem::path folder() const { return folder_->path().toStdString(); }
  /// Of a golden's configuration with some keys changed.
  ModelSpec changed_spec(const std::string& family, const std::string& change) {
    folder_ = std::make_unique<QTemporaryDir>();
    const auto source = test::golden("families") / family;
    nlohmann::json config = nlohmann::json::parse(test::read_file(source / "config.json"));
    config.update(nlohmann::json::parse(change));
    test::write_file(folder() / "config.json", config.dump());
    std::filesystem::copy(source / "model.safetensors", folder() / "model.safetensors");
    return make_spec(*Checkpoint::open(folder()));
  }

  std::unique_ptr<QTemporaryDir> folder_;
};

QTEST_GUILESS_MAIN(TestExperts)
#include "test_experts.moc"

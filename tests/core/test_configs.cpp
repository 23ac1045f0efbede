// What a config.json means, key by key, against what transformers makes of it
// (tests/goldens/make_configs.py).
#include <cmath>
#include <fstream>

#include "core/model/rope.h"
#include "tests/support/config_spec.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using nlohmann::json;
using test::spec_of;

namespace {

bool near(double found, double expected) {
  return std::abs(found - expected) <= 2e-6 * std::abs(expected);  // transformers computes in float32
}

/// The first value in which `spec` is not what transformers has; empty where there is none.
std::string difference(const ModelSpec& spec, const json& expected) {
  std::vector<int> windows;
  for (int l = 0; l < spec.num_layers(); ++l) windows.push_back(spec.attention(l)->window);
  const AttentionSpec& first = *spec.attention(0);
  const json found = {{"hidden_size", spec.hidden_size},
                      {"intermediate_size", spec.intermediate_size()},
                      {"num_layers", spec.num_layers()},
                      {"num_heads", spec.num_heads()},
                      {"num_kv_heads", spec.num_kv_heads()},
                      {"head_dim", spec.head_dim()},
                      {"vocab_size", spec.vocab_size},
                      {"max_position_embeddings", spec.max_position_embeddings},
                      {"rms_norm_eps", spec.head.norm->eps},
                      {"tie_word_embeddings", spec.head.tied},
                      {"qkv_bias", first.qkv_bias},
                      {"attn_output_bias", first.out_bias},
                      {"mlp_bias", std::get<MlpSpec>(spec.layers[0].ffn).bias},
                      {"sliding_window", windows}};
  for (const auto& [key, value] : found.items()) {
    if (value != expected.at(key)) return key + " " + value.dump() + ", expected " + expected.at(key).dump();
  }
  const RopeFrequencies rope =
      rope_frequencies(*spec.rope(), spec.max_position_embeddings, spec.max_position_embeddings);
  const auto inv_freq = expected.at("inv_freq").get<std::vector<double>>();
  if (!std::ranges::equal(rope.inv_freq, inv_freq, near))
    return "inv_freq " + json(rope.inv_freq).dump() + ", expected " + json(inv_freq).dump();
  if (!near(rope.attention_factor, expected.at("attention_factor"))) return "attention_factor";
  return {};
}

/// Where we take what transformers' own type checks refuse: a whole number for a fraction, null for the
/// number of KV heads or the size of a head in every family, and keys of other families, which mean nothing
/// here.
bool is_milder(const json& entry) {
  const json& change = entry.at("change");
  const std::string family = entry.at("family");
  return change == json::object({{"rms_norm_eps", 1}}) ||
         change == json::object({{"num_key_value_heads", nullptr}}) ||
         change == json::object({{"head_dim", nullptr}}) ||
         (family != "qwen2" && change.contains("layer_types")) ||
         (family == "llama" && change.contains("sliding_window"));
}

/// Where we refuse what transformers takes and cannot mean: sizes that are no sizes, heads of one dim,
/// another activation than silu, and RoPE settings of single layers, which it drops.
bool is_stricter(const json& entry) {
  if (entry.at("absent") == json::array({"num_attention_heads"})) return true;  // 32 for 32 dims
  for (const auto& [key, value] : entry.at("change").items()) {
    if (value == "gelu" || (value.is_boolean() && key == "head_dim") ||
        (key == "hidden_size" && value == 7) ||
        (value.is_number() && value <= 0 && key != "max_window_layers"))
      return true;
    if (value.is_object() && value.contains("full_attention")) return true;
  }
  return false;
}

json golden_file() {
  std::ifstream file(test::golden("configs.json"));
  return json::parse(file);
}

}  // namespace

class TestConfigs : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() { golden_ = golden_file(); }

  void equalsTransformers_data() {
    QTest::addColumn<int>("index");
    const json& entries = golden_.at("entries");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      std::string name = entries[i].at("family").get<std::string>() + " " + entries[i].at("change").dump();
      if (!entries[i].at("absent").empty()) name += " without " + entries[i].at("absent").dump();
      QTest::newRow(name.c_str()) << static_cast<int>(i);
    }
  }
  void equalsTransformers() {
    QFETCH(int, index);
    const json& entry = golden_.at("entries").at(static_cast<std::size_t>(index));
    json config = golden_.at("base");
    config.update(golden_.at("families").at(entry.at("family").get<std::string>()));
    config.update(entry.at("change"));
    for (const auto& key : entry.at("absent")) config.erase(key.get<std::string>());
    std::string problem, wrong;
    try {
      const ModelSpec spec = spec_of(config);
      if (!entry.at("expected").is_null()) wrong = difference(spec, entry.at("expected"));
    } catch (const Error& error) {
      problem = error.what();
    }
    if (!wrong.empty()) QFAIL(wrong.c_str());
    if (entry.at("expected").is_null() && problem.empty() && !is_milder(entry))
      QFAIL("transformers refuses it");
    if (!entry.at("expected").is_null() && !problem.empty() && !is_stricter(entry)) QFAIL(problem.c_str());
  }

  // What no real model comes near is refused from the config.json alone, before it costs anything.
  void absurdSizes_data() {
    QTest::addColumn<QString>("key");
    for (const char* key : {"num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads",
                            "num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings"})
      QTest::newRow(key) << key;
  }
  void absurdSizes() {
    QFETCH(QString, key);
    const int many = key == QStringLiteral("max_position_embeddings") ? 2'000'000'000 : 1'000'000'000;
    for (const json& size : {json(many), json(std::int64_t{1} << 62), json(1e300), json(-1)}) {
      json config = golden_.at("base");
      config.update(golden_.at("families").at("llama"));
      config[key.toStdString()] = size;
      QKSCOPE_EXPECT_ERROR(spec_of(config), "\"" + key.toStdString() + "\" is " + size.dump(), "expected");
    }
  }

  void architecturesAndModelType() {
    json config = golden_.at("base");
    config["model_type"] = "mistral";
    QCOMPARE(spec_of(config).architecture, "MistralForCausalLM");
    config["architectures"] = json::array({"NobodyForCausalLM", "Qwen2ForCausalLM"});
    QCOMPARE(spec_of(config).architecture, "Qwen2ForCausalLM");
    config["architectures"] = json::array({"MistralForSequenceClassification"});
    QKSCOPE_EXPECT_ERROR(spec_of(config), "\"MistralForSequenceClassification\"", "LlamaForCausalLM");
    config["architectures"] = "LlamaForCausalLM";
    QKSCOPE_EXPECT_ERROR(spec_of(config), "\"architectures\" is a string", "expected a list");
    config["architectures"] = nullptr;
    config["model_type"] = "gpt1";
    QKSCOPE_EXPECT_ERROR(spec_of(config), "none named", "\"model_type\"");
  }

 private:
  json golden_;
};

QTEST_GUILESS_MAIN(TestConfigs)
#include "test_configs.moc"

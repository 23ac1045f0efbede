// What the config.json of every family means, empty and key by key, against what transformers makes of it
// (tests/goldens/make_family_configs.py).
#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/base/error.h"
#include "core/model/rope.h"
#include "tests/support/config_spec.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using nlohmann::json;
using test::spec_of;

namespace {

/// What a layer has for the keys of an expected one.
json layer_of(const ModelSpec& spec, const LayerSpec& layer) {
  json found;
  if (const AttentionSpec* a = layer.attention()) {
    found = {{"mixer", "attention"},
             {"num_heads", a->num_heads},
             {"num_kv_heads", a->num_kv_heads},
             {"head_dim", a->head_dim},
             {"value_dim", a->value_dim},
             {"window", a->window},
             {"chunk", a->chunk},
             {"scale", a->scale},
             {"qkv_bias", a->qkv_bias},
             {"attn_output_bias", a->out_bias},
             {"rotary_dim", 0},
             {"inv_freq", json::array()},
             {"attention_factor", 1.0}};
    if (a->rope) {
      const RopeFrequencies rope = rope_frequencies(*a->rope, spec.max_position_embeddings, 1);
      found["rotary_dim"] = a->rope->rotary_dim;
      found["inv_freq"] = {rope.inv_freq.front(), rope.inv_freq.back()};
      found["attention_factor"] = rope.attention_factor;
    }
  } else if (const auto* m = std::get_if<MambaSpec>(&layer.mixer)) {
    found = {{"mixer", "mamba"},
             {"inner", m->inner_size},
             {"state", m->state_size},
             {"kernel", m->conv_kernel},
             {"dt_rank", m->dt_rank}};
  } else {
    const auto& d = std::get<DeltaNetSpec>(layer.mixer);
    found = {{"mixer", "delta"},     {"key_heads", d.num_key_heads}, {"value_heads", d.num_value_heads},
             {"key_dim", d.key_dim}, {"value_dim", d.value_dim},     {"kernel", d.conv_kernel}};
  }
  const MlpSpec& mlp = layer.moe() ? layer.moe()->expert : std::get<MlpSpec>(layer.ffn);
  found["intermediate_size"] = mlp.intermediate_size;
  found["experts"] = layer.moe() ? layer.moe()->num_experts : 0;
  if (!layer.moe()) found["mlp_bias"] = mlp.bias;
  return found;
}

bool equal(const json& found, const json& expected) {
  if (found.is_number() && expected.is_number()) {  // transformers computes in float32
    const auto number = expected.get<double>();
    return std::abs(found.get<double>() - number) <= 2e-6 * std::abs(number);
  }
  if (found.is_array() && expected.is_array() && found.size() == expected.size())
    return std::equal(found.begin(), found.end(), expected.begin(), equal);
  return found == expected;
}

/// The first value in which `found` is not as expected; empty where there is none.
std::string difference(const json& found, const json& expected, const std::string& where) {
  for (const auto& [key, value] : expected.items()) {
    if (value.is_null() || (value.is_array() && key.starts_with("layer"))) continue;
    const json ours = found.value(key, json());
    if (!equal(ours, value)) return where + key + " " + ours.dump() + ", expected " + value.dump();
  }
  return {};
}

std::string difference(const ModelSpec& spec, const json& expected) {
  const auto& last_norm = spec.head.norm ? spec.head.norm : spec.layers.back().ffn_norm;
  const json found = {{"architecture", spec.architecture},
                      {"hidden_size", spec.hidden_size},
                      {"num_layers", spec.num_layers()},
                      {"vocab_size", spec.vocab_size},
                      {"max_position_embeddings", spec.max_position_embeddings},
                      {"tie_word_embeddings", spec.head.tied},
                      {"rms_norm_eps", last_norm ? json(last_norm->eps) : json()}};
  std::string wrong = difference(found, expected, "");
  for (int l = 0; l < spec.num_layers() && wrong.empty(); ++l) {
    const auto index = static_cast<std::size_t>(l);
    json layer = expected.at("layers").at(expected.at("layer_kinds").at(index).get<std::size_t>());
    // Read off its projections, of which a layer that borrows keys has none.
    if (spec.attention(l) && spec.attention(l)->keys_of_layer >= 0) layer.erase("num_kv_heads");
    wrong = difference(layer_of(spec, spec.layers[index]), layer, "layer " + std::to_string(l) + ": ");
  }
  return wrong;
}

json golden_file() {
  std::ifstream file(test::golden("family_configs.json"));
  return json::parse(file);
}

bool without(const json& entry, const char* key) {
  return entry.at("absent") == json::array({key});
}
bool has_null(const json& entry, const char* key) {
  return entry.at("change") == json::object({{key, nullptr}});
}
bool is_empty(const json& entry) {
  return entry.value("empty", false);
}

/// Where we take what transformers' own type checks refuse, null for the number of KV heads, the size of a
/// head or the order of rotary pairs; and what its classes fail over: no size of a head, KV heads that latent
/// attention does not have, and layers that are all recurrent.
bool is_milder(const json& entry) {
  const std::string family = entry.at("family");
  if (has_null(entry, "num_key_value_heads") || has_null(entry, "head_dim") ||
      has_null(entry, "rope_interleave"))
    return true;
  if (family == "ministral") return is_empty(entry) || without(entry, "head_dim");
  if (family == "deepseek_v3" || family == "glm4_moe_lite") return without(entry, "num_key_value_heads");
  if (family.starts_with("qwen3_5") || family == "qwen3_next")
    return without(entry, "layer_types") || has_null(entry, "layer_types");
  return false;
}

/// Where we refuse what transformers takes and cannot mean: heads of one dim, an odd number of dims that
/// rotate, more experts than the chosen groups hold, and null for a size that is not looked at.
bool is_stricter(const json& entry) {
  const std::string family = entry.at("family");
  return without(entry, "num_attention_heads") || (family == "glm4_moe" && is_empty(entry)) ||
         (family == "deepseek_v3" && without(entry, "num_experts_per_tok")) ||
         has_null(entry, "intermediate_size");
}

}  // namespace

class TestFamilyConfigs : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() { golden_ = golden_file(); }

  void equalsTransformers_data() {
    QTest::addColumn<int>("index");
    const json& entries = golden_.at("entries");
    for (std::size_t i = 0; i < entries.size(); ++i)
      QTest::newRow(name_of(entries[i]).c_str()) << static_cast<int>(i);
  }
  void equalsTransformers() {
    QFETCH(int, index);
    const json& entry = golden_.at("entries").at(static_cast<std::size_t>(index));
    json config = json::object();
    if (!entry.value("empty", false))
      config.update(golden_.at("families").at(entry.at("family").get<std::string>()));
    config.update(entry.at("change"));
    for (const auto& key : entry.at("absent")) config.erase(key.get<std::string>());
    const json& expected = entry.at("expected");
    std::string problem, wrong;
    try {
      const ModelSpec spec = spec_of(config);
      if (!expected.is_null()) wrong = difference(spec, expected);
    } catch (const Error& error) {
      problem = error.what();
    }
    if (!wrong.empty()) QFAIL(wrong.c_str());
    if (expected.is_null() && problem.empty() && !is_milder(entry))
      QFAIL(("transformers refuses it: " + entry.at("refusal").get<std::string>()).c_str());
    if (!expected.is_null() && !problem.empty() && !is_stricter(entry)) QFAIL(problem.c_str());
  }

 private:
  static std::string name_of(const json& entry) {
    std::string name = entry.at("family").get<std::string>() + " " + entry.at("change").dump();
    if (!entry.at("absent").empty()) name += " without " + entry.at("absent").dump();
    return name;
  }

  json golden_;
};

QTEST_GUILESS_MAIN(TestFamilyConfigs)
#include "test_family_configs.moc"

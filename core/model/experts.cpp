#include "core/model/experts.h"

#include "core/base/wording.h"
#include "core/model/architecture.h"

namespace qkscope {

void name_experts(ParameterTable& table, const std::string& ffn, const std::string& shared) {
  const auto store = [&](Role role, std::vector<Stored> ways) { table.stored[role] = std::move(ways); };
  const std::string one = ffn + ".experts.{expert}.", all = ffn + ".experts.",
                    common = ffn + "." + shared + ".";
  const Stored both{.name = all + "gate_up_proj", .rows = Rows::GateUpBlocks, .stacked = true, .bare = true};
  store(Role::Router, {{.name = ffn + ".gate"}});
  store(Role::RouterCorrection, {{.name = ffn + ".gate.e_score_correction_bias", .bare = true}});
  store(Role::ExpertGate, {{.name = one + "gate_proj"}, both});
  store(Role::ExpertUp, {{.name = one + "up_proj"}, both});
  store(Role::ExpertDown,
        {{.name = one + "down_proj"}, {.name = all + "down_proj", .stacked = true, .bare = true}});
  store(Role::Gate, {{.name = ffn + ".gate_proj"}});
  store(Role::Up, {{.name = ffn + ".up_proj"}});
  store(Role::Down, {{.name = ffn + ".down_proj"}});
  if (shared.empty()) return;
  store(Role::SharedGate, {{.name = common + "gate_proj"}});
  store(Role::SharedUp, {{.name = common + "up_proj"}});
  store(Role::SharedDown, {{.name = common + "down_proj"}});
  store(Role::SharedRouter, {{.name = common.substr(0, common.size() - 1) + "_gate"}});
}

MoeSpec read_experts(const Config& config, const char* key, const char* alias, int absent, int absent_top_k) {
  MoeSpec moe;
  moe.num_experts = config.size(config.find(alias) ? alias : key, absent, limits::experts);
  moe.top_k = config.size("num_experts_per_tok", absent_top_k, limits::experts);
  if (moe.top_k > moe.num_experts) {
    config.fail("num_experts_per_tok " + std::to_string(moe.top_k) + " is more than the " +
                std::to_string(moe.num_experts) + " experts of " + key);
  }
  return moe;
}

void put_sparse_experts(const Config& config, ModelSpec& spec, const MoeSpec& moe) {
  const std::set<int> plain = read_layer_list(config, "mlp_only_layers");
  const int step = config.size("decoder_sparse_step", 1, limits::layers);
  for (int l = 0; l < spec.num_layers(); ++l) {
    if (!plain.contains(l) && (l + 1) % step == 0) spec.layers[static_cast<std::size_t>(l)].ffn = moe;
  }
}

namespace {

/// By layer: whether it has experts.
std::vector<bool> sparse_layers(const Config& config, int num_layers, const CorrectedExperts& defaults) {
  const auto count = static_cast<std::size_t>(num_layers);
  std::vector<bool> sparse(count);
  const int dense = defaults.listed ? defaults.dense_layers
                                    : config.integer("first_k_dense_replace", defaults.dense_layers);
  for (std::size_t l = 0; l < count; ++l) sparse[l] = static_cast<int>(l) >= dense;
  const nlohmann::json* list = defaults.listed ? config.find("mlp_layer_types") : nullptr;
  if (!list || list->is_null()) return sparse;
  for (std::size_t l = 0; l < count; ++l) {
    if (!list->is_array() || list->size() != count || (list->at(l) != "dense" && list->at(l) != "sparse")) {
      config.fail("config key \"mlp_layer_types\" is " + short_json(*list) + ", expected a list of " +
                  std::to_string(num_layers) + " times dense or sparse");
    }
    sparse[l] = list->at(l) == "sparse";
  }
  return sparse;
}

/// A group is judged by its two best experts, and the best groups must hold as many as are chosen.
void check_groups(const Config& config, const MoeSpec& moe) {
  const int groups = moe.router.num_groups, best = moe.router.top_groups;
  if (groups == 1 && best == 1) return;
  const int size = moe.num_experts / groups;
  if (moe.num_experts % groups != 0 || size < 2 || best > groups || moe.top_k > size * best) {
    config.fail("n_group " + std::to_string(groups) + " and topk_group " + std::to_string(best) +
                " do not fit n_routed_experts " + std::to_string(moe.num_experts) +
                " and num_experts_per_tok " + std::to_string(moe.top_k));
  }
}

}  // namespace

void put_corrected_experts(const Config& config, ModelSpec& spec, const CorrectedExperts& defaults) {
  name_experts(spec.parameters, "mlp", "shared_experts");
  MoeSpec moe =
      read_experts(config, "n_routed_experts", "num_local_experts", defaults.num_experts, defaults.top_k);
  moe.router.score = RouterSpec::Score::Sigmoid;
  moe.router.has_correction = true;
  moe.router.normalize = config.flag("norm_topk_prob", true);
  moe.router.scale = config.number("routed_scaling_factor", defaults.scale);
  moe.router.num_groups = config.size("n_group", defaults.num_groups, limits::experts);
  moe.router.top_groups = config.size("topk_group", defaults.top_groups, limits::experts);
  check_groups(config, moe);
  moe.expert = std::get<MlpSpec>(spec.layers.front().ffn);
  moe.expert.intermediate_size =
      config.size("moe_intermediate_size", defaults.intermediate_size, limits::inner);
  moe.shared = moe.expert;
  moe.shared->intermediate_size *= config.size("n_shared_experts", 1, 64);
  const std::vector<bool> sparse = sparse_layers(config, spec.num_layers(), defaults);
  for (std::size_t l = 0; l < sparse.size(); ++l) {
    if (sparse[l]) spec.layers[l].ffn = moe;
  }
}

std::set<int> read_layer_list(const Config& config, const char* key) {
  const nlohmann::json* list = config.find(key);
  if (!list || list->is_null()) return {};
  std::set<int> layers;
  for (const auto& layer : *list) {
    if (!list->is_array() || !layer.is_number_unsigned() || layer > limits::layers) {
      config.fail(std::string("config key \"") + key + "\" is " + short_json(*list) +
                  ", expected a list of layers, counted from 0");
    }
    layers.insert(layer.get<int>());
  }
  return layers;
}

}  // namespace qkscope

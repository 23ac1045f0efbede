// Mixtral: Mistral with a mixture of experts in every layer, and no window unless one is asked for.
#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

ModelSpec mixtral_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.intermediate_size = 14336,
                                                .max_position_embeddings = 131072,
                                                .num_kv_heads = 8,
                                                .rms_norm_eps = 1e-5,
                                                .rope_theta = 1e6});
  // As the checkpoints have them, and as transformers calls them since.
  name_experts(spec.parameters, "mlp", "");
  auto& stored = spec.parameters.stored;
  const std::string old = "block_sparse_moe.";
  const auto also = [&](Role role, const std::string& name) {
    stored[role].insert(stored[role].begin(), {.name = old + name});
  };
  also(Role::Router, "gate");
  also(Role::ExpertGate, "experts.{expert}.w1");
  also(Role::ExpertUp, "experts.{expert}.w3");
  also(Role::ExpertDown, "experts.{expert}.w2");

  MoeSpec moe = read_experts(config, "num_local_experts", "num_experts", 8, 2);
  moe.router.normalize = true;
  const auto window = config.size_or_null("sliding_window", {}, 1 << 30);
  for (LayerSpec& layer : spec.layers) {
    std::get<AttentionSpec>(layer.mixer).window = window.value_or(0);
    moe.expert = std::get<MlpSpec>(layer.ffn);
    layer.ffn = moe;
  }
  return spec;
}

const ArchitectureRegistration mixtral("MixtralForCausalLM", "mixtral", mixtral_spec);

}  // namespace
}  // namespace qkscope

// Phi-1, Phi-1.5 and Phi-2: attention and a plain MLP side by side behind one layer norm, RoPE of a half of a
// head, biases everywhere, the head's included.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ParameterTable phi_parameters() {
  ParameterTable table = llama_parameters();
  table.stored[Role::FinalNorm] = {{.name = "final_layernorm"}};
  table.stored[Role::AttnOut] = {{.name = "self_attn.dense"}};
  table.stored[Role::QueryNorm] = {{.name = "self_attn.q_layernorm"}};
  table.stored[Role::KeyNorm] = {{.name = "self_attn.k_layernorm"}};
  table.stored[Role::Up] = {{.name = "mlp.fc1"}};
  table.stored[Role::Down] = {{.name = "mlp.fc2"}};
  return table;
}

ModelSpec phi_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 51200,
                                                .hidden_size = 2048,
                                                .intermediate_size = 8192,
                                                .num_layers = 24,
                                                .partial_rotary_factor = 0.5,
                                                .hidden_act = "gelu_new"});
  spec.parameters = phi_parameters();
  const NormSpec norm{
      .kind = NormSpec::Kind::Layer, .eps = config.number("layer_norm_eps", 1e-5), .has_bias = true};
  const bool qk_norms = config.flag("qk_layernorm", false);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.qkv_bias = attention.out_bias = true;
    if (qk_norms) attention.q_norm = attention.k_norm = norm;
    auto& mlp = std::get<MlpSpec>(layer.ffn);
    mlp.gated = false;
    mlp.bias = true;
    layer.wiring = Wiring::Parallel;
    layer.mixer_norm = norm;
    layer.ffn_norm.reset();
  }
  spec.head.norm = norm;
  spec.head.bias = true;
  return spec;
}

const ArchitectureRegistration phi("PhiForCausalLM", "phi", phi_spec);

}  // namespace
}  // namespace qkscope

// Jamba: one layer of attention, which does not rotate, among several of Mamba, and experts in every other.
#include <cmath>

#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

void name_parameters(ParameterTable& table) {
  name_experts(table, "feed_forward", "");
  const auto name = [&](Role role, const char* stored, bool bare = false) {
    table.stored[role] = {{.name = stored, .bare = bare}};
  };
  name(Role::Router, "feed_forward.router");
  name(Role::FinalNorm, "final_layernorm");
  name(Role::FfnNorm, "pre_ff_layernorm");
  name(Role::MambaIn, "mamba.in_proj");
  name(Role::MambaConv, "mamba.conv1d");
  name(Role::MambaX, "mamba.x_proj");
  name(Role::MambaDt, "mamba.dt_proj");
  name(Role::MambaALog, "mamba.A_log", true);
  name(Role::MambaD, "mamba.D", true);
  name(Role::MambaOut, "mamba.out_proj");
  name(Role::MambaDtNorm, "mamba.dt_layernorm");
  name(Role::MambaBNorm, "mamba.b_layernorm");
  name(Role::MambaCNorm, "mamba.c_layernorm");
}

MambaSpec read_mamba(const Config& config, const ModelSpec& spec) {
  MambaSpec mamba;
  mamba.inner_size = config.size("mamba_expand", 2, 1 << 8) * spec.hidden_size;
  mamba.state_size = config.size("mamba_d_state", 16, limits::head_dim);
  mamba.conv_kernel = config.size("mamba_d_conv", 4, limits::head_dim);
  const nlohmann::json* rank = config.find("mamba_dt_rank");
  const int usual = (spec.hidden_size + 15) / 16;
  mamba.dt_rank = rank && *rank == "auto" ? usual : config.size("mamba_dt_rank", usual, limits::hidden);
  mamba.activation = std::get<MlpSpec>(spec.layers.front().ffn).activation;
  mamba.conv_bias = config.flag("mamba_conv_bias", true);
  mamba.bias = config.flag("mamba_proj_bias", false);
  mamba.inner_norms = spec.head.norm;
  return mamba;
}

/// One layer in so many, and which of them is the first.
struct Every {
  Every(const Config& config, const std::string& what, int absent_period, int absent_offset)
      : period(config.size((what + "_period").c_str(), absent_period, limits::layers)),
        offset(config.integer((what + "_offset").c_str(), absent_offset)) {
    if (offset < 0 || offset >= period) {
      config.fail("config key \"" + what + "_offset\" is " + std::to_string(offset) +
                  ", expected a number from 0 up to, but not " + what + "_period, " + std::to_string(period));
    }
  }
  bool has(int layer) const { return layer % period == offset; }
  int period, offset;
};

ModelSpec jamba_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 65536,
                                                .intermediate_size = 14336,
                                                .max_position_embeddings = 262144,
                                                .num_kv_heads = 8,
                                                .one_rope = false});
  name_parameters(spec.parameters);
  const Every attention(config, "attn_layer", 8, 4), experts(config, "expert_layer", 2, 1);
  const MambaSpec mamba = read_mamba(config, spec);
  MoeSpec moe = read_experts(config, "num_experts", "num_local_experts", 16, 2);
  moe.expert = std::get<MlpSpec>(spec.layers.front().ffn);
  for (int l = 0; l < spec.num_layers(); ++l) {
    LayerSpec& layer = spec.layers[static_cast<std::size_t>(l)];
    if (!attention.has(l)) layer.mixer = mamba;
    if (moe.num_experts > 1 && experts.has(l)) layer.ffn = moe;
  }
  return spec;
}

const ArchitectureRegistration jamba("JambaForCausalLM", "jamba", jamba_spec);

}  // namespace
}  // namespace qkscope

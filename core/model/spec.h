#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/site.h"
#include "core/model/parameters.h"
#include "core/model/rope_spec.h"

namespace qkscope {

enum class Activation { Silu, Gelu, GeluTanh, Relu };

struct NormSpec {
  enum class Kind { Rms, Layer };
  Kind kind = Kind::Rms;
  double eps = 1e-6;
  bool has_weight = true;
  bool has_bias = false;
  /// y = x / rms(x) * (1 + weight), and the weight is stored without the one (Gemma). A GGUF file holds it
  /// with.
  bool unit_offset = false;
  bool operator==(const NormSpec&) const = default;
};

/// Linear attention biases: score of query i and key j += slopes[head] * j.
struct AlibiSpec {
  std::vector<float> slopes;  // one a head
  bool in_bfloat16 = false;   // slope * j is rounded so, as Falcon does
  double scale = 1.0;         // on the bias
  bool operator==(const AlibiSpec&) const = default;
};

/// Scale of a query by its position p: 1 + weight * log(1 + floor((p + first) / interval)).
struct QueryScaleSpec {
  double weight = 0.1;
  double interval = 8192;
  int first = 0;
  bool operator==(const QueryScaleSpec&) const = default;
};

/// Multi-head latent attention: K and V are made from a short vector a position, and one rotary key serves
/// all heads. A head's Q and K are nope dims, then rope dims; head_dim is their sum.
struct LatentSpec {
  int q_rank = 0;  // 0: Q is projected from the residual stream at once
  int kv_rank = 0;
  int rope_dim = 0;
  NormSpec q_norm, kv_norm;
  bool operator==(const LatentSpec&) const = default;
};

struct AttentionSpec {
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;    // of Q and K
  int value_dim = 0;   // of V, mostly head_dim
  double scale = 0.0;  // factor on q.k, mostly head_dim^-0.5
  // What the configuration says of biases; those that are stored are used whatever it says.
  bool qkv_bias = false, out_bias = false;
  std::optional<RopeSpec> rope;  // nothing: Q and K are not rotated
  std::optional<AlibiSpec> alibi;
  int window = 0;      // positions a query looks back on, itself included; 0 = all
  int chunk = 0;       // positions see only those of their own chunk of this many; 0 = no chunks (Llama 4)
  double softcap = 0;  // scores become softcap * tanh(score / softcap); 0 = they stay
  double clip = 0;     // Q, K and V are clamped to +-clip; 0 = they are not (OLMo)
  /// Norms of Q, K and V, over each head's dims, or over all heads together.
  std::optional<NormSpec> q_norm, k_norm, v_norm;
  bool norms_span_heads = false;
  bool norms_after_rotation = false;
  std::optional<QueryScaleSpec> query_scale;
  bool sinks = false;         // a learned logit a head competes with the keys and is then dropped (gpt-oss)
  bool gate = false;          // the heads' outputs times sigmoid of a projection (Qwen 3.5)
  bool value_is_key = false;  // V is K as projected (Gemma 4)
  int keys_of_layer = -1;     // reads keys and values of that earlier layer, and has none of its own
  std::optional<LatentSpec> latent;

  int num_kv_groups() const { return num_heads / num_kv_heads; }
  bool operator==(const AttentionSpec&) const = default;
};

/// A selective state space layer (Mamba 1), as Jamba has it.
struct MambaSpec {
  int inner_size = 0;  // expand * hidden_size
  int state_size = 0;
  int conv_kernel = 0;
  int dt_rank = 0;
  Activation activation = Activation::Silu;
  bool conv_bias = true, bias = false;
  std::optional<NormSpec> inner_norms;  // of dt, B and C (Jamba)
  bool operator==(const MambaSpec&) const = default;
};

/// A gated delta-net layer (Qwen3-Next, Qwen 3.5): linear attention with a state (heads, key_dim, value_dim).
struct DeltaNetSpec {
  int num_key_heads = 0, num_value_heads = 0;
  int key_dim = 0, value_dim = 0;
  int conv_kernel = 0;
  Activation activation = Activation::Silu;
  double eps = 1e-6;  // of the gated norm of the heads' outputs
  bool operator==(const DeltaNetSpec&) const = default;
};

struct MlpSpec {
  int intermediate_size = 0;
  bool gated = true;  // act(gate(x)) * up(x), else act(up(x))
  Activation activation = Activation::Silu;
  bool bias = false;  // what the configuration says; those that are stored are used
  /// gpt-oss: gate is clamped to at most `limit`, up to +-limit, and the hidden numbers are
  /// gate * sigmoid(alpha * gate) * (up + 1). 0: plain.
  double limit = 0, alpha = 1.702;
  bool operator==(const MlpSpec&) const = default;
};

struct RouterSpec {
  enum class Score { Softmax, Sigmoid };
  Score score = Score::Softmax;
  bool choose_first = false;    // the score is taken over the chosen experts' logits alone (Mixtral, gpt-oss)
  bool normalize = false;       // the chosen weights are divided by their sum
  double scale = 1.0;           // on the weights in the end
  bool has_correction = false;  // a stored bias is added for the choice, not for the weight (DeepSeek, GLM)
  int num_groups = 1, top_groups = 1;  // experts come in groups, of which the best are chosen from
  bool has_bias = false;
  bool scales_input = false;  // the weight multiplies what an expert reads, not what it gives (Llama 4)
  /// Of the residual stream, which the router reads through it, times `input_scale`; nothing: it reads what
  /// the experts do (Gemma 4).
  std::optional<NormSpec> norm;
  double input_scale = 1.0;
  bool scales_experts = false;  // a stored factor an expert on its weight
  bool operator==(const RouterSpec&) const = default;
};

struct MoeSpec {
  int num_experts = 0;
  int top_k = 0;
  RouterSpec router;
  MlpSpec expert;
  std::optional<MlpSpec> shared;  // an expert all positions use
  bool shared_gate = false;       // times the sigmoid of a projection of its own
  /// Gemma 4: experts read the residual stream through a norm of their own, beside the shared one; what they
  /// give and what it gives is normed before the two are added.
  std::optional<NormSpec> input_norm, output_norm, shared_output_norm;
  bool operator==(const MoeSpec&) const = default;
};

using MixerSpec = std::variant<AttentionSpec, MambaSpec, DeltaNetSpec>;
using FfnSpec = std::variant<MlpSpec, MoeSpec>;

/// How mixer and ffn meet the residual stream x.
enum class Wiring {
  Sequential,    // x += mixer(norm(x)); x += ffn(norm(x))
  Parallel,      // x += mixer(norm(x)) + ffn(norm(x)); without a norm of its own the ffn shares the mixer's
  NormAfterSum,  // x = norm(x + mixer(x)); x = norm(x + ffn(x)) (OPT-350m)
};

struct LayerSpec {
  MixerSpec mixer;
  FfnSpec ffn;
  Wiring wiring = Wiring::Sequential;
  /// Before mixer and ffn, and of what they give before it is added.
  std::optional<NormSpec> mixer_norm, mixer_post_norm, ffn_norm, ffn_post_norm;
  bool scalar = false;  // the layer's result is multiplied by a stored number (Gemma 4)
  /// Gemma 4: a short vector a position and layer, made from the token, enters after the ffn; its size, or 0.
  int per_layer_input = 0;
  Activation per_layer_activation = Activation::GeluTanh;
  std::optional<NormSpec> per_layer_norm;

  const AttentionSpec* attention() const { return std::get_if<AttentionSpec>(&mixer); }
  const MoeSpec* moe() const { return std::get_if<MoeSpec>(&ffn); }
  bool operator==(const LayerSpec&) const = default;
};

struct EmbeddingSpec {
  int size = 0;        // of a token's vector; where it is not hidden_size, a projection follows (OPT-350m)
  double scale = 1.0;  // sqrt(hidden_size) for Gemma
  int positions = 0;   // learned positions; 0 = none
  int position_offset = 0;  // rows before that of position 0 (OPT)
  std::optional<NormSpec> norm;
  int per_layer_input = 0;  // see LayerSpec
  double per_layer_scale = 1.0;
  std::optional<NormSpec> per_layer_norm;
  bool operator==(const EmbeddingSpec&) const = default;
};

struct HeadSpec {
  /// Head and embedding are one matrix: the configuration says so and only one is stored.
  bool tied = false;
  bool bias = false;
  double softcap = 0;
  double scale = 1.0;
  std::optional<NormSpec> norm;  // of the residual stream before it
  int projected = 0;  // size the residual stream is projected to before it (OPT-350m); 0 = it is not
  bool operator==(const HeadSpec&) const = default;
};

/// All that sets one decoder-only model apart, as plain data; filled by one file in core/models/. Names are
/// Hugging Face's config.json keys. Knows nothing of tensors or runs.
struct ModelSpec {
  std::string architecture;  // the name in config.json, e.g. "LlamaForCausalLM"
  int hidden_size = 0;
  int vocab_size = 0;
  int max_position_embeddings = 0;
  EmbeddingSpec embedding;
  std::vector<LayerSpec> layers;
  HeadSpec head;
  /// Under which names the parameters are stored.
  ParameterTable parameters;

  int num_layers() const { return static_cast<int>(layers.size()); }
  /// Null where the layer has none.
  const AttentionSpec* attention(int layer) const {
    return layers[static_cast<std::size_t>(layer)].attention();
  }
  /// The largest of any layer: what pictures of all layers make room for. 0 without attention.
  int num_heads() const;
  int num_kv_heads() const;
  int head_dim() const;
  int intermediate_size() const;
  int num_kv_groups() const { return num_heads() / std::max(1, num_kv_heads()); }
  /// Of the first layer that rotates; null where none does.
  const RopeSpec* rope() const;
  /// Whether a pass calls the tap there (AttnScores, AttnPattern and AttnSink where it wants them).
  bool has_site(SiteId id) const;
  bool operator==(const ModelSpec&) const = default;
};

}  // namespace qkscope

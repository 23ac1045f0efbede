#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qkscope {

/// Rotary position embedding as a checkpoint describes it (config.json: rope_theta, rope_scaling or
/// rope_parameters). inv_freq is derived from it by rope_frequencies() in core/model/rope.h.
struct RopeSpec {
  std::string type = "default";  // default, linear, dynamic, llama3, yarn
  double theta = 10000.0;
  int rotary_dim = 0;  // first rotary_dim dims of a head rotate; the rest pass through
  double factor = 1.0;
  int original_max_position_embeddings = 0;
  // llama3
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  // yarn
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  std::optional<double> attention_factor;
  std::optional<double> mscale;
  std::optional<double> mscale_all_dim;
  bool truncate = true;
  /// Divisors of inv_freq stored in the file itself (GGUF's rope_freqs.weight); rotary_dim / 2 of them or
  /// none.
  std::vector<float> freq_factors;

  bool operator==(const RopeSpec&) const = default;
};

/// All that sets one decoder-only architecture apart, as plain data; filled by one file in core/models/.
/// Names are Hugging Face's config.json keys. Knows nothing of tensors or runs.
struct DecoderSpec {
  std::string architecture;  // the name in config.json, e.g. "LlamaForCausalLM"
  int hidden_size = 0;
  int intermediate_size = 0;
  int num_layers = 0;
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  int vocab_size = 0;
  int max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  std::string hidden_act = "silu";
  /// What the configuration says of biases; those that are stored are used whatever it says.
  bool qkv_bias = false;
  bool attn_output_bias = false;
  bool mlp_bias = false;
  /// Head and embedding are one matrix: the configuration says so and only one is stored.
  bool tie_word_embeddings = false;
  std::optional<RopeSpec> rope;
  /// Positions a layer's queries look back on, themselves included; 0 = all. One entry a layer.
  std::vector<int> sliding_window;
  double attn_scale = 0.0;  // factor on q.k, head_dim^-0.5 unless the architecture says otherwise

  int num_kv_groups() const { return num_heads / num_kv_heads; }
  bool operator==(const DecoderSpec&) const = default;
};

}  // namespace qkscope

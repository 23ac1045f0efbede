#pragma once
#include <optional>
#include <string>
#include <vector>

namespace qkscope {

/// Rotary position embedding as a checkpoint describes it (config.json: rope_theta, rope_scaling or
/// rope_parameters). inv_freq is derived from it by rope_frequencies() in core/model/rope.h.
struct RopeSpec {
  std::string type = "default";  // default, linear, dynamic, llama3, yarn, longrope, proportional
  double theta = 10000.0;
  int rotary_dim = 0;        // this many dims of a head rotate; the rest pass through
  int rotary_start = 0;      // the first of them
  bool interleaved = false;  // pairs are (2i, 2i + 1), else (i, i + rotary_dim / 2)
  /// proportional: the first of the pairs rotate as if all did, the others stand still (Gemma 4); a share.
  double rotating_share = 1.0;
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
  // longrope: divisors of inv_freq up to the original length and beyond it, rotary_dim / 2 of them each
  std::vector<double> short_factor, long_factor;
  /// M-RoPE: how the pairs are shared out among time, height and width; without meaning for text alone.
  std::vector<int> mrope_section;
  /// Divisors of inv_freq stored in the file itself (GGUF's rope_freqs.weight); rotary_dim / 2 of them or
  /// none.
  std::vector<float> freq_factors;

  bool operator==(const RopeSpec&) const = default;
};

}  // namespace qkscope

#pragma once
#include <string>
#include <vector>

#include "core/model/rope_spec.h"

namespace qkscope {

/// What a RopeSpec comes down to for one sequence length.
struct RopeFrequencies {
  std::vector<double>
      inv_freq;  // radians a position, rotary_dim / 2 of them, fastest first; 0 for pairs that stand still
  double attention_factor = 1.0;  // on both cos and sin (yarn, longrope)
};

/// inv_freq[i] = theta^(-2i / rotary_dim), then scaled as `spec.type` says; the formulas are those of Hugging
/// Face's modeling_rope_utils. `sequence_length` counts for dynamic scaling and
/// longrope only. Throws Error for an unknown
/// type.
RopeFrequencies rope_frequencies(const RopeSpec& spec, int max_position_embeddings, int sequence_length);

/// "default, linear, dynamic, llama3, yarn, longrope and proportional": those that rope_frequencies() knows.
std::string rope_types();

/// "default, theta 100000", "llama3, theta 500000, factor 8": for the model card.
std::string describe(const RopeSpec& spec);

struct ModelSpec;
/// The same of a whole model: of each kind in how many layers, where there are several; what tells positions
/// apart where nothing rotates: "none (learned positions)", "none (ALiBi)".
std::string describe_rotation(const ModelSpec& spec);

}  // namespace qkscope

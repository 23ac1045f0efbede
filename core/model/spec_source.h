#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/model/spec.h"

namespace qkscope {

class Checkpoint;

/// What a ModelSpec is made from, without the checkpoint: for whoever keeps what a model did and not the
/// model.
struct SpecSource {
  nlohmann::json config;            // config.json, or its equivalent made from GGUF metadata
  bool is_gguf = false;             // the latter
  std::vector<float> freq_factors;  // those stored beside the weights; none: there are none
};
SpecSource spec_source(const Checkpoint& checkpoint);

/// The spec with all that does not hang on which tensors there are: names of parameters, and whether a head
/// is tied, are left as the configuration says. Throws Error that begins with `where`.
ModelSpec make_spec(const SpecSource& source, const std::string& where);

}  // namespace qkscope

#pragma once
#include <memory>
#include <string>
#include <vector>

namespace qkscope {

class Checkpoint;

/// Shapes of Llama models by name, "llama-1b": the sizes that were published, and a tiny one.
std::vector<std::string> synthetic_names();

/// A checkpoint of that shape without a file: its tensors have no bytes, and whoever reads them makes random
/// numbers up where they are to lie. For timing on machines without a model. Throws Error where there is none
/// of this name.
std::shared_ptr<const Checkpoint> synthetic_checkpoint(const std::string& name);

}  // namespace qkscope

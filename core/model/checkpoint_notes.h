#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/model/spec.h"

namespace qkscope {

/// What a person should know of a checkpoint that loads, a sentence each: tensors that nothing reads (`used`
/// are the names of those that are read; what is known to be ignorable is left out), and where the file holds
/// other weights than its configuration says.
std::vector<std::string> checkpoint_notes(const Checkpoint& checkpoint, const ModelSpec& spec,
                                          const std::set<std::string>& used);

}  // namespace qkscope

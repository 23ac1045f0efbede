#pragma once
#include <map>
#include <string>

#include "app/cli/options.h"
#include "core/base/array.h"

namespace qkscope::cli {

struct ReadTensor {
  Array values;        // (positions, heads, head_dim)
  std::string layout;  // how it was read: "66 positions, 32 heads of 128"
};

/// The tensors of --dump by their names in the file; one without a name by the file's. Their axes are those
/// of
/// --layout, else what their shapes tell; a guess is said on stderr. Throws Error for a tensor that cannot
/// lie so, of a batch of more than one for instance.
std::map<std::string, ReadTensor> read_dump(const Options& options);

}  // namespace qkscope::cli

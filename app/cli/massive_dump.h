#pragma once
#include <map>
#include <string>

#include "app/cli/options.h"
#include "core/base/array.h"

namespace qkscope::cli {

/// The tensors of --dump as (positions, heads, head_dim), by their names in the file; one without a name by
/// the file's. Throws Error for a tensor of another number of axes or of a batch of more than one.
std::map<std::string, Array> read_dump(const Options& options);

}  // namespace qkscope::cli

#pragma once
#include <optional>

#include "core/text/tokenizer.h"
#include "core/text/tokenizer/json_node.h"

namespace qkscope {

/// What the "post_processor" of a tokenizer.json does to a single text (tokenizers/src/processors). Throws
/// Error for a kind that is not known.
TextFrame read_post_processor(const std::optional<JsonNode>& node);

}  // namespace qkscope

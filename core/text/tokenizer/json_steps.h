#pragma once
#include "core/text/tokenizer/json_node.h"
#include "core/text/tokenizer/pipeline_tokenizer.h"

namespace qkscope {

/// The steps of a tokenizer.json around its model, each where it belongs in `data`; absent ones are none.
/// Throw Error naming the place for what is not known.
void read_normalizers(const std::optional<JsonNode>& node, TokenizerData& data, Budget& budget);
/// `byte_level`: tokens are bytes, so that a ByteLevel at the end changes nothing but where text is cut.
void read_pre_tokenizers(const std::optional<JsonNode>& node, bool byte_level, TokenizerData& data,
                         Budget& budget);
void read_decoders(const std::optional<JsonNode>& node, bool byte_level, TokenizerData& data, Budget& budget);

/// The steps of a Sequence, however deep, or the one step `node` is; `list` is the member that holds them.
std::vector<JsonNode> json_steps(const std::optional<JsonNode>& node, const char* list);
[[noreturn]] void unsupported_type(const JsonNode& node, const std::string& type, const char* expected);

}  // namespace qkscope

#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/budget.h"
#include "core/io/gguf.h"
#include "core/text/tokenizer.h"
#include "core/text/tokenizer/json_node.h"
#include "core/text/tokenizer/pipeline_tokenizer.h"

namespace qkscope {

/// Ids above this are taken for damage: no vocabulary is that large.
constexpr std::int64_t largest_token_id = (1 << 24) - 1;

/// The tokenizer in GGUF's "tokenizer.ggml." keys. All loaders throw Error starting with `where` or naming a
/// file.
std::unique_ptr<Tokenizer> gguf_tokenizer(const GgufMetadata& metadata, const std::string& where,
                                          Budget& budget, std::vector<std::string>& notes);

/// The tokenizer in a Hugging Face folder, by what is there: tokenizer.json, tokenizer.model (sentencepiece
/// or tiktoken ranks), vocab.json + merges.txt. `config` is config.json.
std::unique_ptr<Tokenizer> folder_tokenizer(const std::filesystem::path& folder, const nlohmann::json& config,
                                            Budget& budget, std::vector<std::string>& notes);

/// What tokenizer.json holds, and the tokens that the files beside it add; which of them are bos and eos is
/// not in it, what stands around a text is.
TokenizerData read_tokenizer_json(const nlohmann::json& root, const std::string& where,
                                  const SideTokens& side, Budget& budget);

/// Fills data.tokens and `index` (by the text in the file) from {"token": id, ...}: "model.vocab" or
/// vocab.json. Where `byte_level`, the tokens are in GPT-2's alphabet. `index` points into `vocabulary`.
void read_vocabulary_object(const JsonNode& vocabulary, bool byte_level, TokenizerData& data,
                            TokenIndex& index, Budget& budget);

/// Tells that something stands behind every text which a prompt goes without.
void tell_of_end(const Tokenizer& tokenizer, const std::string& where, std::vector<std::string>& notes);

/// One entry of "added_tokens" or "added_tokens_decoder"; or of a token that has flags but no id.
AddedToken read_added_token(const JsonNode& node, std::int64_t id);

}  // namespace qkscope

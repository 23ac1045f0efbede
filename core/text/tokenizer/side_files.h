#pragma once
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/tokenizer/added_vocabulary.h"
#include "core/text/tokenizer/json_node.h"

namespace qkscope {

/// A small JSON file; one that is absent is an empty object.
class SideFile {
 public:
  /// Throws Error where the file is there and is no JSON object.
  explicit SideFile(const std::filesystem::path& path);
  SideFile(nlohmann::json value, std::string where) : json_(std::move(value)), where_(std::move(where)) {}

  JsonNode root() const { return {json_, where_}; }
  /// True where the key is there, null included.
  bool says(const char* key) const { return json_.contains(key); }

 private:
  nlohmann::json json_;
  std::string where_;
};

/// The files beside a vocabulary in a Hugging Face folder: tokenizer_config.json, special_tokens_map.json,
/// added_tokens.json; and what they mean to transformers 5 (tokenization_utils_base.py, _from_pretrained).
class SideFiles {
 public:
  /// `config` is config.json. What cannot be used but does no harm goes to `notes`.
  SideFiles(const std::filesystem::path& folder, const nlohmann::json& config,
            std::vector<std::string>& notes);

  JsonNode tokenizer_config() const { return tokenizer_config_.root(); }
  /// The class of transformers that reads the vocabulary ("GPT2Tokenizer"), by tokenizer_config.json or else
  /// by the model's type; empty where no file tells.
  std::string tokenizer_class() const;
  /// Whether `key` is true: `otherwise` where it is absent, false where it is null.
  bool flag(const char* key, bool otherwise) const;
  /// `defaults` are the texts of named tokens that no file mentions.
  SideTokens tokens(const std::map<std::string, std::string>& defaults) const;

 private:
  std::optional<AddedToken> named_token(const JsonNode& node) const;
  void read_declared(SideTokens& tokens) const;
  void read_names(const SideFile& file, std::map<std::string, std::optional<AddedToken>>& names) const;
  void read_more(const JsonNode& list, SideTokens& tokens,
                 std::map<std::string, std::optional<AddedToken>>& names) const;

  SideFile tokenizer_config_, special_map_, added_, config_;
  std::vector<std::string>& notes_;
};

/// The texts that a class of transformers gives its named tokens where no file does.
std::map<std::string, std::string> default_names(std::string_view tokenizer_class);

}  // namespace qkscope

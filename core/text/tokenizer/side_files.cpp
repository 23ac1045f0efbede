#include "core/text/tokenizer/side_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_file.h"
#include "core/text/tokenizer/loaders.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// SPECIAL_TOKENS_ATTRIBUTES of transformers' tokenizers, in its order.
constexpr std::array<const char*, 7> standard_names = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                       "pad_token", "cls_token", "mask_token"};

bool is_standard(std::string_view name) {
  return std::ranges::find(standard_names, name) != standard_names.end();
}

}  // namespace

SideFile::SideFile(const fs::path& path)
    : json_(fs::exists(path) ? read_json_object(path) : json::object()), where_(in_quotes(path.string())) {}

SideFiles::SideFiles(const fs::path& folder, const json& config, std::vector<std::string>& notes)
    : tokenizer_config_(folder / "tokenizer_config.json"),
      special_map_(folder / "special_tokens_map.json"),
      added_(folder / "added_tokens.json"),
      config_(config, in_quotes((folder / "config.json").string())),
      notes_(notes) {}

std::string SideFiles::tokenizer_class() const {
  for (const SideFile* file : {&tokenizer_config_, &config_}) {
    const auto name = file->root().find("tokenizer_class");
    if (!name || !name->is_string()) continue;
    std::string text = name->string();
    if (text.ends_with("Fast")) text.resize(text.size() - 4);
    return text;
  }
  const auto type = config_.root().find("model_type");
  if (!type || !type->is_string()) return {};
  if (type->string() == "qwen2") return "Qwen2Tokenizer";
  if (type->string() == "gpt2" || type->string() == "opt") return "GPT2Tokenizer";
  return type->string();
}

bool SideFiles::flag(const char* key, bool otherwise) const {
  return tokenizer_config_.says(key) ? tokenizer_config().boolean(key, false) : otherwise;
}

/// A named token is special whatever its entry says. Nothing, and a note, where it is of a strange type.
std::optional<AddedToken> SideFiles::named_token(const JsonNode& node) const {
  if (node.is_string()) return AddedToken{.content = node.string(), .special = true};
  const auto content = node.is_object() ? node.find("content") : std::nullopt;
  if (!content || !content->is_string()) {
    notes_.push_back(node.sentence("is not the text of a token; it is left out"));
    return std::nullopt;
  }
  AddedToken token = read_added_token(node, 0);
  token.normalized = node.boolean("normalized", false);
  token.special = true;
  return token;
}

/// "added_tokens_decoder", or where tokenizer_config.json has none the older added_tokens.json.
void SideFiles::read_declared(SideTokens& tokens) const {
  if (const auto named = tokenizer_config().find("added_tokens_decoder")) {
    if (!named->is_object()) named->fail("is not a JSON object");
    for (const auto& [key, unused] : named->value().items()) {
      std::int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc() || end != key.data() + key.size())
        named->fail("has the key " + in_quotes(key) + ", expected an id");
      tokens.declared.push_back(read_added_token(named->at(key.c_str()), id));
    }
  } else {
    const auto is_special = [&](const std::string& text) {
      const auto is_this = [&](const AddedToken& token) { return token.content == text; };
      return std::ranges::any_of(tokens.more, is_this) ||
             std::ranges::any_of(tokens.named, [&](const auto& named) { return is_this(named.second); });
    };
    for (const auto& [text, unused] : added_.root().value().items()) {
      const JsonNode id = added_.root().at(text.c_str());
      if (id.integer() < 0 || id.integer() > largest_token_id) id.fail("is not a token id");
      const bool special = is_special(text);
      tokens.declared.push_back({.id = static_cast<int>(id.integer()),
                                 .content = text,
                                 .special = special,
                                 .normalized = !special});
    }
  }
  std::ranges::stable_sort(tokens.declared, {}, &AddedToken::id);
}

void SideFiles::read_names(const SideFile& file,
                           std::map<std::string, std::optional<AddedToken>>& names) const {
  for (const auto& [key, value] : file.root().value().items()) {
    const bool standard = is_standard(key);
    const bool own_name = key.ends_with("_token") && (value.is_string() || value.is_object());
    if (!standard && !own_name) continue;
    const auto node = file.root().find(key.c_str());
    names[key] = node ? named_token(*node) : std::nullopt;
  }
}

void SideFiles::read_more(const JsonNode& list, SideTokens& tokens,
                          std::map<std::string, std::optional<AddedToken>>& names) const {
  if (list.is_object()) {  // tokens of names of the model's own
    for (const auto& [key, unused] : list.value().items()) names[key] = named_token(list.at(key.c_str()));
    return;
  }
  if (!list.value().is_array()) {
    notes_.push_back(list.sentence("is not a list of tokens; it is left out"));
    return;
  }
  for (const JsonNode& node : list.elements()) {
    if (auto token = named_token(node)) tokens.more.push_back(*std::move(token));
  }
}

SideTokens SideFiles::tokens(const std::map<std::string, std::string>& defaults) const {
  SideTokens tokens;
  std::map<std::string, std::optional<AddedToken>> names;
  for (const auto& [name, text] : defaults) names[name] = AddedToken{.content = text, .special = true};
  read_names(tokenizer_config_, names);
  // special_tokens_map.json wins, unless tokenizer_config.json is of the kind that holds everything.
  const bool older = !tokenizer_config().find("added_tokens_decoder");
  if (older) read_names(special_map_, names);

  const auto extra = tokenizer_config().find("extra_special_tokens");
  const auto additional = tokenizer_config().find("additional_special_tokens");
  const bool has_extra = extra && !extra->value().empty();
  if (has_extra) read_more(*extra, tokens, names);
  if (!has_extra && additional) read_more(*additional, tokens, names);
  if (older) {
    const auto more = special_map_.root().find("extra_special_tokens");
    const auto old = special_map_.root().find("additional_special_tokens");
    if (more) read_more(*more, tokens, names);
    const bool said = tokenizer_config_.says("extra_special_tokens") || more ||
                      tokenizer_config_.says("additional_special_tokens");
    if (old && !said) read_more(*old, tokens, names);
  }

  for (const char* name : standard_names) {
    const auto found = names.find(name);
    if (found == names.end()) continue;
    tokens.said[name] = true;
    if (found->second) tokens.named.emplace_back(name, *found->second);
    names.erase(found);
  }
  for (auto& [name, token] : names) {
    if (token) tokens.named.emplace_back(name, *std::move(token));
  }
  read_declared(tokens);
  return tokens;
}

std::map<std::string, std::string> default_names(std::string_view tokenizer_class) {
  constexpr const char* end = "<|endoftext|>";
  if (tokenizer_class == "GPT2Tokenizer") return {{"bos_token", end}, {"eos_token", end}, {"unk_token", end}};
  if (tokenizer_class == "Qwen2Tokenizer")
    return {{"eos_token", end}, {"pad_token", end}, {"unk_token", end}};
  if (tokenizer_class == "LlamaTokenizer")
    return {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
  return {};
}

}  // namespace qkscope

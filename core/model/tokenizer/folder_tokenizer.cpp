#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/model/json_file.h"
#include "core/model/mapped_file.h"
#include "core/model/tokenizer/byte_alphabet.h"
#include "core/model/tokenizer/loaders.h"
#include "core/model/tokenizer/presets.h"
#include "core/model/tokenizer/sentencepiece_tokenizer.h"
#include "core/model/tokenizer/tiktoken.h"
#include "core/model/wording.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The small JSON files around a vocabulary; one that is absent is an empty object.
class SideFile {
 public:
  explicit SideFile(const fs::path& path)
      : json_(fs::exists(path) ? read_json_object(path) : json::object()), where_(in_quotes(path.string())) {}
  SideFile(json value, std::string where) : json_(std::move(value)), where_(std::move(where)) {}

  JsonNode root() const { return {json_, where_}; }
  /// True where the key is there, null included.
  bool says(const char* key) const { return json_.contains(key); }

 private:
  json json_;
  std::string where_;
};

class Folder {
 public:
  Folder(const fs::path& path, const json& config)
      : path_(path),
        tokenizer_config_(path / "tokenizer_config.json"),
        special_map_(path / "special_tokens_map.json"),
        config_(config, in_quotes((path / "config.json").string())),
        generation_(path / "generation_config.json") {}

  std::unique_ptr<Tokenizer> load() const {
    std::unique_ptr<EndedTokenizer> tokenizer = read_vocabulary();
    TextEnds ends = tokenizer->ends();
    ends.bos = end("bos", *tokenizer, ends.bos);
    ends.eos = end("eos", *tokenizer, ends.eos);
    ends.adds_bos = tokenizer_config_.root().boolean("add_bos_token", ends.adds_bos) && ends.bos;
    tokenizer->set_ends(ends);
    return tokenizer;
  }

 private:
  std::unique_ptr<EndedTokenizer> read_vocabulary() const {
    if (const fs::path file = path_ / "tokenizer.json"; fs::exists(file)) {
      BpeData data = read_tokenizer_json(read_json_object(file), in_quotes(file.string()));
      add_missing(data.added);
      return std::make_unique<BpeTokenizer>(std::move(data));
    }
    // Mistral names the version of its file: tokenizer.model.v3.
    for (const char* name :
         {"tokenizer.model", "tokenizer.model.v3", "tokenizer.model.v2", "tokenizer.model.v1"}) {
      if (fs::exists(path_ / name)) return read_model(path_ / name);
    }
    if (fs::exists(path_ / "vocab.json") && fs::exists(path_ / "merges.txt")) return read_vocab_and_merges();
    throw Error("there is no tokenizer in " + in_quotes(path_.string()) +
                "; expected tokenizer.json, tokenizer.model, or vocab.json with merges.txt");
  }

  std::unique_ptr<EndedTokenizer> read_model(const fs::path& file) const {
    const std::string where = in_quotes(file.string());
    const MappedFile mapped(file);
    const std::string_view bytes(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
    if (is_tiktoken(bytes)) {
      BpeData data = read_tiktoken(bytes, where);
      add_named(data.added);
      auto tokenizer = std::make_unique<BpeTokenizer>(std::move(data));
      tokenizer->set_ends(
          {tokenizer->find("<|begin_of_text|>"), tokenizer->find("<|end_of_text|>"), tokenizer->adds_bos()});
      return tokenizer;
    }
    SentencePieceData data;
    data.model = bytes;
    data.space_after_special = tokenizer_config_.root().boolean("legacy", true);
    add_missing(data.added);
    return std::make_unique<SentencePieceTokenizer>(std::move(data), where);
  }

  std::unique_ptr<EndedTokenizer> read_vocab_and_merges() const {
    BpeData data;
    const std::string family = pre_tokenizer();
    auto preset = *tokenizer_preset(family);
    data.kind = "byte-level BPE (" + family + ")";
    data.normalizers = std::move(preset.normalizers);
    if (tokenizer_config_.root().boolean("add_prefix_space", false))
      data.pre_tokenizers.push_back(space_before());
    for (auto& step : preset.pre_tokenizers) data.pre_tokenizers.push_back(std::move(step));

    const fs::path vocabulary_file = path_ / "vocab.json";
    const json vocabulary = read_json_object(vocabulary_file);
    TokenIndex index;
    read_vocabulary_object({vocabulary, in_quotes(vocabulary_file.string())}, data, index);
    const fs::path merges_file = path_ / "merges.txt";
    const MappedFile mapped(merges_file);
    std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
    MergeList merges(index, in_quotes(merges_file.string()));
    for (bool first = true; !text.empty(); first = false) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.empty() && !(first && line.starts_with("#version"))) merges.add(line);
    }
    data.merges = merges.take();

    add_missing(data.added);
    std::set<std::string> special = special_texts();
    if (family == "gpt-2") special.insert("<|endoftext|>");  // GPT-2's own, where no file names any
    for (const std::string& content : special) {
      const auto found = index.find(content);
      const bool known =
          std::ranges::any_of(data.added, [&](const AddedToken& token) { return token.content == content; });
      if (found != index.end() && !known)
        data.added.push_back({.id = found->second, .content = content, .special = true});
    }
    return std::make_unique<BpeTokenizer>(std::move(data));
  }

  /// vocab.json does not say how text is cut; the class that reads it does.
  std::string pre_tokenizer() const {
    const auto name = tokenizer_config_.root().find("tokenizer_class");
    const auto model = config_.root().find("model_type");
    const std::string text = name ? name->string() : model ? model->string() : "";
    if (text.starts_with("Qwen2") || text == "qwen2") return "qwen2";
    if (text.starts_with("GPT2") || text == "gpt2" || text == "opt") return "gpt-2";
    throw Error(in_quotes(path_.string()) + " has vocab.json and merges.txt of " +
                (text.empty() ? "an unnamed class" : in_quotes(text)) +
                ", expected GPT2Tokenizer or Qwen2Tokenizer; save it with its tokenizer.json");
  }

  /// Texts of the tokens that tokenizer_config.json and special_tokens_map.json call special.
  std::set<std::string> special_texts() const {
    std::set<std::string> texts;
    for (const SideFile* file : {&tokenizer_config_, &special_map_}) {
      for (const char* key :
           {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}) {
        if (const auto node = file->root().find(key)) texts.insert(content(*node));
      }
      if (const auto more = file->root().find("additional_special_tokens")) {
        for (const JsonNode& node : more->elements()) texts.insert(content(node));
      }
    }
    return texts;
  }

  static std::string content(const JsonNode& node) {
    return node.is_object() ? node.at("content").string() : node.string();
  }

  /// The added tokens of tokenizer_config.json, with all their flags.
  void add_named(std::vector<AddedToken>& added) const {
    const auto named = tokenizer_config_.root().find("added_tokens_decoder");
    if (!named) return;
    if (!named->is_object()) named->fail("is not a JSON object");
    for (const auto& [key, unused] : named->value().items()) {
      std::int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc() || end != key.data() + key.size())
        named->fail("has the key " + in_quotes(key) + ", expected an id");
      const AddedToken token = read_added_token(named->at(key.c_str()), id);
      std::erase_if(added, [&](const AddedToken& old) { return old.id == token.id; });
      added.push_back(token);
    }
  }

  /// Adds what the side files name and `added` has not.
  void add_missing(std::vector<AddedToken>& added) const {
    std::vector<AddedToken> more;
    add_named(more);
    const std::set<std::string> special = special_texts();
    const SideFile file(path_ / "added_tokens.json");
    for (const auto& [text, unused] : file.root().value().items()) {
      const JsonNode id = file.root().at(text.c_str());
      if (id.integer() < 0 || id.integer() > largest_token_id) id.fail("is not a token id");
      more.push_back(
          {.id = static_cast<int>(id.integer()), .content = text, .special = special.contains(text)});
    }
    std::set<std::string> known;
    for (const AddedToken& token : added) known.insert(token.content);
    for (AddedToken& token : more) {
      if (known.insert(token.content).second) added.push_back(std::move(token));
    }
  }

  /// The id of "bos" or "eos": by text in the tokenizer's files, else by number in the model's.
  std::optional<int> end(const std::string& name, const Tokenizer& tokenizer,
                         std::optional<int> otherwise) const {
    const std::string token = name + "_token";
    for (const SideFile* file : {&tokenizer_config_, &special_map_}) {
      if (!file->says(token.c_str())) continue;
      const auto node = file->root().find(token.c_str());
      if (!node) return std::nullopt;  // null: the tokenizer has none
      if (const auto id = tokenizer.find(content(*node))) return id;
      node->fail("is " + in_quotes(content(*node)) + ", which is not in the vocabulary");
    }
    const std::string number = token + "_id";
    for (const SideFile* file : {&config_, &generation_}) {
      const auto node = file->root().find(number.c_str());
      if (!node) continue;
      const std::int64_t id = node->value().is_array() && !node->value().empty()
                                  ? node->elements().front().integer()
                                  : node->integer();
      if (id >= 0 && id < tokenizer.vocab_size()) return static_cast<int>(id);
    }
    return otherwise;
  }

  fs::path path_;
  SideFile tokenizer_config_, special_map_, config_, generation_;
};

}  // namespace

std::unique_ptr<Tokenizer> folder_tokenizer(const fs::path& folder, const json& config) {
  return Folder(folder, config).load();
}

}  // namespace qkscope

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_file.h"
#include "core/io/mapped_file.h"
#include "core/text/tokenizer/byte_alphabet.h"
#include "core/text/tokenizer/loaders.h"
#include "core/text/tokenizer/presets.h"
#include "core/text/tokenizer/sentencepiece_tokenizer.h"
#include "core/text/tokenizer/side_files.h"
#include "core/text/tokenizer/tiktoken.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Whether a tokenizer.json cuts or joins text in GPT-2's alphabet.
bool is_byte_level(const json& node) {
  if (node.is_array()) return std::ranges::any_of(node, is_byte_level);
  if (!node.is_object()) return false;
  const auto type = node.find("type");
  if (type != node.end() && *type == "ByteLevel") return true;
  for (const char* part : {"pre_tokenizer", "decoder", "pretokenizers", "decoders"}) {
    const auto found = node.find(part);
    if (found != node.end() && is_byte_level(*found)) return true;
  }
  return false;
}

/// An empty one, and a note, where the file cannot be read: what it says is never a reason not to load a
/// model.
SideFile side_file_or_note(const fs::path& path, std::vector<std::string>& notes) {
  try {
    return SideFile(path);
  } catch (const Error& error) {
    notes.push_back(std::string(error.what()) + "; it is left out");
    return {json::object(), in_quotes(path.string())};
  }
}

class Folder {
 public:
  Folder(const fs::path& path, const json& config, Budget& budget, std::vector<std::string>& notes)
      : path_(path),
        budget_(budget),
        side_(path, config, notes),
        config_(config, in_quotes((path / "config.json").string())),
        generation_(side_file_or_note(path / "generation_config.json", notes)),
        notes_(notes) {}

  std::unique_ptr<Tokenizer> load() {
    std::unique_ptr<EndedTokenizer> tokenizer = read_vocabulary();
    TextEnds ends = tokenizer->ends();
    ends.bos = end("bos", *tokenizer, ends.bos);
    ends.eos = end("eos", *tokenizer, ends.eos);
    // The post-processor of a tokenizer.json decides alone, whatever the flags say.
    if (!has_post_processor_)
      ends.frame_by_flags(side_.flag("add_bos_token", ends.adds_bos), side_.flag("add_eos_token", false));
    for (const auto& [name, token] : tokens_.named) ends.names[name] = token.content;
    tokenizer->set_ends(ends);
    tell_of_end(*tokenizer, in_quotes(path_.string()), notes_);
    return tokenizer;
  }

 private:
  std::unique_ptr<EndedTokenizer> read_vocabulary() {
    if (const fs::path file = path_ / "tokenizer.json"; fs::exists(file)) {
      const json root = read_json_object(file);
      tokens_ = side_.tokens(names_beside(root));
      has_post_processor_ = true;
      auto tokenizer = std::make_unique<PipelineTokenizer>(
          read_tokenizer_json(root, in_quotes(file.string()), tokens_, budget_), budget_);
      for (const TokenIds* ids : {&tokenizer->frame().front, &tokenizer->frame().back}) {
        for (const int id : *ids) {
          if (id < tokenizer->vocab_size()) continue;
          throw Error("the post_processor of " + in_quotes(file.string()) + " adds the token " +
                      std::to_string(id) + ", which is not in the vocabulary of " +
                      std::to_string(tokenizer->vocab_size()) + " tokens");
        }
      }
      return tokenizer;
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

  /// Texts of named tokens that the files beside tokenizer.json may leave out: its own padding token, and
  /// those of the class. LlamaTokenizer's are left out for a byte-level vocabulary, which transformers does
  /// not open with that class.
  std::map<std::string, std::string> names_beside(const json& root) const {
    const std::string kind = side_.tokenizer_class();
    std::map<std::string, std::string> names;
    if (kind != "LlamaTokenizer" || !is_byte_level(root)) names = default_names(kind);
    const auto padding = root.find("padding");
    if (padding != root.end() && padding->is_object()) {
      const auto token = padding->find("pad_token");
      if (token != padding->end() && token->is_string()) names.try_emplace("pad_token", *token);
    }
    return names;
  }

  std::unique_ptr<EndedTokenizer> read_model(const fs::path& file) {
    const std::string where = in_quotes(file.string());
    const MappedFile mapped(file);
    const std::string_view bytes(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
    if (is_tiktoken(bytes)) {
      TokenizerData data = read_tiktoken(bytes, where, budget_);
      tokens_ = side_.tokens({});
      add_beside_ranks(data);
      auto tokenizer = std::make_unique<PipelineTokenizer>(std::move(data), budget_);
      tokenizer->set_ends(
          {tokenizer->find("<|begin_of_text|>"), tokenizer->find("<|end_of_text|>"), true, {}, {}});
      return tokenizer;
    }
    tokens_ = side_.tokens({});
    // LlamaTokenizer is "legacy" only where a file says so; without a class, the model speaks for itself.
    const bool legacy = side_.flag("legacy", side_.tokenizer_class() != "LlamaTokenizer");
    auto tokenizer = std::make_unique<SentencePieceTokenizer>(library_piece_model(std::string(bytes), where),
                                                              tokens_, legacy, budget_);
    // The names that the model itself gives, unless a file says otherwise.
    for (const auto& [name, text] : tokenizer->ends().names) {
      if (!tokens_.said.contains(name))
        tokens_.named.emplace_back(name, AddedToken{.content = text, .special = true});
    }
    return tokenizer;
  }

  std::unique_ptr<EndedTokenizer> read_vocab_and_merges() {
    TokenizerData data;
    const std::string family = pre_tokenizer();
    auto preset = *tokenizer_preset(family, budget_);
    data.kind = "byte-level BPE (" + family + ")";
    data.normalizers = std::move(preset.normalizers);
    if (side_.flag("add_prefix_space", false)) data.pre_tokenizers.push_back(space_before());
    for (auto& step : preset.pre_tokenizers) data.pre_tokenizers.push_back(std::move(step));

    const fs::path vocabulary_file = path_ / "vocab.json";
    const json vocabulary = read_json_object(vocabulary_file);
    TokenIndex index;
    read_vocabulary_object({vocabulary, in_quotes(vocabulary_file.string())}, true, data, index, budget_);
    const fs::path merges_file = path_ / "merges.txt";
    const MappedFile mapped(merges_file);
    std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
    MergeList merges(index, in_quotes(merges_file.string()));
    for (bool first = true; !text.empty(); first = false) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      budget_.step();
      if (!line.empty() && !(first && line.starts_with("#version"))) merges.add(line);
    }
    data.model = BpeSettings{.merges = merges.take(), .ignore_merges = preset.ignore_merges};

    tokens_ = side_.tokens(default_names(family == "qwen2" ? "Qwen2Tokenizer" : "GPT2Tokenizer"));
    AddedVocabulary added(index);
    added.add(tokens_);
    data.added = added.take();
    return std::make_unique<PipelineTokenizer>(std::move(data), budget_);
  }

  /// vocab.json does not say how text is cut; the class that reads it does.
  std::string pre_tokenizer() const {
    const std::string text = side_.tokenizer_class();
    if (text == "Qwen2Tokenizer") return "qwen2";
    if (text == "GPT2Tokenizer") return "gpt-2";
    throw Error(in_quotes(path_.string()) + " has vocab.json and merges.txt of " +
                (text.empty() ? "an unnamed class" : in_quotes(text)) +
                ", expected GPT2Tokenizer or Qwen2Tokenizer; save it with its tokenizer.json");
  }

  /// Beside tiktoken's ranks, declared tokens keep their ids (tokenization_utils_tokenizers.py,
  /// _convert_from_tiktoken); what else is named comes after the last.
  void add_beside_ranks(TokenizerData& data) const {
    for (const AddedToken& token : tokens_.declared) {
      std::erase_if(data.added, [&](const AddedToken& old) { return old.id == token.id; });
      data.added.push_back(token);
    }
    std::set<std::string> known;
    int last = data.tokens.empty() ? -1 : data.tokens.back().id;
    for (const AddedToken& token : data.added) {
      known.insert(token.content);
      last = std::max(last, token.id);
    }
    const auto add = [&](AddedToken token) {
      if (token.content.empty() || !known.insert(token.content).second) return;
      token.id = ++last;
      data.added.push_back(std::move(token));
    };
    for (const auto& [name, token] : tokens_.named) add(token);
    for (const AddedToken& token : tokens_.more) add(token);
  }

  /// The id of "bos" or "eos": by text in the tokenizer's files, else by number in the model's.
  std::optional<int> end(const std::string& name, const Tokenizer& tokenizer,
                         std::optional<int> otherwise) const {
    const std::string token = name + "_token";
    for (const auto& [name, named] : tokens_.named) {
      if (name == token) return tokenizer.find(named.content);
    }
    if (tokens_.said.contains(token)) return std::nullopt;  // null: the tokenizer has none
    const std::string number = token + "_id";
    if (const auto id = end_id(config_, number, tokenizer)) return id;
    try {
      if (const auto id = end_id(generation_, number, tokenizer)) return id;
    } catch (const Error& error) {
      notes_.push_back(std::string(error.what()) + "; it is left out");
    }
    return otherwise;
  }

  /// The first of the ids under `key`, where the vocabulary has it.
  static std::optional<int> end_id(const SideFile& file, const std::string& key, const Tokenizer& tokenizer) {
    const auto node = file.root().find(key.c_str());
    if (!node) return std::nullopt;
    const std::int64_t id = node->value().is_array() && !node->value().empty()
                                ? node->elements().front().integer()
                                : node->integer();
    return id >= 0 && id < tokenizer.vocab_size() ? std::optional(static_cast<int>(id)) : std::nullopt;
  }

  fs::path path_;
  Budget& budget_;
  SideFiles side_;
  SideFile config_, generation_;
  SideTokens tokens_;
  bool has_post_processor_ = false;
  std::vector<std::string>& notes_;
};

}  // namespace

void tell_of_end(const Tokenizer& tokenizer, const std::string& where, std::vector<std::string>& notes) {
  if (tokenizer.frame().back.empty()) return;
  std::string texts;
  for (const int id : tokenizer.frame().back) texts += tokenizer.piece_text(id);
  notes.push_back("The tokenizer of " + where + " puts " + in_quotes(texts) +
                  " behind every text; a prompt, which is to go on, goes without it.");
}

std::unique_ptr<Tokenizer> folder_tokenizer(const fs::path& folder, const json& config, Budget& budget,
                                            std::vector<std::string>& notes) {
  return Folder(folder, config, budget, notes).load();
}

}  // namespace qkscope

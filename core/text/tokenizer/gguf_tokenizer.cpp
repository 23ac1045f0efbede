#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/byte_alphabet.h"
#include "core/text/tokenizer/loaders.h"
#include "core/text/tokenizer/presets.h"
#include "core/text/tokenizer/sentencepiece_tokenizer.h"

namespace qkscope {
namespace {

/// The vocabulary of a GGUF file, its lists as long as each other.
class GgufVocabulary {
 public:
  GgufVocabulary(const GgufMetadata& metadata, std::string where)
      : metadata_(metadata), where_(std::move(where)) {
    tokens_ = required(metadata.strings("tokenizer.ggml.tokens"), "tokenizer.ggml.tokens");
    if (tokens_.empty() || tokens_.size() > std::size_t{largest_token_id}) {
      throw Error(where_ + " lists " + std::to_string(tokens_.size()) + " tokens, expected 1 to " +
                  std::to_string(largest_token_id));
    }
    if (const auto types = metadata.integers("tokenizer.ggml.token_type")) {
      same_length(types->size(), "tokenizer.ggml.token_type");
      types_ = *types;
    }
  }

  const std::vector<std::string_view>& tokens() const { return tokens_; }
  bool has_types() const { return !types_.empty(); }
  /// A type that is not known, or that no list gives, is Normal.
  Piece::Type type(std::size_t id) const {
    const std::int64_t type = has_types() ? types_[id] : std::int64_t{Piece::Normal};
    return type < Piece::Normal || type > Piece::Byte ? Piece::Normal : static_cast<Piece::Type>(type);
  }

  template <typename T>
  T required(std::optional<T> value, const char* key) const {
    if (!value)
      throw Error(where_ + " has no '" + key + "', which its tokenizer needs; convert the model again");
    return std::move(*value);
  }
  void same_length(std::size_t length, const char* key) const {
    if (length != tokens_.size()) {
      throw Error("'" + std::string(key) + "' of " + where_ + " has " + std::to_string(length) +
                  " entries, expected " + std::to_string(tokens_.size()) + ", one a token");
    }
  }
  std::optional<int> id(const char* key, std::vector<std::string>& notes) const {
    const auto value = metadata_.integer(key);
    if (!value) return std::nullopt;
    if (*value < 0 || *value >= static_cast<std::int64_t>(tokens_.size())) {
      notes.push_back("'" + std::string(key) + "' of " + where_ + " is " + std::to_string(*value) +
                      ", but there are " + std::to_string(tokens_.size()) + " tokens; it is left out");
      return std::nullopt;
    }
    return static_cast<int>(*value);
  }
  /// `ends` are what the tokenizer has by itself.
  TextEnds ends(TextEnds ends, std::vector<std::string>& notes) const {
    const auto name = [&](const char* token, const char* key) {
      const std::optional<int> found = id(key, notes);
      if (found) ends.names[token] = tokens_[static_cast<std::size_t>(*found)];
      return found;
    };
    if (const auto bos = name("bos_token", "tokenizer.ggml.bos_token_id")) ends.bos = bos;
    if (const auto eos = name("eos_token", "tokenizer.ggml.eos_token_id")) ends.eos = eos;
    name("unk_token", "tokenizer.ggml.unknown_token_id");
    name("sep_token", "tokenizer.ggml.seperator_token_id");  // spelt so in the format
    name("pad_token", "tokenizer.ggml.padding_token_id");
    name("cls_token", "tokenizer.ggml.cls_token_id");
    name("mask_token", "tokenizer.ggml.mask_token_id");
    ends.frames_chats = true;
    ends.frame_by_flags(metadata_.boolean("tokenizer.ggml.add_bos_token").value_or(ends.adds_bos),
                        metadata_.boolean("tokenizer.ggml.add_eos_token").value_or(false));
    return ends;
  }

 private:
  const GgufMetadata& metadata_;
  std::string where_;
  std::vector<std::string_view> tokens_;
  std::vector<std::int64_t> types_;
};

std::unique_ptr<EndedTokenizer> byte_level(const GgufMetadata& metadata, const GgufVocabulary& vocabulary,
                                           const std::string& where, Budget& budget) {
  const auto name = vocabulary.required(metadata.string("tokenizer.ggml.pre"), "tokenizer.ggml.pre");
  auto preset = tokenizer_preset(name, budget);
  if (!preset) {
    throw Error("the pre-tokenizer " + in_quotes(name) + " ('tokenizer.ggml.pre') of " + where +
                " is not known; expected " + std::string(known_presets()));
  }
  TokenizerData data;
  data.kind = "byte-level BPE (" + std::string(name) + ")";
  data.normalizers = std::move(preset->normalizers);
  data.pre_tokenizers = std::move(preset->pre_tokenizers);
  data.adds_bos = preset->adds_bos;

  const auto& tokens = vocabulary.tokens();
  TokenIndex index;
  index.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    index.emplace(tokens[id], static_cast<int>(id));
    const Piece::Type type = vocabulary.type(id);
    const bool in_text = type == Piece::Control || type == Piece::Unknown || type == Piece::UserDefined;
    auto bytes = in_text ? std::nullopt : bytes_from_alphabet(tokens[id]);
    const bool can_arise = bytes && type != Piece::Unused;
    data.tokens.push_back(
        {static_cast<int>(id), bytes ? std::move(*bytes) : std::string(tokens[id]), can_arise});
    if (in_text) {
      data.added.push_back({.id = static_cast<int>(id),
                            .content = std::string(tokens[id]),
                            .special = type != Piece::UserDefined});
    }
  }
  MergeList merges(index, where + " ('tokenizer.ggml.merges')");
  for (const std::string_view merge :
       vocabulary.required(metadata.strings("tokenizer.ggml.merges"), "tokenizer.ggml.merges")) {
    merges.add(merge);
  }
  data.model = BpeSettings{.merges = merges.take(), .ignore_merges = preset->ignore_merges};
  return std::make_unique<PipelineTokenizer>(std::move(data), budget);
}

std::unique_ptr<EndedTokenizer> sentencepieces(const GgufMetadata& metadata, const GgufVocabulary& vocabulary,
                                               Budget& budget, std::vector<std::string>& notes) {
  const auto scores = vocabulary.required(metadata.numbers("tokenizer.ggml.scores"), "tokenizer.ggml.scores");
  vocabulary.same_length(scores.size(), "tokenizer.ggml.scores");
  ScoredPieces data;
  data.dummy_space = metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  data.bos = vocabulary.id("tokenizer.ggml.bos_token_id", notes);
  data.eos = vocabulary.id("tokenizer.ggml.eos_token_id", notes);
  data.unknown = vocabulary.id("tokenizer.ggml.unknown_token_id", notes);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::string_view text = vocabulary.tokens()[i];
    budget.charge(sizeof(Piece) + text.size());
    data.pieces.push_back({std::string(text), static_cast<float>(scores[i]), vocabulary.type(i)});
    // Without types, the ends of a text are known by their ids alone.
    const int id = static_cast<int>(i);
    if (!vocabulary.has_types() && (data.bos == id || data.eos == id))
      data.pieces.back().type = Piece::Control;
  }
  return std::make_unique<SentencePieceTokenizer>(scored_piece_model(std::move(data), budget), SideTokens{},
                                                  true, budget);
}

}  // namespace

std::unique_ptr<Tokenizer> gguf_tokenizer(const GgufMetadata& metadata, const std::string& where,
                                          Budget& budget, std::vector<std::string>& notes) {
  const auto model = metadata.string("tokenizer.ggml.model");
  if (!model)
    throw Error(where +
                " has no tokenizer ('tokenizer.ggml.model'); convert the model again with its tokenizer");
  if (*model != "gpt2" && *model != "llama") {
    throw Error("the tokenizer " + in_quotes(*model) + " ('tokenizer.ggml.model') of " + where +
                " is not supported; expected 'gpt2' or 'llama'");
  }
  const GgufVocabulary vocabulary(metadata, where);
  auto tokenizer = *model == "gpt2" ? byte_level(metadata, vocabulary, where, budget)
                                    : sentencepieces(metadata, vocabulary, budget, notes);
  std::vector<std::string> said;  // by sentencepieces() already, where it asked
  tokenizer->set_ends(vocabulary.ends(tokenizer->ends(), *model == "gpt2" ? notes : said));
  tell_of_end(*tokenizer, where, notes);
  return tokenizer;
}

}  // namespace qkscope

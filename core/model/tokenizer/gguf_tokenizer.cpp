#include <utility>

#include "core/error.h"
#include "core/model/tokenizer/byte_alphabet.h"
#include "core/model/tokenizer/loaders.h"
#include "core/model/tokenizer/presets.h"
#include "core/model/tokenizer/sentencepiece_tokenizer.h"
#include "core/model/wording.h"

namespace qkscope {
namespace {

/// tokenizer.ggml.token_type; the numbers are sentencepiece's.
enum TokenType {
  normal_type = 1,
  unknown_type = 2,
  control_type = 3,
  user_type = 4,
  unused_type = 5,
  byte_type = 6
};

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
    types_ = metadata.integers("tokenizer.ggml.token_type")
                 .value_or(std::vector<std::int64_t>(tokens_.size(), normal_type));
    same_length(types_.size(), "tokenizer.ggml.token_type");
  }

  const std::vector<std::string_view>& tokens() const { return tokens_; }
  std::int64_t type(std::size_t id) const { return types_[id]; }

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
  TextEnds ends(bool adds_bos, std::vector<std::string>& notes) const {
    TextEnds ends{id("tokenizer.ggml.bos_token_id", notes),
                  id("tokenizer.ggml.eos_token_id", notes),
                  metadata_.boolean("tokenizer.ggml.add_bos_token").value_or(adds_bos),
                  {}};
    const auto name = [&](const char* token, std::optional<int> id) {
      if (id) ends.names[token] = tokens_[static_cast<std::size_t>(*id)];
    };
    name("bos_token", ends.bos);
    name("eos_token", ends.eos);
    name("unk_token", id("tokenizer.ggml.unknown_token_id", notes));
    name("sep_token", id("tokenizer.ggml.seperator_token_id", notes));  // spelt so in the format
    name("pad_token", id("tokenizer.ggml.padding_token_id", notes));
    name("cls_token", id("tokenizer.ggml.cls_token_id", notes));
    name("mask_token", id("tokenizer.ggml.mask_token_id", notes));
    return ends;
  }

 private:
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

  const GgufMetadata& metadata_;
  std::string where_;
  std::vector<std::string_view> tokens_;
  std::vector<std::int64_t> types_;
};

std::unique_ptr<EndedTokenizer> byte_level(const GgufMetadata& metadata, const GgufVocabulary& vocabulary,
                                           const std::string& where) {
  const auto name = vocabulary.required(metadata.string("tokenizer.ggml.pre"), "tokenizer.ggml.pre");
  auto preset = tokenizer_preset(name);
  if (!preset) {
    throw Error("the pre-tokenizer " + in_quotes(name) + " ('tokenizer.ggml.pre') of " + where +
                " is not known; expected " + std::string(known_presets()));
  }
  BpeData data;
  data.kind = "byte-level BPE (" + std::string(name) + ")";
  data.normalizers = std::move(preset->normalizers);
  data.pre_tokenizers = std::move(preset->pre_tokenizers);
  data.ignore_merges = preset->ignore_merges;
  data.adds_bos = preset->adds_bos;

  const auto& tokens = vocabulary.tokens();
  TokenIndex index;
  index.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    index.emplace(tokens[id], static_cast<int>(id));
    const std::int64_t type = vocabulary.type(id);
    const bool in_text = type == control_type || type == unknown_type || type == user_type;
    auto bytes = in_text ? std::nullopt : bytes_from_alphabet(tokens[id]);
    const bool can_arise = bytes && type != unused_type;
    data.tokens.push_back({bytes ? std::move(*bytes) : std::string(tokens[id]), can_arise});
    if (in_text) {
      data.added.push_back(
          {.id = static_cast<int>(id), .content = std::string(tokens[id]), .special = type != user_type});
    }
  }
  MergeList merges(index, where + " ('tokenizer.ggml.merges')");
  for (const std::string_view merge :
       vocabulary.required(metadata.strings("tokenizer.ggml.merges"), "tokenizer.ggml.merges")) {
    merges.add(merge);
  }
  data.merges = merges.take();
  return std::make_unique<BpeTokenizer>(std::move(data));
}

std::unique_ptr<EndedTokenizer> sentencepieces(const GgufMetadata& metadata, const GgufVocabulary& vocabulary,
                                               const std::string& where) {
  const auto scores = vocabulary.required(metadata.numbers("tokenizer.ggml.scores"), "tokenizer.ggml.scores");
  vocabulary.same_length(scores.size(), "tokenizer.ggml.scores");
  std::vector<SentencePiece> pieces;
  for (std::size_t id = 0; id < scores.size(); ++id) {
    const std::int64_t type = vocabulary.type(id);
    if (type < normal_type || type > byte_type) {
      throw Error("'tokenizer.ggml.token_type' of " + where + " says " + std::to_string(type) + " of token " +
                  std::to_string(id) + ", expected 1 to 6");
    }
    pieces.push_back({vocabulary.tokens()[id], static_cast<float>(scores[id]), static_cast<int>(type)});
  }
  SentencePieceData data;
  data.model =
      sentencepiece_model(pieces, metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true));
  return std::make_unique<SentencePieceTokenizer>(std::move(data), "the tokenizer of " + where);
}

}  // namespace

std::unique_ptr<Tokenizer> gguf_tokenizer(const GgufMetadata& metadata, const std::string& where,
                                          Budget& budget, std::vector<std::string>& notes) {
  budget.step();
  const auto model = metadata.string("tokenizer.ggml.model");
  if (!model)
    throw Error(where +
                " has no tokenizer ('tokenizer.ggml.model'); convert the model again with its tokenizer");
  if (*model != "gpt2" && *model != "llama") {
    throw Error("the tokenizer " + in_quotes(*model) + " ('tokenizer.ggml.model') of " + where +
                " is not supported; expected 'gpt2' or 'llama'");
  }
  const GgufVocabulary vocabulary(metadata, where);
  auto tokenizer = *model == "gpt2" ? byte_level(metadata, vocabulary, where)
                                    : sentencepieces(metadata, vocabulary, where);
  tokenizer->set_ends(vocabulary.ends(tokenizer->adds_bos(), notes));
  return tokenizer;
}

}  // namespace qkscope

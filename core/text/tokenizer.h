#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/array.h"

namespace qkscope {

class Budget;
class Checkpoint;

/// The tokens that stand around a text.
struct TextFrame {
  TokenIds front, back;
};

/// Text to token ids and back, as the model was trained with; equal to Hugging Face `tokenizers` id for id.
/// Immutable and thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// "sentencepiece", "byte-level BPE (llama-bpe)", ... for the model card.
  virtual std::string kind() const = 0;
  /// "The tokenizer of 'model.gguf'": how an error speaks of it.
  virtual const std::string& name() const = 0;
  virtual int vocab_size() const = 0;
  /// Ids of `text` (UTF-8; invalid bytes become U+FFFD). Special tokens written in the text ("<|im_start|>")
  /// become their ids where `parse_special`, else they are ordinary text; added tokens that are not special
  /// (runs of spaces) always do. Adds no BOS. Throws as `budget` does.
  virtual TokenIds encode(std::string_view text, bool parse_special, Budget& budget) const = 0;
  /// With the usual budget.
  TokenIds encode(std::string_view text, bool parse_special = true) const;
  /// Ids of a text that is to go on: with what stands in front, which one that spells it is not given twice.
  TokenIds encode_prompt(std::string_view text) const;
  /// Ids of a chat that is to go on, as its template renders it. A folder's is as it is, like that of
  /// transformers (apply_chat_template adds no special tokens); a GGUF file's begins as every prompt does,
  /// like that of llama.cpp, which puts BOS there where add_bos_token says so.
  TokenIds encode_chat(std::string_view rendered) const;
  /// Ids of a text that is complete: with what stands behind it too.
  TokenIds encode_text(std::string_view text) const;
  /// The bytes token `id` stands for inside a text: may be part of a UTF-8 character, keeps leading spaces.
  /// Throws Error for an id outside the vocabulary.
  virtual std::string piece_bytes(int id) const = 0;
  /// The bytes of a token that stands behind another one in a text, or at its start: `piece_bytes`, unless
  /// the neighbours have a say.
  virtual std::string text_bytes(int id, std::optional<int> before) const;
  /// True for control tokens (BOS, <|im_end|>), which decode leaves out on demand.
  virtual bool is_special(int id) const = 0;
  virtual std::optional<int> bos() const = 0;
  virtual std::optional<int> eos() const = 0;
  /// What stands around every text: BOS in front of it in most models.
  virtual const TextFrame& frame() const = 0;
  /// Whether encode_chat() begins as encode_prompt() does.
  virtual bool frames_chats() const = 0;
  /// The texts of the special tokens that have a name, as Hugging Face's chat templates know them:
  /// "bos_token", "eos_token", "unk_token", "pad_token", ...; a token that the model has not is not there.
  virtual const std::map<std::string, std::string>& special_tokens() const = 0;
  /// Id of a token by its exact text, special ones included: "<|im_end|>"; " Hello" of byte-level BPE,
  /// "▁Hello" of sentencepiece.
  virtual std::optional<int> find(std::string_view token) const = 0;

  /// Whether a text begins with a space of the tokenizer's own, sentencepiece's dummy prefix, which decode
  /// removes.
  virtual bool strips_leading_space() const { return false; }

  /// Text of the ids, malformed UTF-8 replaced by U+FFFD. Ids outside the vocabulary, which a padded head can
  /// produce, say nothing.
  std::string decode(std::span<const int> ids, bool skip_special = false) const;
  /// `piece_bytes` for a person to read: spaces as they are, incomplete characters as "\xE6".
  std::string piece_text(int id) const;
};

/// Turns ids into text one at a time without ever giving half a character.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true)
      : tokenizer_(tokenizer), skip_special_(skip_special) {}
  /// The characters that are complete now; may be empty.
  std::string push(int id);
  /// What is left at the end: incomplete bytes become U+FFFD.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  bool first_ = true;          // no character yet
  std::optional<int> before_;  // the token before
  std::string pending_;
};

/// The tokenizer that belongs to a checkpoint: from GGUF metadata, or tokenizer.json, tokenizer.model,
/// vocab.json + merges.txt, or tiktoken ranks in its folder. What a person should know though it can be used
/// goes to `notes`, a sentence each. Throws Error naming what is missing or unknown, and as `budget` does.
std::unique_ptr<Tokenizer> load_tokenizer(const Checkpoint& checkpoint, Budget& budget,
                                          std::vector<std::string>& notes);

}  // namespace qkscope

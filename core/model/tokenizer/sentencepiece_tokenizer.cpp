#include "core/model/tokenizer/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "core/error.h"
#include "core/model/tokenizer/fallback_byte.h"
#include "core/model/tokenizer/text_steps.h"
#include "core/model/tokenizer/utf8.h"
#include "core/model/wording.h"

namespace qkscope {
namespace {

using sentencepiece::SentencePieceProcessor;

constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581 stands for a space
/// ModelProto.normalizer_spec.add_dummy_prefix = false; protocol buffers let what comes last win, field by
/// field.
constexpr std::string_view no_dummy_space("\x1A\x02\x18\x00", 4);

std::unique_ptr<SentencePieceProcessor> load(std::string_view model, const std::string& where) {
  auto processor = std::make_unique<SentencePieceProcessor>();
  const auto status = processor->LoadFromSerializedProto({model.data(), model.size()});
  if (!status.ok()) throw Error(where + " is not a sentencepiece model: " + status.ToString());
  return processor;
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(SentencePieceData data, const std::string& where)
    : processor_(load(data.model, where)),
      without_space_(load(data.model + std::string(no_dummy_space), where)),
      space_after_special_(data.space_after_special) {
  const int size = processor_->GetPieceSize();
  const Normalizer to_space = replace(std::string(space_mark), " ");
  std::vector<AddedToken> tokens;
  for (int id = 0; id < size; ++id) {
    const std::string& text = processor_->IdToPiece(id);
    const bool special = processor_->IsControl(id) || processor_->IsUnknown(id);
    if (special) {
      pieces_.push_back({text, true});
      tokens.push_back({.id = id, .content = text, .special = true});
    } else if (processor_->IsByte(id)) {
      const auto byte = fallback_byte(text);
      if (!byte) throw Error(where + " has a byte piece " + in_quotes(text) + ", expected one like '<0xE6>'");
      pieces_.push_back({std::string(1, static_cast<char>(*byte)), false});
    } else {
      pieces_.push_back({to_space(text), false});
    }
  }
  TokenIndex index;
  for (int id = 0; id < size; ++id) index.emplace(processor_->IdToPiece(id), id);
  AddedVocabulary beside(index);
  beside.add(data.side);
  // What the files beside the model say of a token wins over the model.
  for (AddedToken& token : beside.take()) {
    std::erase_if(tokens, [&](const AddedToken& old) { return old.id == token.id; });
    if (pieces_.size() <= static_cast<std::size_t>(token.id))
      pieces_.resize(static_cast<std::size_t>(token.id) + 1);
    pieces_[static_cast<std::size_t>(token.id)] = {token.content, token.special};
    tokens.push_back(std::move(token));
  }
  for (const AddedToken& token : tokens) added_ids_.emplace(token.content, token.id);
  added_ = AddedTokens(std::move(tokens));

  const auto named = [](int id) { return id < 0 ? std::nullopt : std::optional<int>(id); };
  TextEnds ends{named(processor_->bos_id()), named(processor_->eos_id()), true, {}};
  for (const auto& [name, id] :
       {std::pair{"bos_token", processor_->bos_id()}, std::pair{"eos_token", processor_->eos_id()},
        std::pair{"unk_token", processor_->unk_id()}}) {
    if (id >= 0) ends.names[name] = processor_->IdToPiece(id);
  }
  set_ends(std::move(ends));
  const std::vector<int> probe = processor_->EncodeAsIds("a");
  adds_space_ = !probe.empty() && processor_->IdToPiece(probe.front()).starts_with(space_mark);
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;

TokenIds SentencePieceTokenizer::encode(std::string_view text, bool parse_special) const {
  const std::string valid = valid_utf8(text);
  TokenIds ids;
  std::size_t done = 0;
  const auto plain = [&](std::size_t end) {
    if (done < end) {
      encode_plain(std::string_view(valid).substr(done, end - done), done == 0 || space_after_special_, ids);
    }
  };
  for (const AddedTokens::Match& match : added_.find(valid, parse_special)) {
    plain(match.span.begin);
    ids.push_back(match.id);
    done = match.span.end;
  }
  plain(valid.size());
  return ids;
}

void SentencePieceTokenizer::encode_plain(std::string_view text, bool with_space, TokenIds& ids) const {
  std::vector<int> found;
  const auto status = (with_space ? *processor_ : *without_space_).Encode({text.data(), text.size()}, &found);
  if (!status.ok()) throw Error("sentencepiece failed on a text: " + status.ToString());
  ids.insert(ids.end(), found.begin(), found.end());
}

std::string SentencePieceTokenizer::piece_bytes(int id) const {
  if (id < 0 || id >= vocab_size()) {
    throw Error("token id " + std::to_string(id) + " is not in the vocabulary, which has " +
                std::to_string(vocab_size()) + " tokens");
  }
  return pieces_[static_cast<std::size_t>(id)].bytes;
}

bool SentencePieceTokenizer::is_special(int id) const {
  return id >= 0 && id < vocab_size() && pieces_[static_cast<std::size_t>(id)].special;
}

std::optional<int> SentencePieceTokenizer::find(std::string_view token) const {
  if (const auto added = added_ids_.find(std::string(token)); added != added_ids_.end()) return added->second;
  const int id = processor_->PieceToId({token.data(), token.size()});
  // What is not there comes back as the unknown token.
  if (id < 0 || processor_->IdToPiece(id) != token) return std::nullopt;
  return id;
}

namespace {

/// Field numbers and wire types of protocol buffers (protobuf.dev, "Encoding").
void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}
void put_number(std::string& out, unsigned field, std::uint64_t value) {
  put_varint(out, field << 3);
  put_varint(out, value);
}
void put_bytes(std::string& out, unsigned field, std::string_view value) {
  put_varint(out, field << 3 | 2);
  put_varint(out, value.size());
  out += value;
}
void put_float(std::string& out, unsigned field, float value) {
  put_varint(out, field << 3 | 5);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(bits >> shift & 0xFF);
}

}  // namespace

std::string sentencepiece_model(std::span<const SentencePiece> pieces, bool dummy_space) {
  std::string model, part;
  bool has_bytes = false;
  for (const SentencePiece& piece : pieces) {
    part.clear();
    put_bytes(part, 1, piece.text);
    put_float(part, 2, piece.score);
    put_number(part, 3, static_cast<std::uint64_t>(piece.type));
    put_bytes(model, 1, part);
    has_bytes |= piece.type == 6;
  }
  part.clear();
  put_number(part, 3, 2);           // trainer_spec.model_type = BPE
  put_number(part, 35, has_bytes);  // .byte_fallback
  put_bytes(model, 2, part);
  part.clear();
  put_bytes(part, 1, "identity");    // normalizer_spec.name
  put_number(part, 3, dummy_space);  // .add_dummy_prefix
  put_number(part, 4, 0);            // .remove_extra_whitespaces
  put_bytes(model, 3, part);
  return model;
}

}  // namespace qkscope

#include "core/text/tokenizer.h"

#include <algorithm>
#include <utility>

#include "core/base/budget.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"
#include "core/checkpoint/checkpoint.h"
#include "core/text/tokenizer/loaders.h"

namespace qkscope {

TokenIds Tokenizer::encode(std::string_view text, bool parse_special) const {
  Budget budget(name());
  return encode(text, parse_special, budget);
}

TokenIds Tokenizer::encode_prompt(std::string_view text) const {
  TokenIds ids = encode(text);
  const TokenIds& front = frame().front;
  const auto spelt = std::ranges::mismatch(front, ids).in1 - front.begin();
  ids.insert(ids.begin() + spelt, front.begin() + spelt, front.end());
  return ids;
}

TokenIds Tokenizer::encode_chat(std::string_view rendered) const {
  return frames_chats() ? encode_prompt(rendered) : encode(rendered);
}

TokenIds Tokenizer::encode_text(std::string_view text) const {
  TokenIds ids = encode_prompt(text);
  const TokenIds& back = frame().back;
  const bool spelt = ids.size() >= frame().front.size() + back.size() &&
                     std::ranges::equal(back, std::span(ids).last(back.size()));
  if (!spelt) ids.insert(ids.end(), back.begin(), back.end());
  return ids;
}

std::string Tokenizer::text_bytes(int id, std::optional<int>) const {
  return piece_bytes(id);
}

std::string Tokenizer::decode(std::span<const int> ids, bool skip_special) const {
  StreamDecoder stream(*this, skip_special);
  std::string text;
  for (const int id : ids) text += stream.push(id);
  return text + stream.finish();
}

std::string Tokenizer::piece_text(int id) const {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const std::string bytes = piece_bytes(id);
  std::string text;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t length = character_length(rest);
    if (length > 0) {
      text += rest.substr(0, length);
      rest.remove_prefix(length);
    } else {
      const auto byte = static_cast<unsigned char>(rest.front());
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      rest.remove_prefix(1);
    }
  }
  return text;
}

std::string StreamDecoder::push(int id) {
  // The head of a model may have more rows than the vocabulary has tokens; these say nothing.
  if (id < 0 || id >= tokenizer_.vocab_size() || (skip_special_ && tokenizer_.is_special(id))) return {};
  pending_ += tokenizer_.text_bytes(id, std::exchange(before_, id));
  if (pending_.empty()) return {};
  if (first_ && tokenizer_.strips_leading_space() && pending_.front() == ' ') pending_.erase(0, 1);
  first_ = false;
  const std::size_t complete = pending_.size() - incomplete_tail(pending_);
  const std::string text = valid_utf8(std::string_view(pending_).substr(0, complete));
  pending_.erase(0, complete);
  return text;
}

std::string StreamDecoder::finish() {
  first_ = true;
  before_.reset();
  return valid_utf8(std::exchange(pending_, {}));
}

std::unique_ptr<Tokenizer> load_tokenizer(const Checkpoint& checkpoint, Budget& budget,
                                          std::vector<std::string>& notes) {
  const std::filesystem::path& path = checkpoint.path();
  budget.set_what("The tokenizer of " + in_quotes(path.string()));
  if (const GgufMetadata* metadata = checkpoint.gguf())
    return gguf_tokenizer(*metadata, in_quotes(path.string()), budget, notes);
  return folder_tokenizer(std::filesystem::is_directory(path) ? path : path.parent_path(),
                          checkpoint.config(), budget, notes);
}

}  // namespace qkscope

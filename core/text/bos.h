#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/base/array.h"

namespace qkscope {

class Tokenizer;

/// Whether a prompt begins with the BOS token. Auto: as the model's files say.
enum class Bos { Auto, On, Off };

/// "auto", "on", "off"; and back: nothing for another text.
std::string_view bos_name(Bos bos);
std::optional<Bos> bos_from_name(std::string_view name);

/// Ids of a prompt that begins as asked. Off also takes away a BOS that `text` spells, as chat templates do,
/// from the text, too; On gives none twice. Throws Error where it is on and the tokenizer has none.
/// `is_chat`: the text is a rendered chat, which begins by itself as Tokenizer::encode_chat says.
TokenIds encode_prompt(const Tokenizer& tokenizer, std::string& text, Bos bos, bool is_chat = false);

}  // namespace qkscope

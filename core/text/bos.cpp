#include "core/text/bos.h"

#include "core/base/error.h"
#include "core/text/tokenizer.h"

namespace qkscope {
namespace {

constexpr Bos choices[] = {Bos::Auto, Bos::On, Bos::Off};

}  // namespace

std::string_view bos_name(Bos bos) {
  return bos == Bos::Auto ? "auto" : bos == Bos::On ? "on" : "off";
}

std::optional<Bos> bos_from_name(std::string_view name) {
  for (const Bos bos : choices) {
    if (name == bos_name(bos)) return bos;
  }
  return {};
}

TokenIds encode_prompt(const Tokenizer& tokenizer, std::string& text, Bos bos, bool is_chat) {
  const std::optional<int> token = tokenizer.bos();
  if (bos == Bos::On && !token)
    throw Error(tokenizer.name() + " has no BOS token: leave BOS at auto, or switch it off");
  if (bos == Bos::Off) {
    const auto spelt = tokenizer.special_tokens().find("bos_token");
    if (spelt != tokenizer.special_tokens().end() && !spelt->second.empty() &&
        text.starts_with(spelt->second))
      text.erase(0, spelt->second.size());
  }
  TokenIds ids = is_chat ? tokenizer.encode_chat(text) : tokenizer.encode_prompt(text);
  const bool begins = token && !ids.empty() && ids.front() == *token;
  if (bos == Bos::On && !begins) ids.insert(ids.begin(), *token);
  if (bos == Bos::Off && begins) ids.erase(ids.begin());
  return ids;
}

}  // namespace qkscope

#include "core/tasks/pass_keys.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/text/tokenizer.h"

namespace qkscope {

namespace {

// The sentences of the published task: what other programs' pass keys are made of, too.
constexpr const char* prefix =
    "There is an important info hidden inside a lot of irrelevant text. Find it and memorize it. I will quiz "
    "you "
    "about the important information there.";
constexpr const char* filler =
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

std::string key_sentence(const std::string& key) {
  return "The pass key is " + key + ". Remember it. " + key + " is the pass key.";
}

/// In pieces of 18 digits, which a 64-bit number holds; the first digit is not 0.
std::string draw_key(int digits, NumpyRandom& random) {
  std::string key;
  while (static_cast<int>(key.size()) < digits) {
    const int piece = std::min(18, digits - static_cast<int>(key.size()));
    std::int64_t bound = 1;
    for (int i = 0; i < piece; ++i) bound *= 10;
    const std::string drawn = std::to_string(random.randint(key.empty() ? bound / 10 : 0, bound));
    key += std::string(static_cast<std::size_t>(piece) - drawn.size(), '0') + drawn;
  }
  return key;
}

int floor_divide(int a, int b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

}  // namespace

std::int64_t NumpyRandom::randint(std::int64_t low, std::int64_t high) {
  const auto range = static_cast<std::uint64_t>(high - low - 1);
  if (range == 0) return low;
  std::uint64_t mask = range;
  for (unsigned shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
  for (;;) {
    std::uint64_t bits = engine_();
    if (range > 0xFFFFFFFF) bits = (bits << 32) | engine_();
    if ((bits & mask) <= range) return low + static_cast<std::int64_t>(bits & mask);
  }
}

std::vector<PassKeyPrompt> pass_keys(const PassKeySettings& settings, const Tokenizer& tokenizer) {
  const auto tokens = [&tokenizer](const std::string& text) {
    return static_cast<int>(tokenizer.encode(text, false).size());
  };
  const int prefix_tokens = tokens(prefix), filler_tokens = std::max(1, tokens(filler));
  NumpyRandom random(
      settings.seed.value_or(static_cast<std::uint32_t>(settings.length + settings.insert_position)));
  std::vector<PassKeyPrompt> prompts;
  for (int i = 0; i < settings.count; ++i) {
    PassKeyPrompt prompt;
    prompt.key = draw_key(settings.digits, random);
    const int room = (settings.length - tokens(key_sentence(prompt.key)) - prefix_tokens) / filler_tokens;
    if (room < 2) {
      throw Error("A pass key of " + std::to_string(settings.digits) + " digits among " +
                  std::to_string(settings.length) +
                  " tokens leaves no room for two pieces of filler; give a larger length");
    }
    if (settings.honour_length) {
      prompt.before = static_cast<int>(random.randint(0, room + 1));
    } else {
      const int from = floor_divide(settings.insert_position - prefix_tokens, filler_tokens);
      const int to =
          floor_divide(settings.insert_position + settings.interval - prefix_tokens, filler_tokens);
      prompt.before =
          static_cast<int>(std::max<std::int64_t>(0, random.randint(from, std::max(from, to) + 1)));
    }
    prompt.after = std::max(0, room - prompt.before);
    prompt.text = prefix;
    for (int n = 0; n < prompt.before; ++n) prompt.text += std::string("\n") + filler;
    prompt.text += "\n" + key_sentence(prompt.key);
    for (int n = 0; n < prompt.after; ++n) prompt.text += std::string("\n") + filler;
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

}  // namespace qkscope

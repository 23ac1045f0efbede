#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace qkscope {

class Tokenizer;

/// What the published pass-key task is made of (Jin et al., ICML 2025, PassKeyTaskCreator).
struct PassKeySettings {
  int length = 128;  // tokens: (128, 6), (256, 12) and (1024, 48) in the paper
  int digits = 6;
  int insert_position = 50, interval = 500;  // tokens before the key: from the one to the sum of both
  int count = 200;
  /// The key stands anywhere among as much filler as `length` has room for. Not, as published: it stands at
  /// its drawn position, whatever the length, so that a prompt "of 128" may have 550 tokens.
  bool honour_length = false;
  std::optional<std::uint32_t> seed;  // nothing: length + insert_position, as published
  bool operator==(const PassKeySettings&) const = default;
};

struct PassKeyPrompt {
  std::string text;  // sentences, one a line, without a question
  std::string key;
  int before = 0, after = 0;  // pieces of filler
};

/// The prompts, of lengths counted with `tokenizer`. The positions are those that numpy's RandomState draws;
/// of each prompt first the key is drawn, then its position. Throws Error where not two pieces of filler have
/// room.
std::vector<PassKeyPrompt> pass_keys(const PassKeySettings& settings, const Tokenizer& tokenizer);

/// numpy.random.RandomState(seed), of which only randint is needed.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : engine_(seed) {}
  /// A whole number from `low` to `high` - 1: RandomState.randint(low, high).
  std::int64_t randint(std::int64_t low, std::int64_t high);

 private:
  std::mt19937 engine_;
};

}  // namespace qkscope

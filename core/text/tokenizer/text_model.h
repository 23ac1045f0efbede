#pragma once
#include <string_view>
#include <unordered_map>

#include "core/base/array.h"
#include "core/base/budget.h"

namespace qkscope {

/// Ids of a model's own vocabulary by their texts.
using TokenIndex = std::unordered_map<std::string_view, int>;

/// Turns one stretch of a text, as the steps before it cut them, into tokens of its vocabulary. Immutable and
/// thread-safe.
class TextModel {
 public:
  virtual ~TextModel() = default;
  /// Adds the ids of `piece` (not empty). Throws Error as `budget` does.
  virtual void encode(std::string_view piece, TokenIds& ids, Budget& budget) const = 0;
};

}  // namespace qkscope

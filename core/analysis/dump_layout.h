#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/array.h"

namespace qkscope {

using Shape = std::vector<std::int64_t>;

/// What the axes of dumped activations are; leading axes of size 1 are batches, and left out here.
enum class AxisOrder {
  PositionsHeads,  // (position, head, dim), as projections are reshaped
  HeadsPositions,  // (head, position, dim), as attention multiplies them
  Flat,            // (position, head * dim), as projections give them
};

struct DumpLayout {
  AxisOrder order = AxisOrder::PositionsHeads;
  std::int64_t head_dim = 0;  // Flat: how many numbers of a row are one head's
  bool operator==(const DumpLayout&) const = default;
};

/// How tensors of one layer may lie, the likeliest first.
struct LayoutGuess {
  std::vector<DumpLayout> layouts;  // empty: these shapes are no activations of heads
  bool certain = false;             // all others would be very odd
};

/// What `shapes`, of one or several of Q, K and V of one layer, may be. That all have the same positions, and
/// maybe not the same heads, tells the two apart; so does a size that no model has as its number of heads.
/// Otherwise the order is ambiguous and (position, head, dim) comes first.
LayoutGuess guess_layout(const std::vector<Shape>& shapes);

/// Whether a tensor of this shape can lie so.
bool fits(const Shape& shape, const DumpLayout& layout);

/// "bshd", "bhsd" or "flat:128", as options and settings spell it; and back: nothing for another text.
std::string layout_name(const DumpLayout& layout);
std::optional<DumpLayout> parse_layout(std::string_view name);

/// "66 positions, 32 heads of 128"; for a shape that fits.
std::string layout_words(const Shape& shape, const DumpLayout& layout);

/// The numbers as (positions, heads, head_dim); for a shape that fits.
Array arrange(Array array, const DumpLayout& layout);

}  // namespace qkscope

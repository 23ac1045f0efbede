#include "core/analysis/dump_layout.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <span>

namespace qkscope {
namespace {

// The head dims of models that people have, the commonest first.
constexpr std::int64_t usual_head_dims[] = {128, 64, 256, 96, 80, 192, 32, 48, 112, 160, 512};
constexpr std::int64_t widest_head = 512;

/// Without batches of one, as far as `axes` are left.
std::span<const std::int64_t> without_batch(const Shape& shape, std::size_t axes) {
  std::span<const std::int64_t> left(shape);
  while (left.size() > axes && left.front() == 1) left = left.subspan(1);
  return left;
}

struct Sizes {
  std::int64_t positions = 0, heads = 0, head_dim = 0;
};

std::optional<Sizes> sizes_of(const Shape& shape, const DumpLayout& layout) {
  if (std::ranges::any_of(shape, [](std::int64_t size) { return size < 1; })) return {};
  const bool flat = layout.order == AxisOrder::Flat;
  const auto axes = without_batch(shape, flat ? 2 : 3);
  if (axes.size() != (flat ? 2 : 3)) return {};
  if (flat) {
    if (layout.head_dim < 1 || axes[1] % layout.head_dim != 0) return {};
    return Sizes{axes[0], axes[1] / layout.head_dim, layout.head_dim};
  }
  if (layout.order == AxisOrder::PositionsHeads) return Sizes{axes[0], axes[1], axes[2]};
  return Sizes{axes[1], axes[0], axes[2]};
}

/// Whether models have so many heads: up to 8, or up to 128 by steps that grow.
bool usual_heads(std::int64_t heads) {
  static const std::set<std::int64_t> odd{9, 14, 15, 18, 25, 71};  // SmolLM, Qwen, GPT-2 XL, Falcon
  if (heads <= 8 || odd.contains(heads)) return true;
  return heads <= 128 &&
         heads % (heads <= 32   ? 2
                  : heads <= 64 ? 4
                                : 8) ==
             0 &&
         heads % 11 != 0 && heads % 13 != 0 && heads % 17 != 0 && heads % 19 != 0;
}

/// Whether the tensors are of one layer: the same positions and head_dim, and heads that K and V share.
bool agrees(const std::vector<Shape>& shapes, const DumpLayout& layout) {
  std::optional<Sizes> first;
  std::int64_t most = 0;
  for (const Shape& shape : shapes) {
    const auto sizes = sizes_of(shape, layout);
    if (!sizes) return false;
    if (!first) first = sizes;
    if (sizes->positions != first->positions || sizes->head_dim != first->head_dim) return false;
    most = std::max(most, sizes->heads);
  }
  return std::ranges::all_of(shapes,
                             [&](const Shape& shape) { return most % sizes_of(shape, layout)->heads == 0; });
}

bool is_usual(const std::vector<Shape>& shapes, const DumpLayout& layout) {
  return std::ranges::all_of(shapes, [&](const Shape& shape) {
    const auto sizes = sizes_of(shape, layout);
    return usual_heads(sizes->heads) && sizes->head_dim <= widest_head;
  });
}

}  // namespace

LayoutGuess guess_layout(const std::vector<Shape>& shapes) {
  std::vector<DumpLayout> possible{{AxisOrder::PositionsHeads, 0}, {AxisOrder::HeadsPositions, 0}};
  for (const std::int64_t dim : usual_head_dims) possible.push_back({AxisOrder::Flat, dim});
  for (const Shape& shape : shapes) {  // one head alone
    if (shape.size() >= 2 && shape.back() <= widest_head &&
        std::ranges::find(usual_head_dims, shape.back()) == std::end(usual_head_dims))
      possible.push_back({AxisOrder::Flat, shape.back()});
  }
  std::vector<DumpLayout> likely, odd;
  for (const DumpLayout& layout : possible) {
    if (shapes.empty() || !agrees(shapes, layout)) continue;
    (is_usual(shapes, layout) ? likely : odd).push_back(layout);
  }
  LayoutGuess guess{likely, likely.size() == 1};
  guess.layouts.insert(guess.layouts.end(), odd.begin(), odd.end());
  return guess;
}

bool fits(const Shape& shape, const DumpLayout& layout) {
  return sizes_of(shape, layout).has_value();
}

std::string layout_name(const DumpLayout& layout) {
  if (layout.order == AxisOrder::Flat) return "flat:" + std::to_string(layout.head_dim);
  return layout.order == AxisOrder::PositionsHeads ? "bshd" : "bhsd";
}

std::optional<DumpLayout> parse_layout(std::string_view name) {
  for (const AxisOrder order : {AxisOrder::PositionsHeads, AxisOrder::HeadsPositions}) {
    if (name == layout_name({order, 0})) return DumpLayout{order, 0};
  }
  constexpr std::string_view flat = "flat:";
  if (!name.starts_with(flat)) return {};
  DumpLayout layout{AxisOrder::Flat, 0};
  const char* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + flat.size(), end, layout.head_dim);
  if (read.ec != std::errc() || read.ptr != end || layout.head_dim < 1) return {};
  return layout;
}

std::string layout_words(const Shape& shape, const DumpLayout& layout) {
  const Sizes sizes = sizes_of(shape, layout).value();
  return std::to_string(sizes.positions) + (sizes.positions == 1 ? " position, " : " positions, ") +
         std::to_string(sizes.heads) + (sizes.heads == 1 ? " head of " : " heads of ") +
         std::to_string(sizes.head_dim);
}

Array arrange(Array array, const DumpLayout& layout) {
  const auto [positions, heads, dims] = sizes_of(array.shape, layout).value();
  array.shape = {positions, heads, dims};
  if (layout.order != AxisOrder::HeadsPositions) return array;
  Array swapped{array.shape, {}};
  swapped.data.reserve(array.data.size());
  for (std::int64_t p = 0; p < positions; ++p) {
    for (std::int64_t h = 0; h < heads; ++h) {
      const auto row = array.data.begin() + (h * positions + p) * dims;
      swapped.data.insert(swapped.data.end(), row, row + dims);
    }
  }
  return swapped;
}

}  // namespace qkscope

#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qkscope {

/// Dense float32 numbers on the host, row-major. What core hands to those who do not know torch.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<float> data;  // product(shape) elements

  bool empty() const { return data.empty(); }
  std::int64_t size(std::size_t axis) const { return shape.at(axis); }
  /// Element (i, j) of a matrix; unchecked.
  float at(std::int64_t i, std::int64_t j) const { return data[static_cast<std::size_t>(i * shape[1] + j)]; }
  bool operator==(const Array&) const = default;
};

using TokenIds = std::vector<int>;

}  // namespace qkscope

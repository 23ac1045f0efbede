#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
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

/// An array that several hold and nobody changes: copied for nothing, equal where the numbers are.
class SharedArray {
 public:
  SharedArray() = default;
  SharedArray(Array array) : array_(std::make_shared<const Array>(std::move(array))) {}

  operator const Array&() const { return get(); }
  const Array& operator*() const { return get(); }
  const Array* operator->() const { return &get(); }
  bool operator==(const SharedArray& other) const { return array_ == other.array_ || get() == other.get(); }

 private:
  const Array& get() const {
    static const Array none;
    return array_ ? *array_ : none;
  }

  std::shared_ptr<const Array> array_;
};

using TokenIds = std::vector<int>;

}  // namespace qkscope

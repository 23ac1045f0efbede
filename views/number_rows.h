#pragma once
#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace qkscope {

/// A matrix of numbers where they are, which may be every so many of a larger array: a picture of a head of a
/// long prompt copies none of its millions.
struct NumberRows {
  std::shared_ptr<const void> keeper;  // of the numbers; null: they outlive this otherwise
  const float* first = nullptr;
  int rows = 0, columns = 0;
  std::ptrdiff_t stride = 0;  // from the start of a row to the next one's
  bool magnitudes = false;    // of the numbers, in place of the numbers

  static NumberRows of(int rows, int columns, std::vector<float> values) {
    const auto kept = std::make_shared<const std::vector<float>>(std::move(values));
    return {kept, kept->data(), kept->empty() ? 0 : rows, columns, columns};
  }

  bool empty() const { return rows == 0 || columns == 0; }
  /// Signs as they are kept.
  const float* row(int row) const { return first + row * stride; }
  float at(int row, int column) const {
    const float value = this->row(row)[column];
    return magnitudes ? std::abs(value) : value;
  }
  template <typename Use>
  void each(const Use& use) const {
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) use(at(r, c));
    }
  }
  std::vector<float> copy() const {
    std::vector<float> values;
    values.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    each([&](float value) { values.push_back(value); });
    return values;
  }
  /// The same numbers, here or there.
  bool operator==(const NumberRows& other) const {
    if (rows != other.rows || columns != other.columns) return false;
    if (first == other.first && stride == other.stride && magnitudes == other.magnitudes) return true;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        if (at(r, c) != other.at(r, c)) return false;
      }
    }
    return true;
  }
};

}  // namespace qkscope

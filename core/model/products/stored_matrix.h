#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/model/products/row_kernels.h"

namespace qkscope {

/// A matrix (rows, columns) whose numbers stay as a file stores them, in one tensor or in parts of several,
/// of one type each. A value that holds the file.
class StoredMatrix {
 public:
  /// Of tensors one below the other; null where one of them is not stored in whole rows. `file` holds their
  /// bytes.
  static std::shared_ptr<const StoredMatrix> of(std::span<const TensorEntry> parts,
                                                std::shared_ptr<const void> file);

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  /// As stored.
  std::uint64_t bytes() const { return bytes_; }
  /// Whether they are fewer than those of float32.
  bool is_smaller() const { return bytes_ < sizeof(float) * static_cast<std::uint64_t>(rows_ * columns_); }

  /// Row `row` as read_float32() gives it: `columns()` numbers.
  void read_row(std::int64_t row, float* out) const;
  /// Calls work(run, row) for the rows from `begin` up to `end` in order: `row` is the first of `run`.
  template <typename Work>
  void each_run(std::int64_t begin, std::int64_t end, Work work) const {
    std::int64_t start = 0;  // of a run
    for (const products::RowRun& run : runs_) {
      const std::int64_t first = std::max(begin, start), last = std::min(end, start + run.rows);
      if (first < last)
        work(products::RowRun{run.type, run.first + (first - start) * run.stride, run.stride, last - first},
             first);
      start += run.rows;
      if (start >= end) return;
    }
  }

 private:
  std::vector<products::RowRun> runs_;
  std::int64_t rows_ = 0, columns_ = 0;
  std::uint64_t bytes_ = 0;
  std::shared_ptr<const void> file_;
};

}  // namespace qkscope

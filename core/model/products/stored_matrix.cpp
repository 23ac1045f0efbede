#include "core/model/products/stored_matrix.h"

#include "core/io/dequantize.h"

namespace qkscope {

std::shared_ptr<const StoredMatrix> StoredMatrix::of(std::span<const TensorEntry> parts,
                                                     std::shared_ptr<const void> file) {
  auto matrix = std::make_shared<StoredMatrix>();
  matrix->file_ = std::move(file);
  for (const TensorEntry& part : parts) {
    const BlockLayout block = block_layout(part.type);
    for (const TensorEntry& entry : ordered_parts(part)) {
      if (entry.shape.size() != 2 || !entry.scales.empty()) return nullptr;
      const std::int64_t columns = entry.shape[1];
      const std::int64_t distance = entry.strides.empty() ? columns : entry.strides[0];
      const bool whole_rows = entry.strides.empty() || entry.strides[1] == 1;
      if (!whole_rows || columns % block.elements != 0 || distance % block.elements != 0) return nullptr;
      if (matrix->rows_ > 0 && columns != matrix->columns_) return nullptr;
      matrix->columns_ = columns;
      matrix->rows_ += entry.shape[0];
      matrix->runs_.push_back(
          {entry.type, entry.bytes.data(), distance / block.elements * block.bytes, entry.shape[0]});
      matrix->bytes_ += static_cast<std::uint64_t>(entry.numel() / block.elements * block.bytes);
    }
  }
  return matrix;
}

void StoredMatrix::read_row(std::int64_t row, float* out) const {
  each_run(row, row + 1, [&](const products::RowRun& run, std::int64_t) {
    dequantize(run.type, run.first, columns_, out);
  });
}

}  // namespace qkscope

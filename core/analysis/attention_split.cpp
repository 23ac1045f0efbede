#include "core/analysis/attention_split.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/error.h"
#include "core/base/last_axis.h"
#include "core/base/wording.h"

namespace qkscope {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::span<const float> row_of(const Array& matrix, std::int64_t row) {
  const auto width = static_cast<std::size_t>(matrix.shape[1]);
  return std::span(matrix.data).subspan(static_cast<std::size_t>(row) * width, width);
}

double length(std::span<const double> row) {
  return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
}

void require(const Array& array, bool fits, const char* what) {
  std::int64_t count = 0;
  if (fits && element_count(array.shape, count) && count == static_cast<std::int64_t>(array.data.size()))
    return;
  throw Error("An attention output is made of " + std::string(what) + ", not of an array of shape " +
              shape_text(array.shape) + ".");
}

}  // namespace

OutputSplit split_output(const Array& pattern, const Array& values, int kv_head,
                         const std::vector<int>& keys) {
  require(pattern, pattern.shape.size() == 2 && pattern.shape[0] == pattern.shape[1],
          "a pattern (positions, positions)");
  require(values,
          values.shape.size() == 3 && values.shape[0] == pattern.shape[0] && kv_head >= 0 &&
              kv_head < values.shape[1],
          "values (positions, KV heads, value_dim) of the pattern's positions");
  const std::int64_t positions = values.shape[0], dims = values.shape[2];
  OutputSplit split;
  split.part = split.rest = {{positions, dims}, {}};
  std::vector<double> part(static_cast<std::size_t>(dims)), rest = part;
  for (std::int64_t query = 0; query < positions; ++query) {
    std::ranges::fill(part, 0.0);
    std::ranges::fill(rest, 0.0);
    for (std::int64_t key = 0; key <= query; ++key) {
      const auto weight = static_cast<double>(pattern.at(query, key));
      std::vector<double>& sum = std::ranges::find(keys, key) != keys.end() ? part : rest;
      const std::span<const float> value = last_axis(values, key, kv_head);
      for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += weight * static_cast<double>(value[d]);
    }
    split.part.data.insert(split.part.data.end(), part.begin(), part.end());
    split.rest.data.insert(split.rest.data.end(), rest.begin(), rest.end());
  }
  return split;
}

std::vector<double> row_lengths(const Array& rows) {
  std::vector<double> lengths;
  for (std::int64_t row = 0; row < rows.size(0); ++row) {
    const std::span<const float> numbers = row_of(rows, row);
    const std::vector<double> exact(numbers.begin(), numbers.end());
    lengths.push_back(length(exact));
  }
  return lengths;
}

std::vector<double> cosines_with_mean(const Array& rows) {
  // A row of zeros adds nothing: the mean has the direction of the sum.
  std::vector<double> sum(static_cast<std::size_t>(rows.size(1)));
  for (std::int64_t row = 0; row < rows.size(0); ++row) {
    const std::span<const float> numbers = row_of(rows, row);
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += static_cast<double>(numbers[d]);
  }
  const std::vector<double> lengths = row_lengths(rows);
  const double mean_length = length(sum);
  std::vector<double> cosines;
  for (std::int64_t row = 0; row < rows.size(0); ++row) {
    const std::span<const float> numbers = row_of(rows, row);
    double product = 0;
    for (std::size_t d = 0; d < sum.size(); ++d) product += sum[d] * static_cast<double>(numbers[d]);
    const double size = lengths[static_cast<std::size_t>(row)] * mean_length;
    cosines.push_back(size > 0 ? product / size : nothing);
  }
  return cosines;
}

double mass_on(const Array& pattern, const std::vector<int>& keys) {
  const auto among = [&](std::int64_t position) { return std::ranges::find(keys, position) != keys.end(); };
  double sum = 0;
  int queries = 0;
  for (std::int64_t query = 0; query < pattern.size(0); ++query) {
    if (among(query) || std::ranges::none_of(keys, [&](int key) { return key < query; })) continue;
    ++queries;
    for (const int key : keys) {
      if (key < query) sum += static_cast<double>(pattern.at(query, key));
    }
  }
  return queries > 0 ? sum / queries : nothing;
}

}  // namespace qkscope

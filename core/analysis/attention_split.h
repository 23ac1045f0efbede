#pragma once
#include <vector>

#include "core/base/array.h"

namespace qkscope {

/// What a head's attention adds up at every query, the sum over keys of attention times value, in two parts
/// (Sun et al. 2024, arXiv 2402.17762, section 4.2): what comes from some keys, and what from all others.
/// Each (positions, value_dim); together the output of the head before gate and o_proj.
struct OutputSplit {
  Array part, rest;
};

/// `pattern` (positions, positions) after softmax, of a query head; `values` (positions, KV heads,
/// value_dim), of which it reads those of `kv_head`; `keys`: the positions of `part`. Throws Error for other
/// shapes.
OutputSplit split_output(const Array& pattern, const Array& values, int kv_head,
                         const std::vector<int>& keys);

/// The L2 norm of every row of a matrix.
std::vector<double> row_lengths(const Array& rows);
/// The cosine of every row with the mean of all rows that are not 0; NaN for a row that is.
std::vector<double> cosines_with_mean(const Array& rows);

/// Of a pattern (positions, positions): what a query gives to `keys`, meaned over the queries that see one of
/// them and are none of them; NaN where there is no such query.
double mass_on(const Array& pattern, const std::vector<int>& keys);

}  // namespace qkscope

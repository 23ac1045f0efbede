#pragma once
#include <vector>

#include "core/base/array.h"

namespace qkscope {

/// How much of a layer's attention goes to one key position.
struct SinkScore {
  double mass = 0;   // attention to it, meaned over the queries that see it and over the heads
  double share = 0;  // of the heads, those whose mean over these queries is above 0.3
  double added = 0;  // as mass, of attention times the length of the key's value; 0 without values
};

/// Of every position, of a pattern (heads, positions, positions) after softmax, and of values (positions, KV
/// heads, value_dim): how much of an output a key makes is its attention times the length of its value
/// (Kobayashi et al. 2020, arXiv 2004.10102). Throws Error for other shapes.
std::vector<SinkScore> sink_scores(const Array& pattern, const Array* values = nullptr);

/// The L2 norm of one KV head's value at every position.
std::vector<double> head_lengths(const Array& values, int kv_head);

/// Nats: the entropy of what a query attends to, meaned over the queries and heads of a pattern; a query
/// whose attention adds up to less, a learned sink having the rest, counts the rest as one more key.
double mean_entropy(const Array& pattern);

}  // namespace qkscope

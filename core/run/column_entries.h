#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/site.h"

namespace qkscope {

struct ModelSpec;

/// A column (head, dim) of Q, K or V in a layer, or with `every` in the place of an index all of them.
struct ColumnEntry {
  static constexpr int every = -1;
  Site site = Site::Query;  // Query, Key or Value
  int layer = every;        // 0-based
  int head = every;         // 0-based; of K and V the KV head
  int dim = every;          // 0-based

  bool covers_layer(int l) const { return layer == every || layer == l; }
  auto operator<=>(const ColumnEntry&) const = default;
};

/// In their order, each once: equal lists are equal then.
std::vector<ColumnEntry> ordered(std::vector<ColumnEntry> entries);

/// "q 3:1:17,18 k 4:*:7": after the letter of a site layer:head:dims, layers and heads from 1, dims from 0,
/// in each of the three one number, a list with ranges such as 0-7,12, or * for all. Throws Error for
/// anything else.
std::vector<ColumnEntry> parse_entries(std::string_view text);
/// Its inverse, of ordered entries.
std::string format_entries(const std::vector<ColumnEntry>& entries);

/// Throws Error for an entry that no layer of the model has.
void check_entries(const std::vector<ColumnEntry>& entries, const ModelSpec& spec);

}  // namespace qkscope

#pragma once
#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

// What the texts of all edits are read with: key=value settings joined by commas, of `subject`, as errors
// call the edit.

template <typename Value>
using Names = std::span<const std::pair<std::string_view, Value>>;

template <typename Value>
std::string_view name_of(Names<Value> names, Value value) {
  return std::ranges::find(names, value, &std::pair<std::string_view, Value>::second)->first;
}

using Settings = std::vector<std::pair<std::string_view, std::string>>;
/// Values may have commas of their own: what has no = belongs to the value before. Throws Error for a key
/// that is given twice.
Settings read_settings(std::string_view text, std::string_view subject);

[[noreturn]] void refuse_setting(std::string_view subject, std::string_view key, std::string_view found,
                                 const std::string& allowed);

template <typename Value>
Value value_of(Names<Value> names, std::string_view subject, std::string_view key, std::string_view text) {
  const auto found = std::ranges::find(names, text, &std::pair<std::string_view, Value>::first);
  if (found != names.end()) return found->second;
  std::string allowed;
  for (const auto& [name, value] : names) allowed += (allowed.empty() ? "" : ", ") + std::string(name);
  refuse_setting(subject, key, text, "one of " + allowed);
}

/// The whole of `text` as a number.
template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace qkscope

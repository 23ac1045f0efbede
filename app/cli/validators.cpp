#include "app/cli/validators.h"

#include <algorithm>
#include <charconv>

#include "core/analysis/dump_layout.h"
#include "core/base/wording.h"

namespace qkscope::cli {

namespace {

/// Whether the whole of `text` is a number from `least` to `most`.
template <typename Number>
bool reads(const std::string& text, Number least, Number most) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size() && value >= least && value <= most;
}

}  // namespace

CLI::Validator number(double least, double most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    if (reads(text, least, most)) return {};
    return in_quotes(text) + " is not a number " +
           (most == std::numeric_limits<double>::max() ? "from " + number_text(least)
                                                       : number_text(least) + " to " + number_text(most));
  };
  return {check, ""};
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    if (reads(text, least, most)) return {};
    return in_quotes(text) + " is not a whole number from " + std::to_string(least) + " to " +
           std::to_string(most);
  };
  return {check, ""};
}

CLI::Validator filled(const std::string& what) {
  const auto check = [what](const std::string& text) -> std::string {
    if (text.find_first_not_of(" \t\r\n") != text.npos) return {};
    return in_quotes(text) + " is empty; give " + what;
  };
  return {check, ""};
}

CLI::Validator device_name() {
  const auto check = [](const std::string& text) -> std::string {
    const std::string index = text.starts_with("cuda:") ? text.substr(5) : "";
    const bool numbered = !index.empty() && index.size() < 4 &&
                          std::ranges::all_of(index, [](char c) { return c >= '0' && c <= '9'; });
    if (text == "auto" || text == "cpu" || text == "cuda" || numbered) return {};
    return in_quotes(text) + " is not one of auto, cpu, cuda or cuda:N";
  };
  return {check, ""};
}

CLI::Validator layout() {
  const auto check = [](const std::string& text) -> std::string {
    if (text == "auto" || parse_layout(text)) return {};
    return in_quotes(text) + " is not one of auto, bshd, bhsd or flat:N";
  };
  return {check, ""};
}

}  // namespace qkscope::cli

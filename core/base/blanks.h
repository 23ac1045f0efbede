#pragma once
#include <string_view>

namespace qkscope {

/// `text` without the blanks around it: "1-4, 7" is a list as people write it.
inline std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  return first == text.npos ? std::string_view()
                            : text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

}  // namespace qkscope

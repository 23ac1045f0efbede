#pragma once
#include <chrono>
#include <string>

#include "core/base/array.h"

namespace qkscope {

using Clock = std::chrono::steady_clock;
inline double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// What errors call a pass.
inline std::string pass_words(const TokenIds& tokens) {
  return "A pass over " + std::to_string(tokens.size()) + " tokens";
}

}  // namespace qkscope

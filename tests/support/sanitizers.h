#pragma once

namespace qkscope::test {

/// What a sanitizer that watches the program may make of its time and memory: limits are those of programs as
/// people use them, times this.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr double sanitizer_cost = 5;
#else
inline constexpr double sanitizer_cost = 1;
#endif

}  // namespace qkscope::test

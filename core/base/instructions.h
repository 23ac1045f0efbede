#pragma once
#include <vector>

namespace qkscope {

/// What a processor may have for kernels that are compiled once for each; each set needs those before it.
/// Which options a set stands for says core/CMakeLists.txt.
enum class Instructions { Plain, Avx2, Avx512 };

/// Those that this processor has, the best last.
const std::vector<Instructions>& instructions_at_hand();

inline Instructions best_instructions() {
  return instructions_at_hand().back();
}

/// "plain C++", "AVX2", "AVX-512".
const char* instructions_name(Instructions set);

/// Of three makes of one thing, that for `set`.
template <typename Make>
constexpr Make made_for(Instructions set, Make plain, Make avx2, Make avx512) {
  return set == Instructions::Avx512 ? avx512 : set == Instructions::Avx2 ? avx2 : plain;
}

}  // namespace qkscope

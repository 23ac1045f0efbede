#include "core/base/instructions.h"

namespace qkscope {

const std::vector<Instructions>& instructions_at_hand() {
  static const std::vector<Instructions> known = [] {
    std::vector<Instructions> sets = {Instructions::Plain};
#if defined(__x86_64__)
    const bool avx2 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx2) sets.push_back(Instructions::Avx2);
    if (avx2 && avx512) sets.push_back(Instructions::Avx512);
#endif
    return sets;
  }();
  return known;
}

const char* instructions_name(Instructions set) {
  return made_for(set, "plain C++", "AVX2", "AVX-512");
}

}  // namespace qkscope

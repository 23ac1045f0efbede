#pragma once
#include <cstdint>
#include <cstring>

namespace qkscope::blocks {

/// The eight 6-bit scales and eight 6-bit minima of Q4_K and Q5_K, packed into 12 bytes; four at a time, each
/// in a byte of its own. Always inlined: it is compiled for several sets of instructions.
[[gnu::always_inline]] inline void unpack_scales(const std::uint8_t* packed, std::uint8_t* scales,
                                                 std::uint8_t* minima) {
  std::uint32_t low[3];
  std::memcpy(low, packed, sizeof low);
  const std::uint32_t all[4] = {low[0] & 0x3f3f3f3f, (low[2] & 0x0f0f0f0f) | (low[0] >> 2 & 0x30303030),
                                low[1] & 0x3f3f3f3f, (low[2] >> 4 & 0x0f0f0f0f) | (low[1] >> 2 & 0x30303030)};
  std::memcpy(scales, all, 8);
  std::memcpy(minima, all + 2, 8);
}

}  // namespace qkscope::blocks

#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// What stands before the numbers of a .npy file.
struct NpyHeader {
  std::string descr;  // numpy's typestring: "<f4", "|b1"
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// Reads the header, which is a Python dict literal of these three keys and of nothing else. Throws Error
/// starting with `where`, also for structured dtypes.
NpyHeader parse_npy_header(std::string_view text, const std::string& where);

}  // namespace qkscope

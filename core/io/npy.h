#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "core/base/array.h"

namespace qkscope {

class Budget;

/// An array of numpy's, as float32.
struct NpyArray {
  Array array;         // row-major, whatever order the file has
  std::string stored;  // "float16", "uint16 (read as bfloat16)"
};

/// Reads a .npy file, of which `file` is every byte: versions 1 to 3 of the format, C and Fortran order,
/// either byte order, bool, integers and floats (numpy, lib/format.py). numpy has no bfloat16: what programs
/// store it as, uint16 or records of 2 bytes, is read as such, and `stored` says so. Nothing in the file is
/// ever executed: Python objects are refused by name. Throws Error starting with `where`. The numbers are
/// charged.
NpyArray read_npy(std::span<const std::byte> file, const std::string& where, Budget& budget);

/// The arrays of a .npz file, a zip archive of .npy files stored or compressed, by name. The same errors,
/// and the zip reader's.
std::map<std::string, NpyArray> read_npz(std::span<const std::byte> file, const std::string& where,
                                         Budget& budget);

}  // namespace qkscope

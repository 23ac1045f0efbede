#pragma once
// numpy's files, made byte by byte.
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/file_bytes.h"

namespace qkscope::test {

inline std::string npy_with_header(std::string header, const std::string& data, int version = 1) {
  header.resize((header.size() + 64) / 64 * 64, ' ');
  header.back() = '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  if (version == 1) {
    put(bytes, static_cast<std::uint16_t>(header.size()));
  } else {
    put(bytes, static_cast<std::uint32_t>(header.size()));
  }
  return bytes + header + data;
}

/// A .npy file as numpy.save writes it.
inline std::string npy_bytes(const std::string& descr, const std::vector<std::int64_t>& shape,
                             const std::string& data, bool fortran_order = false, int version = 1) {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += std::to_string(size) + ",";
  return npy_with_header("{'descr': '" + descr + "', 'fortran_order': " + (fortran_order ? "True" : "False") +
                             ", 'shape': (" + sizes + "), }",
                         data, version);
}

struct NpzMember {
  std::string name, bytes;
  bool deflated = false;
  int claimed_more = 0;  // than the archive's directory should say of its size
};

inline std::string deflate(const std::string& bytes) {
  std::string packed(compressBound(static_cast<uLong>(bytes.size())) + 16, '\0');
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// A .npz archive as numpy.savez and numpy.savez_compressed write it.
inline std::string npz_bytes(const std::vector<NpzMember>& members) {
  std::vector<ZipFile> files;
  for (const NpzMember& member : members) {
    files.push_back({member.name, member.deflated ? deflate(member.bytes) : member.bytes,
                     static_cast<std::uint32_t>(static_cast<int>(member.bytes.size()) + member.claimed_more),
                     static_cast<std::uint16_t>(member.deflated ? 8 : 0)});
  }
  return zip_of(files);
}

}  // namespace qkscope::test

#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qkscope {

class AtomicFile;

/// Writes a zip archive of files that are stored, not compressed; with zip64 (PKWARE, APPNOTE.TXT 4.5.3)
/// where sizes ask for it. Dates are left out, so that equal files make equal archives.
class ZipWriter {
 public:
  /// Into a file that the caller commits after finish().
  explicit ZipWriter(AtomicFile& file) : file_(file) {}

  /// `parts` are the bytes of the file, one after the other.
  void add(const std::string& name, std::span<const std::span<const std::byte>> parts);
  void add(const std::string& name, std::string_view text);
  /// The directory.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t checksum = 0;
    std::uint64_t size = 0, offset = 0;
  };
  void write(const std::string& record);

  AtomicFile& file_;
  std::uint64_t written_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace qkscope

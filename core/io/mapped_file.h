#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

namespace qkscope {

/// A file's bytes as memory, read-only, for as long as the object lives. Pages come from the disk when
/// touched. The size is that of the moment of opening; a file cut short by another program afterwards is
/// beyond help.
class MappedFile {
 public:
  /// Throws Error naming the file where it is missing, unreadable or not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  /// Lets go of the resident pages wholly inside `part` of bytes(): the numbers were read and kept elsewhere.
  /// They stay readable.
  void release(std::span<const std::byte> part) const;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace qkscope

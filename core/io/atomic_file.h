#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qkscope {

/// A file that is there whole or not at all: bytes go to a temporary file beside `path`, which commit() puts
/// in its place. Without commit() the temporary file is removed and what was at `path` before is untouched.
class AtomicFile {
 public:
  /// Throws Error naming the file where it cannot be made.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error naming the file and the remedy, a full disk included.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  void commit();

 private:
  [[noreturn]] void fail(int problem) const;

  std::filesystem::path path_, temporary_;
  int file_ = -1;
};

/// All of a file at once: the old one stays, or `text` is there.
void write_whole(const std::filesystem::path& path, std::string_view text);

}  // namespace qkscope

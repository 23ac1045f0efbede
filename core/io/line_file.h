#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace qkscope {

/// A file to which lines are added and nothing else is done. Whatever moment the program is killed at, every
/// line that was added is there, and one that was cut off counts as never written.
class LineFile {
 public:
  using Take = std::function<void(std::string_view line, const std::string& where)>;
  /// Gives all whole lines in their order, without their ends; `where` names file and line, for errors.
  static void read(const std::filesystem::path& path, const Take& take);

  LineFile() = default;  // no file
  /// Makes it where there is none. Throws Error where it cannot be written, or another program is adding to
  /// it.
  explicit LineFile(const std::filesystem::path& path);
  ~LineFile();
  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&& other) noexcept;

  explicit operator bool() const { return file_ >= 0; }
  /// To be called before the first line is added, once what was there is understood: what was cut off makes
  /// room for the next line.
  void drop_cut_line();
  /// `line` without its end. Throws Error, which leaves the file as it was.
  void add(std::string line);

 private:
  std::filesystem::path path_;
  int file_ = -1;
  std::chrono::steady_clock::time_point synced_{};
};

}  // namespace qkscope

#include "core/io/line_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/mapped_file.h"

namespace qkscope {

void LineFile::read(const std::filesystem::path& path, const Take& take) {
  if (std::filesystem::file_size(path) == 0) return;
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  std::size_t number = 0;
  // What follows the last line break was cut off, or is being written this moment.
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1)
    take(text.substr(at, end - at), in_quotes(path.string()) + ", line " + std::to_string(++number));
}

LineFile::LineFile(const std::filesystem::path& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0)
    throw Error("Cannot write " + in_quotes(path.string()) + ": " + std::strerror(errno) +
                "; choose a place you may write to");
  // Some network file systems know no locks: there this is the user's own care.
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(file_);
    throw Error("Another program is adding to " + in_quotes(path.string()) +
                "; wait for it, or give another place");
  }
}

LineFile::~LineFile() {
  if (file_ < 0) return;
  ::fdatasync(file_);
  ::close(file_);
}

LineFile::LineFile(LineFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), synced_(other.synced_) {}

LineFile& LineFile::operator=(LineFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(synced_, other.synced_);
  return *this;
}

void LineFile::drop_cut_line() {
  struct stat info {};
  off_t whole = ::fstat(file_, &info) == 0 ? info.st_size : 0;
  for (char last = 0; whole > 0 && ::pread(file_, &last, 1, whole - 1) == 1 && last != '\n';) --whole;
  if (whole < info.st_size && ::ftruncate(file_, whole) != 0)
    throw Error("Cannot write " + in_quotes(path_.string()) + ": " + std::strerror(errno));
}

void LineFile::add(std::string line) {
  line += '\n';
  struct stat before {};
  ::fstat(file_, &before);
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t count = ::write(file_, line.data() + done, line.size() - done);
    if (count > 0) done += static_cast<std::size_t>(count);
    if (count >= 0 || errno == EINTR) continue;
    const int problem = errno;
    const bool undone = ::ftruncate(file_, before.st_size) == 0;
    throw Error("Cannot add to " + in_quotes(path_.string()) + ": " + std::strerror(problem) +
                (undone ? "; what was there before is kept" : ""));
  }
  // Against a loss of power; against the end of the program the write alone is enough.
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ < std::chrono::seconds(1)) return;
  ::fdatasync(file_);
  synced_ = now;
}

}  // namespace qkscope

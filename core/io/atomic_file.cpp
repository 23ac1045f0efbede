#include "core/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  static std::atomic<unsigned> serial = 0;
  // A process of the same number that was killed may have left such a file: the next name is free.
  do {
    temporary_ = path_;
    temporary_ +=
        std::string(".").append(std::to_string(::getpid())).append("-").append(std::to_string(serial++)) +
        ".part";
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && errno == EEXIST);
  if (file_ < 0) fail(errno);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(int problem) const {
  std::string remedy;
  if (problem == ENOSPC || problem == EDQUOT || problem == EFBIG)
    remedy = "; free some space or choose another folder";
  if (problem == EACCES || problem == EROFS || problem == EPERM)
    remedy = "; choose a folder you may write to";
  if (problem == ENOENT || problem == ENOTDIR) remedy = "; make its folder first";
  if (problem == EISDIR || problem == ENOTEMPTY || problem == EEXIST) remedy = "; choose another name";
  throw Error("cannot write " + in_quotes(path_.string()) + ": " + std::strerror(problem) + remedy);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    // One call moves at most 2 GB.
    const ssize_t written = ::write(file_, bytes.data(), std::min<std::size_t>(bytes.size(), 1u << 30));
    if (written < 0 && errno != EINTR) fail(errno);
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail(errno);
  // Closed before it is renamed: some file systems report a full disk only then.
  int problem = ::close(std::exchange(file_, -1)) == 0 ? 0 : errno;
  if (problem == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) problem = errno;
  if (problem != 0) {
    ::unlink(temporary_.c_str());
    fail(problem);
  }
  // The new name itself must reach the disk too. Where a folder cannot be opened for that, nothing is lost
  // yet.
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  if (const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

void write_whole(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace qkscope

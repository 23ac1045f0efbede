#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/error.h"

namespace qkscope {

/// Walks over little-endian bytes of a file and never beyond their end. Every read that does not fit throws
/// Error naming the file, the thing that was read, how much was wanted and how much is left.
class ByteReader {
 public:
  /// `file` is the name errors give; `offset` is where in the file `bytes` starts.
  ByteReader(std::span<const std::byte> bytes, std::string file, std::uint64_t offset = 0)
      : bytes_(bytes), file_(std::move(file)), start_(offset) {}

  std::uint64_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  const std::string& file() const { return file_; }

  template <typename T>
  T read(const char* what) {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  /// The next `count` bytes, in place.
  std::span<const std::byte> take(std::uint64_t count, const char* what) {
    if (count > remaining()) {
      throw Error(file_ + " is truncated or damaged: " + what + " at byte " +
                  std::to_string(start_ + position_) + " needs " + std::to_string(count) + " bytes, only " +
                  std::to_string(remaining()) + " are left; download or copy the file again");
    }
    const auto part = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += part.size();
    return part;
  }

  /// All that is left, without moving on.
  std::string_view peek_text() const {
    return {reinterpret_cast<const char*>(bytes_.data()) + position_, bytes_.size() - position_};
  }

  std::string_view take_text(std::uint64_t count, const char* what) {
    const auto part = take(count, what);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  std::string file_;
  std::uint64_t start_;
  std::size_t position_ = 0;
};

}  // namespace qkscope

#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/array.h"
#include "core/io/atomic_file.h"

namespace qkscope {

/// Collects named arrays and writes them as one .safetensors file, which Python opens with one line:
/// safetensors.numpy.load_file(path). What is added is not copied and must live until write() is done.
class SafetensorsWriter {
 public:
  /// Stored as F32. Throws Error for a name used before or an array whose shape does not fit its numbers.
  void add(const std::string& name, const Array& array);
  /// Stored as I64, one-dimensional.
  void add(const std::string& name, std::span<const std::int64_t> numbers);
  /// A string of the header: the settings the numbers came from.
  void set_metadata(const std::string& key, std::string value) { metadata_[key] = std::move(value); }

  /// Writes `path`, whole or not at all. Throws Error naming it, a full disk included.
  void write(const std::filesystem::path& path) const;
  /// Into a file that the caller commits.
  void write(AtomicFile& file) const;
  /// The file's bytes in their order: its head, and the arrays in place.
  struct Parts {
    std::string head;
    std::vector<std::span<const std::byte>> arrays;
  };
  Parts parts() const;

 private:
  using Numbers = std::variant<std::span<const float>, std::span<const std::int64_t>>;
  struct Entry {
    std::vector<std::int64_t> shape;
    Numbers numbers;
  };
  void add(const std::string& name, Entry entry);

  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace qkscope

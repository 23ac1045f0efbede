#pragma once
// Files of the formats core reads, made byte by byte: sound ones and, with a byte changed here and there, all
// others.
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qkscope::test {

template <typename T>
void put(std::string& bytes, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  bytes.append(raw, sizeof(T));
}

template <typename T>
std::string raw_bytes(const std::vector<T>& values) {
  std::string bytes;
  for (const T value : values) put(bytes, value);
  return bytes;
}

inline std::span<const std::byte> as_span(const std::string& bytes) {
  return std::as_bytes(std::span(bytes.data(), bytes.size()));
}

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string safetensors_bytes(std::string_view header, std::string_view data = {}) {
  std::string bytes;
  put<std::uint64_t>(bytes, header.size());
  bytes.append(header).append(data);
  return bytes;
}

/// A GGUF file: keys, then tensors, as gguf-py writes them.
class GgufBytes {
 public:
  enum Type : std::uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };

  template <typename T>
  GgufBytes& key(std::string_view name, Type type, T value) {
    start(name, type);
    put(keys_, value);
    return *this;
  }
  /// `payload` as it stands after the type.
  GgufBytes& raw(std::string_view name, Type type, std::string_view payload) {
    start(name, type);
    keys_.append(payload);
    return *this;
  }
  GgufBytes& u32(std::string_view name, std::uint32_t value) { return key(name, U32, value); }
  GgufBytes& f32(std::string_view name, float value) { return key(name, F32, value); }
  GgufBytes& text(std::string_view name, std::string_view value) {
    start(name, String);
    put_text(keys_, value);
    return *this;
  }
  GgufBytes& texts(std::string_view name, const std::vector<std::string>& values) {
    start_array(name, String, values.size());
    for (const auto& value : values) put_text(keys_, value);
    return *this;
  }
  template <typename T>
  GgufBytes& array(std::string_view name, Type type, const std::vector<T>& values) {
    start_array(name, type, values.size());
    for (const T value : values) put(keys_, value);
    return *this;
  }
  /// `sizes` in GGUF's order, fastest first; `type` is ggml's number.
  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                    std::string_view data) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    return tensor_at(name, sizes, type, data_.size(), data);
  }
  /// The same with a place of one's own in the data.
  GgufBytes& tensor_at(std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                       std::uint64_t offset, std::string_view data) {
    ++num_tensors;
    put_text(tensors_, name);
    put(tensors_, static_cast<std::uint32_t>(sizes.size()));
    for (const auto size : sizes) put(tensors_, size);
    put(tensors_, type);
    put(tensors_, offset);
    data_.append(data);
    return *this;
  }
  std::string bytes() const {
    std::string all = "GGUF";
    put(all, version);
    put(all, num_tensors);
    put(all, num_keys);
    all += keys_ + tensors_;
    all.resize((all.size() + alignment - 1) / alignment * alignment);
    return all + data_;
  }

  std::uint32_t version = 3;
  std::uint64_t num_tensors = 0, num_keys = 0;
  std::size_t alignment = 32;

 private:
  static void put_text(std::string& to, std::string_view text) {
    put<std::uint64_t>(to, text.size());
    to.append(text);
  }
  void start(std::string_view name, Type type) {
    ++num_keys;
    put_text(keys_, name);
    put<std::uint32_t>(keys_, type);
  }
  void start_array(std::string_view name, Type type, std::uint64_t count) {
    start(name, Array);
    put<std::uint32_t>(keys_, type);
    put(keys_, count);
  }

  std::string keys_, tensors_, data_;
};

struct ZipFile {
  std::string name, stored;
  std::uint32_t size = 0;  // before it was compressed
  std::uint16_t method = 0;
};

inline std::string zip_of(const std::vector<ZipFile>& files) {
  std::string all, directory;
  for (const ZipFile& file : files) {
    const auto offset = static_cast<std::uint32_t>(all.size());
    const auto common =
        [&](std::string& to) {  // version, flags, method, time, date, checksum, sizes, name, extra
          for (const std::uint16_t field :
               {std::uint16_t{20}, std::uint16_t{0}, file.method, std::uint16_t{0}, std::uint16_t{0}}) {
            put(to, field);
          }
          for (const std::uint32_t field : {0u, static_cast<std::uint32_t>(file.stored.size()), file.size})
            put(to, field);
          put(to, static_cast<std::uint16_t>(file.name.size()));
          put<std::uint16_t>(to, 0);
        };
    put<std::uint32_t>(all, 0x04034b50);
    common(all);
    all += file.name + file.stored;
    put<std::uint32_t>(directory, 0x02014b50);
    put<std::uint16_t>(directory, 20);
    common(directory);
    put<std::uint16_t>(directory, 0);  // comment
    put<std::uint16_t>(directory, 0);  // disk
    put<std::uint16_t>(directory, 0);
    put<std::uint32_t>(directory, 0);
    put(directory, offset);
    directory += file.name;
  }
  const auto start = static_cast<std::uint32_t>(all.size());
  all += directory;
  put<std::uint32_t>(all, 0x06054b50);
  put<std::uint16_t>(all, 0);
  put<std::uint16_t>(all, 0);
  put(all, static_cast<std::uint16_t>(files.size()));
  put(all, static_cast<std::uint16_t>(files.size()));
  put(all, static_cast<std::uint32_t>(directory.size()));
  put(all, start);
  put<std::uint16_t>(all, 0);
  return all;
}

/// A zip archive of stored files, or of files that claim another method.
inline std::string zip_bytes(const std::vector<std::pair<std::string, std::string>>& files,
                             std::uint16_t method = 0) {
  std::vector<ZipFile> all;
  for (const auto& [name, bytes] : files)
    all.push_back({name, bytes, static_cast<std::uint32_t>(bytes.size()), method});
  return zip_of(all);
}

// ------------------------------------------------------------------------------- pickles, opcode by opcode

inline std::string pickle_text(std::string_view text) {
  std::string bytes = "X";
  put(bytes, static_cast<std::uint32_t>(text.size()));
  return bytes.append(text);
}
inline std::string pickle_integer(std::int32_t value) {
  std::string bytes = "J";
  put(bytes, value);
  return bytes;
}
inline std::string pickle_tuple(const std::vector<std::int32_t>& values) {
  std::string bytes = "(";
  for (const auto value : values) bytes += pickle_integer(value);
  return bytes + "t";
}
inline std::string pickle_global(std::string_view module, std::string_view name) {
  return std::string("c").append(module).append("\n").append(name).append("\n");
}
/// A tensor as torch.save writes it.
inline std::string pickle_tensor(std::string_view storage_type, std::string_view key, std::int32_t numel,
                                 std::int32_t offset, const std::vector<std::int32_t>& shape,
                                 const std::vector<std::int32_t>& strides) {
  return pickle_global("torch._utils", "_rebuild_tensor_v2") + "((" + pickle_text("storage") +
         pickle_global("torch", storage_type) + pickle_text(key) + pickle_text("cuda:0") +
         pickle_integer(numel) + "tQ" + pickle_integer(offset) + pickle_tuple(shape) + pickle_tuple(strides) +
         "\x89" + pickle_global("collections", "OrderedDict") + ")RtR";
}
inline std::string pickle(std::string_view body) {
  return std::string("\x80\x02").append(body).append(".");
}

}  // namespace qkscope::test

#include "core/io/safetensors_writer.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {
namespace {

using nlohmann::json;

template <typename Numbers>
std::span<const std::byte> bytes_of(const Numbers& numbers) {
  return std::visit([](auto span) { return std::as_bytes(span); }, numbers);
}

}  // namespace

void SafetensorsWriter::add(const std::string& name, Entry entry) {
  if (name.empty() || name == "__metadata__" || !entries_.emplace(name, std::move(entry)).second) {
    throw Error("an array cannot be stored under the name " + in_quotes(name) +
                ": it is empty, reserved or taken");
  }
}

void SafetensorsWriter::add(const std::string& name, const Array& array) {
  std::int64_t count = 0;
  if (!element_count(array.shape, count) || static_cast<std::size_t>(count) != array.data.size()) {
    throw Error("the array " + in_quotes(name) + " has " + std::to_string(array.data.size()) +
                " numbers, which do not fit its shape " + shape_text(array.shape));
  }
  add(name, Entry{array.shape, std::span<const float>(array.data)});
}

void SafetensorsWriter::add(const std::string& name, std::span<const std::int64_t> numbers) {
  add(name, Entry{{static_cast<std::int64_t>(numbers.size())}, numbers});
}

void SafetensorsWriter::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  write(file);
  file.commit();
}

void SafetensorsWriter::write(AtomicFile& file) const {
  const Parts all = parts();
  file.write(all.head);
  for (const auto array : all.arrays) file.write(array);
}

SafetensorsWriter::Parts SafetensorsWriter::parts() const {
  json header = json::object();
  if (!metadata_.empty()) header["__metadata__"] = metadata_;
  // Readers map the file: 8-byte numbers first keeps every array aligned to its own size.
  Parts all;
  std::uint64_t offset = 0;
  for (const char* dtype : {"I64", "F32"}) {
    for (const auto& [name, entry] : entries_) {
      if ((dtype[0] == 'I') != std::holds_alternative<std::span<const std::int64_t>>(entry.numbers)) continue;
      const std::uint64_t end = offset + bytes_of(entry.numbers).size();
      header[name] = {{"dtype", dtype}, {"shape", entry.shape}, {"data_offsets", {offset, end}}};
      offset = end;
      all.arrays.push_back(bytes_of(entry.numbers));
    }
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  all.head.assign(reinterpret_cast<const char*>(&length), sizeof(length));
  all.head += text;
  return all;
}

}  // namespace qkscope

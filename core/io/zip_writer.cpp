#include "core/io/zip_writer.h"

#include <zlib.h>

#include "core/io/atomic_file.h"

namespace qkscope {
namespace {

constexpr std::uint64_t most_32 = 0xffffffff;
constexpr std::uint16_t plain_version = 20, zip64_version = 45;
constexpr std::uint16_t utf8_names = 1 << 11;
constexpr std::uint16_t no_time = 0, first_day = 1 << 5 | 1;  // 1 January 1980

/// Little-endian fields, one after the other.
struct Record {
  std::string bytes;

  Record& u16(std::uint64_t value) { return number(value, 2); }
  Record& u32(std::uint64_t value) { return number(value, 4); }
  Record& u64(std::uint64_t value) { return number(value, 8); }
  Record& text(const std::string& text) {
    bytes += text;
    return *this;
  }

 private:
  Record& number(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
};

std::uint64_t at_most_32(std::uint64_t value) {
  return value < most_32 ? value : most_32;
}

/// What follows the version in both headers of a file, up to its sizes.
Record& common(Record& record, std::uint32_t checksum) {
  constexpr std::uint16_t stored = 0;
  return record.u16(utf8_names).u16(stored).u16(no_time).u16(first_day).u32(checksum);
}

}  // namespace

void ZipWriter::write(const std::string& record) {
  file_.write(record);
  written_ += record.size();
}

void ZipWriter::add(const std::string& name, std::string_view text) {
  const std::span<const std::byte> part = std::as_bytes(std::span(text));
  add(name, std::span(&part, 1));
}

void ZipWriter::add(const std::string& name, std::span<const std::span<const std::byte>> parts) {
  Entry entry{name, 0, 0, written_};
  uLong checksum = crc32_z(0, nullptr, 0);
  for (const auto part : parts) {
    if (part.empty()) continue;  // zlib begins anew where it is given a null pointer
    checksum = crc32_z(checksum, reinterpret_cast<const Bytef*>(part.data()), part.size());
    entry.size += part.size();
  }
  entry.checksum = static_cast<std::uint32_t>(checksum);
  const bool wide = entry.size >= most_32;
  Record head;
  head.u32(0x04034b50).u16(wide ? zip64_version : plain_version);
  common(head, entry.checksum).u32(at_most_32(entry.size)).u32(at_most_32(entry.size));
  head.u16(name.size()).u16(wide ? 20 : 0).text(name);
  if (wide) head.u16(1).u16(16).u64(entry.size).u64(entry.size);
  write(head.bytes);
  for (const auto part : parts) file_.write(part);
  written_ += entry.size;
  entries_.push_back(std::move(entry));
}

void ZipWriter::finish() {
  const std::uint64_t start = written_;
  for (const Entry& entry : entries_) {
    Record wide;  // only what does not fit, in this order
    if (entry.size >= most_32) wide.u64(entry.size).u64(entry.size);
    if (entry.offset >= most_32) wide.u64(entry.offset);
    const std::uint16_t version = wide.bytes.empty() ? plain_version : zip64_version;
    Record head;
    head.u32(0x02014b50).u16(version).u16(version);
    common(head, entry.checksum).u32(at_most_32(entry.size)).u32(at_most_32(entry.size));
    head.u16(entry.name.size()).u16(wide.bytes.empty() ? 0 : wide.bytes.size() + 4);
    head.u16(0).u16(0).u16(0).u32(0).u32(at_most_32(entry.offset)).text(entry.name);
    if (!wide.bytes.empty()) head.u16(1).u16(wide.bytes.size()).text(wide.bytes);
    write(head.bytes);
  }
  const std::uint64_t size = written_ - start, count = entries_.size();
  constexpr std::uint64_t most_16 = 0xffff;
  Record end;
  if (count >= most_16 || size >= most_32 || start >= most_32) {
    const std::uint64_t place = written_;
    end.u32(0x06064b50).u64(44).u16(zip64_version).u16(zip64_version).u32(0).u32(0);
    end.u64(count).u64(count).u64(size).u64(start);
    end.u32(0x07064b50).u32(0).u64(place).u32(1);
  }
  const std::uint64_t told = count < most_16 ? count : most_16;
  end.u32(0x06054b50).u16(0).u16(0).u16(told).u16(told).u32(at_most_32(size)).u32(at_most_32(start)).u16(0);
  write(end.bytes);
}

}  // namespace qkscope

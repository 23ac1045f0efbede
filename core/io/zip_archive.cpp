#include "core/io/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <new>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/byte_reader.h"

namespace qkscope {
namespace {

// A field of this value is given in full by the zip64 record instead.
constexpr std::uint32_t in_zip64_32 = 0xffffffff;
constexpr std::uint16_t in_zip64_16 = 0xffff;

struct Directory {
  std::uint64_t entries = 0, size = 0, offset = 0;
};

struct Entry {
  std::string name;
  bool deflated = false;
  std::uint64_t stored = 0, size = 0, offset = 0;  // offset: of the local header
  std::uint32_t checksum = 0;
};

class ZipReader {
 public:
  ZipReader(std::span<const std::byte> archive, const std::string& where)
      : archive_(archive), where_(where) {}

  std::map<std::string, ZipMember> read(Budget& budget) const {
    const Directory directory = find_directory();
    ByteReader reader = at(directory.offset, directory.size, "the zip directory");
    std::map<std::string, ZipMember> files;
    for (std::uint64_t i = 0; i < directory.entries; ++i) {
      const Entry entry = read_entry(reader);
      constexpr std::uint64_t bytes_a_file = 128;  // in the map, its name apart
      budget.step();
      budget.charge(bytes_a_file + entry.name.size());
      const ZipMember member{contents(entry), entry.deflated, entry.size, entry.checksum};
      if (!files.emplace(entry.name, member).second) fail("has the file " + in_quotes(entry.name) + " twice");
    }
    return files;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(where_ + " " + what); }

  ByteReader at(std::uint64_t offset, std::uint64_t size, const char* what) const {
    if (offset > archive_.size() || size > archive_.size() - offset) {
      fail("is truncated or damaged: " + std::string(what) + " of " + std::to_string(size) +
           " bytes at byte " + std::to_string(offset) + " does not lie in its " +
           std::to_string(archive_.size()) + " bytes");
    }
    const auto part = archive_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    return {part, where_, offset};
  }
  ByteReader rest(std::uint64_t offset, const char* what) const {
    return at(offset, archive_.size() - std::min<std::uint64_t>(offset, archive_.size()), what);
  }

  static void skip(ByteReader& reader, std::uint64_t count) { reader.take(count, "a zip record"); }

  // The end record is the last thing in a zip, followed at most by a comment of 64 KB.
  Directory find_directory() const {
    constexpr std::size_t record = 22, longest_comment = 65535;
    const std::size_t first = archive_.size() - std::min(archive_.size(), record + longest_comment);
    for (std::size_t offset = archive_.size() - std::min(archive_.size(), record);; --offset) {
      ByteReader reader = rest(offset, "the end record");
      if (reader.remaining() >= record && reader.read<std::uint32_t>("a signature") == 0x06054b50) {
        return read_end_record(reader, offset);
      }
      if (offset <= first) break;
    }
    fail(
        "has no zip directory: it is truncated, or no zip archive (torch.save writes one since PyTorch 1.6); "
        "copy or save it again");
  }

  Directory read_end_record(ByteReader& reader, std::size_t position) const {
    skip(reader, 2 + 2 + 2);
    Directory directory;
    directory.entries = reader.read<std::uint16_t>("the number of files");
    directory.size = reader.read<std::uint32_t>("the directory's size");
    directory.offset = reader.read<std::uint32_t>("the directory's place");
    const bool zip64 =
        directory.entries == in_zip64_16 || directory.size == in_zip64_32 || directory.offset == in_zip64_32;
    constexpr std::size_t locator_bytes = 20;
    if (!zip64 || position < locator_bytes) return directory;
    ByteReader locator = rest(position - locator_bytes, "the zip64 locator");
    if (locator.read<std::uint32_t>("a signature") != 0x07064b50) return directory;
    skip(locator, 4);
    ByteReader record =
        rest(locator.read<std::uint64_t>("the place of the zip64 record"), "the zip64 record");
    if (record.read<std::uint32_t>("a signature") != 0x06064b50) fail("has a damaged zip64 record");
    skip(record, 8 + 2 + 2 + 4 + 4 + 8);
    directory.entries = record.read<std::uint64_t>("the number of files");
    directory.size = record.read<std::uint64_t>("the directory's size");
    directory.offset = record.read<std::uint64_t>("the directory's place");
    return directory;
  }

  Entry read_entry(ByteReader& reader) const {
    if (reader.read<std::uint32_t>("a directory entry") != 0x02014b50) fail("has a damaged zip directory");
    skip(reader, 2 + 2);
    const auto flags = reader.read<std::uint16_t>("the flags of a file");
    const auto method = reader.read<std::uint16_t>("the method of a file");
    skip(reader, 2 + 2);
    Entry entry;
    entry.checksum = reader.read<std::uint32_t>("the checksum of a file");
    entry.stored = reader.read<std::uint32_t>("the stored size of a file");
    entry.size = reader.read<std::uint32_t>("the size of a file");
    const auto name_length = reader.read<std::uint16_t>("the length of a name");
    const auto extra_length = reader.read<std::uint16_t>("the length of an extra field");
    const auto comment_length = reader.read<std::uint16_t>("the length of a comment");
    skip(reader, 2 + 2 + 4);
    entry.offset = reader.read<std::uint32_t>("the place of a file");
    entry.name = reader.take_text(name_length, "the name of a file");
    const bool wide = entry.size == in_zip64_32 || entry.stored == in_zip64_32 || entry.offset == in_zip64_32;
    ByteReader extra(reader.take(extra_length, "an extra field"), where_);
    if (wide) read_zip64(extra, entry);
    skip(reader, comment_length);
    constexpr std::uint16_t stored_method = 0, deflate_method = 8;
    if ((flags & 1) != 0) fail("has the file " + in_quotes(entry.name) + " encrypted; save it without");
    if (method != stored_method && method != deflate_method) {
      fail("has the file " + in_quotes(entry.name) + " compressed with method " + std::to_string(method) +
           ", expected it stored or deflated");
    }
    entry.deflated = method == deflate_method;
    if (!entry.deflated && entry.stored != entry.size) {
      fail("has the file " + in_quotes(entry.name) + " of " + std::to_string(entry.size) + " bytes in " +
           std::to_string(entry.stored) + " bytes and not compressed: it is damaged");
    }
    return entry;
  }

  // Only the fields that overflowed are there, in this order.
  void read_zip64(ByteReader& extra, Entry& entry) const {
    while (extra.remaining() > 0) {
      const auto id = extra.read<std::uint16_t>("an extra field");
      const auto size = extra.read<std::uint16_t>("an extra field");
      ByteReader field(extra.take(size, "an extra field"), where_);
      if (id != 1) continue;
      if (entry.size == in_zip64_32) entry.size = field.read<std::uint64_t>("the size of a file");
      if (entry.stored == in_zip64_32) entry.stored = field.read<std::uint64_t>("the stored size of a file");
      if (entry.offset == in_zip64_32) entry.offset = field.read<std::uint64_t>("the place of a file");
      return;
    }
  }

  std::span<const std::byte> contents(const Entry& entry) const {
    ByteReader local = rest(entry.offset, "a file in the zip");
    if (local.read<std::uint32_t>("the header of a file") != 0x04034b50) {
      fail("has no file where its zip directory puts " + in_quotes(entry.name));
    }
    skip(local, 2 + 2 + 2 + 2 + 2 + 4 + 4 + 4);
    const auto name_length = local.read<std::uint16_t>("the length of a name");
    const auto extra_length = local.read<std::uint16_t>("the length of an extra field");
    skip(local, std::uint64_t{name_length} + extra_length);
    return local.take(entry.stored, "a file in the zip");
  }

  std::span<const std::byte> archive_;
  const std::string& where_;
};

}  // namespace

std::map<std::string, ZipMember> read_zip(std::span<const std::byte> archive, const std::string& where,
                                          Budget& budget) {
  return ZipReader(archive, where).read(budget);
}

std::map<std::string, std::span<const std::byte>> read_stored_zip(std::span<const std::byte> archive,
                                                                  const std::string& where, Budget& budget) {
  std::map<std::string, std::span<const std::byte>> files;
  for (const auto& [name, member] : read_zip(archive, where, budget)) {
    if (member.deflated) {
      throw Error(where + " has the file " + in_quotes(name) +
                  " compressed, expected it stored as torch.save does");
    }
    files.emplace(name, member.stored);
  }
  return files;
}

void check_checksum(const ZipMember& member, std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.empty()) return;  // to zlib, a null pointer is another question
  if (crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != member.checksum)
    throw Error(where +
                " is damaged: its bytes have another checksum than when they were written; copy it again");
}

std::vector<std::byte> inflate(const ZipMember& member, const std::string& where, Budget& budget) {
  z_stream stream{};
  constexpr int no_header = -MAX_WBITS;
  if (inflateInit2(&stream, no_header) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, inflateEnd);
  constexpr std::size_t piece = std::size_t{1} << 20;  // in and out: zlib counts in 32 bits
  // What the archive promises is charged before the first byte of it, and never more is held.
  budget.charge(member.size);
  std::vector<std::byte> bytes;
  bytes.reserve(member.size);
  std::size_t fed = 0;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    budget.step(Budget::steps_between_looks);
    if (stream.avail_in == 0) {
      const auto part = member.stored.subspan(fed, std::min(piece, member.stored.size() - fed));
      // zlib reads only, and says so only where ZLIB_CONST is defined for all who include it.
      stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(part.data()));
      stream.avail_in = static_cast<uInt>(part.size());
      fed += part.size();
    }
    const std::size_t before = bytes.size();
    const std::size_t room = static_cast<std::size_t>(std::min<std::uint64_t>(piece, member.size - before));
    bytes.resize(before + room);
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + before);
    stream.avail_out = static_cast<uInt>(room);
    state = ::inflate(&stream, Z_NO_FLUSH);
    const std::size_t unused = stream.avail_out;
    bytes.resize(before + room - unused);
    const bool ended = state == Z_STREAM_END;
    if (ended ? bytes.size() != member.size : state != Z_OK) {
      throw Error(where + " is damaged: its compressed bytes " +
                  (state == Z_DATA_ERROR ? "are no deflate stream"
                                         : "do not give the " + std::to_string(member.size) +
                                               " bytes that the zip directory promises"));
    }
  }
  return bytes;
}

}  // namespace qkscope

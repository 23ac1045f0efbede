#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace qkscope {

class Budget;

/// A file inside a zip archive.
struct ZipMember {
  std::span<const std::byte> stored;  // its bytes as they lie in the archive
  bool deflated = false;
  std::uint64_t size = 0;      // of the file itself, as the archive says
  std::uint32_t checksum = 0;  // likewise; 0 also where there is none
};

/// The files inside a zip archive, of which `archive` is every byte, by name; stored or deflated, with or
/// without zip64 (PKWARE, APPNOTE.TXT). Checksums are compared by check_checksum() alone: PyTorch can be told
/// to leave them out. Throws Error naming `where` for other compressions or encrypted files, a name that
/// comes twice, and whatever does not lie inside the archive.
std::map<std::string, ZipMember> read_zip(std::span<const std::byte> archive, const std::string& where,
                                          Budget& budget);

/// The same of an archive whose files are all stored, as PyTorch writes them: name -> bytes in place.
std::map<std::string, std::span<const std::byte>> read_stored_zip(std::span<const std::byte> archive,
                                                                  const std::string& where, Budget& budget);

/// Throws Error starting with `where` where `bytes`, which are the whole file, are not those that the archive
/// was written with.
void check_checksum(const ZipMember& member, std::span<const std::byte> bytes, const std::string& where);

/// The bytes of a deflated file, charged to `budget` as they come: the caller refunds them. Throws Error
/// starting with `where` for a damaged stream and for one of another length than the archive says.
std::vector<std::byte> inflate(const ZipMember& member, const std::string& where, Budget& budget);

}  // namespace qkscope

#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace qkscope {

class Budget;

/// The files inside a zip archive, of which `archive` is every byte: name -> bytes in place. Stored files
/// only, as PyTorch writes them, with or without zip64 (PKWARE, APPNOTE.TXT). Checksums are not compared:
/// PyTorch can be told to leave them out. Throws Error naming `where` for compressed or encrypted files, a
/// name that comes twice, and whatever does not lie inside the archive.
std::map<std::string, std::span<const std::byte>> read_stored_zip(std::span<const std::byte> archive,
                                                                  const std::string& where, Budget& budget);

}  // namespace qkscope

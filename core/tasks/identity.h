#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace qkscope {

struct ModelCard;

/// 32 hexadecimal digits: FNV-1a of 128 bits. For telling things apart, not for secrets.
class Hash {
 public:
  Hash& add(std::string_view bytes);
  std::string text() const;

 private:
  __extension__ using Bits = unsigned __int128;
  Bits state_ = (Bits{0x6c62272e07bb0142} << 64) | 0x62b821756295c58d;
};

/// Tells a model from all others wherever its files lie: of every file of the checkpoint the size and blocks
/// spread evenly over it, so that it takes no longer for a large one. Throws Error where a file cannot be
/// read.
std::string model_identity(const std::filesystem::path& checkpoint);

/// Tells a model and how it is computed, device, type and weights, from all others. Throws as model_identity.
std::string computed_by(const ModelCard& card);

/// Tells a model's files, where they lie and as they are now, from all others by their names, sizes and
/// times: nothing of them is read. What cannot be looked at is left out.
std::string files_stamp(const std::filesystem::path& checkpoint);

}  // namespace qkscope

#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace qkscope {

/// The bytes of base64 (RFC 4648), padded; nothing for anything else.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace qkscope

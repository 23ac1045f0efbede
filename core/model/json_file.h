#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace qkscope {

/// `text` as JSON. Throws Error starting with `where` for broken JSON or UTF-8, a key that comes twice in one
/// object, or nesting deeper than `max_depth`.
nlohmann::json parse_json(std::string_view text, const std::string& where, int max_depth = 64);

/// The JSON object in a file. Throws Error naming the file.
nlohmann::json read_json_object(const std::filesystem::path& path);

}  // namespace qkscope

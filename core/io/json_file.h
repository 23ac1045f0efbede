#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace qkscope {

class Budget;

/// `text` as JSON. Throws Error starting with `where` for broken JSON or UTF-8, a key that comes twice in one
/// object, or nesting deeper than `max_depth`. What the values take in memory is charged to `budget`.
nlohmann::json parse_json(std::string_view text, const std::string& where, Budget& budget,
                          int max_depth = 64);
/// The same with a usual budget of its own.
nlohmann::json parse_json(std::string_view text, const std::string& where, int max_depth = 64);

/// The JSON object in a file. Throws Error naming the file.
nlohmann::json read_json_object(const std::filesystem::path& path, Budget& budget);
nlohmann::json read_json_object(const std::filesystem::path& path);

}  // namespace qkscope

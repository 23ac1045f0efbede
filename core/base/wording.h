#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

namespace qkscope {

/// `name` in single quotes as an error message may show it: control characters and malformed UTF-8 replaced,
/// long names cut. Names in a damaged file can be anything.
std::string in_quotes(std::string_view name);

/// The shortest text that reads back as the same number, in any locale: "5", "0.1", "100000", "1e-30".
std::string number_text(double value);

/// How long something takes, for people: "42 s", "3 min", "2.5 h".
std::string time_text(double ms);

/// JSON as it would be written, on one line, long text cut.
std::string short_json(const nlohmann::json& value);

/// "(66, 32, 128)"; "()" for a scalar.
std::string shape_text(std::span<const std::int64_t> shape);

/// Product of the sizes. False in place of a product where a size is negative or the product leaves int64.
bool element_count(std::span<const std::int64_t> shape, std::int64_t& count);

}  // namespace qkscope

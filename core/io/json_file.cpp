#include "core/io/json_file.h"

#include <set>
#include <vector>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/mapped_file.h"

namespace qkscope {

using nlohmann::json;

json parse_json(std::string_view text, const std::string& where, Budget& budget, int max_depth) {
  // A value with its place in a list or an object, and what the allocator adds: "[]," is three bytes of text.
  constexpr std::uint64_t bytes_a_value = 80;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > max_depth)
      throw Error(where + " is nested deeper than " + std::to_string(max_depth) + " levels");
    budget.step();
    budget.charge(bytes_a_value + (value.is_string() ? value.get_ref<const std::string&>().size() : 0));
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key &&
        !keys.back().insert(value.get_ref<const std::string&>()).second) {
      throw Error(where + " has the key " + in_quotes(value.get_ref<const std::string&>()) +
                  " twice in one object");
    }
    return true;
  };
  const auto broken_at = [&](std::size_t byte) {
    return Error(where + " is not valid JSON (UTF-8): the problem is at byte " + std::to_string(byte));
  };
  // The parser takes a zero for the end and would leave the rest unread.
  if (const std::size_t zero = text.find('\0'); zero != text.npos) throw broken_at(zero + 1);
  try {
    return json::parse(text.begin(), text.end(), watch);
  } catch (const json::parse_error& error) {
    throw broken_at(error.byte);
  } catch (const json::out_of_range&) {
    throw Error(where + " is not valid JSON: it has a number too large for any type");
  }
}

json parse_json(std::string_view text, const std::string& where, int max_depth) {
  Budget budget(where);
  return parse_json(text, where, budget, max_depth);
}

json read_json_object(const std::filesystem::path& path, Budget& budget) {
  const std::string where = in_quotes(path.string());
  const MappedFile file(path);
  json value =
      parse_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, where, budget);
  if (!value.is_object()) throw Error(where + " holds a JSON " + value.type_name() + ", expected an object");
  return value;
}

json read_json_object(const std::filesystem::path& path) {
  Budget budget(in_quotes(path.string()));
  return read_json_object(path, budget);
}

}  // namespace qkscope

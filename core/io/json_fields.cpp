#include "core/io/json_fields.h"

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

using nlohmann::json;

JsonFields::JsonFields(const json& object, std::string where) : json_(object), where_(std::move(where)) {
  if (!json_.is_object()) throw Error(where_ + " is " + short_json(json_) + ", expected an object");
}

const json* JsonFields::find(const std::string& key) {
  asked_.insert(key);
  const auto found = json_.find(key);
  return found == json_.end() ? nullptr : &*found;
}

const json& JsonFields::required(const std::string& key) {
  if (const json* value = find(key)) return *value;
  throw Error(where_ + " has no " + in_quotes(key) + ", which it needs");
}

void JsonFields::fail(const std::string& key, const std::string& what) const {
  throw Error(where_ + ": " + in_quotes(key) + " " + what);
}

void JsonFields::expected(const std::string& key, const json& found, const std::string& what) const {
  fail(key, "is " + short_json(found) + ", expected " + what);
}

bool JsonFields::has(const std::string& key) {
  return find(key) != nullptr;
}

std::string JsonFields::text(const std::string& key) {
  const json& value = required(key);
  if (!value.is_string()) expected(key, value, "a text");
  return value.get<std::string>();
}

std::string JsonFields::text(const std::string& key, const std::string& absent) {
  return has(key) ? text(key) : absent;
}

const json& JsonFields::list(const std::string& key) {
  const json& value = required(key);
  if (!value.is_array()) expected(key, value, "a list");
  return value;
}

const json& JsonFields::object(const std::string& key) {
  const json& value = required(key);
  if (!value.is_object()) expected(key, value, "an object");
  return value;
}

std::vector<std::string> JsonFields::texts(const std::string& key) {
  const json& value = required(key);
  if (value.is_string()) return {value.get<std::string>()};
  if (!value.is_array()) expected(key, value, "a text or a list of texts");
  std::vector<std::string> all;
  for (const json& one : value) {
    if (!one.is_string()) expected(key, one, "a text in the list");
    all.push_back(one.get<std::string>());
  }
  return all;
}

std::vector<double> JsonFields::numbers(const std::string& key) {
  std::vector<double> all;
  for (const json& one : list(key)) {
    if (!one.is_number()) fail(key, "holds " + short_json(one) + ", expected numbers");
    all.push_back(one.get<double>());
  }
  return all;
}

std::vector<int> JsonFields::wholes(const std::string& key) {
  std::vector<int> all;
  for (const json& one : list(key)) {
    if (!one.is_number_integer()) fail(key, "holds " + short_json(one) + ", expected whole numbers");
    all.push_back(one.get<int>());
  }
  return all;
}

bool JsonFields::flag(const std::string& key, bool absent) {
  const json* value = find(key);
  if (!value) return absent;
  if (!value->is_boolean()) expected(key, *value, "true or false");
  return value->get<bool>();
}

double JsonFields::number(const std::string& key, double absent, double least, double most) {
  const json* value = find(key);
  if (!value) return absent;
  const double number = value->is_number() ? value->get<double>() : least - 1;
  if (!(number >= least && number <= most))
    expected(key, *value, "a number from " + number_text(least) + " to " + number_text(most));
  return number;
}

std::int64_t JsonFields::whole(const std::string& key, std::int64_t absent, std::int64_t least,
                               std::int64_t most) {
  const json* value = find(key);
  if (!value) return absent;
  const bool fits = value->is_number_unsigned()
                        ? value->get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                        : value->is_number_integer() && value->get<std::int64_t>() <= most;
  if (!fits || value->get<std::int64_t>() < least)
    expected(key, *value, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value->get<std::int64_t>();
}

void JsonFields::done() const {
  for (const auto& [key, value] : json_.items()) {
    if (asked_.contains(key)) continue;
    std::string known;
    for (const std::string& name : asked_) known += (known.empty() ? "" : ", ") + in_quotes(name);
    throw Error(where_ + " has the key " + in_quotes(key) + ", expected some of " + known);
  }
}

}  // namespace qkscope

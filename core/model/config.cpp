#include "core/model/config.h"

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

namespace {

const nlohmann::json& text_keys(const nlohmann::json& config) {
  const auto part = config.find("text_config");
  return part != config.end() && part->is_object() ? *part : config;
}

}  // namespace

Config::Config(const Checkpoint& checkpoint)
    : whole_(checkpoint.config()), json_(text_keys(whole_)), path_(checkpoint.path().string()) {}

void Config::fail(const std::string& what) const {
  throw Error(path_ + ": " + what + ".");
}

void Config::wrong(const char* key, const nlohmann::json& value, const std::string& expected) const {
  fail(std::string("config key \"") + key + "\" is " + short_json(value) + ", expected " + expected);
}

const nlohmann::json* Config::find(const char* key) const {
  const auto found = json_.find(key);
  return found == json_.end() ? nullptr : &*found;
}

template <typename T>
T Config::get(const char* key, T absent, bool (nlohmann::json::*is)() const noexcept,
              const char* kind) const {
  const nlohmann::json* value = find(key);
  if (!value) return absent;
  if (!(value->*is)()) wrong(key, *value, kind);
  return value->get<T>();
}

int Config::whole(const char* key, const nlohmann::json& value, double least, double most) const {
  const double number = value.is_number() ? value.get<double>() : least - 1;
  if (!(number >= least && number <= most) || number != static_cast<int>(number)) {
    wrong(key, value, "a whole number from " + number_text(least) + " to " + number_text(most));
  }
  return static_cast<int>(number);
}

int Config::size(const char* key, int absent, int limit) const {
  const nlohmann::json* value = find(key);
  return value ? whole(key, *value, 1, limit) : absent;
}

std::optional<int> Config::size_or_null(const char* key, std::optional<int> absent, int limit) const {
  const nlohmann::json* value = find(key);
  if (!value) return absent;
  if (value->is_null()) return {};
  return whole(key, *value, 1, limit);
}

int Config::integer(const char* key, int absent) const {
  constexpr double most = 1 << 30;
  const nlohmann::json* value = find(key);
  return value ? whole(key, *value, -most, most) : absent;
}

double Config::number(const char* key, double absent) const {
  return get<double>(key, absent, &nlohmann::json::is_number, "a number");
}

bool Config::ties_head(bool absent) const {
  constexpr const char* key = "tie_word_embeddings";
  const auto of_whole = whole_.find(key);
  return of_whole != whole_.end() && of_whole->is_boolean() ? of_whole->get<bool>() : flag(key, absent);
}

bool Config::flag(const char* key, bool absent) const {
  return get<bool>(key, absent, &nlohmann::json::is_boolean, "true or false");
}

std::string Config::text(const char* key, const std::string& absent) const {
  return get<std::string>(key, absent, &nlohmann::json::is_string, "a string");
}

}  // namespace qkscope

#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// A place in a JSON file that knows its own path, so that an error can name it:
/// "'pre_tokenizer.pretokenizers[1].behavior' of 'tokenizer.json' is a JSON number, expected a string".
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string where) : JsonNode(value, std::move(where), {}) {}

  const nlohmann::json& value() const { return *value_; }
  bool is_string() const { return value_->is_string(); }
  bool is_object() const { return value_->is_object(); }

  /// The member of this object; nothing where it is absent or null.
  std::optional<JsonNode> find(const char* key) const;
  /// Throws Error where it is absent or null.
  JsonNode at(const char* key) const;
  /// The elements of this array.
  std::vector<JsonNode> elements() const;
  const std::string& string() const;
  bool boolean() const;
  std::int64_t integer() const;

  bool boolean(const char* key, bool otherwise) const {
    const auto node = find(key);
    return node ? node->boolean() : otherwise;
  }
  std::string string(const char* key, std::string_view otherwise) const {
    const auto node = find(key);
    return node ? node->string() : std::string(otherwise);
  }
  /// A sentence that begins with the path of this place and goes on with `problem`; or an Error of it.
  std::string sentence(const std::string& problem) const;
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  JsonNode(const nlohmann::json& value, std::string where, std::string path)
      : value_(&value), where_(std::move(where)), path_(std::move(path)) {}
  [[noreturn]] void wrong_type(const char* expected) const;

  const nlohmann::json* value_;
  std::string where_;
  std::string path_;
};

}  // namespace qkscope

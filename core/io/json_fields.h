#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace qkscope {

/// The members of one JSON object that a person wrote, by their types. Errors begin with `where` and name the
/// key, what was found and what was expected.
class JsonFields {
 public:
  /// `json` must outlive it. Throws Error where it is no object.
  JsonFields(const nlohmann::json& json, std::string where);

  bool has(const std::string& key);
  /// Each throws Error where the key is absent or another type.
  std::string text(const std::string& key);
  const nlohmann::json& list(const std::string& key);
  const nlohmann::json& object(const std::string& key);
  /// A text, or several of them in a list.
  std::vector<std::string> texts(const std::string& key);
  std::vector<double> numbers(const std::string& key);
  std::vector<int> wholes(const std::string& key);

  /// Each `absent` where there is no such key.
  std::string text(const std::string& key, const std::string& absent);
  bool flag(const std::string& key, bool absent);
  double number(const std::string& key, double absent, double least, double most);
  std::int64_t whole(const std::string& key, std::int64_t absent, std::int64_t least, std::int64_t most);

  /// Throws Error for a key that none of the above asked for.
  void done() const;
  const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& key, const std::string& what) const;

 private:
  const nlohmann::json* find(const std::string& key);
  const nlohmann::json& required(const std::string& key);
  [[noreturn]] void expected(const std::string& key, const nlohmann::json& found,
                             const std::string& what) const;

  const nlohmann::json& json_;
  std::string where_;
  std::set<std::string> asked_;
};

}  // namespace qkscope

#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/checkpoint/checkpoint.h"

namespace qkscope {

/// Reads config.json's keys with errors that name file and key. Absent and null are two things: an absent key
/// has the default of its family's transformers class; null is an Error but where that class gives it a
/// meaning. Where the text model is part of one that also sees or hears, its keys are those of the object
/// "text_config", and what stands beside that object is not its own.
class Config {
 public:
  explicit Config(const Checkpoint& checkpoint);

  /// A whole number from 1 to `limit`, which no real model exceeds.
  int size(const char* key, int absent, int limit) const;
  /// The same; nothing where the key is null.
  std::optional<int> size_or_null(const char* key, std::optional<int> absent, int limit) const;
  /// Any whole number.
  int integer(const char* key, int absent) const;
  double number(const char* key, double absent) const;
  bool flag(const char* key, bool absent) const;
  std::string text(const char* key, const std::string& absent) const;
  /// "tie_word_embeddings", of which that of the whole model counts before that of its text model.
  bool ties_head(bool absent) const;

  /// nullptr where the key is absent.
  const nlohmann::json* find(const char* key) const;
  const nlohmann::json& json() const { return json_; }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  template <typename T>
  T get(const char* key, T absent, bool (nlohmann::json::*is)() const noexcept, const char* kind) const;
  int whole(const char* key, const nlohmann::json& value, double least, double most) const;
  [[noreturn]] void wrong(const char* key, const nlohmann::json& value, const std::string& expected) const;

  const nlohmann::json& whole_;  // config.json
  const nlohmann::json& json_;   // the text model's keys in it
  std::string path_;
};

}  // namespace qkscope

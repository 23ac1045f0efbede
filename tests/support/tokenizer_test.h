#pragma once
#include <QTemporaryDir>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/text/tokenizer/loaders.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

using Files = std::vector<std::pair<std::string, std::string>>;  // names and contents

/// A special token between angle brackets and bars.
inline std::string token(const std::string& name) {
  return "<" + ("|" + name) + "|>";
}

inline constexpr const char* tiny_vocabulary =
    R"({"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "\u0120": 5, "\u0120a": 6, "\u00e4": 7, "\u00bd": 8, "\u0142": 9})";

/// A tokenizer.json of byte-level BPE; `change` may spoil it.
template <typename Change>
std::string tokenizer_json(Change change) {
  nlohmann::json file;
  file["added_tokens"] = nlohmann::json::array({{{"id", 10}, {"content", token("end")}, {"special", true}}});
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  file["post_processor"] = nullptr;
  file["decoder"] = {{"type", "ByteLevel"}};
  file["model"] = {{"type", "BPE"},
                   {"vocab", nlohmann::json::parse(tiny_vocabulary)},
                   {"merges", {"a b", "ab c", "\u0120 a"}}};
  change(file);
  return file.dump();
}
inline std::string tokenizer_json() {
  return tokenizer_json([](nlohmann::json&) {});
}

/// Base of the tests that write folders with tokenizers in them.
class TokenizerTest : public TestCase {
 protected:
  /// A new folder with these files.
  std::filesystem::path folder(const Files& files) {
    const auto path = std::filesystem::path(directory_.path().toStdString()) / std::to_string(++folders_);
    std::filesystem::create_directories(path);
    for (const auto& [name, contents] : files) write_file(path / name, contents);
    return path;
  }
  std::unique_ptr<Tokenizer> load(const Files& files,
                                  const nlohmann::json& config = nlohmann::json::object()) {
    return load_folder(folder(files), config);
  }
  /// What the loader tells stands in `notes_` after.
  std::unique_ptr<Tokenizer> load_folder(const std::filesystem::path& path, const nlohmann::json& config) {
    Budget budget("The tokenizer");
    notes_.clear();
    return folder_tokenizer(path, config, budget, notes_);
  }
  std::unique_ptr<Tokenizer> load_gguf(const GgufBytes& file) {
    Budget budget("The tokenizer");
    notes_.clear();
    const std::string bytes = file.bytes();
    return gguf_tokenizer(parse_gguf(as_span(bytes), "m.gguf", budget).metadata, "'m.gguf'", budget, notes_);
  }

  std::vector<std::string> notes_;

 private:
  QTemporaryDir directory_;
  int folders_ = 0;
};

}  // namespace qkscope::test

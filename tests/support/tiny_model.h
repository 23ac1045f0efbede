#pragma once
#include <QTemporaryDir>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/io/safetensors.h"
#include "core/io/safetensors_writer.h"
#include "core/model/language_model.h"
#include "tests/support/test_case.h"
#include "tests/support/test_device.h"

namespace qkscope::test {

/// A golden checkpoint with a tokenizer, in a folder of its own, where it can be changed before it is opened.
/// Tokens: 0 <pad>, 1 <s>, 2 </s>, 3 the space, 4 to 95 the characters from ! to |.
class TinyModel {
 public:
  explicit TinyModel(const std::string& golden_name = "llama-default") {
    for (const auto& entry : std::filesystem::directory_iterator(golden("models") / golden_name)) {
      if (entry.path().filename() != "expected.safetensors")
        std::filesystem::copy(entry.path(), folder() / entry.path().filename());
    }
    nlohmann::json vocab = {{"<pad>", 0}, {"<s>", 1}, {"</s>", 2}, {"\u0120", 3}};
    for (int id = 4; id < 96; ++id) vocab[std::string(1, static_cast<char>('!' + id - 4))] = id;
    nlohmann::json added = nlohmann::json::array();
    for (const char* text : {"<pad>", "<s>", "</s>"})
      added.push_back({{"id", added.size()}, {"content", text}, {"special", true}});
    write_json("tokenizer.json",
               {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", nlohmann::json::array()}}},
                {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}},
                {"decoder", {{"type", "ByteLevel"}}},
                {"added_tokens", added}});
  }

  void write_json(const char* name, const nlohmann::json& json) const {
    std::ofstream(folder() / name) << json.dump(1);
  }
  std::filesystem::path folder() const { return folder_.path().toStdString(); }

  void change_config(const std::function<void(nlohmann::json&)>& change) const {
    std::ifstream file(folder() / "config.json");
    nlohmann::json config = nlohmann::json::parse(file);
    change(config);
    write_json("config.json", config);
  }
  void change_weights(const std::function<void(std::map<std::string, Array>&)>& change) const {
    ArrayFile weights = read_safetensors(folder() / "model.safetensors");
    change(weights.arrays);
    SafetensorsWriter writer;
    for (const auto& [name, array] : weights.arrays) writer.add(name, array);
    writer.write(folder() / "model.safetensors");
  }

  std::shared_ptr<const LanguageModel> load() const {
    LoadOptions options;
    options.device = device();
    options.threads = 1;  // others wait for one another longer than they compute
    return LanguageModel::load(folder(), options);
  }

 private:
  QTemporaryDir folder_;
};

/// The prompt that goes with a golden checkpoint.
inline TokenIds golden_prompt(const std::string& golden_name) {
  const auto ids =
      read_safetensors(golden("models") / golden_name / "expected.safetensors").integers.at("prompt");
  return {ids.begin(), ids.end()};
}

/// A row for every golden checkpoint.
inline void golden_rows() {
  QTest::addColumn<QString>("name");
  for (const auto& entry : std::filesystem::directory_iterator(golden("models"))) {
    const std::string name = entry.path().filename().string();
    QTest::newRow(name.c_str()) << QString::fromStdString(name);
  }
}

}  // namespace qkscope::test

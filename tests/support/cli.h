#pragma once
#include <QProcess>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/run/run.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"
#include "tests/support/tiny_model.h"

namespace qkscope::test {

using Arguments = std::vector<std::string>;

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// What a finished qkscope-cli said.
struct CliResult {
  int code = -1;
  std::string out, err;

  /// What it printed; an empty object and a warning, which fails the test, where that is no JSON.
  nlohmann::json json() const {
    auto document = nlohmann::json::parse(out, nullptr, /*allow_exceptions=*/false);
    if (code == 0 && err.empty() && !document.is_discarded()) return document;
    qWarning("qkscope-cli ended with %d: %s", code, err.c_str());
    return nlohmann::json::object();
  }
  /// Ended with `code`, printed nothing, and said one sentence that holds all of `words`.
  bool refuses(int with_code, const std::vector<std::string>& words) const {
    return code == with_code && out.empty() && err.starts_with("qkscope-cli: ") &&
           std::ranges::count(err, '\n') == 1 && has_all(err, words);
  }
};

/// Runs qkscope-cli to its end, printing into the file `output` where one is named. A crash, or no end within
/// a minute, is code -1.
inline CliResult run_cli(const Arguments& arguments, const std::string& input = {},
                         const std::string& output = {}) {
  QStringList list;
  for (const std::string& argument : arguments) list << QString::fromStdString(argument);
  QProcess process;
  if (!output.empty()) process.setStandardOutputFile(QString::fromStdString(output));
  process.start(program("qkscope-cli"), list);
  process.write(QByteArray::fromStdString(input));
  process.closeWriteChannel();
  const bool ended = process.waitForFinished(60000) && process.exitStatus() == QProcess::NormalExit;
  return {ended ? process.exitCode() : -1, process.readAllStandardOutput().toStdString(),
          process.readAllStandardError().toStdString()};
}

inline std::vector<std::string> split(const QString& text, char by) {
  std::vector<std::string> parts;
  for (const QString& part : text.split(QLatin1Char(by), Qt::SkipEmptyParts))
    parts.push_back(part.toStdString());
  return parts;
}

/// For a test that failed.
inline std::string told(const CliResult& result) {
  return std::to_string(result.code) + ": " + result.err;
}

/// A test with a model and a folder of its own.
class CliTestCase : public TestCase {
 protected:
  void load() {
    loaded_ = model_.load();
    ids_ = loaded_->tokenize(prompt_);
  }
  /// `command` on the model, computed in one thread.
  Arguments on_model(const std::string& command, const Arguments& more = {}) const {
    Arguments all = {command, model_.folder().string()};
    if (command != "info") all = all + Arguments{"--threads", "1"};
    return all + more;
  }
  nlohmann::json printed(const std::string& command, const Arguments& options) const {
    return run_cli(on_model(command, options + Arguments{"--json"})).json();
  }
  Arguments prompted(const Arguments& options = {}) const { return Arguments{"--prompt", prompt_} + options; }
  /// The engine's own request for the same prompt.
  RunRequest request_for(const std::string& disruption) const {
    RunRequest request;
    request.prompt = ids_;
    request.stop_tokens = loaded_->stop_tokens();
    if (!disruption.empty()) request.edits = {parse_edit(disruption)};
    return request;
  }

  std::string path(const std::string& name) const {
    return folder_.filePath(QString::fromStdString(name)).toStdString();
  }
  std::string write(const std::string& name, std::string_view bytes) const {
    write_file(path(name), bytes);
    return path(name);
  }

  const std::string prompt_ = "My dog is called Rufus. What is my dog called?";
  TinyModel model_;  // 2 layers, 4 query and 2 KV heads of 16 dims
  QTemporaryDir folder_;
  std::shared_ptr<const LanguageModel> loaded_;
  TokenIds ids_;
};

using Keys = std::set<std::string>;

inline Keys keys(const nlohmann::json& object) {
  Keys names;
  for (const auto& [key, value] : object.items()) names.insert(key);
  return names;
}

/// To the last digits that kernels of two processes may differ in.
inline bool close(const nlohmann::json& found, double expected, double error = 1e-4) {
  return found.is_number() && std::abs(found.get<double>() - expected) <= error * std::abs(expected);
}

}  // namespace qkscope::test

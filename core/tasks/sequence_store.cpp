#include "core/tasks/sequence_store.h"

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"
#include "core/tasks/identity.h"

namespace qkscope {

SequenceStore::SequenceStore(const std::filesystem::path& path, std::string computed_by)
    : path_(path.string()), computed_by_(std::move(computed_by)), file_(path) {
  LineFile::read(path, [this](std::string_view line, const std::string& where) {
    const nlohmann::json json = parse_json(line, where);
    JsonFields fields(json, where);
    const std::string key = fields.text("key");
    fields.text("question");
    if (!fields.has("answer")) fields.fail("answer", "is missing; give another file, or none that is there");
    answers_.emplace(key, json["answer"]);
  });
  file_.drop_cut_line();
}

std::string SequenceStore::key_of(std::string_view question, const TokenIds& sequence) const {
  if (!file_) return {};
  Hash hash;
  hash.add(computed_by_).add("\n").add(question).add("\n");
  for (const int id : sequence) hash.add(std::to_string(id) + " ");
  return hash.text();
}

void SequenceStore::keep(const std::string& key, const std::string& question, const nlohmann::json& answer) {
  if (!file_) return;
  const nlohmann::ordered_json line = {{"key", key}, {"question", question}, {"answer", answer}};
  const std::string text = line.dump();
  if (text.find("null") != text.npos) return;  // JSON has no number that is not finite
  file_.add(text);
  answers_.emplace(key, answer);
}

void SequenceStore::refuse(const std::string& question, const std::string& problem) const {
  throw Error(in_quotes(path_) + " holds no answer to " + in_quotes(question) + " where one should be (" +
              problem + "); give another file, or none that is there");
}

}  // namespace qkscope

#include "core/tasks/qa_decisions.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"
#include "core/tasks/identity.h"

namespace qkscope {

namespace {

constexpr std::array states = {QaState::Undecided, QaState::Accepted, QaState::Rejected};

QaState state_of(const JsonFields& fields, const std::string& name) {
  const auto found = std::ranges::find(states, name, qa_state_name);
  if (found == states.end())
    fields.fail("state", "is " + in_quotes(name) + ", expected 'undecided', 'accepted' or 'rejected'");
  return *found;
}

/// Tells a question from all others of its set; equal ones by how many there are before it.
std::vector<std::string> keys_of(const QaSet& set) {
  std::map<std::string, int> seen;
  std::vector<std::string> keys;
  for (const QaItem& item : set.items) {
    Hash hash;
    hash.add(item.question).add("\n").add(item.category);
    for (const std::string& answer : item.answers) hash.add("\n").add(answer);
    const std::string key = hash.text();
    const int before = seen[key]++;
    keys.push_back(before == 0 ? key : key + "-" + std::to_string(before + 1));
  }
  return keys;
}

std::filesystem::path file_in(const std::filesystem::path& folder) {
  return folder / "decisions.jsonl";
}

}  // namespace

std::string_view qa_state_name(QaState state) {
  return state == QaState::Undecided ? "undecided" : state == QaState::Accepted ? "accepted" : "rejected";
}

std::filesystem::path qa_folder(const std::filesystem::path& file) {
  return file.string() + ".studio";
}

QaDecisions::QaDecisions(const QaSet& set) : keys_(keys_of(set)), decisions_(set.items.size()) {
  for (const QaItem& item : set.items) questions_.push_back(item.question);
}

void QaDecisions::read_file(const std::filesystem::path& path) {
  std::map<std::string, std::size_t> items;
  for (std::size_t i = 0; i < keys_.size(); ++i) items.emplace(keys_[i], i);
  LineFile::read(path, [&](std::string_view line, const std::string& where) {
    const nlohmann::json json = parse_json(line, where);
    JsonFields step(json, where);
    for (const nlohmann::json& one : step.list("decisions")) {
      JsonFields fields(one, where);
      QaDecision decision{state_of(fields, fields.text("state")), fields.text("reason", "")};
      const auto item = items.find(fields.text("key"));
      if (item != items.end()) decisions_[item->second] = std::move(decision);
    }
  });
}

QaDecisions QaDecisions::read(const QaSet& set, const std::filesystem::path& folder) {
  QaDecisions decisions(set);
  std::error_code problem;
  if (std::filesystem::exists(file_in(folder), problem)) decisions.read_file(file_in(folder));
  return decisions;
}

QaDecisions QaDecisions::open(const QaSet& set, const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    throw Error("Cannot make the folder " + in_quotes(folder.string()) + ": " + problem.message() +
                "; choose a place you may write to");
  QaDecisions decisions(set);
  decisions.file_ = LineFile(file_in(folder));
  decisions.read_file(file_in(folder));
  decisions.file_.drop_cut_line();
  return decisions;
}

void QaDecisions::decide(std::span<const QaStep> steps) {
  if (steps.empty()) return;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const QaStep& step : steps) {
    nlohmann::ordered_json one = {{"key", keys_[step.item]},
                                  {"question", questions_[step.item]},
                                  {"state", qa_state_name(step.decision.state)}};
    if (!step.decision.reason.empty()) one["reason"] = step.decision.reason;
    list.push_back(std::move(one));
  }
  const nlohmann::ordered_json line = {{"decisions", std::move(list)}};
  file_.add(line.dump());
  for (const QaStep& step : steps) decisions_[step.item] = step.decision;
}

std::vector<std::size_t> QaDecisions::in(QaState state) const {
  std::vector<std::size_t> items;
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    if (decisions_[i].state == state) items.push_back(i);
  }
  return items;
}

std::vector<std::size_t> QaDecisions::not_rejected() const {
  std::vector<std::size_t> items;
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    if (decisions_[i].state != QaState::Rejected) items.push_back(i);
  }
  return items;
}

}  // namespace qkscope

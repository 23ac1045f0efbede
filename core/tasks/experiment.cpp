#include "core/tasks/experiment.h"

#include <algorithm>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"
#include "core/tasks/datasets.h"

namespace qkscope {

namespace {

using nlohmann::json;

struct Control {
  PickKind kind;
  std::uint64_t seed;
  std::string name;  // "smallest", "random 0"
};

std::vector<std::uint64_t> read_seeds(JsonFields& fields, const std::string& key,
                                      const std::vector<std::uint64_t>& absent = {0}) {
  if (!fields.has(key)) return absent;
  std::vector<std::uint64_t> seeds;
  for (const json& seed : fields.list(key)) {
    if (!seed.is_number_unsigned())
      fields.fail(key, "holds " + short_json(seed) + ", expected whole numbers from 0");
    seeds.push_back(seed.get<std::uint64_t>());
  }
  if (seeds.empty()) fields.fail(key, "is empty, expected at least one seed");
  return seeds;
}

/// "controls": ["smallest", "random"], the second once for each of "control_seeds".
std::vector<Control> read_controls(JsonFields& fields, const std::vector<std::uint64_t>& absent_seeds) {
  const std::vector<std::uint64_t> seeds = read_seeds(fields, "control_seeds", absent_seeds);
  std::vector<Control> controls;
  if (!fields.has("controls")) return controls;
  for (const std::string& name : fields.texts("controls")) {
    if (name == "smallest") {
      controls.push_back({PickKind::Smallest, 0, name});
    } else if (name == "random") {
      for (const std::uint64_t seed : seeds)
        controls.push_back({PickKind::Random, seed, name + " " + std::to_string(seed)});
    } else {
      fields.fail("controls", "names " + in_quotes(name) + ", expected 'smallest' or 'random'");
    }
  }
  return controls;
}

Edits read_edits(const std::vector<std::string>& texts, const std::string& where) {
  Edits edits;
  for (const std::string& text : texts) {
    try {
      const Edits more = parse_edits(text);
      edits.insert(edits.end(), more.begin(), more.end());
    } catch (const Error& error) {
      throw Error(where + ": " + error.what());
    }
  }
  return edits;
}

class ArmReader {
 public:
  ArmReader(Experiment& experiment, JsonFields& file)
      : experiment_(experiment), file_(file), control_seeds_(read_seeds(file, "control_seeds")) {
    experiment_.arms = {{"baseline", {}, "", ""}};
  }

  /// A text is edits and name in one; an object has "name" and "edits".
  void add(const json& arm, const std::vector<Control>& controls) {
    const std::string where = file_.where() + ", arm " + std::to_string(++count_);
    if (arm.is_string()) {
      add(arm.get<std::string>(), read_edits({arm.get<std::string>()}, where), controls);
      return;
    }
    JsonFields fields(arm, where);
    const std::string name = fields.text("name");
    const Edits edits = read_edits(fields.texts("edits"), where);
    const std::vector<Control> own =
        fields.has("controls") ? read_controls(fields, control_seeds_) : controls;
    fields.done();
    add(name, edits, own);
  }
  void add(const std::string& name, const Edits& edits, const std::vector<Control>& controls) {
    if (switched_on(edits).empty()) {
      if (name == "baseline") return;  // it is there already
      throw Error(file_.where() + ": the arm " + in_quotes(name) + " edits nothing, as the baseline does");
    }
    put({name, edits, "", value_});
    for (const Control& control : controls) {
      Edits matched;
      for (const Edit& edit : edits) matched.push_back(control_of(edit, control.kind, control.seed));
      put({name + ", " + control.name, matched, name, value_});
    }
  }
  /// "sweep": {"edits": "site=q,pick=lambda:{value}", "values": [3, 4, 5]}: an arm for each value.
  void add_sweep(const json& sweep, const std::vector<Control>& controls) {
    JsonFields fields(sweep, file_.where() + ", 'sweep'");
    const std::vector<std::string> edits = fields.texts("edits");
    const auto takes_value = [](const std::string& text) { return text.find("{value}") != text.npos; };
    if (std::ranges::none_of(edits, takes_value)) fields.fail("edits", "have no {value} that is swept");
    const std::vector<Control> own =
        fields.has("controls") ? read_controls(fields, control_seeds_) : controls;
    for (const json& value : fields.list("values")) {
      if (!value.is_string() && !value.is_number())
        fields.fail("values", "holds " + short_json(value) + ", expected texts or numbers");
      value_ = value.is_string() ? value.get<std::string>() : number_text(value.get<double>());
      std::vector<std::string> filled = edits;
      std::string name;
      for (std::string& text : filled) {
        for (auto at = text.find("{value}"); at != text.npos; at = text.find("{value}", at + value_.size()))
          text.replace(at, 7, value_);
        name += (name.empty() ? "" : "; ") + text;
      }
      add(name, read_edits(filled, fields.where()), own);
    }
    fields.done();
    value_.clear();
  }

 private:
  void put(ExperimentArm arm) {
    if (std::ranges::find(experiment_.arms, arm.name, &ExperimentArm::name) != experiment_.arms.end())
      throw Error(file_.where() + " has two arms " + in_quotes(arm.name) + "; give each a name of its own");
    experiment_.arms.push_back(std::move(arm));
  }

  Experiment& experiment_;
  JsonFields& file_;
  std::vector<std::uint64_t> control_seeds_;  // where an arm names none of its own
  std::string value_;                         // of the sweep that is being read
  int count_ = 0;
};

void read_tasks(Experiment& experiment, JsonFields& file, const std::filesystem::path& folder,
                const std::filesystem::path& data) {
  const auto most = static_cast<std::size_t>(file.whole("items", 0, 1, 1 << 24));
  for (const json& entry : file.list("tasks")) {
    const std::string where = file.where() + ", task " + std::to_string(experiment.tasks.size() + 1);
    Experiment::Part part;
    if (entry.is_string()) {
      part = {read_task(find_task(entry.get<std::string>(), folder), data), most};
    } else {
      JsonFields fields(entry, where);
      part = {read_task(find_task(fields.text("task"), folder), data),
              static_cast<std::size_t>(fields.whole("items", static_cast<std::int64_t>(most), 1, 1 << 24))};
      part.task.name = fields.text("name", part.task.name);
      part.task.max_new_tokens =
          static_cast<int>(fields.whole("max_new_tokens", part.task.max_new_tokens, 1, 1 << 20));
      part.task.answer_by = read_answer_by(fields, part.task.answer_by);
      fields.done();
    }
    for (const Experiment::Part& other : experiment.tasks) {
      if (other.task.name == part.task.name)
        throw Error(where + " is " + in_quotes(part.task.name) +
                    " again; give one of them a \"name\" of its own");
    }
    experiment.tasks.push_back(std::move(part));
  }
  if (experiment.tasks.empty()) file.fail("tasks", "is empty, expected at least one task");
}

}  // namespace

Experiment read_experiment(const std::filesystem::path& path, const std::filesystem::path& data) {
  Budget budget("The experiment " + in_quotes(path.string()));
  const json document = read_json_object(path, budget);
  JsonFields file(document, in_quotes(path.string()));
  Experiment experiment;
  experiment.name = path.stem().string();
  experiment.title = file.text("title", experiment.name);
  read_tasks(experiment, file, path.parent_path().empty() ? "." : path.parent_path(), data);
  const std::vector<Control> controls = read_controls(file, {0});
  ArmReader arms(experiment, file);
  if (file.has("arms")) {
    for (const json& arm : file.list("arms")) arms.add(arm, controls);
  }
  if (file.has("sweep")) arms.add_sweep(file.object("sweep"), controls);
  if (file.has("models")) experiment.models = file.texts("models");
  experiment.sampling.temperature = file.number("temperature", 0, 0, 100);
  experiment.sampling.top_p = file.number("top_p", 1, 0, 1);
  experiment.sampling.top_k = static_cast<int>(file.whole("top_k", 0, 0, 1 << 24));
  experiment.seeds = read_seeds(file, "seeds");
  if (experiment.sampling.temperature <= 0 && experiment.seeds.size() > 1)
    file.fail("seeds", "are several, but without a \"temperature\" every answer is the same; leave one out");
  experiment.score_expected = file.flag("score_expected", true);
  experiment.score_as_published = file.flag("score_as_published", false);
  experiment.score_answers = file.flag("score_answers", false);
  file.text("about", "");
  file.done();
  return experiment;
}

}  // namespace qkscope

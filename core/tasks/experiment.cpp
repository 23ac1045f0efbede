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

std::vector<std::uint64_t> read_seeds(JsonFields& fields, const std::string& key) {
  if (!fields.has(key)) return {0};
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
std::vector<Control> read_controls(JsonFields& fields) {
  const std::vector<std::uint64_t> seeds = read_seeds(fields, "control_seeds");
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
  ArmReader(Experiment& experiment, JsonFields& file) : experiment_(experiment), file_(file) {
    experiment_.arms = {{"baseline", {}}};
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
    const std::vector<Control> own = fields.has("controls") ? read_controls(fields) : controls;
    fields.done();
    add(name, edits, own);
  }
  void add(const std::string& name, const Edits& edits, const std::vector<Control>& controls) {
    if (switched_on(edits).empty()) {
      if (name == "baseline") return;  // it is there already
      throw Error(file_.where() + ": the arm " + in_quotes(name) + " edits nothing, as the baseline does");
    }
    put(name, edits);
    for (const Control& control : controls) {
      Edits matched;
      for (const Edit& edit : edits) matched.push_back(control_of(edit, control.kind, control.seed));
      put(name + ", " + control.name, matched);
    }
  }

 private:
  void put(const std::string& name, const Edits& edits) {
    if (std::ranges::find(experiment_.arms, name, &ExperimentArm::name) != experiment_.arms.end())
      throw Error(file_.where() + " has two arms " + in_quotes(name) + "; give each a name of its own");
    experiment_.arms.push_back({name, edits});
  }

  Experiment& experiment_;
  JsonFields& file_;
  int count_ = 0;
};

void read_tasks(Experiment& experiment, JsonFields& file, const std::filesystem::path& folder) {
  const auto most = static_cast<std::size_t>(file.whole("items", 0, 1, 1 << 24));
  for (const json& entry : file.list("tasks")) {
    const std::string where = file.where() + ", task " + std::to_string(experiment.tasks.size() + 1);
    Experiment::Part part;
    if (entry.is_string()) {
      part = {read_task(find_task(entry.get<std::string>(), folder)), most};
    } else {
      JsonFields fields(entry, where);
      part = {read_task(find_task(fields.text("task"), folder)),
              static_cast<std::size_t>(fields.whole("items", static_cast<std::int64_t>(most), 1, 1 << 24))};
      part.task.name = fields.text("name", part.task.name);
      part.task.max_new_tokens =
          static_cast<int>(fields.whole("max_new_tokens", part.task.max_new_tokens, 1, 1 << 20));
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

Experiment read_experiment(const std::filesystem::path& path) {
  Budget budget("The experiment " + in_quotes(path.string()));
  const json document = read_json_object(path, budget);
  JsonFields file(document, in_quotes(path.string()));
  Experiment experiment;
  experiment.name = path.stem().string();
  experiment.title = file.text("title", experiment.name);
  read_tasks(experiment, file, path.parent_path().empty() ? "." : path.parent_path());
  const std::vector<Control> controls = read_controls(file);
  ArmReader arms(experiment, file);
  if (file.has("arms")) {
    for (const json& arm : file.list("arms")) arms.add(arm, controls);
  }
  if (file.has("models")) experiment.models = file.texts("models");
  experiment.sampling.temperature = file.number("temperature", 0, 0, 100);
  experiment.sampling.top_p = file.number("top_p", 1, 0, 1);
  experiment.sampling.top_k = static_cast<int>(file.whole("top_k", 0, 0, 1 << 24));
  experiment.seeds = read_seeds(file, "seeds");
  if (experiment.sampling.temperature <= 0 && experiment.seeds.size() > 1)
    file.fail("seeds", "are several, but without a \"temperature\" every answer is the same; leave one out");
  experiment.score_expected = file.flag("score_expected", true);
  file.text("about", "");
  file.done();
  return experiment;
}

}  // namespace qkscope

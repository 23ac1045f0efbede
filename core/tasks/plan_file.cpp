// Plans as JSON files beside the results that they count.
#include <algorithm>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/atomic_file.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"
#include "core/tasks/identity.h"
#include "core/tasks/plan.h"

namespace qkscope {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view ending = ".plan.json";

Json to_json(const Plan& plan) {
  Json tasks = Json::array(), arms = Json::array();
  for (const Plan::PlannedTask& task : plan.tasks) {
    Json items = Json::array();
    for (const Plan::Item& item : task.items) {
      items.push_back({{"prompt", item.prompt},
                       {"expected", item.expected},
                       {"answers", item.gold.answers},
                       {"choices", item.gold.choices},
                       {"seed", item.seed},
                       {"keys", item.keys}});
    }
    Json one = {{"task", task.name},
                {"kind", task_kind_name(task.kind)},
                {"rule", task.rule},
                {"published_rule", task.published_rule},
                {"chance", task.chance}};
    if (task.answer_by != AnswerBy::Writing) one["answer_by"] = answer_by_name(task.answer_by);
    one["items"] = std::move(items);
    tasks.push_back(std::move(one));
  }
  for (const Plan::PlannedArm& arm : plan.arms)
    arms.push_back(
        {{"name", arm.name}, {"edits", arm.edits}, {"control_of", arm.control_of}, {"value", arm.value}});
  return {{"experiment", plan.experiment}, {"model", plan.model}, {"arms", arms}, {"tasks", tasks}};
}

Plan::Item read_item(const nlohmann::json& json, const std::string& where, std::size_t arms) {
  JsonFields fields(json, where);
  Plan::Item item;
  item.prompt = fields.text("prompt");
  item.expected = fields.text("expected");
  item.gold = {fields.texts("answers"), item.prompt, fields.texts("choices")};
  item.seed =
      static_cast<std::uint64_t>(fields.whole("seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
  item.keys = fields.texts("keys");
  if (item.keys.size() != arms) fields.fail("keys", "are not as many as there are arms");
  return item;
}

Plan read_plan(const fs::path& path) {
  Budget budget("The plan " + in_quotes(path.string()));
  const nlohmann::json json = read_json_object(path, budget);
  const std::string where = in_quotes(path.string());
  JsonFields file(json, where);
  Plan plan;
  plan.experiment = file.text("experiment");
  plan.model = file.text("model");
  for (const auto& arm : file.list("arms")) {
    JsonFields fields(arm, where + ", an arm");
    plan.arms.push_back(
        {fields.text("name"), fields.texts("edits"), fields.text("control_of"), fields.text("value")});
  }
  for (const auto& entry : file.list("tasks")) {
    JsonFields fields(entry, where + ", a task");
    Plan::PlannedTask task{fields.text("task"),
                           fields.text("kind") == "memory" ? TaskKind::Memory : TaskKind::Context,
                           fields.text("rule"),
                           fields.text("published_rule"),
                           fields.number("chance", 0, 0, 1),
                           {},
                           read_answer_by(fields, AnswerBy::Writing)};
    for (const auto& item : fields.list("items"))
      task.items.push_back(read_item(item, where + ", an item of " + in_quotes(task.name), plan.arms.size()));
    plan.tasks.push_back(std::move(task));
  }
  return plan;
}

}  // namespace

bool same_questions(const Plan& a, const Plan& b) {
  return to_json(a) == to_json(b);
}

void write_plan(const Plan& plan, const fs::path& folder) {
  const std::string text = to_json(plan).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  const fs::path path =
      folder / (plan.experiment + "." + Hash().add(text).text().substr(0, 8) + std::string(ending));
  std::error_code problem;
  if (fs::exists(path, problem)) return;
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::vector<Plan> read_plans(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (entry.path().filename().string().ends_with(ending)) files.push_back(entry.path());
  }
  if (files.empty())
    throw Error("There is no experiment in " + in_quotes(folder.string()) +
                "; give the folder that experiment run wrote with --out");
  std::ranges::sort(files);
  std::vector<Plan> plans;
  for (const fs::path& file : files) plans.push_back(read_plan(file));
  return plans;
}

}  // namespace qkscope

// Files of experiments, the store of their results, the table that is counted from them.
#include <cmath>

#include "core/tasks/experiment.h"
#include "core/tasks/experiment_table.h"
#include "core/tasks/identity.h"
#include "core/tasks/paper_table.h"
#include "core/tasks/result_store.h"
#include "core/tasks/statistics.h"
#include "core/tasks/task.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/task_test.h"
#include "tests/support/test_case.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

namespace {

bool near(double a, double b, double error = 5e-5) {
  return std::abs(a - b) <= error;
}

TrialResult result_of(const std::string& key, const std::string& answer = "yes") {
  return {key, answer, {1, 2}, true, 2.5, 7, 12};
}

}  // namespace

class TestExperiments : public TaskTestCase {
  Q_OBJECT

  std::string text_of(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private Q_SLOTS:
  void sweeps() {
    write_object("capitals.json", task());
    json file = {
        {"tasks", {"capitals"}},
        {"sweep", {{"edits", "site=q,pick=lambda:{value}"}, {"values", {3, 4.5}}, {"controls", {"random"}}}},
        {"control_seeds", {1, 2}}};
    const Experiment read = read_experiment(write_object("sweep.json", file));
    QCOMPARE(read.arms.size(), 7u);
    QCOMPARE(read.arms[4].value, std::string("4.5"));
    QVERIFY(read.arms[4].edits.front() == parse_edit("site=q,pick=lambda:4.5"));
    QCOMPARE(read.arms[6].control_of, read.arms[4].name);
    QVERIFY(read.arms[6].edits.front() ==
            control_of(parse_edit("site=q,pick=lambda:4.5"), PickKind::Random, 2));
    const auto refuses = [&](const char* key, const json& value, const std::vector<std::string>& words) {
      json changed = file;
      changed["sweep"][key] = value;
      const std::string bad = write_object("bad.json", changed),
                        text = error_of([&] { read_experiment(bad); });
      if (!has_all(text, words) || text == "no error") qWarning("%s: %s", key, text.c_str());
    };
    refuses("edits", "lambda 5 on Q", {"'sweep'", "{value}"});
    refuses("values", {true}, {"'values'", "true"});
    refuses("values", {-1}, {"'sweep'", "-1"});
    refuses("values", {3, 3}, {"two arms"});
  }

  void experiments() {
    write_object("capitals.json", task());
    json file = {
        {"tasks", {"capitals", {{"task", "capitals"}, {"name", "again"}, {"items", 1}}}},
        {"arms", {"lambda 5 on Q", {{"name", "both"}, {"edits", {"lambda 5 on Q", "lambda 5 on K"}}}}},
        {"controls", {"smallest", "random"}},
        {"control_seeds", {3, 4}}};
    const Experiment read = read_experiment(write_object("e.json", file));
    std::vector<std::string> names;
    for (const ExperimentArm& arm : read.arms) names.push_back(arm.name);
    QCOMPARE(names, (std::vector<std::string>{"baseline", "lambda 5 on Q", "lambda 5 on Q, smallest",
                                              "lambda 5 on Q, random 3", "lambda 5 on Q, random 4", "both",
                                              "both, smallest", "both, random 3", "both, random 4"}));
    QVERIFY(read.arms[0].edits.empty());
    QCOMPARE(read.arms[8].edits.size(), 2u);
    QVERIFY(read.arms[8].edits[1] == control_of(parse_edit("lambda 5 on K"), PickKind::Random, 4));
    QCOMPARE(read.tasks[1].task.name, std::string("again"));
    QCOMPARE(read.tasks[1].most_items, 1u);

    const auto refuses = [&](const char* key, const json& value, const std::vector<std::string>& words) {
      json changed = file;
      changed[key] = value;
      const std::string bad = write_object("bad.json", changed),
                        text = error_of([&] { read_experiment(bad); });
      if (!has_all(text, words) || text == "no error") qWarning("%s: %s", key, text.c_str());
    };
    refuses("tasks", {"capitals", "capitals"}, {"task 2", "'capitals'", "name"});
    refuses("tasks", {"none"}, {"'none'"});
    refuses("tasks", json::array(), {"'tasks'", "empty"});
    refuses("arms", {"lambda x on Q"}, {"bad.json", "arm 1", "lambda x on Q"});
    refuses("arms", {"lambda 5 on Q", "lambda 5 on Q"}, {"two arms", "lambda 5 on Q"});
    refuses("arms", {{{"name", "n"}, {"edits", ""}}}, {"'n'", "baseline"});
    refuses("controls", {"largest"}, {"'controls'", "'largest'", "smallest"});
    refuses("seeds", {1, 2}, {"'seeds'", "temperature"});
    refuses("control_seeds", {-1}, {"'control_seeds'", "-1"});
    refuses("arm", 1, {"'arm'", "'arms'"});
  }

  void store() {
    const std::string folder = path("store");
    {
      ResultStore open = ResultStore::open(folder);
      open.add(result_of("a"), {{"arm", "x"}});
      open.add(result_of("a", "no"), {});  // twice: not added
      open.add(result_of("b", "a \"quoted\"\nline \xff"), {});
      QKSCOPE_EXPECT_ERROR(ResultStore::open(folder), "results.jsonl", "Another program");
      ResultStore::open(folder, 2, 3).add(result_of("c"), {});
    }
    const std::string whole = text_of("store/results.jsonl");
    QCOMPARE(std::ranges::count(whole, '\n'), 2);
    ResultStore read = ResultStore::read(folder);
    QCOMPARE(read.size(), 3u);
    QCOMPARE(*read.find("a"), result_of("a"));
    QVERIFY(read.find("c") && !read.find("d"));
    // Cut off anywhere in its last line: that one result is gone, the next is whole.
    const std::size_t second = whole.find('\n') + 1;
    for (const std::size_t cut : {second, second + 1, whole.size() - 2, whole.size() - 1}) {
      write("store/results.jsonl", whole.substr(0, cut));
      QCOMPARE(ResultStore::read(folder).size(), 2u);
      ResultStore::open(folder).add(result_of("b"), {});
      QCOMPARE(*ResultStore::read(folder).find("b"), result_of("b"));
      QCOMPARE(std::ranges::count(text_of("store/results.jsonl"), '\n'), 2);
    }
    write("store/results.jsonl", "{\"key\":\"a\"}\n" + whole);
    QKSCOPE_EXPECT_ERROR(ResultStore::read(folder), "results.jsonl", "line 1", "'answer'");
    QKSCOPE_EXPECT_ERROR(ResultStore::open(folder), "results.jsonl", "line 1");
    write("store/results.jsonl", whole);
    QCOMPARE(ResultStore::open(folder).size(), 3u);  // the lock went with the failure
    QKSCOPE_EXPECT_ERROR(ResultStore::open(write("file", std::string("x"))), "file", "choose");
  }

  /// Numbers of a table that was counted by hand.
  void table() {
    Plan plan{"e",
              "m",
              {{"t", TaskKind::Context, "yes_no", "contains_as_published", 0.5, {}}},
              {{"baseline", {}, "", ""}, {"arm", {"edit"}, "", ""}}};
    ResultStore store = ResultStore::open(path("table"));
    const char* answers[4][2] = {{"yes", "no"}, {"yes", "yes indeed"}, {"no", "no"}, {"yes", "no"}};
    for (int i = 0; i < 5; ++i) {
      const std::string n = std::to_string(i);
      plan.tasks[0].items.push_back({"?", "", {{"yes"}, "?", {}}, 0, {n + "a", n + "b"}});
      if (i == 4) break;  // not asked yet
      store.add(result_of(n + "a", answers[i][0]), {});
      store.add(result_of(n + "b", answers[i][1]), {});
    }
    const ExperimentTable table = tabulate(plan, store);
    QCOMPARE(table.done, 8u);
    QCOMPARE(table.of, 10u);
    const TaskScore &base = table.arms[0].tasks[0], &arm = table.arms[1].tasks[0];
    QCOMPARE(base.correct, 3);
    QCOMPARE(arm.correct, 1);
    QCOMPARE(arm.items, 4);
    QVERIFY(!base.p && !base.change);
    QCOMPARE(*arm.p, mcnemar_exact(2, 0));
    QCOMPARE(*arm.change, paired_difference(1, 2, 0, 1));
    QCOMPARE(arm.interval, wilson(1, 4));
    QVERIFY(near(*arm.perplexity, 2.5));
    QVERIFY(base.controls.empty() && near(base.diversity, 0) && near(arm.diversity, 0.25));
    const auto json = to_json(table);
    QCOMPARE(json["arms"][0]["tasks"][0].contains("p"), false);
    QCOMPARE(json["arms"][1]["tasks"][0]["accuracy"].get<double>(), 0.25);
    // Said of a control, the same pairs tell what the baseline does beyond it.
    plan.arms[1].control_of = "baseline";
    const AgainstControl against = tabulate(plan, store).arms[0].tasks[0].controls.at(0);
    QCOMPARE(against.difference, 0.5);
    QCOMPARE(against.interval, paired_difference(1, 0, 2, 1));
    plan.arms[1].control_of.clear();
    // As a file and back it counts the same.
    write_plan(plan, path("table"));
    write_plan(plan, path("table"));
    const std::vector<Plan> plans = read_plans(path("table"));
    QCOMPARE(plans.size(), 1u);
    QVERIFY(same_questions(plans[0], plan));
    QCOMPARE(to_json(tabulate(plans[0], store)).dump(), json.dump());
    QKSCOPE_EXPECT_ERROR(read_plans(path("nowhere")), "nowhere", "--out");
  }

  /// What was published is whole, and what is measured stands below it where a column has a task of its name.
  void besideThePaper() {
    std::vector<PaperTable> tables = paper_tables();
    QCOMPARE(tables.size(), 6u);
    for (const PaperTable& table : tables) {
      QVERIFY2(!table.rows.empty() && !table.caveats.empty(), table.id.c_str());
      for (const PaperTable::Row& row : table.rows) {
        for (const auto& value : row.values)
          QVERIFY2(value && *value >= 0 && *value <= 130, table.id.c_str());
      }
    }
    PaperTable& accuracy = tables.front();
    QCOMPARE(accuracy.rows.size(), 9u);
    QCOMPARE(*accuracy.rows[5].values[1], 9.68);
    TaskScore keys, other;
    keys.task = "pass-keys-128-6";
    keys.items = 3;
    keys.correct = 2;
    keys.interval = wilson(2, 3);
    keys.diversity = 0.5;
    other.task = "dogs";
    other.items = other.correct = 1;
    ExperimentTable measured{"e", "m", {}, 1, 1};
    measured.arms = {{"a", {}, "", "", {other, keys}}, {"b", {}, "", "", {other}}};
    add_measured(accuracy, measured);
    QCOMPARE(accuracy.rows.size(), 10u);
    QVERIFY(accuracy.rows.back().here && near(*accuracy.rows.back().values[2], 200.0 / 3));
    QVERIFY(!accuracy.rows.back().values[0] && !accuracy.rows.back().intervals[0]);
    QVERIFY(near(accuracy.rows.back().intervals[2]->low, 100 * wilson(2, 3).low));
    QCOMPARE(accuracy.columns[5].group, std::string("contextual knowledge"));
    QCOMPARE(accuracy.columns[6].group, std::string("parametric knowledge"));
    const std::string csv = to_csv(accuracy), latex = to_latex(accuracy);
    QVERIFY(has_all(csv, {"model,arm,measured_here,GSM8K", "\"PK(128,6)\"", "m,a,true,,,66.66"}));
    QVERIFY(has_all(latex, {"\\hline\nm & a & -- & -- & 66.67 & --", "Llama3-8B & vanilla & 76.9 & 53.51"}));
    // Where nothing is measured, nothing is added; an answer alone has its own number.
    const std::size_t published = tables[1].rows.size();
    add_measured(tables[1], measured);
    QCOMPARE(tables[1].rows.size(), published);
    measured.arms[1].tasks[0].task = "imdb";
    measured.arms[1].tasks[0].perplexities["answer_alone"] = 7.5;
    add_measured(tables[2], measured);
    QCOMPARE(*tables[2].rows.back().values[1], 7.5);
    QVERIFY(to_json(tables[2])["rows"].back()["here"] == true);
  }

  /// Another weight, tokenizer or configuration is another model; another place is not.
  void identities() {
    const TinyModel model, same;
    const std::string identity = model_identity(model.folder());
    QCOMPARE(identity.size(), 32u);
    QCOMPARE(model_identity(same.folder()), identity);
    same.change_weights([](auto& weights) { weights.rbegin()->second.data.back() += 1; });
    QVERIFY(model_identity(same.folder()) != identity);
    const TinyModel config;
    config.change_config([](json& c) { c["rope_theta"] = 12345; });
    QVERIFY(model_identity(config.folder()) != identity);
    // Of a large file blocks count, the last bytes among them.
    const std::string large = write("large.gguf", std::string(6 << 20, 'x'));
    const std::string before = model_identity(large);
    std::string changed(6 << 20, 'x');
    changed.back() = 'y';
    write("large.gguf", changed);
    QVERIFY(model_identity(large) != before);
    QKSCOPE_EXPECT_ERROR(model_identity(path("none.gguf")), "none.gguf");
    QCOMPARE(Hash().text(), std::string("6c62272e07bb014262b821756295c58d"));
    QCOMPARE(Hash().add("foobar").text(),
             std::string("343e1662793c64bf6f0d3597ba446f18"));  // FNV's own vector
  }
};

QTEST_GUILESS_MAIN(TestExperiments)
#include "test_experiments.moc"

// Tasks without a model's answers: statistics, scoring rules, generators, files of tasks and experiments, the
// store.
#include <cmath>
#include <random>
#include <set>

#include "core/tasks/datasets.h"
#include "core/tasks/experiment.h"
#include "core/tasks/experiment_table.h"
#include "core/tasks/identity.h"
#include "core/tasks/pass_keys.h"
#include "core/tasks/result_store.h"
#include "core/tasks/statistics.h"
#include "core/tasks/task.h"
#include "core/tasks/words.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
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

class TestTasks : public TestCase {
  Q_OBJECT

  std::string path(const std::string& name) const {
    return folder_.filePath(QString::fromStdString(name)).toStdString();
  }
  std::string write(const std::string& name, const std::string& text) const {
    write_file(path(name), text);
    return path(name);
  }
  std::string write_object(const std::string& name, const json& document) const {
    return write(name, document.dump());
  }
  json task() const {
    return {{"kind", "memory"},
            {"prompt", "Capital of {country}?"},
            {"answers", "{capital}"},
            {"rule", "contains"},
            {"items",
             {{{"country", "France"}, {"capital", "Paris"}},
              {{"country", "India"}, {"capital", {"New Delhi", "Delhi"}}}}}};
  }
  std::string text_of(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  QTemporaryDir folder_;

 private Q_SLOTS:
  /// numpy.random.RandomState(178), asked in this order; numbers from numpy 2.
  void drawsAsNumpy() {
    NumpyRandom random(178);
    for (const int expected : {3, 15, 12, 9, 19, 14, 2, 17}) QCOMPARE(random.randint(0, 20), expected);
    for (const int expected : {923438, 367887, 278094, 749018})
      QCOMPARE(random.randint(100000, 1000000), expected);
    for (const std::int64_t expected : {954705624999702538, 330899792849760183, 917426669458653900})
      QCOMPARE(random.randint(100000000000000000, 1000000000000000000), expected);
    for (const int expected : {-1, -3, -3, -2, 0}) QCOMPARE(random.randint(-3, 1), expected);
    QCOMPARE(random.randint(5, 6), 5);
    QCOMPARE(random.randint(0, std::int64_t{1} << 32), 1234148655);
    QCOMPARE(random.randint(0, 20), 1);
  }

  void passKeys() {
    const auto model = TinyModel().load();
    const Tokenizer& tokenizer = model->tokenizer();
    const auto tokens = [&](const std::string& text) {
      return static_cast<int>(tokenizer.encode(text, false).size());
    };
    // The sentences in tokens of one letter: 149, 89, and 47 with two keys of 6.
    const int filler =
        tokens("The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.");
    for (const bool honour : {false, true}) {
      PassKeySettings settings{1000, 40, 50, 1500, 60, honour, {}};
      std::set<int> before;
      std::set<std::string> keys;
      for (const PassKeyPrompt& prompt : pass_keys(settings, tokenizer)) {
        QCOMPARE(prompt.key.size(), 40u);
        QVERIFY(prompt.key.front() != '0' && prompt.key.find_first_not_of("0123456789") == prompt.key.npos);
        const auto first = prompt.text.find(prompt.key), second = prompt.text.find(prompt.key, first + 1);
        QVERIFY(second != prompt.text.npos && prompt.text.find(prompt.key, second + 1) == prompt.text.npos);
        const auto lines = std::ranges::count(prompt.text, '\n') + 1;
        QCOMPARE(lines, 2 + prompt.before + prompt.after);
        const auto line_tokens = [&](int line) {
          return tokens(
              QString::fromStdString(prompt.text).section(QLatin1Char('\n'), line, line).toStdString());
        };
        const int room = (1000 - line_tokens(prompt.before + 1) - line_tokens(0)) / filler;
        if (prompt.after > 0) QCOMPARE(prompt.before + prompt.after, std::max(room, prompt.before));
        if (honour) {
          QCOMPARE(prompt.before + prompt.after, room);
          QVERIFY(tokens(prompt.text) - (lines - 1) <= 1000);
        }
        before.insert(prompt.before);
        keys.insert(prompt.key);
      }
      QCOMPARE(keys.size(), 60u);
      const int most = *before.rbegin();
      QCOMPARE(*before.begin(), 0);
      QVERIFY(honour ? most * 89 < 1000 : most * 89 > 1000);
      QVERIFY(pass_keys(settings, tokenizer).front().text == pass_keys(settings, tokenizer).front().text);
      const std::string drawn = pass_keys(settings, tokenizer).front().key;
      settings.seed = 1050;  // what it is without
      QCOMPARE(pass_keys(settings, tokenizer).front().key, drawn);
      settings.seed = 1051;
      QVERIFY(pass_keys(settings, tokenizer).front().key != drawn);
    }
    QKSCOPE_EXPECT_ERROR(pass_keys({300, 6, 50, 500, 1, true, {}}, tokenizer), "6 digits", "300 tokens");
  }

  void tasks() {
    const auto model = TinyModel().load();
    const Task read = read_task(write_object("capitals.json", task()));
    QCOMPARE(read.name, std::string("capitals"));
    QVERIFY(read.kind == TaskKind::Memory);
    const std::vector<TaskItem> items = items_of(read, model->tokenizer());
    QCOMPARE(items.size(), 2u);
    QCOMPARE(items[0].prompt, std::string("Capital of France?"));
    QCOMPARE(items[0].gold.prompt, items[0].prompt);
    QCOMPARE(items[1].gold.answers, (std::vector<std::string>{"New Delhi", "Delhi"}));
    QCOMPARE(items_of(read, model->tokenizer(), 1).size(), 1u);
    json rows = task();
    rows["fields"] = {"country", "capital"};
    rows["items"] = json::array({json::array({"Peru", "Lima"}), json::array({"Room", 7})});
    QCOMPARE(items_of(read_task(write_object("rows.json", rows)), model->tokenizer())[1].gold.answers.front(),
             std::string("7"));

    const auto refuses = [&](const char* key, const json& value, const std::vector<std::string>& words) {
      json changed = task();
      if (value.is_discarded()) {
        changed.erase(key);
      } else {
        changed[key] = value;
      }
      const std::string file = write_object("bad.json", changed);
      const std::string text = error_of([&] { items_of(read_task(file), model->tokenizer()); });
      if (!has_all(text, words) || text == "no error") qWarning("%s: %s", key, text.c_str());
    };
    const json none = json::parse("", nullptr, false);
    refuses("kind", "both", {"bad.json", "'kind'", "'both'", "memory"});
    refuses("kind", none, {"bad.json", "'kind'"});
    refuses("prompt", 7, {"bad.json", "'prompt'", "7", "text"});
    refuses("prompt", "Of {land}?", {"item 1", "'land'", "'country'"});
    refuses("rule", "nothing", {"bad.json", "'rule'", "'nothing'", "contains"});
    refuses("rules", "contains", {"bad.json", "'rules'", "'rule'"});
    refuses("items", json::array(), {"bad.json", "'items'", "empty"});
    refuses("items", {1}, {"bad.json", "item 1", "object"});
    refuses("items", {{{"country", 1.5}}}, {"item 1", "'country'", "1.5"});
    refuses("fields", {"country"}, {"item 1", "list of 1"});
    refuses("max_new_tokens", 0, {"'max_new_tokens'", "0", "from 1"});
    refuses("max_new_tokens", 1e30, {"'max_new_tokens'"});
    refuses("chance", 2, {"'chance'", "2", "0 to 1"});
    refuses("pass_keys", {{"length", -1}}, {"'pass_keys'", "'length'", "-1"});
    refuses("pass_keys", {{"seed", 4294967296}}, {"'seed'", "4294967296"});
    QKSCOPE_EXPECT_ERROR(read_task(write("list.json", "[]")), "list.json", "object");
  }

  /// All that come with the program can be read, and asked of a model.
  void bundledTasks() {
    const auto model = TinyModel().load();
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(datasets_folder() / "tasks")) {
      Task read = read_task(entry.path());
      QVERIFY2(!read.published_rule.empty() && !read.expected.empty(), entry.path().c_str());
      if (read.pass_keys) read.pass_keys->length *= 8;  // the tiny model's tokens are letters
      const std::vector<TaskItem> items = items_of(read, model->tokenizer());
      QVERIFY2(items.size() >= 10, entry.path().c_str());
      std::set<std::string> prompts;
      for (const TaskItem& item : items) {
        prompts.insert(item.prompt);
        // What is expected is right, and what is offered is answered.
        QVERIFY2(answer_rule(read.rule).right(item.expected, item.gold), item.expected.c_str());
        const bool stands = contains_words(item.prompt, item.gold.answers.front());
        QVERIFY2(read.kind == TaskKind::Memory || stands, item.prompt.c_str());
      }
      QCOMPARE(prompts.size(), items.size());
      ++count;
    }
    QVERIFY(count >= 9);
    for (const auto& entry : std::filesystem::directory_iterator(datasets_folder() / "experiments"))
      QVERIFY2(read_experiment(entry.path()).arms.size() > 1, entry.path().c_str());
    QCOMPARE(find_experiment("context-and-memory").filename().string(),
             std::string("context-and-memory.json"));
    QKSCOPE_EXPECT_ERROR(find_task("capital"), "'capital'", "capitals, ");
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
              {{"baseline", {}}, {"arm", {"edit"}}}};
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
    const auto json = to_json(table);
    QCOMPARE(json["arms"][0]["tasks"][0].contains("p"), false);
    QCOMPARE(json["arms"][1]["tasks"][0]["accuracy"].get<double>(), 0.25);
    // As a file and back it counts the same.
    write_plan(plan, path("table"));
    write_plan(plan, path("table"));
    const std::vector<Plan> plans = read_plans(path("table"));
    QCOMPARE(plans.size(), 1u);
    QVERIFY(same_questions(plans[0], plan));
    QCOMPARE(to_json(tabulate(plans[0], store)).dump(), json.dump());
    QKSCOPE_EXPECT_ERROR(read_plans(path("nowhere")), "nowhere", "--out");
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

QTEST_GUILESS_MAIN(TestTasks)
#include "test_tasks.moc"

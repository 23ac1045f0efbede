// Tasks without a model's answers: statistics, scoring rules, generators, files of tasks and experiments, the
// store.
#include <set>

#include "core/base/budget.h"
#include "core/io/table_file.h"
#include "core/tasks/datasets.h"
#include "core/tasks/experiment.h"
#include "core/tasks/pass_keys.h"
#include "core/tasks/task.h"
#include "core/tasks/words.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/task_test.h"
#include "tests/support/test_case.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

class TestTasks : public TaskTestCase {
  Q_OBJECT

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
      QVERIFY2(!read.published_rule.empty(), entry.path().c_str());
      ++count;
      if (read.source) continue;                        // the user's own copy: see publishedDataSets()
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
    }
    QVERIFY(count >= 20);
    for (const auto& entry : std::filesystem::directory_iterator(datasets_folder() / "experiments"))
      QVERIFY2(read_experiment(entry.path()).arms.size() > 1, entry.path().c_str());
    QCOMPARE(find_experiment("context-and-memory").filename().string(),
             std::string("context-and-memory.json"));
    QKSCOPE_EXPECT_ERROR(find_task("capital"), "'capital'", "capitals, ");
  }

  /// Rows and balances of the published files.
  void publishedDataSets() {
    const std::filesystem::path data = shared_data() / "datasets";
    QKSCOPE_REQUIRE_DATA(data);
    const auto model = TinyModel().load();
    const auto items = [&](const char* name) {
      return items_of(read_task(find_task(name), data), model->tokenizer());
    };
    const auto yes = [](const std::vector<TaskItem>& all) {
      return std::ranges::count(all, std::string("Yes"),
                                [](const TaskItem& item) { return item.gold.answers.front(); });
    };
    const std::vector<TaskItem> cities = items("cities");
    QCOMPARE(cities.size(), 1496u);
    QCOMPARE(yes(cities), 748);
    QCOMPARE(yes({cities.begin(), cities.begin() + 1000}), 500);
    QCOMPARE(cities[3].prompt, std::string("Is the city of Lodz in the Dominican Republic?"));
    const std::map<std::string, int> truths = {
        {"sports", 94}, {"art", 96}, {"technology", 104}, {"celebrity", 101}};
    for (const auto& [name, count] : truths) {
      QCOMPARE(items(name.c_str()).size(), 200u);
      QCOMPARE(yes(items(name.c_str())), count);
    }
    const std::vector<TaskItem> aqua = items("aqua");
    QCOMPARE(aqua.size(), 254u);
    QVERIFY(has_all(aqua[0].prompt, {"options: A)5(\u221a3 + 1), B)6("}));
    int by_list = 0, listed = 0;
    for (const TaskItem& item : aqua) {
      QCOMPARE(item.gold.choices.size(), 5u);
      const std::string list = item.prompt.substr(item.prompt.rfind("options: "));
      by_list += answer_rule("option_as_published").right(list, item.gold) ? 1 : 0;
      listed += answer_rule("option").right(list, item.gold) ? 1 : 0;
    }
    QCOMPARE(by_list, 254);  // as published whoever repeats the options is right
    QCOMPARE(listed, 0);
    const std::vector<TaskItem> gsm8k = items("gsm8k");
    QCOMPARE(gsm8k.size(), 1319u);
    for (const TaskItem& item : gsm8k) {
      const auto mark = item.gold.answers[0].rfind("####");
      QVERIFY(answer_rule("number").right("So it is " + item.gold.answers[0].substr(mark + 4), item.gold));
    }
    QCOMPARE(items("imdb").size(), 2798u);
    QCOMPARE(items("knowledge-conflict-published").size(), 1496u);
    const std::vector<TaskItem> conflict = items("knowledge-conflict");
    QCOMPARE(conflict.size(), 748u);
    QVERIFY(has_all(conflict[0].prompt,
                    {"Krasnodar is a city in South Africa. Is the city of Krasnodar in Russia?"}));
  }

  /// One's own rows, whatever their form, and what is wrong with them.
  void tables() {
    const auto read = [&](const std::string& name, const std::string& text) {
      Budget budget("The table");
      return read_table(write(name, text), budget);
    };
    const TableFile csv = read("t.csv", "\xef\xbb\xbfq,a\n\"x, y\",1\n\nz,\n");
    QCOMPARE(csv.columns, (std::vector<std::string>{"q", "a"}));
    QCOMPARE(csv.rows.size(), 2u);
    QCOMPARE(csv.rows[0].values.at("q").front(), std::string("x, y"));
    QCOMPARE(csv.rows[1].number, 4u);
    for (const char* text :
         {R"({"q":"a","n":1,"l":["x","y"],"b":true,"o":{},"z":null}
{"q":"b"})",
          R"({"about":"x","tags":["t"],"data":[{"q":"a","n":1,"l":["x","y"],"b":true},{"q":"b"}]})",
          R"([{"q":"a","n":1,"l":["x","y"],"b":true},
{"q":"b"}])"}) {
      const TableFile table = read("t.json", text);
      QCOMPARE(table.columns, (std::vector<std::string>{"b", "l", "n", "q"}));
      QCOMPARE(table.rows.size(), 2u);
      QCOMPARE(table.rows[0].values.at("l"), (std::vector<std::string>{"x", "y"}));
      QCOMPARE(table.rows[0].values.at("n").front() + table.rows[0].values.at("b").front(),
               std::string("1true"));
      QVERIFY(!table.rows[1].values.contains("n"));
    }
    QKSCOPE_EXPECT_ERROR(read("t.xls", "x"), "t.xls", ".csv");
    QKSCOPE_EXPECT_ERROR(read("e.csv", "a,b\n"), "e.csv", "no row");
    QKSCOPE_EXPECT_ERROR(read("d.csv", "a,a\n1,2\n"), "d.csv", "line 1", "'a'", "twice");
    QKSCOPE_EXPECT_ERROR(read("f.csv", "a,b\n1,2\n3\n"), "f.csv", "line 3", "1 fields");
    QKSCOPE_EXPECT_ERROR(read("g.jsonl", "{\"a\":1}\n[1]\n"), "g.jsonl", "line 2", "object");
    QKSCOPE_EXPECT_ERROR(read("h.json", "[{},7]"), "h.json", "row 2", "7");
    QKSCOPE_EXPECT_ERROR(read("i.json", R"({"a":[{}],"b":[{}]})"), "i.json", "several");
    QKSCOPE_EXPECT_ERROR(read("j.json", R"({"a":1})"), "j.json", "no list");

    json own = task();
    own.erase("items");
    own["file"] = "own.csv";
    own["columns"] = {{"country", "Land"}};
    own["values"] = {{"capital", {{"p", "Paris"}, {"r", "Rome"}}}};
    own["where"] = {{"use", "1"}};
    const auto model = TinyModel().load();
    const std::string file = write_object("own.json", own);
    const auto items = [&] { return items_of(read_task(file), model->tokenizer()); };
    QKSCOPE_EXPECT_ERROR(items(), "'own'", "'own.csv'", "--data");
    write("own.csv", "Land,capital,use\nFrance,p,1\nItaly,r,1\nPeru,x,0\n");
    QCOMPARE(items().size(), 2u);
    QCOMPARE(items()[1].prompt + items()[1].gold.answers[0], std::string("Capital of Italy?Rome"));
    write("own.csv", "Land,capital,use\nFrance,p,1\nPeru,x,1\n");
    QKSCOPE_EXPECT_ERROR(items(), "row 3", "'capital'", "'x'");
    write("own.csv", "land,capital,use\nFrance,p,1\n");
    QKSCOPE_EXPECT_ERROR(items(), "own.csv", "'Land'", "'land'");
    write("own.csv", "Land,capital,use\nFrance,p,2\n");
    QKSCOPE_EXPECT_ERROR(items(), "none of the rows");
  }
};

QTEST_GUILESS_MAIN(TestTasks)
#include "test_tasks.moc"

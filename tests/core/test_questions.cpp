// Sets of knowledge questions: read, sorted out, decided, asked, written; and the same by `dataset`.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "core/base/budget.h"
#include "core/tasks/qa_decisions.h"
#include "core/tasks/qa_export.h"
#include "core/tasks/qa_groups.h"
#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

using Indices = std::vector<std::size_t>;

class TestQuestions : public CliTestCase {
  Q_OBJECT

  QaSet read(const std::string& name, const std::string& text, const QaColumns& columns = {}) const {
    Budget budget("The questions");
    return read_qa_set(write(name, text), columns, budget);
  }
  static std::string shipped(const std::string& name) { return (shared_data() / "datasets" / name).string(); }

  /// Of yes and no, in two categories, with repeats.
  const std::string six_ =
      "question,answer,category,correct_fact\n"
      "Is Paris in France?,true,city,Paris is in France\n"
      "is  PARIS in france,Yes,city,\n"
      "Is France in Paris?,no,city,\n"
      "Is ice cold?,true,stuff,\n"
      "Is ice cold,false,stuff,\n"
      "Is fire hot?,true,stuff,\n";

 private Q_SLOTS:
  void initTestCase() { load(); }

  void readsWhatIsThere() {
    const QaSet set = read("six.csv", six_);
    QVERIFY(set.yes_no && set.problems.empty());
    QCOMPARE(set.name, std::string("six"));
    QCOMPARE(set.items.size(), 6u);
    const QaItem first{"Is Paris in France?", {"Yes"}, "city", "Paris is in France", {}, 2};
    QVERIFY(set.items[0] == first);
    QCOMPARE(set.items[2].answers, std::vector<std::string>{"No"});

    // Open answers, several of them, further columns, names that are to be told, a question put together.
    const QaSet open = read("open.jsonl",
                            "{\"land\":\"India\",\"capital\":[\"New Delhi\",\"Delhi\"],\"people\":1400}\n"
                            "{\"land\":\"Peru\",\"capital\":\"Lima\"}\n",
                            {"Which is the capital of {land}?", "capital", {}, {}});
    QVERIFY(!open.yes_no);
    QCOMPARE(open.items[0].question, std::string("Which is the capital of India?"));
    QCOMPARE(open.items[0].answers, (std::vector<std::string>{"New Delhi", "Delhi"}));
    QVERIFY(open.items[0].more == (ItemFields{{"land", {"India"}}, {"people", {"1400"}}}));
    const QaSet digits =
        read("digits.csv", "statement,label\nIt is so.,1\nIt is not.,0\n", {"statement", {}, {}, {}});
    QVERIFY(digits.yes_no);
    QCOMPARE(digits.items[1].answers, std::vector<std::string>{"No"});
    // A set of numbers, of which one is neither 1 nor 0, is none of yes and no.
    QVERIFY(!read("sums.csv", "question,answer\n0+1?,1\n0+0?,0\n1+1?,2\n").yes_no);
  }

  void namesWhatIsWrong() {
    std::string rows = "question,answer\n";
    for (int i = 0; i < 18; ++i) rows += "Is it " + std::to_string(i) + "?,yes\n";
    const QaSet set = read("some.csv", rows + ",no\nIs it?,maybe\nWas it?,\n");
    QCOMPARE(set.items.size(), 18u);
    QCOMPARE(set.problems.size(), 3u);
    QCOMPARE(set.problems[1].row, 21u);
    QVERIFY(has_all(set.problems[0].what, {"no question", "'question'"}));
    QVERIFY(has_all(set.problems[1].what, {"'maybe'", "yes or no"}));
    QVERIFY(has_all(set.problems[2].what, {"no answer", "'answer'"}));
    QKSCOPE_EXPECT_ERROR(read("a.csv", "statement,answer\nx,y\n"), "a.csv", "question", "'statement'");
    QKSCOPE_EXPECT_ERROR(read("a.csv", "question,says\nx,y\n"), "a.csv", "answer", "'says'");
    QKSCOPE_EXPECT_ERROR(read("a.csv", "question,answer\nx,y\n", {{}, {}, "kind", {}}), "'kind'", "'answer'");
    QKSCOPE_EXPECT_ERROR(read("a.csv", "question,answer\n,y\n"), "a.csv", "row 2", "no question");
    QKSCOPE_EXPECT_ERROR(read("a.csv", "a,answer\nx,y\n", {"Is {b} it?", {}, {}, {}}), "row 2", "'b'", "'a'");
  }

  /// The four published files, and the cities: counts as published, and out comes what went in.
  void publishedFilesComeOutAsTheyWere() {
    QKSCOPE_REQUIRE_DATA(shared_data() / "datasets");
    const std::map<std::string, int> truths = {
        {"sports", 94}, {"art", 96}, {"technology", 104}, {"celebrity", 101}};
    for (const auto& [name, yes] : truths) {
      const std::string file = shipped(name + "_qa.json");
      Budget budget("The questions");
      const QaSet set = read_qa_set(file, {}, budget);
      QVERIFY(set.yes_no && set.problems.empty());
      QCOMPARE(set.items.size(), 200u);
      const auto groups = qa_groups(set, set.all(), QaBalance::Both);
      QCOMPARE(groups.at(name + ", Yes").size(), static_cast<std::size_t>(yes));
      QCOMPARE(groups.at(name + ", No").size(), static_cast<std::size_t>(200 - yes));
      QVERIFY2(to_published_qa(set, set.all()) == read_file(file), name.c_str());
      // And by way of our own lines.
      const QaSet again = read(name + ".jsonl", to_qa_lines(set, set.all()));
      QVERIFY2(to_published_qa(again, again.all()) == read_file(file), name.c_str());
    }
    Budget budget("The questions");
    const QaSet cities =
        read_qa_set(shipped("cities.csv"), {"Is the city of {city} in {country}?", "label", {}, {}}, budget);
    QCOMPARE(qa_groups(cities, cities.all(), QaBalance::Answer).at("Yes").size(), 748u);
    QCOMPARE(cities.items[3].question, std::string("Is the city of Lodz in the Dominican Republic?"));
  }

  /// As json.dumps(document, indent=2) of Python 3.11 writes it.
  void writesThePublishedSchema() {
    const QaSet set =
        read("s.csv",
             "question,answer,category,correct_fact\n\"Is \"\"é\"\" one?\",true,letters,It is.\n"
             "Is 𝄞 one?,false,signs,\n");
    QCOMPARE(to_published_qa(set, Indices{0, 1}),
             std::string("{\n"
                         "  \"version\": \"1.0\",\n"
                         "  \"total_pairs\": 2,\n"
                         "  \"categories\": [\n"
                         "    \"letters\",\n"
                         "    \"signs\"\n"
                         "  ],\n"
                         "  \"data\": [\n"
                         "    {\n"
                         "      \"question\": \"Is \\\"\\u00e9\\\" one?\",\n"
                         "      \"answer\": true,\n"
                         "      \"category\": \"letters\",\n"
                         "      \"correct_fact\": \"It is.\"\n"
                         "    },\n"
                         "    {\n"
                         "      \"question\": \"Is \\ud834\\udd1e one?\",\n"
                         "      \"answer\": false,\n"
                         "      \"category\": \"signs\"\n"
                         "    }\n"
                         "  ]\n"
                         "}"));
    const QaSet open = read("o.json", R"([{"question":"Of India?","answer":["New Delhi","Delhi"],"n":3}])");
    const QaSet lines = read("o.jsonl", to_qa_lines(open, open.all()));
    QVERIFY(lines.items == open.items);
    const json task = json::parse(to_qa_task(open, open.all(), {"Be {n}.", 7}));
    QCOMPARE(task["rule"].get<std::string>(), std::string("contains"));
    QVERIFY(task["items"][0]["answer"] == json({"New Delhi", "Delhi"}));
    const auto items = items_of(read_task(write("o-task.json", task.dump())), loaded_->tokenizer());
    QCOMPARE(items[0].system, std::string("Be 3."));
    QCOMPARE(items[0].gold.answers, open.items[0].answers);
  }

  void foldsWhatDiffersInWritingOnly() {
    using Words = std::vector<std::string>;
    QCOMPARE(folded_words("Is  PARIS, in\tFrance?!"), (Words{"is", "paris", "in", "france"}));
    QCOMPARE(folded_words("It's; IT\u2019S"), (Words{"its", "its"}));
    QCOMPARE(folded_words("CAFÉ caf\u0065\u0301 ﬁne Straße"), (Words{"café", "café", "fine", "strasse"}));
    QCOMPARE(folded_words("ΣΊΣΥΦΟΣ σίσυφος 北京"), (Words{"σίσυφοσ", "σίσυφοσ", "北京"}));
    QCOMPARE(folded_words(" ?! "), Words{});
  }

  void findsDuplicates() {
    const QaSet set = read("six.csv", six_);
    const std::vector<QaDuplicates> found = find_duplicates(set, set.all());
    const std::vector<QaDuplicates> expected = {
        {{0, 1}, true, true}, {{0, 2}, false, false}, {{3, 4}, true, false}};
    QVERIFY(found == expected);
    QCOMPARE(repeated(found), Indices{1});
    QVERIFY(find_duplicates(set, Indices{1, 3, 5}).empty());
    QVERIFY(find_duplicates(set, Indices{}).empty());
  }

  /// Laws of what is dropped, over sets of all kinds of unevenness.
  void balancesAtRandom() {
    std::set<Indices> drawn;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      QaSet set;
      for (std::size_t i = 0; i < 60; ++i) {
        const std::string category = i % 3 == 0 ? "a" : i % 5 == 0 ? "b" : "c";
        set.items.push_back({std::to_string(i), {i % 4 == 0 ? "Yes" : "No"}, category, {}, {}, i + 1});
      }
      for (const QaBalance by : {QaBalance::Answer, QaBalance::Category, QaBalance::Both}) {
        const Indices all = set.all(), gone = qa_surplus(set, all, by, seed);
        QVERIFY(gone == qa_surplus(set, all, by, seed));
        Indices left;
        std::ranges::set_difference(all, gone, std::back_inserter(left));
        QCOMPARE(left.size() + gone.size(), all.size());
        const auto before = qa_groups(set, all, by), after = qa_groups(set, left, by);
        QCOMPARE(after.size(), before.size());  // none is gone altogether
        std::size_t least = all.size();
        for (const auto& [name, items] : before) least = std::min(least, items.size());
        for (const auto& [name, items] : after) QCOMPARE(items.size(), least);
        QVERIFY(qa_surplus(set, left, by, seed).empty());
        if (by == QaBalance::Answer) drawn.insert(gone);
      }
    }
    QCOMPARE(drawn.size(), 20u);  // each seed drops others
  }

  /// By both rules: what the published one takes for a yes, and what is one.
  void judgesByBothRules() {
    const QaSet set = read("six.csv", six_);
    const QaItem& yes = set.items[0];
    const auto judged = [&](const char* answer, bool right, bool published) {
      return qa_verdict(set, yes, answer) == QaVerdict{right, published};
    };
    QVERIFY(judged("Yes, it is.", true, true));
    QVERIFY(judged("No, that is not correct.", false, true));  // "correct" stands in it
    QVERIFY(judged("No, I know.", false, false));
    QVERIFY(judged("That is not false", true, false));
    QVERIFY(judged("Book it.", false, true));  // "ok"
    QVERIFY(judged("", false, false));
    const QaSet open = read("o.jsonl", "{\"question\":\"Of Japan?\",\"answer\":\"Tokyo\"}\n");
    QVERIFY((qa_verdict(open, open.items[0], "It is tokyo.") == QaVerdict{true, false}));
    QVERIFY((qa_verdict(open, open.items[0], "Tokyoites") == QaVerdict{false, true}));
  }

  void decisionsStayWithTheirQuestions() {
    const std::string folder = path("moves.csv.studio");
    {
      QaDecisions decisions = QaDecisions::open(read("moves.csv", six_), folder);
      const std::vector<QaStep> steps = {{1, {QaState::Rejected, "asked before"}},
                                         {3, {QaState::Accepted, {}}}};
      decisions.decide(steps);
      QCOMPARE(decisions.in(QaState::Accepted), Indices{3});
      QCOMPARE(decisions.not_rejected(), (Indices{0, 2, 3, 4, 5}));
      QKSCOPE_EXPECT_ERROR(QaDecisions::open(read("moves.csv", six_), folder), "decisions.jsonl", "Another");
    }
    // A row more at the front, the last one gone, and the question on ice twice: the first has the decision.
    const std::string moved =
        "question,answer,category\nIs it new?,yes,x\nIs Paris in France?,true,city\nis  PARIS in "
        "france,Yes,city\nIs ice cold?,true,stuff\nIs ice cold?,true,stuff\n";
    const QaDecisions after = QaDecisions::read(read("moves.csv", moved), folder);
    QCOMPARE(after.in(QaState::Rejected), Indices{2});
    QCOMPARE(after.of(2).reason, std::string("asked before"));
    QCOMPARE(after.in(QaState::Accepted), Indices{3});
    write_file(folder + "/decisions.jsonl", read_file(folder + "/decisions.jsonl") +
                                                "{\"decisions\":[{\"key\":\"x\",\"state\":\"lost\"}]}\n");
    QKSCOPE_EXPECT_ERROR(QaDecisions::read(read("moves.csv", six_), folder), "decisions.jsonl", "line 2",
                         "'lost'", "'rejected'");
  }

  /// Killed at any moment: every decision that was made is there, in order, and the next goes on behind it.
  void killsLoseNoDecision() {
    const QaSet set = read("killed.csv", six_);
    const std::string folder = path("killed.csv.studio");
    std::size_t before = 0;
    for (int kill = 0; kill < 8; ++kill) {
      int told[2];
      QCOMPARE(::pipe(told), 0);
      const pid_t child = ::fork();
      if (child == 0) {
        ::close(told[0]);
        QaDecisions decisions = QaDecisions::open(set, folder);
        for (std::size_t i = before;; ++i) {
          const QaStep step{i % 6, {i % 2 ? QaState::Rejected : QaState::Accepted, std::to_string(i)}};
          decisions.decide(std::span(&step, 1));
          if (::write(told[1], ".", 1) != 1) ::_exit(1);
        }
      }
      ::close(told[1]);
      std::size_t done = before;
      char dots[64];
      while (done < before + 20) {
        const ssize_t count = ::read(told[0], dots, sizeof dots);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
      }
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      for (ssize_t count = 0; (count = ::read(told[0], dots, sizeof dots)) > 0;)
        done += static_cast<std::size_t>(count);
      ::close(told[0]);
      QVERIFY(done >= before + 20);
      const std::string text = read_file(folder + "/decisions.jsonl");
      const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
      QVERIFY(lines == done || lines == done + 1);  // the last may not have been told of
      const QaDecisions decisions = QaDecisions::read(set, folder);
      for (std::size_t i = lines - 6; i < lines; ++i) QCOMPARE(decisions.of(i % 6).reason, std::to_string(i));
      before = lines;
    }
  }

  /// From a file to a task that an experiment runs, by the command line alone.
  void fromAFileToAnExperiment() {
    const std::string file = write("whole.csv", six_), keep = file + ".studio";
    const auto dataset = [&](const std::string& action, const Arguments& more = {}) {
      return run_cli(Arguments{"dataset", action, file} + more + Arguments{"--json"}).json();
    };
    const json all = dataset("import", {"--items", "0"});
    QCOMPARE(all["items"].size(), 6u);
    QVERIFY(all["answers"] == json({{"Yes", 4}, {"No", 2}}));
    QVERIFY(!std::filesystem::exists(keep));  // a look leaves nothing
    const json twice = dataset("duplicates", {"--reject"});
    QVERIFY(twice["repeated"] == json({3}));
    QVERIFY(twice["groups"][0] ==
            json({{"rows", {2, 3}}, {"same", true}, {"agree", true}, {"question", "Is Paris in France?"}}));
    dataset("decide", {"--rows", "6", "--state", "rejected", "--reason", "wrong"});

    const Arguments model = {model_.folder().string(), "--threads", "1", "--max-new", "5", "--system", ""};
    const json check = dataset("check", model);
    QCOMPARE(check["asked"].get<int>(), 4);
    int right = 0;
    for (const json& item : check["items"]) {
      // What the same model says to the same question where nothing else is asked.
      const json said = run_cli({"generate", model_.folder().string(), "--threads", "1", "--max-new", "5",
                                 "--prompt", item["question"], "--json"})
                            .json();
      QCOMPARE(item["answer"].get<std::string>(), said["text"].get<std::string>());
      right += item["right"].get<bool>() ? 1 : 0;
    }
    QCOMPARE(check["right"].get<int>(), right);
    // Asked again, nothing is asked twice.
    const std::string results = read_file(keep + "/results.jsonl");
    QCOMPARE(std::ranges::count(results, '\n'), 4);
    QVERIFY(dataset("check", model) == check);
    QCOMPARE(read_file(keep + "/results.jsonl"), results);

    const json even = dataset("balance", {"--seed", "3", "--reject"});
    QCOMPARE(even["stay"].get<int>(), 2);
    const std::string task = path("mine.json");
    const json written = dataset("export", {task, "--format", "task", "--max-new", "5", "--system", ""});
    QCOMPARE(written["questions"].get<int>(), 2);
    write("run-mine.json", json{{"tasks", {"mine"}}, {"arms", {"site=q,pick=largest:2"}}}.dump());
    const json table = run_cli({"experiment", "run", path("run-mine.json"), model_.folder().string(),
                                "--threads", "1", "--json", "--out", path("mine-results")})
                           .json();
    const json& baseline = table["arms"][0]["tasks"][0];
    QCOMPARE(baseline["items"].get<int>(), 2);
    QCOMPARE(baseline["rule"].get<std::string>(), std::string("yes_no"));
    std::set<int> dropped;
    for (const json& row : even["surplus"]) dropped.insert(row.get<int>());
    int expected = 0;
    for (const json& item : check["items"])
      expected += !dropped.contains(item["row"].get<int>()) && item["right"].get<bool>() ? 1 : 0;
    QCOMPARE(baseline["correct"].get<int>(), expected);
  }

  void theCommandRefuses() {
    const std::string file = write("refuse.csv", six_);
    QVERIFY(run_cli({"dataset", "decide", file, "--state", "accepted"}).refuses(2, {"--rows"}));
    QVERIFY(run_cli({"dataset", "decide", file, "--rows", "1", "--state", "accepted"}).refuses(1, {"Row 1"}));
    QVERIFY(run_cli({"dataset", "import", file, "--by", "both"}).refuses(2, {"--by", "import"}));
    QVERIFY(run_cli({"dataset", file, "--reject"}).refuses(2, {"--reject", "without an action"}));
    QVERIFY(run_cli({"dataset", "export", file}).refuses(2, {"file to write"}));
    QVERIFY(run_cli({"dataset", "export", file, path("x.json"), "--accepted"}).refuses(1, {"accepted"}));
    QVERIFY(run_cli({"dataset", "look", file}).refuses(2, {"import, duplicates"}));
    QVERIFY(
        run_cli({"dataset", "import", write("r.csv", "statement,answer\na,b\n")}).refuses(1, {"statement"}));
  }
};

QTEST_GUILESS_MAIN(TestQuestions)
#include "test_questions.moc"

// `experiment`: whole runs on a tiny model, shards, what comes of being killed, and the engine's own numbers.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "core/run/runner.h"
#include "core/tasks/experiment_run.h"
#include "core/tasks/experiment_table.h"
#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

class TestCliExperiments : public CliTestCase {
  Q_OBJECT

  /// An experiment of one task on words of letters; its answers are what a random model says.
  std::string experiment(const std::string& name, int items, const json& more = json::object()) const {
    json rows = json::array();
    for (int i = 0; i < items; ++i)
      rows.push_back({std::to_string(i), std::string(1, static_cast<char>('a' + i % 26))});
    write("task-" + name + ".json", json{{"kind", "context"},
                                         {"prompt", "Key{n}is{letter}?"},
                                         {"expected", "{letter}!"},
                                         {"answers", {"{letter}", "a", "e"}},
                                         {"rule", "contains_as_published"},
                                         {"published_rule", "first_number_as_published"},
                                         {"max_new_tokens", 4},
                                         {"fields", {"n", "letter"}},
                                         {"items", rows}}
                                        .dump());
    json file = {{"tasks", {"task-" + name}},
                 {"arms", {"site=q,pick=largest:2"}},
                 {"controls", {"smallest", "random"}}};
    file.update(more);
    return write(name + ".json", file.dump());
  }
  Arguments command(const std::string& file, const std::string& folder) const {
    return {"experiment", "run",   file,        model_.folder().string(), "--threads", "1",
            "--json",     "--out", path(folder)};
  }
  std::vector<std::string> lines(const std::string& file) const {
    std::ifstream stream(path(file));
    std::vector<std::string> all;
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }

 private Q_SLOTS:
  void initTestCase() { load(); }

  /// What the runner says of each question, counted.
  void countsWhatTheRunnerSays() {
    const CliResult result = run_cli(command(experiment("plain", 6), "plain"));
    const json table = result.json();
    QCOMPARE(keys(table), (Keys{"experiment", "model", "done", "of", "arms"}));
    QCOMPARE(table["arms"].size(), 4u);
    QCOMPARE(table["arms"][2]["name"].get<std::string>(), std::string("site=q,pick=largest:2, smallest"));
    Runner runner(loaded_);
    std::size_t at = 0;
    const std::vector<std::string> written = lines("plain/results.jsonl");
    QCOMPARE(written.size(), 24u);
    std::map<std::string, int> right;
    for (int i = 0; i < 6; ++i) {
      for (const json& arm : table["arms"]) {
        RunRequest request = request_for("");
        const std::string letter(1, static_cast<char>('a' + i));
        request.prompt = loaded_->tokenize("Key" + std::to_string(i) + "is" + letter + "?");
        for (const json& edit : arm["edits"]) request.edits.push_back(parse_edit(edit.get<std::string>()));
        request.max_new_tokens = 4;
        request.score_continuation = true;
        request.expected = loaded_->tokenizer().encode(letter + "!", false);
        const auto run = runner.run(request);
        const json line = json::parse(written[at++]);
        QCOMPARE(line["ids"].get<TokenIds>(), run->answer);
        QVERIFY(line["arm"] == arm["name"]);
        QVERIFY(line["weights"] == loaded_->card().weights);
        QVERIFY(close(line["perplexity"], *run->continuation->value()));
        const std::string answer = loaded_->tokenizer().decode(run->answer, true);
        QCOMPARE(line["answer"].get<std::string>(), answer);
        if (answer.find(letter) != answer.npos || answer.find_first_of("ae") != answer.npos)
          ++right[arm["name"].get<std::string>()];
      }
    }
    for (const json& arm : table["arms"]) {
      const json& task = arm["tasks"][0];
      QCOMPARE(task["correct"].get<int>(), right[arm["name"].get<std::string>()]);
      QCOMPARE(task["items"].get<int>(), 6);
      QCOMPARE(task.contains("p"), arm["name"] != "baseline");
      Keys wanted = {"task", "kind",   "items", "correct",   "accuracy",  "low",
                     "high", "chance", "rule",  "published", "perplexity"};
      wanted.insert({"diversity", "repeating"});
      if (arm["name"] != "baseline") wanted.insert({"p", "change"});
      if (arm["name"] == "site=q,pick=largest:2") wanted.insert("controls");
      QCOMPARE(keys(task), wanted);
    }
    // Again: the same bytes, and nothing is asked twice.
    QCOMPARE(run_cli(command(path("plain.json"), "plain")).out, result.out);
    QCOMPARE(lines("plain/results.jsonl"), written);
    // Another experiment that asks some of the same finds them there.
    experiment("more", 9);
    run_cli(command(path("more.json"), "plain"));
    QCOMPARE(lines("plain/results.jsonl").size(), 36u);
    // For a person.
    Arguments plain = command(path("plain.json"), "plain");
    std::erase(plain, "--json");
    QVERIFY(has_all(run_cli(plain).out, {"baseline", "task-plain", "95 %"}));
  }

  /// An answer by likelihood is the choice whose tokens lose least, each scored as an expected answer is.
  void choosesTheLikeliest_data() {
    QTest::addColumn<bool>("per_byte");
    QTest::newRow("likelihood") << false;
    QTest::newRow("likelihood_per_byte") << true;
  }
  void choosesTheLikeliest() {
    QFETCH(bool, per_byte);
    const std::string name = QTest::currentDataTag();
    const std::vector<std::string> choices = {"a", "ee!", "Keyisa?", "no"};
    const json entry = {{"task", "task-" + name}, {"answer_by", name}};
    const std::string file = experiment(name, 12, {{"tasks", {entry}}});
    json task = json::parse(lines("task-" + name + ".json").front());
    task["choices"] = choices;
    write("task-" + name + ".json", task.dump());
    const json table = run_cli(command(file, name)).json();
    Runner runner(loaded_);
    std::size_t at = 0;
    std::set<std::string> chosen;
    const std::vector<std::string> written = lines(name + "/results.jsonl");
    for (int i = 0; i < 12; ++i) {
      for (const json& arm : table["arms"]) {
        RunRequest request = request_for("");
        request.prompt = loaded_->tokenize("Key" + std::to_string(i) + "is" +
                                           std::string(1, static_cast<char>('a' + i)) + "?");
        for (const json& edit : arm["edits"]) request.edits.push_back(parse_edit(edit.get<std::string>()));
        request.score_continuation = true;
        const json line = json::parse(written[at++]);
        double least = 0;
        std::string best;
        for (std::size_t choice = 0; choice < choices.size(); ++choice) {
          request.expected = loaded_->tokenizer().encode(choices[choice], false);
          const auto run = runner.run(request);
          const double nll = std::log(*run->continuation->value()) * std::ssize(request.expected);
          QVERIFY(close(line["choice_nll"][choice], nll));
          const double loss = per_byte ? nll / std::ssize(choices[choice]) : nll;
          if (best.empty() || loss < least) {
            least = loss;
            best = choices[choice];
          }
          QCOMPARE(line["replaced"].get<std::int64_t>(), run->replaced);
        }
        QCOMPARE(line["answer"].get<std::string>(), best);
        chosen.insert(best);
      }
    }
    QVERIFY(chosen.size() > 1 || per_byte);
    QVERIFY(table["arms"][0]["tasks"][0]["answer_by"] == name);
    // By writing, the same questions are others.
    QCOMPARE(run_cli(command(experiment(name, 12), name)).json()["done"].get<int>(), 48);
    QCOMPARE(lines(name + "/results.jsonl").size(), 96u);
    const std::string none =
        experiment("none", 1, {{"tasks", {{{"task", "task-none"}, {"answer_by", name}}}}});
    QVERIFY(run_cli(command(none, "none")).refuses(1, {"task-none", "choices"}));
  }

  /// Of the expected answer as published, of what was written, and of that by itself.
  void scoresWhatWasWritten() {
    const std::string file = experiment(
        "scored", 5, {{"score_answers", true}, {"score_as_published", true}, {"controls", {"smallest"}}});
    const json table = run_cli(command(file, "scored")).json();
    Runner runner(loaded_);
    std::size_t at = 0;
    const std::vector<std::string> written = lines("scored/results.jsonl");
    for (const json& arm : table["arms"]) QCOMPARE(arm["tasks"][0]["perplexities"].size(), 3u);
    std::map<std::string, std::vector<double>> alone;
    for (int i = 0; i < 5; ++i) {
      for (const json& arm : table["arms"]) {
        RunRequest request = request_for("");
        const std::string letter(1, static_cast<char>('a' + i));
        request.prompt = loaded_->tokenize("Key" + std::to_string(i) + "is" + letter + "?");
        for (const json& edit : arm["edits"]) request.edits.push_back(parse_edit(edit.get<std::string>()));
        request.score_continuation = request.score_as_published = true;
        request.expected = loaded_->tokenizer().encode(letter + "!", false);
        const json line = json::parse(written[at++]);
        const json& told = line["perplexities"];
        QVERIFY(close(told["as_published"], *runner.run(request)->as_published->value()));
        request.expected = line["ids"].get<TokenIds>();
        request.score_as_published = false;
        QVERIFY(close(told["answer"], *runner.run(request)->continuation->value()));
        const TokenIds text = loaded_->tokenizer().encode(line["answer"].get<std::string>(), false);
        const auto perplexity = text_perplexity(*loaded_, text, request.edits).value();
        QCOMPARE(told.contains("answer_alone"), perplexity.has_value());
        if (!perplexity) continue;
        QVERIFY(close(told["answer_alone"], *perplexity));
        alone[arm["name"]].push_back(*perplexity);
      }
    }
    for (const json& arm : table["arms"]) {
      const std::vector<double>& all = alone[arm["name"]];
      QVERIFY(close(arm["tasks"][0]["perplexities"]["answer_alone"],
                    std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size())));
    }
  }

  /// Shards, in any order, one of them twice, merged: the table of a run without, byte for byte.
  void shardsMergeToTheSame() {
    const std::string file = experiment("sharded", 7);
    const std::string whole = run_cli(command(file, "whole")).out;
    for (const char* shard : {"3/3", "1/3", "1/3"})
      run_cli(command(file, "shards") + Arguments{"--shard", shard});
    const json status = run_cli({"experiment", "status", path("shards"), "--json"}).json()["experiments"][0];
    QCOMPARE(status["done"].get<int>(), 5 * 4);
    QCOMPARE(status["of"].get<int>(), 7 * 4);
    QCOMPARE(status["tasks"][0]["done"].get<int>(), 5 * 4);
    run_cli(command(file, "elsewhere") + Arguments{"--shard", "2/3"});
    QCOMPARE(lines("shards/results-1-of-3.jsonl").size(), 12u);
    QCOMPARE(lines("elsewhere/results-2-of-3.jsonl").size(), 8u);
    const CliResult merged = run_cli(
        {"experiment", "merge", path("shards"), path("elsewhere"), "--json", "--out", path("merged")});
    QCOMPARE(merged.out, whole);
    QCOMPARE(run_cli({"experiment", "merge", path("merged"), "--json"}).out, whole);
    QCOMPARE(run_cli(command(file, "merged")).out, whole);
    QCOMPARE(lines("merged/results.jsonl").size(), 28u);
  }

  /// Killed 50 times at random moments: nothing is lost, nothing is done twice, the table is the same.
  /// Forked, for 50 programs would take a minute to start.
  void survivesBeingKilled() {
    if (!test::on_cpu()) QSKIP("CUDA does not outlive a fork");
    const PlannedRuns runs = plan_experiment(read_experiment(experiment("killed", 300)), *loaded_, "tiny");
    std::mt19937 random(1);
    std::size_t before = 0;
    int progressed = 0, torn = 0;
    const auto written = [&] {
      std::ifstream stream(path("killed/results.jsonl"), std::ios::binary);
      return std::string{std::istreambuf_iterator<char>(stream), {}};
    };
    for (int i = 0; i < 50; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        try {
          ResultStore store = ResultStore::open(path("killed"));
          run_experiment(runs, loaded_, store);
        } catch (...) {
          ::_exit(1);
        }
        ::_exit(0);
      }
      QVERIFY(child > 0);
      // Two of three are killed once they have added something, however busy the machine is.
      const auto size = written().size();
      for (int waited = 0; i % 3 != 2 && waited < 20000 && written().size() <= size; ++waited)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::this_thread::sleep_for(std::chrono::microseconds(random() % (i % 3 == 2 ? 20000 : 3000)));
      ::kill(child, SIGKILL);
      int status = 0;
      QCOMPARE(::waitpid(child, &status, 0), child);
      QVERIFY2(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "the run failed");
      std::string text = written();
      const auto now = static_cast<std::size_t>(std::ranges::count(text, '\n'));
      QVERIFY2(now >= before, "results were lost");
      progressed += now > before ? 1 : 0;
      before = now;
      // A machine that goes down while it writes leaves a part of a line; every third time it did.
      if (i % 3 != 0 || text.empty() || text.back() != '\n') continue;
      const std::size_t last = text.rfind('\n', text.size() - 2) + 1;
      write("killed/results.jsonl", text + text.substr(last, random() % (text.size() - last - 1)));
      ++torn;
    }
    QVERIFY2(progressed > 10 && torn > 5, qPrintable(QStringLiteral("%1 %2").arg(progressed).arg(torn)));
    ResultStore store = ResultStore::open(path("killed"));
    run_experiment(runs, loaded_, store);
    std::set<std::string> once;
    const std::vector<std::string> all = lines("killed/results.jsonl");
    for (const std::string& line : all) once.insert(json::parse(line)["key"].get<std::string>());
    QCOMPARE(once.size(), runs.plan.results());
    QCOMPARE(all.size(), runs.plan.results());
    ResultStore whole = ResultStore::open(path("unkilled"));
    run_experiment(runs, loaded_, whole);
    QCOMPARE(to_json(tabulate(runs.plan, store)).dump(), to_json(tabulate(runs.plan, whole)).dump());
  }

  /// Ctrl+C: code 130, what there was stays, and the next run ends it.
  void stopsAndGoesOn() {
    const std::string file = experiment("stopped", 100);
    QStringList list;
    for (const std::string& argument : command(file, "stopped")) list << QString::fromStdString(argument);
    QProcess process;
    process.start(program("qkscope-cli"), list);
    while (process.state() != QProcess::NotRunning && !std::filesystem::exists(path("stopped/results.jsonl")))
      process.waitForFinished(1);
    ::kill(static_cast<pid_t>(process.processId()), SIGINT);
    QVERIFY(process.waitForFinished(20000));
    QCOMPARE(process.exitCode(), 130);
    const std::size_t before = lines("stopped/results.jsonl").size();
    QVERIFY(before < 400);
    const json table = run_cli(command(file, "stopped")).json();
    QCOMPARE(table["done"].get<int>(), 400);
    QCOMPARE(lines("stopped/results.jsonl").size(), 400u);
  }

  void dataSets() {
    const std::string file = write("qa.csv", "question,answer\nIs it?,true\nWas it?,false\nDid it?,true\n");
    const json all = run_cli({"dataset", file, "--json", "--items", "1"}).json();
    QCOMPARE(keys(all), (Keys{"file", "rows", "columns", "items"}));
    QCOMPARE(all["rows"].get<int>(), 3);
    QVERIFY(all["columns"][1]["values"] == json({{"true", 2}, {"false", 1}}));
    QVERIFY(all["items"] == json::array({{{"row", 2}, {"question", "Is it?"}, {"answer", "true"}}}));
    const json some = run_cli({"dataset", file, "--json", "--columns", "answer"}).json();
    QCOMPARE(some["columns"].size(), 1u);
    QCOMPARE(keys(some["items"][0]), (Keys{"row", "answer"}));
    QVERIFY(run_cli({"dataset", file, "--columns", "none"}).refuses(1, {"'none'", "question, answer"}));
    QVERIFY(has_all(run_cli({"dataset", file}).out, {"3 rows", "true x 2"}));
  }

  /// The scripts do what they say when bash runs them as Slurm would, and are handed to sbatch in order.
  void slurm() {
    const std::string file = experiment("cluster", 5);
    const std::string whole = run_cli(command(file, "alone")).out;
    std::filesystem::create_directories(path("bin"));
    write("bin/sbatch", "#!/bin/sh\necho \"$@\" >> " + path("asked") + "\necho 7\n");
    std::filesystem::permissions(path("bin/sbatch"), std::filesystem::perms::owner_all);
    const QByteArray before = qgetenv("PATH");
    qputenv("PATH", QByteArray::fromStdString(path("bin") + ":") + before);
    Arguments slurm = command(file, "jobs");
    slurm[1] = "slurm";
    const json written = run_cli(slurm + Arguments{"--nodes", "2", "--gpus", "1", "--dry-run"}).json();
    QVERIFY(!std::filesystem::exists(path("asked")));
    QCOMPARE(written["shards"].get<int>(), 2);
    const json submitted = run_cli(slurm + Arguments{"--nodes", "3"}).json();
    qputenv("PATH", before);
    QCOMPARE(submitted["array_job"].get<std::string>(), std::string("7"));
    const std::vector<std::string> asked = lines("asked");
    QCOMPARE(asked.size(), 2u);
    QVERIFY(has_all(asked[0], {"--parsable", "shards.sbatch"}));
    QVERIFY(has_all(asked[1], {"--dependency=afterok:7", "merge.sbatch"}));
    const auto run = [](const std::string& script, const char* task) {
      QProcess process;
      QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
      environment.insert(QStringLiteral("SLURM_ARRAY_TASK_ID"), QString::fromLatin1(task));
      process.setProcessEnvironment(environment);
      process.start(QStringLiteral("bash"), {QString::fromStdString(script)});
      return process.waitForFinished(60000) && process.exitCode() == 0;
    };
    const std::vector<std::string> script = lines("jobs/shards.sbatch");
    QVERIFY(std::ranges::count(script, std::string("#SBATCH --array=1-3")) == 1);
    QVERIFY(std::ranges::count(script, std::string("#SBATCH --requeue")) == 1);
    for (const char* task : {"2", "1", "3", "1"}) QVERIFY(run(submitted["array"].get<std::string>(), task));
    QVERIFY(run(submitted["merge"].get<std::string>(), ""));
    std::ifstream table(path("jobs/table.json"));
    QCOMPARE((std::string{std::istreambuf_iterator<char>(table), {}}), whole);
    Arguments none = slurm;
    qputenv("PATH", "/usr/bin:/bin");
    const bool real = std::filesystem::exists("/usr/bin/sbatch");
    if (!real) QVERIFY(run_cli(none).refuses(1, {"sbatch", "--dry-run"}));
    qputenv("PATH", before);
  }

  void refusals() {
    const std::string file = experiment("refused", 1);
    const auto refuses = [&](int code, const Arguments& arguments, const std::vector<std::string>& words) {
      const CliResult result = run_cli(Arguments{"experiment"} + arguments);
      QVERIFY2(result.refuses(code, words), told(result).c_str());
    };
    const std::string model = model_.folder().string();
    refuses(2, {"run", file, model}, {"--out"});
    refuses(2, {"run", file, model, "x", "--out", path("r")}, {"'x'"});
    refuses(2, {"walk", file}, {"walk", "run"});
    refuses(2, {"status", path("r"), "--shard", "1/2"}, {"--shard", "status"});
    refuses(1, {"status", path("r")}, {"/r'", "experiment run"});
    refuses(1, {"run", "no-such", model, "--out", path("r")}, {"'no-such'", "context-and-memory"});
    refuses(1, {"run", experiment("layer", 1, {{"arms", {"site=q,layers=9"}}}), model, "--out", path("r")},
            {"layer 9", "2 layers"});
    refuses(1, {"run", file, model, "--out", file}, {"refused.json"});
  }

  /// By name, and from wherever the program is told that they lie.
  void bundledAreFound() {
    experiment("own", 1);
    std::filesystem::create_directories(path("data/experiments"));
    std::filesystem::create_directories(path("data/tasks"));
    std::filesystem::copy(path("own.json"), path("data/experiments/own.json"));
    std::filesystem::copy(path("task-own.json"), path("data/tasks/task-own.json"));
    qputenv("QKSCOPE_DATASETS", QByteArray::fromStdString(path("data")));
    const json table = run_cli(command("own", "own")).json();
    qunsetenv("QKSCOPE_DATASETS");
    QCOMPARE(table["experiment"].get<std::string>(), std::string("own"));
  }
};

QTEST_GUILESS_MAIN(TestCliExperiments)
#include "test_cli_experiments.moc"

// Every option of qkscope-cli that takes a value refuses what is none: by name, with what it takes.
#include <QRegularExpression>
#include <map>
#include <set>

#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;

class TestCliOptions : public CliTestCase {
  Q_OBJECT

  /// Every option that takes a value: a command that has it, texts it must not take, words of what it does.
  struct Bad {
    std::string command;
    Arguments values;
    std::vector<std::string> allowed;  // at least one of them is said
  };
  static std::map<std::string, Bad> bad_values() {
    const auto list = [](const char* text) {
      Arguments values = {""};
      const auto more = split(QString::fromUtf8(text), '|');
      values.insert(values.end(), more.begin(), more.end());
      return values;
    };
    const auto from_one = list("0|-1|1.5|3x|nan|99999999999999999999");
    const auto from_zero = list("-1|1.5|3x|99999999999999999999");
    return {
        {"--device", {"generate", list("gpu|cuda:|cuda:x|CPU|cuda:99999|cuda:-1"), {"auto"}}},
        {"--shard",
         {"experiment run context-and-memory --out never",
          list("0/2|3/2|1/|/2|1|x/2|1/2x|-1/2|1/999999999"),
          {"I/N"}}},
        {"--data", {"experiment run context-and-memory --out never", {"", " "}, {"empty"}}},
        {"--nodes", {"experiment slurm context-and-memory --out never", from_one, {"from 1", "1 to"}}},
        {"--gpus", {"experiment slurm context-and-memory --out never", list("-1|1.5|x|65"), {"0 to 64"}}},
        {"--columns", {"dataset never.csv --json", {"", " "}, {"empty"}}},
        {"--items", {"dataset never.csv --json", from_zero, {"0 to"}}},
        {"--question", {"dataset import never.csv", {"", " "}, {"empty"}}},
        {"--answer", {"dataset import never.csv", {"", " "}, {"empty"}}},
        {"--category", {"dataset import never.csv", {"", " "}, {"empty"}}},
        {"--fact", {"dataset import never.csv", {"", " "}, {"empty"}}},
        {"--by", {"dataset balance never.csv", list("Answer|answers|"), {"category"}}},
        {"--rows",
         {"dataset decide never.csv --state accepted",
          list("0|-1|2-1|1-|1,,2|a|1.5"),
          {"from 1", "backwards"}}},
        {"--state", {"dataset decide never.csv --rows 1", list("accept|Accepted|"), {"rejected"}}},
        {"--reason", {"dataset decide never.csv --rows 1 --state rejected", {"", " "}, {"empty"}}},
        {"--system", {"dataset check never.csv", {}, {}}},  // any text, none too
        {"--format", {"dataset export never.csv never.json", list("csv|Task|"), {"published"}}},
        {"--dtype", {"generate", list("int4|Float32|float"), {"bfloat16"}}},
        {"--weights", {"generate", list("Stored|float32|both"), {"stored"}}},
        {"--synthetic", {"bench", list("llama|Llama-7b|7b|llama-7b "), {"llama-tiny"}}},
        {"--tokens", {"bench", from_one, {"whole number from 1"}}},
        {"--threads", {"generate", list("-1|1.5|x|1025|nan|99999999999999999999"), {"0 to 1024"}}},
        {"--prompt", {"tokens", {"", " "}, {"empty"}}},
        {"--prompt-file", {"tokens", {"", " "}, {"empty"}}},
        {"--text-file", {"tokens", {"", " "}, {"empty"}}},
        {"--max-tokens", {"tokens", from_one, {"whole number from 1"}}},
        {"--max-new", {"generate", from_one, {"whole number from 1"}}},
        {"--temperature", {"generate", list("-1|nan|inf|101|hot|1,5|1e400"), {"0 to 100"}}},
        {"--bos", {"generate", list("yes|On|1|"), {"auto"}}},
        {"--top-p", {"generate", list("-0.1|1.1|nan|inf|half"), {"0 to 1"}}},
        {"--top-k", {"generate", from_zero, {"whole number from 0"}}},
        {"--expect", {"perplexity", {"", " "}, {"empty"}}},
        {"--definition", {"perplexity", list("b|Text|text "), {"as_published"}}},
        {"--disrupt",
         {"generate",
          list("nonsense|site=z|site=|pick=largest|pick=lambda:nan|pick=lambda:inf|layers=0|layers=4-1|seed=-"
               "1"),
          {"expected", "backwards"}}},
        {"--seed", {"generate", list("-1|1.5|nan|1e3|18446744073709551616"), {"whole number from 0"}}},
        {"--sites", {"massive", list("q|Query|query;key|query,,key|query,"), {"query_pre"}}},
        {"--layers",
         {"massive", list("0|-1|2-1|1-|-2|1,,2|a|1.5|1-2-3|99999999999|nan"), {"from 1", "backwards"}}},
        {"--left-out",
         {"massive", list("all|First|-1|2-1|1-|1,,2|a|1.5|99999999999|first,2"), {"none, first, massive"}}},
        {"--lambda", {"massive", list("-1|nan|inf|1e400|five|5x"), {"number from 0"}}},
        {"--top", {"massive", from_zero, {"whole number from 0"}}},
        {"--values",
         {"record m --prompt x --out never.qkscope",
          list("0|-1|2-1|1-|-2|1,,2|a|1.5|auto,1"),
          {"from 1", "backwards"}}},
        {"--dump", {"massive", {"", " "}, {"empty"}}},
        {"--layout",
         {"massive --dump x.pt", list("sbhd|BSHD|flat|flat:0|flat:-1|flat:x|flat:64x"), {"bhsd"}}},
        {"--rope-theta", {"massive --dump x.pt", list("0|-1|0.5|nan|inf|1e400|x"), {"number from 1"}}},
        {"--out", {"info", {"", " "}, {"empty"}}},
        {"--sentence", {"activations magnitude m", {"", " "}, {"empty"}}},
        {"--corpus", {"activations tokens m", {"", " "}, {"empty"}}},
        {"--test", {"activations intervention m", {"", " "}, {"empty"}}},
        {"--keep", {"activations tokens m", {"", " "}, {"empty"}}},
        {"--column", {"activations tokens m", {"", " "}, {"empty"}}},
        {"--join", {"activations tokens m", {}, {}}},  // any text, none too
        {"--context-length", {"activations tokens m", from_one, {"whole number from 2"}}},
        {"--sequences", {"activations tokens m", from_one, {"whole number from 1"}}},
        {"--documents", {"activations tokens m", from_one, {"whole number from 1"}}},
        {"--site", {"activations tokens m", list("query|resid_mid|ResidPost"), {"attn_out"}}},
        {"--over", {"activations tokens m", list("-1|nan|inf|1e400|x"), {"number from 0"}}},
        {"--times", {"activations tokens m", list("-1|nan|inf|1e400|x"), {"number from 0"}}},
    };
  }

 private Q_SLOTS:
  void badValuesAreRefused_data() {
    QTest::addColumn<QString>("option");
    for (const auto& [option, bad] : bad_values())
      QTest::newRow(option.c_str()) << QString::fromStdString(option);
  }
  void badValuesAreRefused() {
    QFETCH(QString, option);
    const std::string name = option.toStdString();
    const Bad bad = bad_values().at(name);
    Arguments line = split(QString::fromStdString(bad.command), ' ');
    if (line.size() == 1) line.push_back(model_.folder().string());
    const bool reads_prompt = line[0] != "info" && line.size() == 2 && name != "--dump";
    if (reads_prompt && name != "--prompt" && !name.ends_with("-file"))
      line = line + Arguments{"--prompt", "x"};
    for (const std::string& value : bad.values) {
      const CliResult result = run_cli(line + Arguments{name + "=" + value});
      QVERIFY2(result.refuses(2, {value}), (name + "=" + value + " " + told(result)).c_str());
      // A setting of a disruption has a name of its own.
      QVERIFY2(name == "--disrupt" || has_all(result.err, {name}), told(result).c_str());
      const auto said = [&result](const std::string& words) { return has_all(result.err, {words}); };
      QVERIFY2(value.empty() || std::ranges::any_of(bad.allowed, said), told(result).c_str());
    }
  }
  /// So that a new option comes with its bad values.
  void everyOptionHasBadValues() {
    const auto known = bad_values();
    static const QRegularExpression option(QStringLiteral("(--[a-z-]+) [A-Z]"));
    std::set<std::string> seen;
    for (const char* command : {"info", "models", "tokens", "generate", "perplexity", "massive", "capture",
                                "disrupt", "record", "activations", "experiment", "dataset", "bench"}) {
      const QString help =
          QString::fromStdString(run_cli({command, "--help"}).out).section(QStringLiteral("Examples:"), 0, 0);
      for (auto all = option.globalMatch(help); all.hasNext();) {
        seen.insert(all.next().captured(1).toStdString());
      }
    }
    for (const std::string& name : seen) QVERIFY2(known.contains(name), name.c_str());
    QCOMPARE(seen.size(), known.size());
  }

  void rangesMayHaveBlanks() {
    const CliResult result =
        run_cli(on_model("massive", {"--prompt", "x", "--layers", " 1 - 2, 2 ", "--sites", "query, key",
                                     "--disrupt", "site=q , layers= 1, 2"}));
    QVERIFY2(result.code == 0, told(result).c_str());
  }
};

QTEST_GUILESS_MAIN(TestCliOptions)
#include "test_cli_options.moc"

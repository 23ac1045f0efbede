// `activations`: the five experiments, their corpora, what they print.
#include <cmath>
#include <set>

#include "core/analysis/attention_sinks.h"
#include "core/base/budget.h"
#include "core/io/corpus.h"
#include "core/io/text_rows.h"
#include "core/run/runner.h"
#include "core/tasks/activation_experiments.h"
#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

namespace {

const Arguments rule = {"--over", "0", "--times", "4"};  // which finds something in a random model
const ActivationStudy study{Site::ResidPost, {0, 4}, 3};

/// Letters, a token each.
std::string text_of(std::size_t letters) {
  std::string text;
  for (std::size_t i = 0; i < letters; ++i) text += static_cast<char>('a' + (i * i + i / 7) % 26);
  return text;
}

}  // namespace

class TestCliActivations : public CliTestCase {
  Q_OBJECT

  json found(const std::string& experiment, const Arguments& options = {}) const {
    return run_cli(
               Arguments{"activations", experiment, model_.folder().string(), "--threads", "1", "--json"} +
               rule + options)
        .json();
  }
  /// The ids of a text with BOS in front.
  TokenIds ids_of(const std::string& text, bool bos = true) const {
    TokenIds ids = loaded_->tokenizer().encode(text, false);
    if (bos) ids.insert(ids.begin(), *loaded_->tokenizer().bos());
    return ids;
  }
  /// A corpus file cut into sequences of 16, BOS included.
  std::vector<TokenIds> pieces(const std::string& text) const {
    const TokenIds ids = ids_of(text, false);
    std::vector<TokenIds> sequences;
    for (std::size_t i = 0; i + 15 <= ids.size(); i += 15) {
      sequences.push_back({*loaded_->tokenizer().bos()});
      sequences.back().insert(sequences.back().end(), ids.begin() + static_cast<std::ptrdiff_t>(i),
                              ids.begin() + static_cast<std::ptrdiff_t>(i + 15));
    }
    return sequences;
  }

 private Q_SLOTS:
  void initTestCase() { load(); }

  void magnitude() {
    for (const bool bos : {true, false}) {
      const json result =
          found("magnitude", {"--sentence", "Winter.is.cold.", "--top", "2", "--bos", bos ? "on" : "off"});
      QCOMPARE(keys(result), (Keys{"bos", "ids", "layers"}));
      QCOMPARE(result.at("bos").get<bool>(), bos);
      RunRequest request;
      request.prompt = ids_of("Winter.is.cold.", bos);
      QCOMPARE(result.at("ids").get<TokenIds>(), request.prompt);
      request.needs.activations = {{Site::ResidPost}, study.rule, 2};
      const Capture capture = Runner(loaded_).run(request)->capture;
      QCOMPARE(result.at("layers").size(), 2u);
      for (int layer = 0; layer < 2; ++layer) {
        const json& row = result.at("layers").at(static_cast<std::size_t>(layer));
        const ActivationSummary& summary = capture.activations.at({layer, Site::ResidPost});
        QCOMPARE(keys(row), (Keys{"layer", "max", "position", "dim", "median", "top"}));
        QCOMPARE(row.at("layer").get<int>(), layer + 1);
        QVERIFY(close(row.at("max"), std::abs(static_cast<double>(summary.top[0].value))));
        QVERIFY(close(row.at("median"), static_cast<double>(summary.median)));
        QCOMPARE(row.at("position").get<int>(), summary.top[0].position);
        QCOMPARE(row.at("dim").get<int>(), summary.top[0].dim);
        QCOMPARE(row.at("top").size(), 2u);
        QVERIFY(close(row.at("top").at(1), std::abs(static_cast<double>(summary.top[1].value))));
      }
    }
    std::set<json> sites;
    for (const char* site :
         {"resid_post", "attn_out", "mlp_out", "resid_pre", "attn_in", "resid_mid", "mlp_in"}) {
      const json result = found("magnitude", {"--site", site});
      QCOMPARE(result.at("layers").size(), 2u);
      sites.insert(result.at("layers"));
    }
    QCOMPARE(sites.size(), 7u);
  }

  void tokensExistenceAndIntervention() {
    const std::string text = text_of(100), file = write("some.words.txt", text),
                      other = write("b.txt", text_of(40));
    const std::vector<TokenIds> sequences = pieces(text);
    const Arguments corpus = {"--corpus", file, "--context-length", "16", "--sequences", "99"};
    Runner runner(loaded_);
    const MassiveTokens expected = massive_tokens(runner, sequences, study);
    const json tokens = found("tokens", corpus);
    QCOMPARE(keys(tokens), (Keys{"first_layer", "dims", "tokens", "mean", "std", "mean_edit"}));
    QCOMPARE(parse_edit(tokens.at("mean_edit").get<std::string>()),
             Edit(published_edit(expected, study, ActivationEdit::Set::Mean, expected.first_layer)));
    QCOMPARE(tokens.at("first_layer").get<int>(), expected.first_layer + 1);
    QCOMPARE(tokens.at("dims").get<std::vector<int>>(), expected.dims);
    QVERIFY(close(tokens.at("mean"), expected.mean));
    QVERIFY(close(tokens.at("std"), expected.deviation));
    std::size_t count = 0;
    for (const json& token : tokens.at("tokens")) {
      QCOMPARE(keys(token), (Keys{"position", "piece", "count"}));
      count += token.at("count").get<std::size_t>();
      if (token.at("position") == 0) QCOMPARE(token.at("piece").get<std::string>(), std::string("<s>"));
    }
    QCOMPARE(count, expected.tokens.size());

    const json existence = found("existence", corpus + Arguments{"--float16"});
    QCOMPARE(existence.at("sequences").get<std::size_t>(), sequences.size());
    for (const LayerExistence& layer : layer_existence(runner, sequences, study, true)) {
      const json& row = existence.at("layers").at(static_cast<std::size_t>(layer.layer));
      QCOMPARE(row.at("layer").get<int>(), layer.layer + 1);
      QVERIFY(close(row.at("max"), layer.max, 2e-3));  // a step of float16
      QCOMPARE(row.at("massive").get<bool>(), layer.massive);
    }

    const json arms = found("intervention", corpus + Arguments{"--test", file, "--test", other});
    for (const char* arm : {"original", "zero", "mean", "control"})
      QCOMPARE(keys(arms.at(arm)), (Keys{"some", "b"}));
    const double original = perplexity_of(runner, sequences, {});
    QVERIFY(close(arms.at("original").at("some"), original, 1e-3));
    using Set = ActivationEdit::Set;
    const Edit zero = published_edit(expected, study, Set::Zero);
    QVERIFY(close(arms.at("zero").at("some"), perplexity_of(runner, sequences, {zero}), 1e-3));
    QVERIFY(close(arms.at("control").at("some"),
                  perplexity_of(runner, sequences, {control_of(zero, PickKind::Smallest)}), 1e-3));
    QVERIFY(close(
        arms.at("mean").at("some"),
        perplexity_of(runner, sequences, {published_edit(expected, study, Set::Mean, expected.first_layer)}),
        1e-3));
    QVERIFY(arms.at("zero") != arms.at("original"));
  }

  /// The means of one sequence, which has at most one massive token after the first, put back into it, change
  /// nothing, to the last bit.
  void meansOfOneSequenceOnItself() {
    Runner runner(loaded_);
    int tried = 0;
    for (const TokenIds& sequence : pieces(text_of(300))) {
      for (const double times : {4.0, 5.0, 6.0, 7.0}) {
        const ActivationStudy strict{Site::ResidPost, {0, times}, 3};
        const MassiveTokens own = massive_tokens(runner, {sequence}, strict);
        const auto later =
            std::ranges::count_if(own.tokens, [](const auto& token) { return token.position > 0; });
        if (own.first_layer < 0 || later > 1) continue;
        ++tried;
        const Edit edit = published_edit(own, strict, ActivationEdit::Set::Mean, own.first_layer);
        QVERIFY(perplexity_of(runner, {sequence}, {edit}) == perplexity_of(runner, {sequence}, {}));
        QVERIFY(perplexity_of(runner, {sequence}, {published_edit(own, strict, ActivationEdit::Set::Zero)}) !=
                perplexity_of(runner, {sequence}, {}));
      }
    }
    QVERIFY(tried > 0);
  }

  /// Stopped after any sequence it goes on from there, to the same numbers; nothing that is known is computed
  /// again, and of another model nothing is known. Every runner is a new one, which knows no baseline.
  void goesOnWhereItWasStopped() {
    const std::vector<TokenIds> sequences = pieces(text_of(60));
    QVERIFY(sequences.size() > 3);
    const auto tokens_of = [&](const ActivationStudy& asked, const StudyCare& care) {
      Runner runner(loaded_);
      return massive_tokens(runner, sequences, asked, care);
    };
    const auto everything = [&](const StudyCare& care) {
      Runner runner(loaded_);
      const MassiveTokens found = tokens_of(study, care);
      std::vector<double> numbers = {found.mean, found.deviation, double(found.tokens.size())};
      for (const ActivationMean& mean : found.means) numbers.push_back(double(mean.other.value_or(0)));
      for (const LayerExistence& layer : layer_existence(runner, sequences, study, false, care))
        numbers.insert(numbers.end(), {layer.max, layer.median, double(layer.massive)});
      const Edits zero = {published_edit(found, study, ActivationEdit::Set::Zero)};
      Runner other(loaded_);
      numbers.push_back(perplexity_of(other, sequences, zero, care));
      return numbers;
    };
    const std::string file = path("known.jsonl");
    const auto lines = [&] {
      Budget budget("The file");
      return std::ranges::count(read_maybe_gzipped(file, budget), '\n');
    };
    for (std::size_t most = 1; most < sequences.size(); ++most) {
      SequenceStore store(file, "one model");
      std::stop_source stop;
      const auto stop_there = [&](std::size_t done, std::size_t) {
        if (done == most) stop.request_stop();
      };
      QVERIFY_EXCEPTION_THROWN(tokens_of(study, {stop_there, stop.get_token(), &store}), Cancelled);
      QCOMPARE(lines(), static_cast<std::ptrdiff_t>(most));
    }
    const std::vector<double> fresh = everything({});
    {
      SequenceStore store(file, "one model");
      QCOMPARE(everything({{}, {}, &store}), fresh);
    }
    const auto known = lines();
    QCOMPARE(known, 3 * std::ssize(sequences));
    std::stop_source stopped;
    stopped.request_stop();  // so that whoever computes is cancelled
    {
      SequenceStore store(file, "one model"), nothing;
      QCOMPARE(everything({{}, stopped.get_token(), &store}), fresh);
      QVERIFY_EXCEPTION_THROWN(everything({{}, stopped.get_token(), &nothing}), Cancelled);
      QVERIFY_EXCEPTION_THROWN(tokens_of({Site::ResidPost, {0, 5}, 3}, {{}, stopped.get_token(), &store}),
                               Cancelled);
      QKSCOPE_EXPECT_ERROR(SequenceStore(file, "one model"), "known.jsonl", "Another program");
    }
    SequenceStore other(file, "another model");
    QVERIFY_EXCEPTION_THROWN(everything({{}, stopped.get_token(), &other}), Cancelled);
    QCOMPARE(lines(), known);
  }

  /// A line that was cut off is done again; a file of something else is refused and left as it was.
  void keepsNothingWrong() {
    const std::vector<TokenIds> sequences = pieces(text_of(20));
    Runner runner(loaded_);
    const double loss = perplexity_of(runner, sequences, {});
    const auto again = [&](const std::string& bytes) {
      SequenceStore store(write("kept.jsonl", bytes), "m");
      return perplexity_of(runner, sequences, {}, {{}, {}, &store});
    };
    const auto bytes = [&] {
      Budget budget("The file");
      return read_maybe_gzipped(path("kept.jsonl"), budget);
    };
    QCOMPARE(again(""), loss);
    const std::string line = bytes();
    QCOMPARE(again(line.substr(0, line.size() / 2)), loss);
    QCOMPARE(bytes(), line);
    std::string odd = line;
    odd.replace(odd.find("\"answer\":[") + 9, std::string::npos, "{}}\n");
    QKSCOPE_EXPECT_ERROR(again(odd), "kept.jsonl", "loss");
    for (const std::string other : {"a text\n", "{\"key\":\"a\",\"question\":\"b\"}\n", "[]\nab"}) {
      QKSCOPE_EXPECT_ERROR(again(other), "kept.jsonl");
      QCOMPARE(bytes(), other);
    }
    // The program, twice.
    const std::string corpus = write("c.txt", text_of(60)), file = path("kept.jsonl");
    std::filesystem::remove(file);
    const Arguments options = {"--corpus", corpus, "--context-length", "16", "--keep", file};
    const json first = found("intervention", options);
    const std::string kept = bytes();
    QVERIFY(std::ranges::count(kept, '\n') >= 5 * 4);
    QVERIFY(found("intervention", options) == first);
    QCOMPARE(bytes(), kept);
  }

  void sinks() {
    const json found_sinks = found("attention", {"--sentence", "abc"});
    RunRequest request;
    request.prompt = ids_of("abc");
    request.needs.values = {Site::AttnPattern, Site::Value};
    const Capture capture = Runner(loaded_).run(request)->capture;
    for (int layer = 0; layer < 2; ++layer) {
      const json& row = found_sinks.at("layers").at(static_cast<std::size_t>(layer));
      QCOMPARE(row.at("layer").get<int>(), layer + 1);
      const Array& attention = *capture.value(layer, Site::AttnPattern);
      const std::vector<SinkScore> expected = sink_scores(attention, capture.value(layer, Site::Value));
      QVERIFY(close(row.at("entropy"), mean_entropy(attention)) && !row.contains("learned_sink"));
      for (std::size_t i = 0; i < expected.size(); ++i) {
        QVERIFY(close(row.at("mass").at(i), expected[i].mass));
        QVERIFY(close(row.at("share").at(i), expected[i].share));
        QVERIFY(close(row.at("added").at(i), expected[i].added));
      }
    }
  }

  /// --out FILE.csv: what --json says as the rows of a table, whatever is in the fields.
  void tables() {
    const std::string file = write("t.txt", text_of(60) + ",\"" + text_of(60));
    const Arguments corpus = {"--corpus", file, "--context-length", "16", "--sequences", "99"};
    const auto table = [&](const std::string& experiment, const Arguments& options, json& document) {
      const std::string out = path(experiment + ".csv");
      document = found(experiment, options + Arguments{"--out", out});
      Budget budget("The table");
      const std::string bytes = read_maybe_gzipped(out, budget);
      std::vector<std::vector<std::string>> rows;
      for (std::size_t at = 0, line = 1; at < bytes.size();) rows.push_back(csv_row(out, bytes, at, line));
      return rows;
    };
    const auto text = [](const json& value) {
      return value.is_string() ? value.get<std::string>() : value.dump();
    };
    json document;
    auto rows = table("magnitude", {"--sentence", "abc", "--top", "2"}, document);
    QCOMPARE(rows.size(), 3u);
    QCOMPARE(rows[0],
             (std::vector<std::string>{"layer", "max", "position", "dim", "median", "top1", "top2"}));
    const json& second = document["layers"][1];
    QCOMPARE(rows[2], (std::vector<std::string>{"2", text(second["max"]), text(second["position"]),
                                                text(second["dim"]), text(second["median"]),
                                                text(second["top"][0]), text(second["top"][1])}));
    for (const auto& [experiment, list] : {std::pair("existence", "layers"), std::pair("tokens", "tokens")}) {
      rows = table(experiment, corpus, document);
      QCOMPARE(rows.size(), document[list].size() + 1);
      for (std::size_t row = 1; row < rows.size(); ++row) {
        for (std::size_t column = 0; column < rows[0].size(); ++column)
          QCOMPARE(rows[row].at(column), text(document[list][row - 1].at(rows[0][column])));
      }
    }
    rows = table("intervention", corpus, document);
    QCOMPARE(rows.size(), document.size() + 1);
    for (std::size_t row = 1; row < rows.size(); ++row)
      QCOMPARE(rows[row][2], text(document.at(rows[row][0]).at(rows[row][1])));
    rows = table("attention", {"--sentence", "abc"}, document);
    QCOMPARE(rows.size(), 2u * 4 + 1);
    QCOMPARE(rows[7], (std::vector<std::string>{
                          "2", "2", text(document["ids"][2]), text(document["layers"][1]["mass"][2]),
                          text(document["layers"][1]["share"][2]), text(document["layers"][1]["added"][2])}));
  }

  /// What a seed draws is the same each time, another one draws another.
  void drawnWithASeed() {
    std::string lines;
    for (int i = 0; i < 30; ++i)
      lines += json{{"text", text_of(20 + static_cast<std::size_t>(i))}}.dump() + "\n";
    const std::string file = write("many.jsonl", lines);
    const auto drawn = [&](const char* seed) {
      return found("existence", {"--corpus", file, "--context-length", "12", "--sequences", "3",
                                 "--documents", "9", "--seed", seed});
    };
    QVERIFY(drawn("1") == drawn("1"));
    QVERIFY(drawn("1") != drawn("2"));
    QCOMPARE(drawn("1").at("sequences").get<int>(), 3);
    // Shorter than one piece: a sequence all the same.
    QCOMPARE(found("existence", {"--corpus", write("short.txt", "abc")}).at("sequences").get<int>(), 1);
  }

  void corpora() {
    const auto read = [&](const std::string& name, std::string_view bytes,
                          const std::string& column = "text") {
      Budget budget("The corpus");
      return read_documents(write(name, bytes), column, budget);
    };
    using Documents = std::vector<std::string>;
    QCOMPARE(read("a.txt", "one\n\ntwo"), (Documents{"one\n\ntwo"}));
    QCOMPARE(read("a.jsonl", "{\"text\":\"a\\nb\"}\n\n{\"x\":1,\"text\":\"c\"}\r\n"),
             (Documents{"a\nb", "c"}));
    QCOMPARE(read("a.csv", "id,\"review\"\r\n1,\"say \"\"hi\"\", you\nthere\"\n2,plain\n", "review"),
             (Documents{"say \"hi\", you\nthere", "plain"}));
    const std::string gzip(
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00"
        "\x00",
        25);
    QCOMPARE(read("a.txt.gz", gzip), Documents{"hello"});
    const auto refuses = [&](const std::string& name, std::string_view bytes,
                             const std::vector<std::string>& words) {
      const std::string text = error_of([&] { read(name, bytes); });
      if (!has_all(text, words)) qWarning("%s", text.c_str());
    };
    refuses("a.parquet", "PAR1", {"a.parquet", ".jsonl"});
    refuses("empty.txt", "", {"empty.txt", "no text"});
    refuses("b.jsonl", "{\"text\":\"a\"}\n{\"txt\":1}\n", {"b.jsonl", "line 2", "'text'"});
    refuses("b.jsonl", "{\"text\":\"a\"}\n[1\n", {"b.jsonl", "line 2"});
    refuses("b.jsonl", "{\"text\":7}", {"line 1", "'text'"});
    refuses("b.csv", "a,b\n1,2\n", {"b.csv", "'text'", "'a', 'b'"});
    refuses("b.csv", "a,text\n1\n", {"line 2", "1 fields", "2"});
    refuses("b.csv", "a,text\n1,\"x\n", {"line 2", "no end"});
    refuses("cut.txt.gz", gzip.substr(0, 15), {"cut.txt.gz", "gzip"});
    QKSCOPE_EXPECT_ERROR(read_documents(path("none.txt"), "text", *std::make_unique<Budget>("x")),
                         "none.txt");
    Budget small("The corpus", {}, 3);
    QKSCOPE_EXPECT_ERROR(read_documents(write("c.txt", "four"), "text", small), "The corpus");
  }

  /// Nothing to intervene on is said, not computed.
  void nothingMassive() {
    const std::string file = write("n.txt", text_of(60));
    const Arguments never = {"--corpus", file, "--over", "1e9", "--context-length", "16"};
    const Arguments start = {"activations", "tokens", model_.folder().string(), "--json"};
    const json none = run_cli(start + never).json();
    QVERIFY(none.at("first_layer").is_null() && none.at("tokens").empty() && none.at("mean").is_null());
    Arguments intervention = start;
    intervention[1] = "intervention";
    const CliResult refused = run_cli(intervention + never);
    QVERIFY2(refused.refuses(1, {"massive activation", "--over"}), told(refused).c_str());
  }
};

QTEST_GUILESS_MAIN(TestCliActivations)
#include "test_cli_activations.moc"

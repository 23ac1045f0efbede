// What qkscope-cli prints and writes: the keys of --json, which are an interface, and the engine's numbers
// under them.
#include <signal.h>

#include <QElapsedTimer>
#include <algorithm>
#include <fstream>

#include "core/run/runner.h"
#include "tests/support/activation_dumps.h"
#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

namespace {

const Arguments commands = {"info",    "models",  "tokens",  "generate", "perplexity",  "massive",
                            "verdict", "capture", "disrupt", "record",   "activations", "bench"};

}  // namespace

class TestCli : public CliTestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() { load(); }

  void helps() {
    const CliResult all = run_cli({"--help"});
    QCOMPARE(all.code, 0);
    QVERIFY(all.err.empty());
    QVERIFY2(has_all(all.out, {"Exit codes", "JSON.md", "Try:\n  qkscope-cli disrupt"}), all.out.c_str());
    QVERIFY2(has_all(all.out, commands), all.out.c_str());
    for (const std::string& command : commands) {
      const CliResult help = run_cli({command, "--help"});
      QCOMPARE(help.code, 0);
      QVERIFY2(has_all(help.out, {"Examples:\n  qkscope-cli " + command, "--json", "--out"}),
               help.out.c_str());
    }
    const std::string disrupt = run_cli({"disrupt", "--help"}).out;
    for (const auto& preset : presets())
      QVERIFY2(has_all(disrupt, {preset.name, preset.about}), preset.name.c_str());
    QCOMPARE(run_cli({"--version"}).out, std::string("qkscope-cli " QKSCOPE_VERSION "\n"));
  }

  void info() {
    const json found = printed("info", {});
    QCOMPARE(keys(found), (Keys{"name",
                                "path",
                                "format",
                                "stored_types",
                                "parameters",
                                "stored_bytes",
                                "needed_bytes",
                                "weights",
                                "blocks_bytes",
                                "free_bytes",
                                "device",
                                "device_reason",
                                "dtype",
                                "tokenizer",
                                "chat",
                                "notes",
                                "architecture",
                                "num_layers",
                                "num_heads",
                                "num_kv_heads",
                                "head_dim",
                                "hidden_size",
                                "intermediate_size",
                                "vocab_size",
                                "sliding_window",
                                "mixers",
                                "rotates",
                                "rope",
                                "max_position_embeddings",
                                "tie_word_embeddings"}));
    QCOMPARE(keys(found.at("rope")),
             (Keys{"type", "theta", "factor", "rotary_dim", "attention_factor", "inv_freq", "wavelength"}));
    QCOMPARE(found.at("num_heads").get<int>(), 4);
    QCOMPARE(found.at("num_kv_heads").get<int>(), 2);
    QCOMPARE(found.at("rope").at("inv_freq").size(), 8u);
    QCOMPARE(found.at("parameters").get<std::int64_t>(), loaded_->card().parameters);
  }

  void infoOfAModelWithoutRope() {
    const TinyModel model("../families/gpt2-bfloat16");
    const std::string folder = model.folder().string();
    const json found = run_cli({"info", folder, "--json"}).json();
    QVERIFY(found.at("rope").is_null());
    QCOMPARE(found.at("mixers").get<std::vector<std::string>>(),
             (std::vector<std::string>{"attention", "attention"}));
    QCOMPARE(found.at("rotates").get<std::vector<bool>>(), (std::vector<bool>{false, false}));
    QVERIFY(run_cli({"info", folder}).out.find("none (learned positions)") != std::string::npos);
  }

  // What a person should know of a model stands in info, and on standard error of whatever loads it.
  void notesAreTold() {
    const TinyModel model;
    model.change_weights([](std::map<std::string, Array>& weights) { weights["vision.w"] = {{1}, {0}}; });
    const std::string folder = model.folder().string(), note = "does not use: 'vision.w'.";
    const json notes = run_cli({"info", folder, "--json"}).json().at("notes");
    QCOMPARE(notes.size(), 1u);
    QVERIFY(notes[0].get<std::string>().ends_with(note));
    QVERIFY(run_cli({"info", folder}).out.find(note) != std::string::npos);
    for (const char* command : {"tokens", "generate", "perplexity", "massive", "disrupt"}) {
      const CliResult result = run_cli({command, folder, "--prompt", "x", "--threads", "1"});
      QCOMPARE(result.code, 0);
      QVERIFY2(result.err.starts_with("qkscope-cli: ") && result.err.ends_with(note + "\n"),
               result.err.c_str());
    }
    QVERIFY(printed("info", {}).at("notes").empty());
  }

  void tokens() {
    const json found = printed("tokens", prompted());
    QCOMPARE(keys(found), (Keys{"ids", "pieces", "rendered", "format"}));
    QCOMPARE(found.at("ids").get<TokenIds>(), ids_);
    std::string joined;
    for (const json& piece : found.at("pieces")) joined += piece.get<std::string>();
    QCOMPARE(joined, prompt_);
    QCOMPARE(found.at("rendered").get<std::string>(), prompt_);
    const json cut = printed("tokens", prompted({"--max-tokens", "3"}));
    QCOMPARE(cut.at("ids").get<TokenIds>(), TokenIds(ids_.begin(), ids_.begin() + 3));
    QCOMPARE(cut.at("rendered").get<std::string>(), std::string("My "));
  }

  /// --prompt-file drops one line break at the end, - is standard input, --text-file keeps every byte.
  void promptsFromFiles() {
    const std::string file = write("prompt.txt", "Hello\n\n");
    const auto rendered = [&](const Arguments& options, const std::string& input = {}) {
      return run_cli(on_model("tokens", options + Arguments{"--json"}), input)
          .json()
          .at("rendered")
          .get<std::string>();
    };
    QCOMPARE(rendered({"--prompt-file", "-"}, "Hi there\n"), std::string("Hi there"));
    QCOMPARE(rendered({"--prompt-file", file}), std::string("Hello\n"));
    QCOMPARE(rendered({"--text-file", file}), std::string("Hello\n\n"));
    std::filesystem::resize_file(file, std::uintmax_t{10} << 30);  // without taking a block of the disk
    for (const char* option : {"--prompt-file", "--text-file"})
      QVERIFY(run_cli(on_model("tokens", {option, file})).refuses(1, {file, "256 MiB"}));
  }

  /// The chat format is the default where there is one.
  void chats() {
    const TinyModel chatty;
    write_file(
        chatty.folder() / "tokenizer_config.json",
        R"({"chat_template": "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }};{% endfor %}"})");
    const auto rendered = [&](const Arguments& options) {
      const Arguments line = {"tokens", chatty.folder().string(), "--json", "--prompt", "Hi"};
      return run_cli(line + options).json().at("rendered").get<std::string>();
    };
    QVERIFY2(rendered({}).find("user: Hi;") != std::string::npos, rendered({}).c_str());
    QCOMPARE(rendered({"--chat"}), rendered({}));
    QCOMPARE(rendered({"--raw"}), std::string("Hi"));
  }

  // BOS stands once, whether the post-processor, the text or the template writes it; in a text, wherever a
  // person means it.
  void bosStandsOnce() {
    const TinyModel chatty;
    std::ifstream file(chatty.folder() / "tokenizer.json");
    json tokenizer = json::parse(file);
    tokenizer["post_processor"] = json::parse(R"({"type": "TemplateProcessing", "pair": [],
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}})");
    write_file(chatty.folder() / "tokenizer.json", tokenizer.dump());
    write_file(chatty.folder() / "tokenizer_config.json",
               R"({"bos_token": "<s>", "chat_template": "{{ bos_token }}{{ messages[0]['content'] }}"})");
    const auto ids = [&](const std::string& prompt, const char* format) {
      return run_cli({"tokens", chatty.folder().string(), "--json", "--prompt", prompt, format})
          .json()
          .at("ids")
          .get<TokenIds>();
    };
    const TokenIds once = ids("Hi", "--raw");
    QCOMPARE(once.front(), 1);
    QCOMPARE(std::ranges::count(once, 1), 1);
    QCOMPARE(ids("Hi", "--chat"), once);
    QCOMPARE(ids("<s>Hi", "--raw"), once);
    QCOMPARE(std::ranges::count(ids("Hi<s>", "--raw"), 1), 2);
  }

  void generates() {
    const json found = printed("generate", prompted({"--max-new", "7"}));
    QCOMPARE(keys(found),
             (Keys{"ids", "text", "stopped", "prompt_ids", "format", "prefill_ms", "decode_ms"}));
    RunRequest request = request_for({});
    request.max_new_tokens = 7;
    const TokenIds answer = Runner(loaded_).compare(request).baseline->answer;
    QCOMPARE(found.at("ids").get<TokenIds>(), answer);
    QCOMPARE(found.at("text").get<std::string>(), loaded_->tokenizer().decode(answer, true));
    QCOMPARE(found.at("prompt_ids").get<TokenIds>(), ids_);
    // For a person: the text, as it is told token by token, and nothing else.
    const CliResult plain = run_cli(on_model("generate", prompted({"--max-new", "7"})));
    QCOMPARE(plain.out, found.at("text").get<std::string>() + "\n");
    QVERIFY(plain.err.empty());
    // Seeds decide, and the same one again.
    const auto drawn = [&](const char* seed) {
      return printed("generate", prompted({"--max-new", "12", "--temperature", "2", "--seed", seed}))
          .at("ids")
          .get<TokenIds>();
    };
    const TokenIds first = drawn("1");
    QCOMPARE(drawn("1"), first);
    QVERIFY(drawn("2") != first);
  }

  void scoresContinuations() {
    const Arguments options =
        prompted({"--expect", "Rufus.", "--disrupt", "site=qk,pick=largest:2,phase=every"});
    const json found = printed("perplexity", options);
    QCOMPARE(keys(found), (Keys{"definition", "tokens", "value", "nll", "ids", "format", "disruptions"}));
    RunRequest request = request_for("site=qk,pick=largest:2,phase=every");
    request.expected = loaded_->tokenizer().encode("Rufus.", false);
    request.score_continuation = request.score_as_published = true;
    const Comparison comparison = Runner(loaded_).compare(request);
    QCOMPARE(found.at("definition").get<std::string>(), std::string("continuation"));
    QCOMPARE(found.at("ids").get<TokenIds>(), request.expected);
    QCOMPARE(found.at("tokens").get<std::size_t>(), request.expected.size());
    QCOMPARE(found.at("nll").size(), request.expected.size());
    QVERIFY(close(found.at("value"), *comparison.disrupted->continuation->value()));
    QCOMPARE(found.at("disruptions").at(0).get<std::string>(), to_text(request.edits[0]));
    const json published = printed("perplexity", options + Arguments{"--definition", "as_published"});
    QVERIFY(close(published.at("value"), *comparison.disrupted->as_published->value()));
  }

  /// A text file is a text; one token of it has no perplexity, which is null and said in words.
  void scoresTexts() {
    const std::string story = "Once upon a time there was a girl named Lily.";
    const Arguments options = {"--text-file", write("text.txt", story)};
    const json found = printed("perplexity", options);
    QCOMPARE(found.at("definition").get<std::string>(), std::string("text"));
    const Perplexity expected = text_perplexity(*loaded_, loaded_->tokenize(story));
    QVERIFY(close(found.at("value"), *expected.value()));
    QCOMPARE(found.at("ids").get<TokenIds>(), expected.tokens);
    const Arguments one = options + Arguments{"--max-tokens", "1"};
    const json none = printed("perplexity", one);
    QVERIFY(none.at("value").is_null());
    QCOMPARE(none.at("tokens").get<int>(), 0);
    const CliResult plain = run_cli(on_model("perplexity", one));
    QCOMPARE(plain.code, 0);
    QVERIFY(has_all(plain.out, {"no token was scored"}));
  }

  void disrupts() {
    const json found = printed(
        "disrupt", prompted({"--expect", "Rufus.", "--max-new", "5", "--disrupt", "site=q,pick=largest:3"}));
    QCOMPARE(keys(found), (Keys{"baseline", "disrupted", "replaced", "definition", "scored_ids", "prompt_ids",
                                "format", "disruptions"}));
    RunRequest request = request_for("site=q,pick=largest:3");
    request.expected = loaded_->tokenizer().encode("Rufus.", false);
    request.score_continuation = true;
    request.max_new_tokens = 5;
    const Comparison comparison = Runner(loaded_).compare(request);
    QCOMPARE(found.at("replaced").get<std::int64_t>(), comparison.disrupted->replaced);
    QCOMPARE(found.at("scored_ids").get<TokenIds>(), request.expected);
    for (const auto& [name, run] :
         {std::pair{"baseline", comparison.baseline}, {"disrupted", comparison.disrupted}}) {
      const json& arm = found.at(name);
      QCOMPARE(keys(arm), (Keys{"text", "ids", "stopped", "perplexity", "nll", "next_tokens"}));
      QCOMPARE(arm.at("ids").get<TokenIds>(), run->answer);
      QCOMPARE(arm.at("text").get<std::string>(), loaded_->tokenizer().decode(run->answer, true));
      QVERIFY(close(arm.at("perplexity"), *run->continuation->value()));
      QCOMPARE(arm.at("next_tokens").size(), run->next_tokens.size());
      QCOMPARE(keys(arm.at("next_tokens")[0]), (Keys{"id", "piece", "probability", "logit"}));
      QCOMPARE(arm.at("next_tokens")[0].at("id").get<int>(), run->next_tokens[0].id);
    }
    QVERIFY(found.at("baseline").at("perplexity") != found.at("disrupted").at("perplexity"));
    // One token has no perplexity by definition (b).
    const json none =
        printed("disrupt", prompted({"--max-tokens", "1", "--max-new", "1", "--definition", "text"}));
    QVERIFY(none.at("baseline").at("perplexity").is_null() &&
            none.at("disrupted").at("perplexity").is_null());
    QCOMPARE(none.at("disruptions").at(0).get<std::string>(), to_option(parse_disruption("lambda 5 on Q")));
  }

  /// --seed also draws random picks, unless these have a seed of their own.
  void seedsPicks() {
    const auto spelt = [&](const char* settings) {
      return printed("disrupt", prompted({"--max-new", "1", "--seed", "9", "--disrupt", settings}))
          .at("disruptions")
          .dump();
    };
    QVERIFY(has_all(spelt("site=q,pick=random:2"), {"seed=9,"}));
    QVERIFY(has_all(spelt("site=q,pick=random:2,seed=4"), {"seed=4,"}));
  }

  void writesJsonFiles() {
    const std::string out = path("answer.json");
    const CliResult result =
        run_cli(on_model("generate", prompted({"--max-new", "2", "--out", out, "--json"})));
    QCOMPARE(read_file(out), result.out);
  }

  /// Every key that is printed is described.
  void keysAreDocumented() {
    const std::string page = read_file(source_dir() / "app/cli/JSON.md");
    const std::function<void(const json&)> look = [&](const json& node) {
      for (const auto& [key, value] : node.items()) {
        if (node.is_object()) QVERIFY2(has_all(page, {"`" + key + "`"}), key.c_str());
        if (value.is_structured() && key != "arrays") look(value);
      }
    };
    for (const std::string& command : commands) {
      Arguments options = command == "info" || command == "bench" ? Arguments{} : prompted();
      if (command == "capture") options = options + Arguments{"--out", path("documented.safetensors")};
      if (command == "massive") options = options + Arguments{"--lambda", "1"};
      if (command == "verdict") options = {"--tasks", "capitals", "--items", "2", "--lambda", "1.2"};
      if (command == "record") options = options + Arguments{"--out", path("documented.qkscope")};
      QVERIFY2(has_all(page, {"\n## " + command + "\n"}), command.c_str());
      Arguments line = on_model(command, options);
      if (command == "models") line = {"models"};
      if (command == "activations") line = {"activations", "magnitude", model_.folder().string()};
      look(run_cli(line + Arguments{"--json"}).json());
    }
  }

  /// What massive says of each prompt, and the spread over them.
  void verdictOverPrompts() {
    const std::string task =
        write("two.json", R"({"kind": "memory", "prompt": "{p}", "answers": "x", "rule": "equals",
      "fields": ["p"], "items": [["abc"], ["Hello there"], ["not asked"]]})");
    const json found =
        run_cli(on_model("verdict", {"--tasks", task, "--items", "2", "--lambda", "1.3", "--json"}))
            .json()["models"][0];
    QCOMPARE(found["prompts"].get<int>(), 2);
    std::vector<double> counts;
    for (const char* prompt : {"abc", "Hello there"}) {
      Arguments massive =
          on_model("massive", {"--prompt", prompt, "--sites", "query", "--lambda", "1.3", "--json"});
      if (loaded_->chat_format().is_raw()) massive.push_back("--raw");
      counts.push_back(run_cli(massive).json()["query"]["count"].get<double>());
    }
    const json& spread = found["q"]["massive"];
    QVERIFY(counts[0] + counts[1] > 0);
    QVERIFY(close(spread["mean"], (counts[0] + counts[1]) / 2));
    QVERIFY(close(spread["std"], std::abs(counts[0] - counts[1]) / 2));
    QCOMPARE(spread["max"].get<double>(), std::max(counts[0], counts[1]));
    QVERIFY(run_cli({"verdict", model_.folder().string(), "no-such-model"}).refuses(1, {"no-such-model"}));
    QVERIFY(run_cli(on_model("verdict", {"--tasks", "none"})).refuses(1, {"'none'", "capitals"}));
  }

  /// Ctrl+C ends long work with code 130.
  void stopsOnInterrupt() {
    QStringList list;
    for (const auto& argument : on_model("generate", prompted({"--max-new", "1000000"})))
      list << QString::fromStdString(argument);
    QProcess process;
    process.start(program("qkscope-cli"), list);
    QVERIFY(process.waitForReadyRead(30000));
    QElapsedTimer timer;
    timer.start();
    QCOMPARE(::kill(static_cast<pid_t>(process.processId()), SIGINT), 0);
    QVERIFY(process.waitForFinished(30000));
    QVERIFY2(timer.elapsed() < 5000, qPrintable(QString::number(timer.elapsed())));
    QCOMPARE(process.exitStatus(), QProcess::NormalExit);
    QCOMPARE(process.exitCode(), 130);
  }

  /// The default model, which the command takes where none is named: the pass key is lost, as measured
  /// elsewhere.
  void theDefaultModelLosesThePassKey() {
    const auto golden_path = shared_data() / "goldens" / "smollm2.json";
    QKSCOPE_REQUIRE_DATA(golden_path);
    QKSCOPE_REQUIRE_DATA(models_folder() / (default_model_name() + ".gguf"));
    const json golden = read_json(golden_path), prompt = golden.at("prompts").at("passkey");
    const auto& scored = golden.at("continuations").at("entries");
    const json& entry =
        *std::ranges::find_if(scored, [](const json& e) { return e.at("prompt") == "passkey"; });
    const std::string file = write("passkey.txt", prompt.at("user").get<std::string>());
    const json found = run_cli({"disrupt", "--prompt-file", file, "--expect", "The pass key is 48213.",
                                "--max-new", "24", "--threads", "1", "--json"})
                           .json();
    QCOMPARE(found.at("prompt_ids").get<TokenIds>(), prompt.at("ids").get<TokenIds>());
    QCOMPARE(found.at("scored_ids").get<TokenIds>(), entry.at("ids").get<TokenIds>());
    for (const auto& [arm, name] :
         {std::pair{"baseline", "baseline"}, {"disrupted", "lambda=5 Q, mask of clean pass, head mean"}}) {
      QCOMPARE(found.at(arm).at("ids").get<TokenIds>(),
               prompt.at("answers").at(name).at("ids").get<TokenIds>());
      QVERIFY(close(found.at(arm).at("perplexity"), entry.at("perplexity").at(name).get<double>(), 1e-3));
    }
    QCOMPARE(found.at("replaced").get<int>(),
             golden.at("passkey_massive_values").at("query").at("5").at("count").get<int>());
  }
};

QTEST_GUILESS_MAIN(TestCli)
#include "test_cli.moc"

// What qkscope-cli refuses: one sentence on standard error that names the thing and, where there is one, the
// remedy; exit code 2 for wrong usage, 1 for what fails.
#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

class TestCliRefusals : public CliTestCase {
  Q_OBJECT
 private Q_SLOTS:
  void wrongUsage_data() {
    QTest::addColumn<QString>("line");
    QTest::addColumn<QString>("words");
    const auto row = [](const char* line, const char* words) {
      QTest::newRow(line) << QString::fromLatin1(line) << QString::fromLatin1(words);
    };
    row("(nothing)", "info|disrupt|--help");
    row("nonsense", "tokens|--help");
    row("generate", "--prompt TEXT");
    row("generate MODEL --prompt x --bogus", "--bogus|generate --help");
    row("generate MODEL --prompt x --prompt-file y", "--prompt-file|--help");
    row("generate MODEL --prompt x --raw --chat", "--raw|--chat");
    row("generate MODEL --prompt x --chat", "--chat|template");
    row("generate MODEL --prompt x --max-new 0", "--max-new|'0'|1");
    row("generate MODEL --prompt x --max-new many", "--max-new|'many'");
    row("generate MODEL --prompt x --temperature -1", "--temperature|'-1'");
    row("generate MODEL --prompt x --temperature nan", "--temperature|'nan'");
    row("generate MODEL --prompt x --top-p 2", "--top-p|'2'");
    row("generate MODEL --prompt x --seed -1", "--seed|'-1'");
    row("generate MODEL --prompt x --seed 1.5", "--seed|1.5");
    row("generate MODEL --prompt x --dtype int4", "--dtype|int4|bfloat16");
    row("generate MODEL --prompt x --device gpu", "--device|'gpu'|cuda");
    row("generate MODEL --prompt x --device cuda:x", "--device|'cuda:x'");
    row("generate MODEL --prompt x --disrupt nonsense", "'nonsense'|'lambda 5 on Q'|site=q");
    row("generate MODEL --prompt x --disrupt pick=largest", "'largest'|largest:N");
    row("generate MODEL --prompt x --disrupt layers=3", "layers|3|2 layers");
    row("generate MODEL --prompt x --disrupt entries=k", "--disrupt|entries|'k'");
    row("generate MODEL --prompt x --disrupt entries=v\t2:3:0",
        "--disrupt|head 3 of V in layer 2|2 KV heads");
    row("disrupt MODEL --prompt x --disrupt off\tpublished", "--disrupt|switched off");
    row("generate MODEL --prompt x --disrupt heads=5", "head 5|4 query heads");
    row("generate MODEL --prompt x --out x.safetensors", "--out|JSON");
    row("massive MODEL --prompt x --layers 1-3", "--layers|3|2 layers");
    row("massive MODEL --prompt x --layers 0", "--layers|'0'|from 1");
    row("massive MODEL --prompt x --sites q", "--sites|'q'|query_pre");
    row("massive MODEL --prompt x --sites mlp_in", "query_pre|M");
    row("massive MODEL --prompt x --lambda inf", "--lambda|'inf'");
    row("massive --dump x.pt --layers 1", "--layers|--dump");
    row("massive --dump x.pt --before-rope", "--before-rope|--rope-theta");
    row("massive --dump x.pt --out y.safetensors", "--dump|JSON");
    row("capture MODEL --prompt x", "--out|.safetensors");
    row("capture MODEL --prompt x --out x.npz", "--out|.safetensors");
    row("capture MODEL --prompt x --out x.safetensors --norms-only --sites mlp_in", "--norms-only|query_pre");
    row("record MODEL --prompt x", "--out|.qkscope");
    row("record MODEL --prompt x --out x.json", "--out|'x.json'|.qkscope");
    row("record MODEL --prompt x --out x.qkscope --values 3", "--values|3|2 layers");
    row("record MODEL --prompt x --out x.qkscope --max-tokens 3", "--max-tokens");
    row("record MODEL --prompt x --out x.qkscope --temperature 1", "--temperature|most probable");
    row("record MODEL --prompt x --out x.qkscope --definition text", "--definition|continuation");
    row("record MODEL --text-file x --out x.qkscope", "--text-file|--prompt-file|--raw");
    row("activations", "EXPERIMENT");
    row("activations sinks MODEL", "sinks|magnitude");
    row("activations tokens MODEL", "tokens|--corpus");
    row("activations magnitude MODEL --bos auto", "--bos|auto|off");
    row("activations tokens MODEL --corpus x.txt --site mlp_in", "--site|mlp_in|tokens|resid_post");
    row("perplexity MODEL --prompt x --definition b", "--definition|b|as_published");
    row("perplexity MODEL --prompt x --definition text --expect y", "--expect|text");
  }
  void wrongUsage() {
    QFETCH(QString, line);
    QFETCH(QString, words);
    Arguments arguments = line.startsWith(QLatin1Char('(')) ? Arguments{} : split(line, ' ');
    std::ranges::replace(arguments, "MODEL", model_.folder().string());
    const CliResult result = run_cli(arguments);
    QVERIFY2(result.refuses(2, split(words, '|')), told(result).c_str());
  }

  /// Output that cannot be written never passes for success, and a file is there whole or not at all.
  void outputThatCannotBeWritten_data() {
    QTest::addColumn<QString>("line");
    for (const char* line :
         {"--help", "--version", "info MODEL", "info MODEL --json", "tokens MODEL --prompt x",
          "generate MODEL --prompt x", "generate MODEL --prompt x --json", "massive MODEL --prompt x",
          "disrupt MODEL --prompt x --max-new 1"})
      QTest::newRow(line) << QString::fromLatin1(line);
  }
  void outputThatCannotBeWritten() {
    QFETCH(QString, line);
    Arguments arguments = split(line, ' ');
    std::ranges::replace(arguments, "MODEL", model_.folder().string());
    const CliResult full = run_cli(arguments, {}, "/dev/full");
    QVERIFY2(full.refuses(1, {"standard output", "No space left"}), told(full).c_str());
  }
  void pipesThatNobodyReads() {
    QProcess shell;
    shell.start(
        QStringLiteral("bash"),
        {QStringLiteral("-c"), QStringLiteral("\"$0\" \"$@\" | (exec <&-; sleep 0.1); exit ${PIPESTATUS[0]}"),
         program("qkscope-cli"), QStringLiteral("info"), QString::fromStdString(model_.folder().string())});
    QVERIFY(shell.waitForFinished(60000));
    const std::string words = shell.readAllStandardError().toStdString();
    QCOMPARE(shell.exitCode(), 1);
    QVERIFY2(has_all(words, {"standard output", "Broken pipe"}), words.c_str());
  }
  void filesThatCannotBeWritten() {
    const CliResult full = run_cli({"info", model_.folder().string(), "--json", "--out", "/dev/full/x"});
    QVERIFY2(full.refuses(1, {"/dev/full/x"}), told(full).c_str());
  }

  void failures() {
    const std::string nowhere = path("nowhere");
    for (const auto& [line, words] : std::vector<std::pair<Arguments, std::vector<std::string>>>{
             {{"info", nowhere}, {nowhere, "packaging/run.sh"}},
             {on_model("tokens", {"--prompt-file", nowhere}), {nowhere, "text file"}},
             {on_model("capture", {"--prompt", "x", "--out", nowhere + "/x.safetensors"}),
              {nowhere, "folder"}},
             {{"massive", "--dump", nowhere}, {nowhere}}}) {
      const CliResult result = run_cli(line);
      QVERIFY2(result.refuses(1, words), told(result).c_str());
    }
  }

  /// A broken model is refused by its card and by whoever loads it, in a sentence that names the file and the
  /// thing.
  void badModels_data() {
    QTest::addColumn<QString>("words");
    const auto row = [](const char* name, const char* words) {
      QTest::newRow(name) << QString::fromLatin1(words);
    };
    row("truncated", "model.safetensors|truncated");
    row("odd hidden_size", "hidden_size|wide");
    row("wrong shape", "model.layers.1.mlp.down_proj.weight|(64, 80)|(64, 79)");
    row("missing tensor", "model.norm.weight|no tensor");
    row("architecture", "MambaForCausalLM|LlamaForCausalLM");
    row("rope type", "longtail|llama3");
    row("not JSON", "config.json|JSON");
    row("no archive", "pytorch_model.bin|torch.save");
    row("no tokenizer", "tokenizer.json");
  }
  void badModels() {
    QFETCH(QString, words);
    const TinyModel model;
    const std::string broken = QTest::currentDataTag(), folder = model.folder().string();
    const auto weights_file = model.folder() / "model.safetensors";
    if (broken == "truncated") std::filesystem::resize_file(weights_file, 200000);
    if (broken == "odd hidden_size")
      model.change_config([](json& config) { config["hidden_size"] = "wide"; });
    if (broken == "wrong shape") {
      model.change_weights([](auto& weights) {
        weights.at("model.layers.1.mlp.down_proj.weight") = {{64, 79}, std::vector<float>(64 * 79)};
      });
    }
    if (broken == "missing tensor")
      model.change_weights([](auto& weights) { weights.erase("model.norm.weight"); });
    if (broken == "architecture")
      model.change_config([](json& config) { config["architectures"] = {"MambaForCausalLM"}; });
    if (broken == "rope type")
      model.change_config([](json& config) { config["rope_scaling"] = {{"rope_type", "longtail"}}; });
    if (broken == "not JSON") write_file(model.folder() / "config.json", "{");
    if (broken == "no archive") std::filesystem::rename(weights_file, model.folder() / "pytorch_model.bin");
    if (broken == "no tokenizer") std::filesystem::remove(model.folder() / "tokenizer.json");
    for (const Arguments& line :
         {Arguments{"info", folder}, Arguments{"generate", folder, "--prompt", "x"}}) {
      const CliResult result = run_cli(line);
      QVERIFY2(result.refuses(1, split(words, '|')), told(result).c_str());
      QVERIFY2(has_all(result.err, {folder}), told(result).c_str());
    }
  }

  /// Only whoever reads the weights can tell.
  void weightsThatAreNoNumbers() {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      const TinyModel model;
      model.change_weights(
          [bad](auto& weights) { weights.at("model.layers.1.self_attn.k_proj.weight").data[77] = bad; });
      const std::string folder = model.folder().string();
      const CliResult result = run_cli({"generate", folder, "--prompt", "x"});
      QVERIFY2(result.refuses(1, {folder, "'model.layers.1.self_attn.k_proj.weight'", "not finite"}),
               told(result).c_str());
    }
  }

  /// Weights that are sound, and products of them that leave float16.
  void answersThatAreNoNumbers() {
    const TinyModel model;
    model.change_weights([](auto& weights) {
      for (float& w : weights.at("lm_head.weight").data) w *= 1e4f;
    });
    const CliResult result =
        run_cli({"generate", model.folder().string(), "--prompt", "x", "--dtype", "float16"});
    QVERIFY2(result.refuses(1, {"logits", "not finite", "float32"}), told(result).c_str());
  }

  void foreignFiles() {
    CliResult result = run_cli({"info", write("junk.gguf", "not a model at all")});
    QVERIFY2(result.refuses(1, {"junk.gguf", "GGUF"}), told(result).c_str());
    result = run_cli({"massive", "--dump", write("junk.pt", "not a dump at all")});
    QVERIFY2(result.refuses(1, {"junk.pt"}), told(result).c_str());
  }

  /// A pickle that would run a command: refused before anything of it is run.
  void picklesWithCode() {
    const std::string proof = path("proof");
    const std::string evil =
        pickle(pickle_global("os", "system") + "(" + pickle_text("touch " + proof) + "tR");
    const std::string dump =
        write("evil.pt", zip_bytes({{"archive/data.pkl", evil}, {"archive/version", "3\n"}}));
    const CliResult result = run_cli({"massive", "--dump", dump});
    QVERIFY2(result.refuses(1, {"evil.pt", "os", "system"}), told(result).c_str());
    QVERIFY(!std::filesystem::exists(proof));
  }

  /// A capture holds M beside the values: as a dump of values it is refused with what a dump must hold.
  void dumpsOfOtherShapes() {
    const std::string out = path("capture.safetensors");
    QCOMPARE(run_cli(on_model("capture", {"--prompt", "x", "--layers", "2", "--out", out})).code, 0);
    const CliResult result = run_cli({"massive", "--dump", out});
    QVERIFY2(result.refuses(1, {"capture.safetensors", ".norm", "(2, 16)", "(position, head, dim)"}),
             told(result).c_str());
  }

  /// A template that cannot be used is no reason not to answer, and no secret.
  void templatesThatCannotBeUsedAreSaid() {
    const TinyModel model;
    const json several = json::array({{{"name", "tool_use"}, {"template", "x"}}});
    for (const auto& [value, words] : std::vector<std::pair<json, std::vector<std::string>>>{
             {several, {"'tool_use'", "'default'"}},
             {"{{ messages | no_such_filter }}", {"'no_such_filter'"}},
             {"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", {"4 s"}}}) {
      write_file(model.folder() / "tokenizer_config.json", json{{"chat_template", value}}.dump());
      for (const char* command : {"tokens", "generate", "perplexity", "disrupt"}) {
        const CliResult result =
            run_cli({command, model.folder().string(), "--prompt", "Hello", "--threads", "1", "--json"});
        QCOMPARE(result.code, 0);
        QVERIFY2(result.err.starts_with("qkscope-cli: Prompts are passed raw: ") &&
                     has_all(result.err, words) && std::ranges::count(result.err, '\n') == 1,
                 told(result).c_str());
        QVERIFY(json::parse(result.out).at("format").get<std::string>().starts_with("raw: "));
      }
    }
  }

  /// What needs no pass works with weights that cannot be used.
  void tokensAndInfoReadNoWeights() {
    const TinyModel broken;
    broken.change_weights([](std::map<std::string, Array>& weights) {
      for (auto& [name, array] : weights) std::ranges::fill(array.data, std::nanf(""));
    });
    const std::string folder = broken.folder().string();
    const auto run = [&](const char* command, const Arguments& more) {
      return run_cli(Arguments{command, folder, "--json"} + more);
    };
    QVERIFY(run("generate", prompted()).refuses(1, {"not finite"}));
    QVERIFY(run("tokens", prompted()).json() == printed("tokens", prompted()));
    QVERIFY(keys(run("info", {}).json()).contains("needed_bytes"));
  }
};

QTEST_GUILESS_MAIN(TestCliRefusals)
#include "test_cli_refusals.moc"

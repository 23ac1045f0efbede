// Results in the layout of the published program's files: each file by itself, byte for byte, and all of them
// as `activations --out FOLDER` writes them.
#include <fstream>
#include <sstream>

#include "core/io/python_text.h"
#include "core/run/runner.h"
#include "core/tasks/published_texts.h"
#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  return split(QString::fromStdString(text), '\n');
}

std::size_t count_of(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

}  // namespace

class TestCliPublished : public CliTestCase {
  Q_OBJECT

  std::set<std::string> files(const std::string& folder) const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) names.insert(std::filesystem::relative(entry.path(), folder).string());
    }
    return names;
  }

 private Q_SLOTS:
  void initTestCase() { load(); }

  /// What Python 3.11 and PyTorch 2.11 print.
  void pythonValues() {
    const std::vector<std::pair<double, std::string>> numbers = {
        {2400, "2400.0"},
        {2.390625, "2.390625"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.5e300, "1.5e+300"},
        {0, "0.0"},
        {-0.0, "-0.0"},
        {5.1327223777771, "5.1327223777771"},
        {std::numeric_limits<double>::infinity(), "inf"},
        {std::numeric_limits<double>::quiet_NaN(), "nan"}};
    for (const auto& [number, text] : numbers) QCOMPARE(python_text(number), text);
    QCOMPARE(python_text(std::string_view("it's")), std::string("\"it's\""));
    QCOMPARE(python_text(std::string_view("a\u200b\u00e9\x1b\U0001f600\ue000'\"\\\n")),
             std::string("'a\\u200b\u00e9\\x1b\U0001f600\\ue000\\'\"\\\\\\n'"));
    QCOMPARE(python_text(std::vector<int>{}), std::string("[]"));
    using Row = std::vector<float>;
    const std::vector<std::pair<Row, std::string>> tensors = {
        {{-520}, "[[-520.]]"},
        {{-45.5F}, "[[-45.5000]]"},
        {{0}, "[[0.]]"},
        {{1e9F}, "[[1.0000e+09]]"},
        {{99999999.0F}, "[[100000000.]]"},
        {{1, 2000, 3}, "[[1.0000e+00, 2.0000e+03, 3.0000e+00]]"},
        {{1.5F, -2000.25F}, "[[ 1.5000e+00, -2.0002e+03]]"},
        {{0.00001F}, "[[1.0000e-05]]"},
        {{std::numeric_limits<float>::quiet_NaN(), 1}, "[[nan, 1.]]"},
        {{0, std::numeric_limits<float>::infinity()}, "[[0., inf]]"},
        {{-0.0F, 3}, "[[-0., 3.]]"},
        {{1, 22, 333, 1, 22, 333, 1, 22, 333, 1, 22, 333, 1, 22},
         "[[  1.,  22., 333.,   1.,  22., 333.,   1.,  22., 333.,   1.,  22., 333.,\n"
         "           1.,  22.]]"}};
    for (const auto& [row, text] : tensors) QCOMPARE(torch_text(row), "tensor(" + text + ")");
  }

  /// GPT-2 as published: the layers of check_has_massive_activations.txt and the perplexities, digit by
  /// digit.
  void layersAndPerplexities() {
    std::vector<LayerExistence> layers;
    for (const double max :
         {120.5, 616.0, 2480.0, 2672.0, 2816.0, 2912.0, 2976.0, 3008.0, 3024.0, 3040.0, 3040.0, 390.0}) {
      const auto layer = static_cast<int>(layers.size());
      layers.push_back({layer, max, 1, layer >= 2 && layer <= 9});
    }
    QCOMPARE(published_existence("gpt2", layers),
             std::string("Model: gpt2\nLocation & Value of Massive Activations\n") + std::string(50, '=') +
                 "\nLayer-2: 2480.0\nLayer-3: 2672.0\nLayer-4: 2816.0\nLayer-5: 2912.0\nLayer-6: 2976.0\n"
                 "Layer-7: 3008.0\nLayer-8: 3024.0\nLayer-9: 3040.0\n");
    const std::vector<std::pair<std::string, double>> as_it_is = {
        {"wikitext", 30.424076080322266}, {"c4", 37.60689926147461}, {"pg19", 53.71809387207031}};
    const auto arm = [](const char* published) { return InterventionArm{"any", published, {}}; };
    QCOMPARE(
        published_perplexities(
            {{arm("original"), as_it_is},
             {arm("set_to_zero"),
              {{"wikitext", 30.573850631713867}, {"c4", 37.71281433105469}, {"pg19", 53.85255813598633}}},
             {arm("set_to_mean_2"), as_it_is},
             {arm(""), as_it_is}}),
        std::string("Perplexity Results\n"
                    "original\nwikitext: 30.424076080322266\nc4: 37.60689926147461\n"
                    "pg19: 53.71809387207031\n\n"
                    "set_to_zero\nwikitext: 30.573850631713867\nc4: 37.71281433105469\n"
                    "pg19: 53.85255813598633\n\n"
                    "set_to_mean_2\nwikitext: 30.424076080322266\nc4: 37.60689926147461\n"
                    "pg19: 53.71809387207031\n\n"));
  }

  /// Numbers of Llama-2 as published, of two layers of two sequences; one between them has none.
  void tokensOfSequences() {
    MassiveTokens found;
    found.first_layer = 1;
    found.dims = {1415, 1512, 2533};
    found.taken = {{{1, 0, 1415, -520},
                    {1, 0, 2533, 872},
                    {1, 30, 1415, -1520},
                    {1, 30, 1512, -163},
                    {1, 30, 2533, 2576},
                    {29, 30, 2533, 2544}},
                   {},
                   {{1, 0, 1415, -520}, {1, 6, 2533, 2232}, {2, 6, 2533, 2240}},
                   {{1, 6, 2533, 2112}}};
    const std::string stars(50, '*');
    const auto piece = [](std::size_t sequence, int position) {
      return position == 0 ? "<s>" : sequence == 2 ? "\n" : ".";
    };
    QCOMPARE(
        published_tokens(found, piece),
        "Datum 0\nLayers with Massive Activations: [1, 29]\n"
        "Layer 1\nToken Positions with Massive Activations: [0, 30]\n"
        "Associated Tokens with Massive Activations: {0: '<s>', 30: '.'}\n"
        "Embedding Position with Massive Activations:\n----- Position: [1415, 1512, 2533]\n"
        "----- Magnitude: {0: {1415: 520.0, 2533: 872.0}, 30: {1415: 1520.0, 1512: 163.0, 2533: 2576.0}}\n" +
            stars +
            "\nLayer 29\nToken Positions with Massive Activations: [30]\n"
            "Associated Tokens with Massive Activations: {30: '.'}\n"
            "Embedding Position with Massive Activations:\n----- Position: [2533]\n"
            "----- Magnitude: {30: {2533: 2544.0}}\n" +
            stars + "\n" + stars +
            "\n\nDatum 1\nLayers with Massive Activations: [1, 2]\n"
            "Layer 1\nToken Positions with Massive Activations: [0, 6]\n"
            "Associated Tokens with Massive Activations: {0: '<s>', 6: '\\n'}\n"
            "Embedding Position with Massive Activations:\n----- Position: [1415, 2533]\n"
            "----- Magnitude: {0: {1415: 520.0}, 6: {2533: 2232.0}}\n" +
            stars +
            "\nLayer 2\nToken Positions with Massive Activations: [6]\n"
            "Associated Tokens with Massive Activations: {6: '\\n'}\n"
            "Embedding Position with Massive Activations:\n----- Position: [2533]\n"
            "----- Magnitude: {6: {2533: 2240.0}}\n" +
            stars + "\n" + stars +
            "\n\nDatum 2\nLayers with Massive Activations: [1]\n"
            "Layer 1\nToken Positions with Massive Activations: [6]\n"
            "Associated Tokens with Massive Activations: {6: '.'}\n"
            "Embedding Position with Massive Activations:\n----- Position: [2533]\n"
            "----- Magnitude: {6: {2533: 2112.0}}\n" +
            stars + "\n" + stars + "\n\n" + std::string(50, '=') +
            "\nSummary\nFirst Layer with Massive Activations: 1\n"
            "Embedding Position with Massive Activations in First Layer: [1415, 1512, 2533]\n"
            "Massive Activation Magnitude in First Layer:\n"
            "-- Token Position 0\n---- Position 1415 | Avg: 520.0, Std: 0.0\n"
            "---- Position 2533 | Avg: 872.0, Std: 0.0\n"
            "-- Token Position 30\n---- Position 1415 | Avg: 1520.0, Std: 0.0\n"
            "---- Position 1512 | Avg: 163.0, Std: 0.0\n---- Position 2533 | Avg: 2576.0, Std: 0.0\n"
            "-- Token Position 6\n---- Position 2533 | Avg: 2172.0, Std: 60.0\n"
            "Unique Tokens (with the Relative Position) with Massive Activations in All Layers: "
            "{0: {'<s>'}, 30: {'.'}, 6: {'\\n', '.'}}\n");
    QVERIFY(published_tokens({}, piece).starts_with(std::string(50, '=') +
                                                    "\nSummary\nFirst Layer with Massive "
                                                    "Activations: inf\n"));
  }

  /// Dims stand in the order in which positions bring them, as published.
  void layersOfASentence() {
    Capture capture;
    const auto add = [&](int layer, float max, std::vector<ActivationAt> massive) {
      capture.activations[{layer, Site::ResidPost}] = {{{4, 2533, max}}, 0.5F, {}, std::move(massive), {}};
    };
    add(0, -2.390625F, {});
    add(1, 2240, {{0, 1415, -520}, {0, 2533, 872}, {4, 1415, -1328}, {4, 1512, -144}, {4, 2533, 2240}});
    add(29, 2224, {{4, 1415, -1312}, {4, 2533, 2224}});
    capture.activations[{1, Site::MlpOut}] = {{{0, 0, 9}}, 1, {}, {}, {}};
    QCOMPARE(published_sentence(capture, {Site::ResidPost, {100, 200}, 3}),
             std::string("Layer-0 | Max Activation: 2.390625\nNo massive activations found in this layer.\n"
                         "Layer-1 | Max Activation: 2240.0\n"
                         "Token Positions with Massive Activations: [0, 4]\n"
                         "Massive Activation Positions in Embedding: [1415, 2533, 1512]\n"
                         "Layer-29 | Max Activation: 2224.0\n"
                         "Token Positions with Massive Activations: [4]\n"
                         "Massive Activation Positions in Embedding: [1415, 2533]\n"));
  }

  void resets() {
    ActivationEdit edit;
    edit.scope = ActivationEdit::Scope::Published;
    edit.layers = {1};
    edit.dims = {1415, 1512};
    const std::vector<MassiveOriginals> sequences = {
        {{0, 2}, {{-520, -45.5F}, {-1168, -125}}}, {{}, {}}, {{146, 150}, {{-1136, -119}, {1, 2}}}};
    const std::string zero = "Resetting massive activations to 0.0 in layer 1 token_dim ";
    QCOMPARE(published_resets(edit, sequences, true),
             zero + "[0] loc 1415. Original Value: tensor([[-520.]])\n" + zero +
                 "[0] loc 1512. Original Value: tensor([[-45.5000]])\n");
    edit.set = ActivationEdit::Set::Mean;
    edit.means = {{ActivationMean::every, 1415, -520.0F, -1322.5F},
                  {ActivationMean::every, 1512, -45.5F, std::nullopt}};
    const std::string mean = "Resetting massive activations to -1322.5 in layer 1 token_dim ";
    QCOMPARE(published_resets(edit, sequences, false),
             mean + "[2] loc 1415. Original Value: tensor([[-1168.]])\n" + mean +
                 "[146, 150] loc 1415. Original Value: tensor([[-1.1360e+03,  1.0000e+00]])\n");
  }

  void foldersOfEveryExperiment() {
    std::string text;
    for (std::size_t i = 0; i < 100; ++i) text += static_cast<char>('a' + (i * i + i / 7) % 26);
    const std::string corpus = write("some.words.txt", text);
    const Arguments shared = {"--over",      "0", "--times", "4", "--context-length", "16",
                              "--sequences", "5", "--seed",  "3", "--threads",        "1"};
    const auto run = [&](const std::string& experiment, const Arguments& more) {
      const std::string folder = path("results of " + experiment);
      const json document =
          run_cli(Arguments{"activations", experiment, model_.folder().string(), "--json", "--out", folder} +
                  shared + more)
              .json();
      const std::string written = bytes_of(folder + "/" + experiment + ".json");
      if (json::parse(written, nullptr, false) != document) qWarning("another JSON: %s", written.c_str());
      const std::vector<std::string> config = lines_of(bytes_of(folder + "/config.txt"));
      const std::vector<std::string> expected = {"Model: " + loaded_->card().name,
                                                 "Model Path: " + model_.folder().string(),
                                                 "Module Name: layer",
                                                 "Layer Path: model.layers",
                                                 "Attention Path: self_attn",
                                                 "Context Length: 16",
                                                 "Number of Samples: 5",
                                                 "Add BOS Token: True",
                                                 "Show Logits: False",
                                                 "Seed: 3"};
      if (config != expected) qWarning("another config.txt in %s", folder.c_str());
      return std::pair(document, folder + "/");
    };
    using Names = std::set<std::string>;
    const auto [magnitude, m] = run("magnitude", {"--sentence", "abc"});
    QCOMPARE(files(m),
             (Names{"config.txt", "magnitude.csv", "magnitude.json", "output_feature_tokenwise.txt"}));
    const std::string sentence = bytes_of(m + "output_feature_tokenwise.txt");
    for (const json& row : magnitude["layers"])
      QVERIFY(sentence.find("Layer-" + std::to_string(row["layer"].get<int>() - 1) + " | Max Activation: " +
                            python_text(row["max"].get<double>()) + "\n") != sentence.npos);
    const auto [attention, a] = run("attention", {"--sentence", "abc"});
    QCOMPARE(files(a), (Names{"attention.csv", "attention.json", "config.txt"}));

    const auto [existence, e] = run("existence", {"--corpus", corpus});
    std::size_t massive = 0;
    const std::string check = bytes_of(e + "check_has_massive_activations.txt");
    for (const json& row : existence["layers"]) {
      massive += row["massive"].get<bool>();
      QCOMPARE(check.find("Layer-" + std::to_string(row["layer"].get<int>() - 1) + ": " +
                          python_text(row["max"].get<double>()) + "\n") != check.npos,
               row["massive"].get<bool>());
    }
    QVERIFY(massive > 0);
    QCOMPARE(lines_of(check).size(), 3 + massive);

    const std::string verify = "verify_massive_activations_location_and_magnitude.txt";
    const auto [tokens, t] = run("tokens", {"--corpus", corpus});
    QCOMPARE(files(t), (Names{"config.txt", "tokens.csv", "tokens.json", verify}));
    const std::string found = bytes_of(t + verify);
    QVERIFY(found.find("First Layer with Massive Activations: " +
                       std::to_string(tokens["first_layer"].get<int>() - 1) + "\n") != found.npos);
    QVERIFY(found.find("in First Layer: " + python_text(tokens["dims"].get<std::vector<int>>()) + "\n") !=
            found.npos);
    for (const json& token : tokens["tokens"])
      QVERIFY(found.find(std::to_string(token["position"].get<int>()) + ": " +
                         python_text(token["piece"].get<std::string>())) != found.npos);

    const auto [arms, i] = run("intervention", {"--corpus", corpus});
    QCOMPARE(bytes_of(i + verify), found);
    const std::string ppl = bytes_of(i + "intervention_analysis/results_ppl.txt");
    const std::string first = std::to_string(tokens["first_layer"].get<int>() - 1);
    for (const auto& [name, arm] :
         {std::pair(std::string("original"), "original"), std::pair(std::string("set_to_zero"), "zero"),
          std::pair("set_to_mean_" + first, "mean")}) {
      QVERIFY(ppl.find("\n" + name + "\nsome: " + python_text(arms[arm]["some"].get<double>()) + "\n\n") !=
              ppl.npos);
    }
    QVERIFY(ppl.find("control") == ppl.npos);
    // A line for every dim at the massive tokens of each sequence.
    const std::string log = bytes_of(i + "intervention_analysis/set_to_zero_ppl/some_startingtoken.txt") +
                            bytes_of(i + "intervention_analysis/set_to_zero_ppl/some_nonstartingtoken.txt");
    Runner runner(loaded_);
    CorpusChoice choice;
    choice.context_length = 16;
    choice.sequences = 5;
    choice.seed = 3;
    const auto sequences = sequences_of(loaded_->tokenizer(), choice, corpus);
    const ActivationStudy study{Site::ResidPost, {0, 4}, 3};
    std::size_t lines = 0;
    for (const TokenIds& sequence : sequences) {
      const MassiveTokens own = massive_tokens(runner, {sequence}, study);
      const auto starts = std::ranges::count(own.tokens, 0, &MassiveTokens::Token::position);
      lines +=
          tokens["dims"].size() * static_cast<std::size_t>((starts > 0) + (starts < std::ssize(own.tokens)));
      // What stands there is what a pass gives, in the layer that is written.
      RunRequest request;
      request.prompt = sequence;
      request.needs.values = {Site::ResidPost};
      request.needs.value_layers = {std::stoi(first)};
      const auto pass = runner.run(request);
      const Array& values = *pass->capture.value(std::stoi(first), Site::ResidPost);
      for (const MassiveTokens::Token& token : own.tokens) {
        if (token.position == 0 || std::ssize(own.tokens) > starts + 1) continue;
        const int dim = tokens["dims"][0].get<int>();
        QVERIFY(log.find(" token_dim [" + std::to_string(token.position) + "] loc " + std::to_string(dim) +
                         ". Original Value: " + torch_text({values.at(token.position, dim)})) != log.npos);
      }
    }
    QVERIFY(lines > 0);
    QCOMPARE(count_of(log, "Resetting massive activations to 0.0 in layer " + first + " "), lines);
  }

  /// A file that is there stays a file, and a folder that cannot be made is named.
  void filesAndFolders() {
    const std::string file = write("plain", "old");
    const Arguments start = {
        "activations", "magnitude", model_.folder().string(), "--sentence", "abc", "--threads", "1", "--out"};
    QCOMPARE(run_cli(start + Arguments{file}).code, 0);
    QVERIFY(json::parse(bytes_of(file), nullptr, false).contains("layers"));
    const CliResult refused = run_cli(start + Arguments{file + "/below"});
    QCOMPARE(refused.code, 1);
    QVERIFY2(refused.err.find("below") != refused.err.npos, told(refused).c_str());
  }
};

QTEST_GUILESS_MAIN(TestCliPublished)
#include "test_cli_published.moc"

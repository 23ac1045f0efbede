// qkscope-cli massive and capture: M, its massive values and the arrays of a capture, against the engine's
// own.
#include "core/run/recording_file.h"
#include "core/run/runner.h"
#include "tests/support/activation_dumps.h"
#include "tests/support/cli.h"
#include "tests/support/npy_bytes.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

namespace {

using Shape = std::vector<std::int64_t>;

bool close(const Array& found, const Array& expected) {
  if (found.shape != expected.shape) return false;
  for (std::size_t i = 0; i < found.data.size(); ++i) {
    if (std::abs(found.data[i] - expected.data[i]) > 1e-4f * std::abs(expected.data[i])) return false;
  }
  return true;
}

}  // namespace

class TestCliArrays : public CliTestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() { load(); }

  void listsMassiveValues() {
    const Arguments options = prompted({"--lambda", "1.5", "--sites", "query,key_pre", "--layers", "2"});
    const json found = printed("massive", options);
    QCOMPARE(keys(found), (Keys{"query", "key_pre"}));
    RunRequest request = request_for({});
    request.needs = {{Site::Query, Site::KeyPreRope}, {}, {1}, {}};
    const Capture capture = Runner(loaded_).compare(request).baseline->capture;
    const FrequencyAxis axis(loaded_->spec(), capture.positions);
    for (const auto& [name, site] : {std::pair{"query", Site::Query}, {"key_pre", Site::KeyPreRope}}) {
      const json& of_site = found.at(name);
      QCOMPARE(keys(of_site), (Keys{"count", "low_frequency_half", "max_ratio", "of", "entries"}));
      const auto values = massive_values(capture.norms, site, 1.5);
      QVERIFY(!values.empty());
      QCOMPARE(of_site.at("count").get<std::size_t>(), values.size());
      QCOMPARE(of_site.at("entries").size(), values.size());
      QCOMPARE(of_site.at("low_frequency_half").get<std::int64_t>(),
               count_massive(capture.norms, site, 1.5, axis).low_frequency_half);
      QVERIFY(close(of_site.at("max_ratio"), static_cast<double>(values[0].ratio)));
      for (std::size_t i = 0; i < values.size(); ++i) {
        const json& entry = of_site.at("entries")[i];
        QCOMPARE(keys(entry), (Keys{"layer", "head", "dim", "m", "ratio", "wavelength"}));
        QCOMPARE(entry.at("layer").get<int>(), 1);  // the second
        QCOMPARE(entry.at("head").get<int>(), values[i].head);
        QCOMPARE(entry.at("dim").get<int>(), values[i].dim);
        QVERIFY(close(entry.at("m"), static_cast<double>(values[i].m)));
        QVERIFY(close(entry.at("ratio"), static_cast<double>(values[i].ratio)));
        QVERIFY(close(entry.at("wavelength"), axis.at(values[i].dim)->wavelength));
      }
    }
    // The table counts layers and heads from 1.
    const CliResult plain = run_cli(on_model("massive", options + Arguments{"--top", "1"}));
    const json& top = found.at("query").at("entries")[0];
    const QString row =
        QStringLiteral("query 2 %1 %2 ").arg(top.at("head").get<int>() + 1).arg(top.at("dim").get<int>());
    QVERIFY2(QString::fromStdString(plain.out).simplified().contains(row), plain.out.c_str());
    QVERIFY(has_all(plain.out, {"more; --top 0 shows all"}));
  }

  /// M without positions, as the engine tells it, in the table and in files; each site says which.
  void leavesOutPositions() {
    RunRequest request = request_for({});
    request.needs = {{Site::Query, Site::Key, Site::Value}, {}, {}, {}};
    request.needs.left_out = {LeftOut::Which::Chosen, {0, 2}, {}};
    const Capture capture = Runner(loaded_).compare(request).baseline->capture;
    const json found = printed("massive", prompted({"--lambda", "1.5", "--left-out", "0,2"}));
    for (const auto& [name, site] : {std::pair{"query", Site::Query}, {"key", Site::Key}}) {
      const auto values = massive_values(capture.without, site, 1.5);
      const json& of_site = found.at(name);
      QCOMPARE(of_site.at("left_out").get<std::vector<int>>(), (std::vector<int>{0, 2}));
      QCOMPARE(of_site.at("count").get<std::size_t>(), values.size());
      QVERIFY(!values.empty());
      QVERIFY(close(of_site.at("entries")[0].at("m"), static_cast<double>(values[0].m)));
      QVERIFY(values[0].m != massive_values(capture.norms, site, 1.5)[0].m);
    }
    const std::string out = path("left_out.safetensors");
    const json written = printed("capture", prompted({"--out", out, "--norms-only", "--left-out", "0,2"}));
    QCOMPARE(written.at("left_out").get<std::vector<int>>(), (std::vector<int>{0, 2}));
    QVERIFY(close(read_safetensors(out).arrays.at("layers.1.key.norm"), *capture.without.at({1, Site::Key})));
    QVERIFY(!printed("massive", prompted({})).at("query").contains("left_out"));
    // Of the tensors of a file alike; these have no residual stream.
    write("left.npy", npy_bytes("<f4", {3, 1, 2}, raw_bytes(std::vector<float>{100, 1, 3, 1, 4, 1})));
    const Arguments dump{"massive", "--dump", path("left.npy"), "--layout", "bshd", "--lambda", "1.5"};
    const json of_file = run_cli(dump + Arguments{"--left-out", "first", "--json"}).json();
    QVERIFY(close(of_file.front().at("entries")[0].at("m"), 5));
    QVERIFY(run_cli(dump + Arguments{"--left-out", "massive"}).refuses(2, {"residual"}));
    QVERIFY(run_cli(dump + Arguments{"--left-out", "1-3"}).refuses(2, {"position 3", "3"}));
    QVERIFY(run_cli(on_model("massive", prompted({"--left-out", "999"}))).refuses(2, {"position 999"}));
  }

  void writesM() {
    const std::string out = path("m.safetensors");
    printed("massive", prompted({"--out", out, "--sites", "query,value", "--layers", "2"}));
    const ArrayFile file = read_safetensors(out);
    RunRequest request = request_for({});
    request.needs.norms = {Site::Query, Site::Value};
    const Capture capture = Runner(loaded_).compare(request).baseline->capture;
    for (const auto& [name, site] : {std::pair{"query", Site::Query}, {"value", Site::Value}}) {
      Array expected = *capture.norm(1, site);
      expected.shape.insert(expected.shape.begin(), 1);
      QVERIFY2(close(file.arrays.at(name), expected), name);
    }
    QCOMPARE(file.integers.at("layers"), std::vector<std::int64_t>{1});
  }

  /// Layers whose heads differ, or that lack a site, stand each by itself, under the names of `capture`.
  void writesMOfUnequalLayers() {
    const TinyModel unequal("../families/gemma4-shared");
    const std::string m = path("unequal-m.safetensors"), all = path("unequal.safetensors");
    const Arguments model{unequal.folder().string(), "--threads", "1", "--prompt", "\"#$%&", "--raw"};
    QCOMPARE(run_cli(Arguments{"massive"} + model + Arguments{"--out", m}).code, 0);
    QCOMPARE(run_cli(Arguments{"capture"} + model + Arguments{"--out", all, "--norms-only"}).code, 0);
    const ArrayFile found = read_safetensors(m), expected = read_safetensors(all);
    QCOMPARE(found.arrays.size(), expected.arrays.size());
    std::set<Shape> shapes;
    for (const auto& [name, array] : expected.arrays) {
      QVERIFY2(close(found.arrays.at(name), array), name.c_str());
      shapes.insert(array.shape);
    }
    QVERIFY(shapes.size() > 1);
    QCOMPARE(found.integers.at("layers"), (std::vector<std::int64_t>{0, 1, 2, 3}));
  }

  /// A document with both runs, which is opened where the model is not; single values of one layer.
  void records() {
    const std::string out = path("x.qkscope"), disruption = "site=q,pick=largest:3";
    const json found = printed("record", prompted({"--out", out, "--expect", "Rufus.", "--max-new", "5",
                                                   "--disrupt", disruption, "--values", "2"}));
    QCOMPARE(keys(found), (Keys{"file", "bytes", "recorded", "prompt_ids", "format", "runs"}));
    QCOMPARE(found.at("bytes").get<std::uintmax_t>(), std::filesystem::file_size(out));
    QCOMPARE(found.at("prompt_ids").get<TokenIds>(), ids_);
    QCOMPARE(found.at("runs").size(), std::size_t(2));
    const RecordedDocument read = read_recorded(out);
    const json document = json::parse(read.document);
    QCOMPARE(document.at("prompts")[0].at("text").get<std::string>(), prompt_);
    QVERIFY(document.at("arms").at("on").get<bool>());
    QCOMPARE(document.at("look").at("shown").get<std::string>(), std::string("disrupted"));
    QCOMPARE(read.recording->prompts.size(), std::size_t(1));
    const RecordedPrompt& prompt = read.recording->prompts[0];
    QCOMPARE(prompt.read.ids, ids_);
    QCOMPARE(prompt.expected, std::string("Rufus."));
    RunRequest request = request_for(disruption);
    request.needs.norms = {Site::Query, Site::Value};
    request.max_new_tokens = 5;
    const Comparison fresh = Runner(loaded_).compare(request);
    for (const auto& [at, run] : {std::pair{0, fresh.baseline}, {1, fresh.disrupted}}) {
      const auto number = static_cast<std::size_t>(at);
      const json& told = found.at("runs")[number];
      const RecordedRun& recorded = prompt.runs.at(number);
      QCOMPARE(keys(told), (Keys{"disruptions", "answer", "ids", "arrays"}));
      QCOMPARE(told.at("ids").get<TokenIds>(), run->answer);
      QCOMPARE(told.at("disruptions").size(), number);
      QCOMPARE(told.at("answer").get<std::string>(), recorded.answer);
      QVERIFY(recorded.edits == (at == 0 ? Edits() : request.edits));
      QCOMPARE(recorded.run->continuation->nll.size(), loaded_->tokenizer().encode("Rufus.", false).size());
      const Capture& capture = recorded.run->capture;
      for (const auto& [where, norm] : run->capture.norms)
        QVERIFY(close(*capture.norm(where.layer, where.site), *norm));
      QVERIFY(capture.value(1, Site::Query) && !capture.value(0, Site::Query));
    }
    // None, and no disruption: one run, no single value.
    printed("record", prompted({"--out", out, "--max-new", "1", "--values", "none"}));
    const auto one = read_recorded(out).recording;
    QCOMPARE(one->prompts[0].runs.size(), std::size_t(1));
    QVERIFY(one->prompts[0].runs[0].run->capture.values.empty());
  }

  /// The published activations of Llama-2-7b: 48 massive values in Q, 46 in K, none in V, all of low
  /// frequency.
  void readsDumps() {
    for (const auto& [letter, count] : {std::pair{"q", 48}, {"k", 46}, {"v", 0}}) {
      const auto dump = llama2_dump_path(letter);
      QKSCOPE_REQUIRE_DATA(dump);
      const json found =
          run_cli({"massive", "--dump", dump.string(), "--rope-theta", "10000", "--json"}).json();
      QCOMPARE(keys(found), Keys{dump.stem().string()});
      QCOMPARE(found.front().at("count").get<int>(), count);
      QCOMPARE(found.front().at("low_frequency_half").get<int>(), count);
      for (const json& entry : found.front().at("entries")) QVERIFY(entry.at("layer").is_null());
    }
  }

  /// The same numbers in every container and order of axes give the same massive values.
  void dumpsOfEveryContainer() {
    const int positions = 11, heads = 2, dims = 16;
    std::vector<float> bshd, bhsd;
    const auto number = [](int p, int h, int d) { return d == 3 + h ? 40.0f : 1.0f + 0.125f * float(p % 3); };
    for (int p = 0; p < positions; ++p)
      for (int h = 0; h < heads; ++h)
        for (int d = 0; d < dims; ++d) bshd.push_back(number(p, h, d));
    for (int h = 0; h < heads; ++h)
      for (int p = 0; p < positions; ++p)
        for (int d = 0; d < dims; ++d) bhsd.push_back(number(p, h, d));
    const std::string pt =
        pickle(pickle_tensor("FloatStorage", "0", 352, 0, {1, 11, 2, 16}, {352, 32, 16, 1}));
    write("q.npy", npy_bytes("<f4", {1, positions, heads, dims}, raw_bytes(bshd)));
    write("heads.npy", npy_bytes("<f4", {1, heads, positions, dims}, raw_bytes(bhsd)));
    write("flat.npy", npy_bytes("<f4", {positions, heads * dims}, raw_bytes(bshd)));
    write("all.npz",
          npz_bytes({{"q.npy", npy_bytes("<f4", {positions, heads, dims}, raw_bytes(bshd)), true}}));
    write("q.pt", zip_bytes({{"a/data.pkl", pt}, {"a/data/0", raw_bytes(bshd)}}));
    for (const Arguments& arguments :
         {Arguments{"q.npy"}, {"heads.npy"}, {"flat.npy", "--layout", "flat:16"}, {"all.npz"}, {"q.pt"}}) {
      Arguments line{"massive", "--json", "--dump", path(arguments.front())};
      line.insert(line.end(), arguments.begin() + 1, arguments.end());
      const json found = run_cli(line).json();
      QCOMPARE(found.size(), 1u);
      const json& tensor = found.front();
      QCOMPARE(tensor.at("layout").get<std::string>(), "11 positions, 2 heads of 16");
      QCOMPARE(tensor.at("count").get<int>(), 2);
      for (const json& entry : tensor.at("entries"))
        QCOMPARE(entry.at("dim").get<int>(), 3 + entry.at("head").get<int>());
    }
    // What only the user knows is guessed aloud.
    const CliResult guess = run_cli(
        {"massive", "--dump", write("two.npy", npy_bytes("<f4", {2, 2, 1}, raw_bytes<float>({1, 2, 3, 4})))});
    QVERIFY2(guess.code == 0 && has_all(guess.err, {"'two'", "(2, 2, 1)", "may also be", "--layout"}),
             told(guess).c_str());
  }

  void captures() {
    const std::string out = path("all.safetensors");
    const json found =
        printed("capture", prompted({"--sites", "query,key_pre,value,attn_pattern,resid_post,logits",
                                     "--layers", "2", "--out", out}));
    QCOMPARE(keys(found), (Keys{"file", "positions", "arrays", "prompt_ids", "disruptions"}));
    const auto positions = static_cast<std::int64_t>(ids_.size());
    const std::map<std::string, Shape> expected = {{"layers.1.query", {positions, 4, 16}},
                                                   {"layers.1.query.norm", {4, 16}},
                                                   {"layers.1.key_pre", {positions, 2, 16}},
                                                   {"layers.1.key_pre.norm", {2, 16}},
                                                   {"layers.1.value", {positions, 2, 16}},
                                                   {"layers.1.value.norm", {2, 16}},
                                                   {"layers.1.attn_pattern", {4, positions, positions}},
                                                   {"layers.1.resid_post", {positions, 64}},
                                                   {"logits", {1, 96}}};
    QCOMPARE((found.at("arrays").get<std::map<std::string, Shape>>()), expected);
    const ArrayFile file = read_safetensors(out);
    std::map<std::string, Shape> shapes;
    for (const auto& [name, array] : file.arrays) shapes[name] = array.shape;
    QCOMPARE(shapes, expected);
    QCOMPARE(TokenIds(file.integers.at("token_ids").begin(), file.integers.at("token_ids").end()), ids_);
    for (const char* key : {"program", "model", "model_path", "device", "dtype", "weights", "rope", "prompt",
                            "prompt_format", "token_ids", "sites", "layers", "disruptions"})
      QVERIFY2(file.metadata.contains(key), key);
    QCOMPARE(file.metadata.at("layers"), std::string("2"));  // as the option says it
    QCOMPARE(file.metadata.at("prompt"), prompt_);
    QVERIFY(
        close(file.arrays.at("layers.1.query.norm"), norms_over_positions(file.arrays.at("layers.1.query"))));
  }

  /// Of the disrupted pass where there is a disruption: zeroed columns have no norm.
  void capturesTheDisruptedPass() {
    const std::string out = path("norms.safetensors");
    printed("capture", prompted({"--norms-only", "--out", out, "--disrupt",
                                 "site=k,pick=largest:3,replace=zero,mask=live"}));
    const ArrayFile file = read_safetensors(out);
    QCOMPARE(file.arrays.size(), 6u);  // M of Q, K and V in two layers
    for (const char* name : {"layers.0.key.norm", "layers.1.key.norm"})
      QCOMPARE(std::ranges::count(file.arrays.at(name).data, 0.0f), 2 * 3);
    QCOMPARE(std::ranges::count(file.arrays.at("layers.0.query.norm").data, 0.0f), 0);
  }
};

QTEST_GUILESS_MAIN(TestCliArrays)
#include "test_cli_arrays.moc"

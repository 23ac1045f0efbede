// Recorded runs: what is written is what is read, without the model; and no file of them does harm.
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/budget.h"
#include "core/checkpoint/checkpoint.h"
#include "core/io/atomic_file.h"
#include "core/io/zip_archive.h"
#include "core/io/zip_writer.h"
#include "core/model/architecture.h"
#include "core/model/spec_source.h"
#include "core/run/recording_file.h"
#include "core/run/runner.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

namespace {

using Files = std::map<std::string, std::string>;

Files files_of(const std::string& archive) {
  Budget budget("x.qkscope");
  Files files;
  for (const auto& [name, member] : read_zip(as_span(archive), "x.qkscope", budget))
    files[name] = {reinterpret_cast<const char*>(member.stored.data()), member.stored.size()};
  return files;
}

void write_zip(const std::filesystem::path& path, const Files& files) {
  AtomicFile file(path);
  ZipWriter zip(file);
  for (const auto& [name, bytes] : files) zip.add(name, bytes);
  zip.finish();
  file.commit();
}

/// Changes the header of a .safetensors file.
void change_header(std::string& file, const std::function<void(json&)>& change) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof(length));
  json header = json::parse(file.substr(8, length));
  change(header);
  file = safetensors_bytes(header.dump(), file.substr(8 + length));
}

void change_arrays(std::string& file, const std::function<void(ArrayFile&)>& change) {
  Budget budget("x");
  ArrayFile arrays = read_safetensors(as_span(file), "x", budget);
  change(arrays);
  SafetensorsWriter writer;
  for (const auto& [name, array] : arrays.arrays) writer.add(name, array);
  for (const auto& [name, integers] : arrays.integers)
    writer.add(name, std::span<const std::int64_t>(integers));
  const SafetensorsWriter::Parts parts = writer.parts();
  file = parts.head;
  for (const auto part : parts.arrays) file.append(reinterpret_cast<const char*>(part.data()), part.size());
}

/// The parts of a spec that are told by the tensors of a checkpoint.
ModelSpec without_tensors(ModelSpec spec) {
  spec.head.tied = false;
  spec.parameters = ParameterTable();
  return spec;
}

}  // namespace

class TestRecording : public TestCase {
  Q_OBJECT

  QTemporaryDir folder_;
  TinyModel model_;
  RecordingPlan plan_;
  Recording recording_;
  std::string sound_;  // the bytes of a file that holds it
  const std::string document_ = R"({"format": "qkscope-document", "version": 2})";

  std::filesystem::path path(const char* name) const {
    return folder_.filePath(QString::fromLatin1(name)).toStdString();
  }
  std::string problem_of(const std::string& bytes) const {
    write_file(path("bad.qkscope"), bytes);
    return error_of([&] { read_recorded(path("bad.qkscope")); });
  }

 private Q_SLOTS:
  void initTestCase() {
    plan_.prompts = {{{"Ab cd efg h", true, Bos::Auto}, " xy"}, {{"what is it?", true, Bos::Off}, ""}};
    plan_.arms = {{parse_edit("site=q,pick=largest:2,replace=zero,layers=2")},
                  {parse_edit("site=k,pick=lambda:1.5"), parse_edit("off lambda 5 on Q")},
                  {parse_edit("off lambda 5 on Q")}};  // the baseline once more
    plan_.max_new_tokens = 5;
    plan_.rule = {0.1, 2};
    std::vector<int> told;
    record(model_.load(), plan_, recording_,
           [&told](int done, int of) {
             QCOMPARE(of, 6);
             told.push_back(done);
           },
           {});
    QCOMPARE(told, (std::vector<int>{1, 2, 3, 4, 5, 6}));
    write_recorded(path("sound.qkscope"), document_, recording_);
    sound_ = read_file(path("sound.qkscope"));
  }

  /// Every number that was recorded is a run's own, and all of them come back.
  void whatIsWrittenIsRead() {
    const RecordedDocument read = read_recorded(path("sound.qkscope"));
    QCOMPARE(read.document, document_);
    QCOMPARE(document_in(path("sound.qkscope")), document_);
    const Recording& found = *read.recording;
    QCOMPARE(found.recorded, recording_.recorded);
    QCOMPARE(found.max_new_tokens, 5);
    QVERIFY(found.rule == plan_.rule);
    QCOMPARE(found.card.name, recording_.card.name);
    QCOMPARE(found.card.path, recording_.card.path);
    QCOMPARE(found.card.parameters, recording_.card.parameters);
    QCOMPARE(found.card.needed_bytes, recording_.card.needed_bytes);
    QVERIFY(without_tensors(found.card.spec) == without_tensors(recording_.card.spec));
    QVERIFY(found.pieces == recording_.pieces);
    QCOMPARE(found.prompts.size(), std::size_t(2));
    const auto model = model_.load();
    for (std::size_t p = 0; p < 2; ++p) {
      const RecordedPrompt &prompt = found.prompts[p], &written = recording_.prompts[p];
      QVERIFY(prompt.written == plan_.prompts[p].written && prompt.expected == plan_.prompts[p].expected);
      QVERIFY(prompt.read == written.read && prompt.expected_ids == written.expected_ids);
      QCOMPARE(prompt.runs.size(), std::size_t(3));
      for (std::size_t r = 0; r < 3; ++r) {
        const Run &run = *prompt.runs[r].run, &was = *written.runs[r].run;
        QVERIFY(prompt.runs[r].edits == written.runs[r].edits);
        QCOMPARE(prompt.runs[r].answer, written.runs[r].answer);
        QCOMPARE(prompt.runs[r].answer, model->tokenizer().decode(run.answer, true));
        QVERIFY(run.capture == was.capture);
        QCOMPARE(run.capture.norms.size(), std::size_t(2 * 5));
        QCOMPARE(run.capture.values.size(), std::size_t(2 * 6));
        QCOMPARE(run.capture.patterns.size(), std::size_t(2 * 5));
        QCOMPARE(run.capture.activations.size(), std::size_t(2));
        QVERIFY(run.next_tokens == was.next_tokens && !run.next_tokens.empty());
        QVERIFY(run.answer == was.answer && run.stopped == was.stopped && !run.answer.empty());
        QVERIFY(run.continuation == was.continuation && run.continuation);
        QVERIFY(run.prompt_text == was.prompt_text && run.prompt_text->alternatives.size() > 1);
        QVERIFY(run.replaced == was.replaced && run.first_layer == was.first_layer);
        QVERIFY(run.prefill_ms == was.prefill_ms && run.decode_ms == was.decode_ms);
        RunRequest request;
        request.prompt = prompt.read.ids;
        request.edits = prompt.runs[r].edits;
        request.needs = recorded_needs(model->spec(), request.prompt.size(), plan_);
        const Comparison fresh = Runner(model).compare(request);
        QVERIFY(run.capture == (r == 0 ? fresh.baseline : fresh.disrupted)->capture);
      }
      QCOMPARE(prompt.runs[1].run->first_layer, 1);
      QVERIFY(prompt.find({}) == &prompt.runs[0]);
      QVERIFY(prompt.find(plan_.arms[1]) == &prompt.runs[2]);
      QVERIFY(!prompt.find({parse_edit("lambda 5 on Q")}));
    }
  }

  /// What an arm shares with its baseline stands in the file once; what is left out is left out.
  void whatIsKept() {
    const Files files = files_of(sound_);
    const auto arrays = [&files](const char* name) {
      Budget budget(name);
      return read_safetensors(as_span(files.at(name)), name, budget).arrays;
    };
    QVERIFY(arrays("prompt-1/baseline.safetensors").contains("layers.0.query"));
    QVERIFY(!arrays("prompt-1/arm-1.safetensors").contains("layers.0.query"));
    QVERIFY(arrays("prompt-1/arm-1.safetensors").contains("layers.1.query"));

    RecordingPlan plan;
    plan.prompts = {plan_.prompts[0]};
    plan.value_layers = {1};
    Recording one;
    record(model_.load(), plan, one, {}, {});
    const Capture& capture = one.prompts[0].runs[0].run->capture;
    QCOMPARE(capture.norms.size(), std::size_t(2 * 5));
    QVERIFY(capture.value(1, Site::Query) && !capture.value(0, Site::Query));
    QVERIFY(capture.pattern({1, 0}) && !capture.pattern({0, 0}));
    // Values that would not fit are left out, unless they are asked for.
    plan.value_layers.reset();
    const ModelSpec& spec = one.card.spec;
    QVERIFY(!recorded_needs(spec, 100, plan).values.empty());
    QVERIFY(recorded_needs(spec, 100'000, plan).values.empty());
    QVERIFY(recorded_needs(spec, 100'000, plan).patterns.empty());
    plan.value_layers = {0};
    QCOMPARE(recorded_needs(spec, 100'000, plan).value_layers, std::vector<int>{0});
  }

  /// Stopped between two runs, it goes on where it was.
  void goesOnAfterAStop() {
    std::stop_source stop;
    Recording recording;
    const auto model = model_.load();
    bool cancelled = false;
    try {
      record(
          model, plan_, recording, [&](int done, int) { done == 2 && stop.request_stop(); },
          stop.get_token());
    } catch (const Cancelled&) {
      cancelled = true;
    }
    QVERIFY(cancelled);
    QCOMPARE(recording.prompts[0].runs.size(), std::size_t(2));
    const auto first = recording.prompts[0].runs[0].run;
    record(model, plan_, recording, {}, {});
    QVERIFY(recording.prompts[0].runs[0].run == first);
    QCOMPARE(recording.prompts[1].runs.size(), std::size_t(3));
    QVERIFY(recording.prompts[1].runs[2].run->capture == recording_.prompts[1].runs[2].run->capture);
  }

  /// The spec that is made without the checkpoint is the checkpoint's, in every family and both formats.
  void specsWithoutTheCheckpoint() {
    int count = 0;
    for (const char* folder : {"models", "families", "gguf"}) {
      for (const auto& entry : std::filesystem::directory_iterator(golden(folder))) {
        if (entry.path().extension() == ".safetensors") continue;
        const auto checkpoint = Checkpoint::open(entry.path());
        SpecSource source = spec_source(*checkpoint);
        source.config = json::parse(source.config.dump());
        QVERIFY2(without_tensors(make_spec(source, "x")) == without_tensors(make_spec(*checkpoint)),
                 entry.path().c_str());
        ++count;
      }
    }
    QVERIFY(count > 100);
  }

  void hostileFiles_data() {
    QTest::addColumn<QString>("words");
    const auto row = [](const char* name, const char* words) {
      QTest::newRow(name) << QString::fromLatin1(words);
    };
    row("empty", "truncated");
    row("half", "truncated");
    row("a pickle", "truncated|no zip");
    row("a model's zip", "'recording.json'");
    row("no run", "'prompt-1/arm-2.safetensors'|open another file");
    row("damaged", "'recording.json'|checksum");
    row("no JSON", "'recording.json'");
    row("another version", "version|99|newer QKScope");
    row("another format", "format|qkscope-recording");
    row("NaN", "'recording.json'");
    row("a layer more", "array 'layers.2.query'|none that a recorded run");
    row("wrong shape", "'prompt-1/baseline.safetensors'|'layers.0.key.norm'|(2, 8)|(2, 16)");
    row("terabytes", "'prompt-1/baseline.safetensors'|'layers.0.key'");
    row("gigabytes", "1024 MiB");
    row("other positions", "but there are 10 positions");
    row("no answer", "'answer'|record it again");
    row("a dim too far", "'layers.0.resid_post.top.places'|dim 100");
    row("a negative place", "'layers.0.resid_post.top.places'|-1");
    row("a position too far", "'layers.0.resid_post.top.places'|position 11|11 positions");
    row("an odd score", "'continuation.nll'");
    row("odd alternatives", "'prompt.alternatives.ids'|shared out");
    row("odd probabilities", "'next.logits'|has 1 numbers");
    row("a head more", "'layers.1.head.4.pattern'|none that a recorded run");
    row("a signed layer", "'layers.+1.query'|none that a recorded run");
    row("turned", "'layers.0.key'|(11, 16, 2)|(11, 2, 16)");
    row("edits of another model", "run 2|layer 3");
    row("edits in the baseline", "run 1|edits|baseline");
    row("no edits in an arm", "run 2|edits");
    row("no baseline", "runs|baseline first");
    row("a model of no kind", "hidden_size");
    row("a token of no number", "pieces|'1x'");
    row("a negative id", "ids|-1");
    row("a fraction of an id", "ids|1.5");
    row("first layer too far", "first_layer|0 to 2");
    row("an integer array more", "'more'");
    row("bos", "bos|auto");
    row("a large document", "'document.json'|64 MB");
  }
  void hostileFiles() {
    QFETCH(QString, words);
    const std::string name = QTest::currentDataTag();
    Files files = files_of(sound_);
    json recording = json::parse(files.at("recording.json"));
    json& prompt = recording["prompts"][0];
    std::string& baseline = files["prompt-1/baseline.safetensors"];
    change_arrays(baseline, [&name](ArrayFile& run) {
      std::vector<std::int64_t>& places = run.integers.at("layers.0.resid_post.top.places");
      if (name == "a layer more") run.arrays["layers.2.query"] = run.arrays.at("layers.1.query");
      if (name == "a head more")
        run.arrays["layers.1.head.4.pattern"] = run.arrays.at("layers.1.head.3.pattern");
      if (name == "a signed layer") run.arrays["layers.+1.query"] = run.arrays.at("layers.1.query");
      if (name == "an integer array more") run.integers["more"] = {1};
      if (name == "wrong shape") run.arrays.at("layers.0.key.norm") = {{2, 8}, std::vector<float>(16)};
      if (name == "turned")
        std::swap(run.arrays.at("layers.0.key").shape[1], run.arrays.at("layers.0.key").shape[2]);
      if (name == "no answer") run.integers.erase("answer");
      if (name == "a dim too far") places[1] = 1000;
      if (name == "a position too far") places[0] = 11;
      if (name == "a negative place") places[0] = -1;
      if (name == "an odd score")
        run.arrays.at("continuation.nll").data.pop_back(), --run.arrays.at("continuation.nll").shape[0];
      if (name == "odd alternatives")
        run.integers.at("prompt.tokens").pop_back(),
            run.arrays.at("prompt.nll") = {{9}, std::vector<float>(9)};
      if (name == "odd probabilities") run.arrays.at("next.logits") = {{1}, {0}};
    });
    if (name == "terabytes") {
      change_header(baseline, [](json& header) {
        header.at("layers.0.key")["shape"] = {1 << 20, 1 << 20, 16};
      });
    }
    if (name == "another version") recording["version"] = 99;
    if (name == "another format") recording["format"] = "qkscope-document";
    if (name == "other positions") {
      prompt["ids"].erase(0);
      prompt["user_end"] = 10;
    }
    if (name == "edits of another model") prompt["runs"][1]["edits"] = "site=q,pick=largest:2,layers=3";
    if (name == "edits in the baseline") prompt["runs"][0]["edits"] = "lambda 5 on Q";
    if (name == "no edits in an arm") prompt["runs"][1]["edits"] = "";
    if (name == "no baseline") prompt["runs"] = json::array();
    if (name == "a model of no kind") recording["config"]["hidden_size"] = "wide";
    if (name == "a token of no number") recording["pieces"]["1x"] = "x";
    if (name == "a negative id") prompt["ids"][0] = -1;
    if (name == "a fraction of an id") prompt["ids"][0] = 1.5;
    if (name == "first layer too far") prompt["runs"][1]["first_layer"] = 3;
    if (name == "bos") prompt["bos"] = "maybe";
    files["recording.json"] = recording.dump();
    if (name == "no JSON") files["recording.json"] = "{\"format\": ";
    if (name == "NaN") files["recording.json"].replace(files["recording.json"].find("0.1"), 3, "NaN");
    if (name == "no run") files.erase("prompt-1/arm-2.safetensors");
    if (name == "a model's zip") files = {{"document.json", "{}"}, {"archive/data.pkl", "\x80\x02."}};
    if (name == "a large document") files["document.json"].assign((std::size_t{64} << 20) + 1, ' ');
    write_zip(path("bad.qkscope"), files);
    std::string bytes = read_file(path("bad.qkscope"));
    if (name == "empty") bytes.clear();
    if (name == "half") bytes.resize(bytes.size() / 2);
    if (name == "a pickle") bytes = pickle("}");
    if (name == "damaged") bytes[bytes.find("qkscope-recording")] ^= 1;
    if (name == "gigabytes") bytes = zip_of({{"document.json", "few", 0x7fffffff, /*method=*/8}});
    const std::string problem = problem_of(bytes);
    QVERIFY2(has_all(problem, {"bad.qkscope"}), problem.c_str());
    for (const QString& word : words.split(u'|'))
      QVERIFY2(problem.find(word.toStdString()) != std::string::npos, problem.c_str());
  }

  /// Cut off or changed anywhere, it is refused in a sentence, or is what it was: no picture shows other
  /// numbers than were recorded.
  void damagedAnywhere() {
    const std::size_t step = sound_.size() / 97;
    for (std::size_t at = 0; at < sound_.size(); at += step) {
      const std::string cut = problem_of(sound_.substr(0, at));
      QVERIFY2(has_all(cut, {"bad.qkscope"}), (std::to_string(at) + ": " + cut).c_str());
      std::string changed = sound_;
      changed[at] = static_cast<char>(changed[at] ^ 0x40);
      const std::string problem = problem_of(changed);
      if (problem != "no error") {
        QVERIFY2(has_all(problem, {"bad.qkscope"}), (std::to_string(at) + ": " + problem).c_str());
        continue;
      }
      const auto found = read_recorded(path("bad.qkscope")).recording;
      for (std::size_t p = 0; p < 2; ++p)
        for (std::size_t r = 0; r < 3; ++r)
          QVERIFY(found->prompts[p].runs[r].run->capture == recording_.prompts[p].runs[r].run->capture);
    }
  }

  /// Numbers that a model gives are kept, whatever they are.
  void keepsWhatIsNoNumber() {
    Recording recording = recording_;
    Run run = *recording.prompts[0].runs[0].run;
    Array norm = *run.capture.norm(0, Site::Query);
    norm.data[3] = std::numeric_limits<float>::quiet_NaN();
    norm.data[4] = std::numeric_limits<float>::infinity();
    run.capture.norms[{0, Site::Query}] = norm;
    recording.prompts[0].runs[0].run = std::make_shared<Run>(run);
    write_recorded(path("nan.qkscope"), document_, recording);
    const auto read = read_recorded(path("nan.qkscope")).recording;
    const Array& found = *read->prompts[0].runs[0].run->capture.norm(0, Site::Query);
    QVERIFY(std::isnan(found.data[3]) && std::isinf(found.data[4]));
  }

  /// Whole or not at all.
  void writesAtomically() {
    write_file(path("old.qkscope"), "old");
    std::stop_source stop;
    stop.request_stop();
    try {
      write_recorded(path("old.qkscope"), document_, recording_, stop.get_token());
      QFAIL("it was to be stopped");
    } catch (const Cancelled&) {
    }
    QCOMPARE(read_file(path("old.qkscope")), std::string("old"));
    const std::string nowhere =
        error_of([&] { write_recorded(path("no/x.qkscope"), document_, recording_); });
    QVERIFY2(has_all(nowhere, {"no/x.qkscope"}), nowhere.c_str());
    // Equal runs make equal files.
    write_recorded(path("again.qkscope"), document_, recording_);
    QVERIFY(read_file(path("again.qkscope")) == sound_);
  }
};

QTEST_GUILESS_MAIN(TestRecording)
#include "test_recording.moc"

// The folders of other programs: what is found there, under which names, and that nothing is changed.
#include <QTemporaryDir>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/checkpoint/model_shelf.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;
namespace fs = std::filesystem;

class TestModelShelf : public TestCase {
  Q_OBJECT
 private:
  fs::path home() const { return home_.path().toStdString(); }
  fs::path hub() const { return home() / ".cache/huggingface/hub"; }
  fs::path ollama() const { return home() / ".ollama/models"; }
  static void write(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    write_file(path, bytes);
  }
  static std::string tiny_gguf() { return GgufBytes().text("general.architecture", "llama").bytes(); }

  /// A snapshot as huggingface_hub leaves it: links into blobs.
  void snapshot(const std::string& repository, const std::string& commit,
                const std::vector<std::string>& files, const std::string& ref = {}) {
    const fs::path folder = hub() / repository;
    fs::create_directories(folder / "snapshots" / commit);
    for (const std::string& file : files) {
      const fs::path blob = folder / "blobs" / (commit + file);
      write(blob, file.ends_with(".gguf") ? tiny_gguf() : read_file(model_.folder() / file));
      fs::create_symlink(fs::relative(blob, folder / "snapshots" / commit),
                         folder / "snapshots" / commit / file);
    }
    if (!ref.empty()) write(folder / "refs" / ref, commit);
  }
  void manifest(const std::string& path, const nlohmann::json& json) {
    write(ollama() / "manifests" / path, json.dump());
  }
  static nlohmann::json weights(const std::string& digest) {
    return {{"layers",
             {{{"mediaType", "application/vnd.ollama.image.template"}, {"digest", "sha256:0"}},
              {{"mediaType", "application/vnd.ollama.image.model"}, {"digest", digest}}}}};
  }
  static std::vector<std::string> names(ShelfKind kind) {
    std::vector<std::string> found;
    for (const ShelfModel& model : list_shelf(shelf_places())) {
      if (model.place.kind == kind) found.push_back(model.name);
    }
    return found;
  }
  static ShelfModel described(const std::string& name) {
    const auto found = named(list_shelf(shelf_places()), name);
    if (found.empty()) return {};
    ShelfModel model = found.front();
    describe(model);
    return model;
  }
  using Names = std::vector<std::string>;

 private Q_SLOTS:
  void initTestCase() {
    for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "OLLAMA_MODELS",
                                 "LLAMA_CACHE", "XDG_CACHE_HOME"})
      qunsetenv(variable);
    qputenv("HOME", home_.path().toUtf8());
    QVERIFY(list_shelf(shelf_places()).empty());  // none of the folders is there

    const std::string c1(40, '1'), c2 = "22" + std::string(38, 'a'), c3(40, '3');
    const Names all{"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"};
    snapshot("models--org--tiny", c1, all, "main");
    snapshot("models--org--tiny", c2, all, "v2");
    snapshot("models--lone", c3, all);
    snapshot("models--org--files-GGUF", c1, {"files-Q4_0.gguf", "files-Q8_0.gguf"}, "main");
    snapshot("models--org--broken", c1, {"config.json", "model.safetensors"}, "main");
    fs::remove(hub() / "models--org--broken/blobs" / (c1 + "model.safetensors"));
    snapshot("models--org--sharded", c1, {"config.json"}, "main");
    write(
        hub() / "models--org--sharded/snapshots" / c1 / "model.safetensors.index.json",
        R"({"weight_map": {"a": "model-00001-of-00003.safetensors", "b": "model-00002-of-00003.safetensors",)"
        R"("c": "model-00003-of-00003.safetensors"}})");
    write(hub() / "models--org--sharded/snapshots" / c1 / "model-00002-of-00003.safetensors", "x");
    fs::create_directories(hub() / "models--org--nothing/snapshots");
    fs::create_directories(hub() / "datasets--org--data/snapshots/x");

    write(home() / ".lmstudio/models/publisher/name/name-Q4_0.gguf", tiny_gguf());
    write(home() / ".lmstudio/models/publisher/split/split-00001-of-00002.gguf", tiny_gguf());
    write(home() / ".cache/llama.cpp/org_repo_file.gguf", tiny_gguf());
    write(home() / ".cache/llama.cpp/manifest=org=repo.json", "{}");

    for (const char* blob : {"sha256-aa", "sha256-cc"}) write(ollama() / "blobs" / blob, tiny_gguf());
    manifest("registry.ollama.ai/library/llama3.2/latest", weights("sha256:aa"));
    manifest("registry.ollama.ai/library/llama3.2/3b", weights("sha256:bb"));
    manifest("registry.ollama.ai/someone/theirs/q4", weights("sha256:cc"));
    manifest("hf.co/org/repo/Q4_0", weights("sha256:cc"));
    manifest("registry.ollama.ai/library/adapter/x", {{"layers", {1, 2}}});
    manifest("registry.ollama.ai/library/adapter/y", {{"layers", "none"}});
    manifest("registry.ollama.ai/library/adapter/z", weights("sha256:../../../x"));
    write(ollama() / "manifests/registry.ollama.ai/library/adapter/w", "no JSON");

    fs::create_directories(models_folder());
    fs::create_symlink(home() / "nowhere", models_folder() / "dead.gguf");
    fs::create_directory_symlink(models_folder(), models_folder() / "loop");
  }

  void whatLiesThere() {
    QCOMPARE(names(ShelfKind::HuggingFace),
             (Names{"lone", "org/broken", "org/files-GGUF/files-Q4_0", "org/files-GGUF/files-Q8_0",
                    "org/sharded", "org/tiny", "org/tiny"}));
    QCOMPARE(names(ShelfKind::LmStudio), (Names{"publisher/name/name-Q4_0", "publisher/split/split"}));
    QCOMPARE(names(ShelfKind::Ollama),
             (Names{"hf.co/org/repo:Q4_0", "llama3.2:3b", "llama3.2:latest", "someone/theirs:q4"}));
    QCOMPARE(names(ShelfKind::LlamaCpp), Names{"org_repo_file"});
    QCOMPARE(names(ShelfKind::Own), (Names{"loop/dead", "dead"}));
  }

  void foldersThatVariablesName_data() {
    QTest::addColumn<QByteArray>("variable");
    QTest::addColumn<QByteArray>("inside");  // the variable's folder to the place
    QTest::addColumn<int>("kind");
    QTest::newRow("hub") << QByteArray("HF_HUB_CACHE") << QByteArray() << int(ShelfKind::HuggingFace);
    QTest::newRow("old hub") << QByteArray("HUGGINGFACE_HUB_CACHE") << QByteArray()
                             << int(ShelfKind::HuggingFace);
    QTest::newRow("home") << QByteArray("HF_HOME") << QByteArray("hub") << int(ShelfKind::HuggingFace);
    QTest::newRow("cache") << QByteArray("XDG_CACHE_HOME") << QByteArray("huggingface/hub")
                           << int(ShelfKind::HuggingFace);
    QTest::newRow("own") << QByteArray("XDG_CACHE_HOME") << QByteArray("qkscope/models")
                         << int(ShelfKind::Own);
    QTest::newRow("Ollama") << QByteArray("OLLAMA_MODELS") << QByteArray() << int(ShelfKind::Ollama);
    QTest::newRow("llama.cpp") << QByteArray("LLAMA_CACHE") << QByteArray() << int(ShelfKind::LlamaCpp);
  }
  void foldersThatVariablesName() {
    QFETCH(QByteArray, variable);
    QFETCH(QByteArray, inside);
    QFETCH(int, kind);
    qputenv(variable.constData(), "/some/where");
    const auto places = shelf_places();
    qunsetenv(variable.constData());
    const auto place = std::ranges::find(places, static_cast<ShelfKind>(kind), &ShelfPlace::kind);
    const fs::path expected = inside.isEmpty() ? "/some/where" : "/some/where/" + inside.toStdString();
    QCOMPARE(place->folder.string(), expected.string());
  }

  void namesLeadThere_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("path");
    const auto row = [](const char* name, const std::string& path) {
      QTest::newRow(name) << name << QString::fromStdString(path);
    };
    const std::string tiny = ".cache/huggingface/hub/models--org--tiny/snapshots/";
    const std::string c1(40, '1'), c2 = "22" + std::string(38, 'a');
    row("org/tiny", tiny + c1);
    row("Org/Tiny", tiny + c1);
    row("org/tiny@main", tiny + c1);
    row("org/tiny@v2", tiny + c2);
    row("org/tiny@22aa", tiny + c2);
    row("lone", ".cache/huggingface/hub/models--lone/snapshots/" + std::string(40, '3'));
    row("org/files-GGUF/files-Q8_0.gguf",
        ".cache/huggingface/hub/models--org--files-GGUF/snapshots/" + c1 + "/files-Q8_0.gguf");
    row("publisher/name", ".lmstudio/models/publisher/name/name-Q4_0.gguf");
    row("llama3.2", ".ollama/models/blobs/sha256-aa");
    row("llama3.2:3b", ".ollama/models/blobs/sha256-bb");
    row("org_repo_file", ".cache/llama.cpp/org_repo_file.gguf");
  }
  void namesLeadThere() {
    QFETCH(QString, name);
    QFETCH(QString, path);
    QCOMPARE(find_model(name.toStdString()).string(), (home() / path.toStdString()).string());
  }

  /// What is listed is what opens: every full name leads back to its model, but of two with one blob to
  /// either.
  void fullNamesAreReadBack() {
    for (const ShelfModel& model : list_shelf(shelf_places())) {
      if (model.place.kind == ShelfKind::Own) continue;  // dead links
      QCOMPARE(find_model(full_name(model)).string(), model.path.string());
    }
  }

  void namesThatLeadNowhere() {
    for (const char* name : {"org/none", "org/tiny@none", "org/tiny@11", "adapter:x", "org", "@"}) {
      QKSCOPE_EXPECT_ERROR(find_model(name), std::string("'") + name + "'", ".cache/huggingface/hub",
                           ".lmstudio/models", ".ollama/models", ".cache/llama.cpp");
    }
    QKSCOPE_EXPECT_ERROR(find_model("org/files-GGUF"), "2 models", "'org/files-GGUF/files-Q4_0'",
                         "'org/files-GGUF/files-Q8_0'");
  }

  void whatTheyAre() {
    const ShelfModel tiny = described("org/tiny");
    QCOMPARE(tiny.problem, std::string());
    QCOMPARE(tiny.architecture, "LlamaForCausalLM");
    QCOMPARE(tiny.format, "safetensors");
    QCOMPARE(tiny.stored_type, "F32");
    QVERIFY(tiny.bytes >= fs::file_size(model_.folder() / "model.safetensors"));
    const ShelfModel sharded = described("org/sharded");
    QCOMPARE(sharded.missing,
             (Names{"model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"}));
    QCOMPARE(sharded.architecture, "LlamaForCausalLM");
    QVERIFY(has_all(sharded.problem, {"'model-00001-of-00003.safetensors' and 1 more", "download"}));
    const ShelfModel split = described("publisher/split");
    QCOMPARE(split.missing, Names{"split-00002-of-00002.gguf"});
    QCOMPARE(split.bytes, tiny_gguf().size());
  }

  /// Whatever lies there, looking at it ends with a description or a sentence.
  void allCanBeDescribed() {
    for (ShelfModel model : list_shelf(shelf_places())) {
      describe(model);
      QVERIFY2(model.problem.empty() != model.architecture.empty() || !model.missing.empty(),
               (model.name + ": " + model.problem).c_str());
      if (!model.problem.empty())
        QVERIFY2(model.problem.find('\'') != std::string::npos, model.problem.c_str());
    }
  }

  void aModelIsCalledByItsName() {
    QCOMPARE(model_name(find_model("org/tiny")), "org/tiny");
    QCOMPARE(model_name(find_model("org/tiny@v2")), "org/tiny@v2");
    QCOMPARE(model_name(find_model("lone")), "lone@333333333333");
    QCOMPARE(model_name(find_model("llama3.2")), "llama3.2:latest");
    QCOMPARE(model_name(find_model("publisher/name")), "name-Q4_0");
    QCOMPARE(model_name("/no/where/some.gguf"), "some");
  }

  void stops() {
    std::stop_source source;
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(list_shelf(shelf_places(), source.get_token()), Cancelled);
  }

 private:
  QTemporaryDir home_;
  TinyModel model_;
};

QTEST_GUILESS_MAIN(TestModelShelf)
#include "test_model_shelf.moc"

// The names by which a model is found among the installed ones.
#include <QTemporaryDir>
#include <filesystem>

#include "core/checkpoint/model_shelf.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"

using namespace qkscope;
namespace fs = std::filesystem;

class TestModelLookup : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() {
    qputenv("XDG_CACHE_HOME", cache_.path().toUtf8());
    for (const char* variable :
         {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "OLLAMA_MODELS", "LLAMA_CACHE"})
      qunsetenv(variable);
    qputenv("HOME", cache_.path().toUtf8());
    fs::create_directories(models_folder() / "Tiny-1B-Chat");
    test::write_file(models_folder() / "Tiny-1B-Chat" / "config.json", "{}");
    for (const char* file : {"Some-Model-7B.Q4_K_M.gguf", "Two.q8_0.gguf", "Two-IQ2_XS.gguf", "two.bf16.gguf",
                             "Half-F16.gguf", "Plain.gguf", "case.gguf", "CASE.gguf", "notes.txt"})
      test::write_file(models_folder() / file, "");
  }

  void names_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("file");
    const auto row = [](const char* name, const char* file) { QTest::newRow(name) << name << file; };
    row("Some-Model-7B", "Some-Model-7B.Q4_K_M.gguf");
    row("some-model-7b", "Some-Model-7B.Q4_K_M.gguf");
    row("SOME-MODEL-7B.q4_k_m", "Some-Model-7B.Q4_K_M.gguf");
    row("Some-Model-7B.Q4_K_M.gguf", "Some-Model-7B.Q4_K_M.gguf");
    row("tiny-1b-chat", "Tiny-1B-Chat");
    row("half", "Half-F16.gguf");
    row("plain", "Plain.gguf");
    row("two.Q8_0", "Two.q8_0.gguf");
    row("case", "case.gguf");  // its own case wins
    row("CASE", "CASE.gguf");
  }
  void names() {
    QFETCH(QString, name);
    QFETCH(QString, file);
    QCOMPARE(find_model(name.toStdString()).string(), (models_folder() / file.toStdString()).string());
  }

  void pathsComeFirst() {
    QCOMPARE(find_model(cache_.path().toStdString()).string(), cache_.path().toStdString());
  }

  void refusals() {
    QKSCOPE_EXPECT_ERROR(find_model("Two"), "'Two'", "3 models", "'Two-IQ2_XS'", "'Two.q8_0'", "'two.bf16'");
    QKSCOPE_EXPECT_ERROR(find_model("Case"), "'CASE'", "'case'");
    for (const char* name : {"Some-Model", "Some-Model-7B.Q8_0", "Chat", ""})
      QKSCOPE_EXPECT_ERROR(find_model(name), "There is no model", "packaging/run.sh");
    QKSCOPE_EXPECT_ERROR(find_model(std::string(5000, 'x')), "There is no model");
  }

 private:
  QTemporaryDir cache_;
};

QTEST_GUILESS_MAIN(TestModelLookup)
#include "test_model_lookup.moc"

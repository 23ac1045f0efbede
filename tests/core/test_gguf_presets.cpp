// How the models of a GGUF file cut their text, which the file says with the family's name alone.
#include "core/text/tokenizer/presets.h"
#include "tests/support/file_bytes.h"
#include "tests/support/tokenizer_test.h"

using namespace qkscope;
using test::GgufBytes;

class TestGgufPresets : public test::TokenizerTest {
  Q_OBJECT

  /// The pieces of `text` for a vocabulary in which digits, and a letter and a mark, join when they may.
  std::string pieces(const char* pre, const std::string& text) {
    const std::vector<std::string> tokens = {
        "1",   "2", "3", "4",  "12",           "123",           "1234",   "23",
        "234", "a", "!", "a!", "\u00cc\u0123", "a\u00cc\u0123", "\u00cc", "\u0123"};
    GgufBytes file;
    file.text("general.architecture", "llama").text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", pre).texts("tokenizer.ggml.tokens", tokens);
    file.texts("tokenizer.ggml.merges",
               {"1 2", "12 3", "123 4", "2 3", "23 4", "a !", "\u00cc \u0123", "a \u00cc\u0123"});
    file.key("tokenizer.ggml.add_bos_token", GgufBytes::Bool, false);
    const auto tokenizer = load_gguf(file);
    std::string cut;
    for (const int id : tokenizer->encode(text))
      cut += (cut.empty() ? "" : " ") + tokenizer->decode(std::vector{id});
    return cut;
  }

 private Q_SLOTS:
  void digits_data() {
    QTest::addColumn<QString>("expected");
    const auto rows = [](const char* expected, std::initializer_list<const char*> names) {
      for (const char* name : names) QTest::newRow(name) << QString::fromLatin1(expected);
    };
    rows("1234", {"gpt-2", "gpt2", "phi-2", "mpt", "gigachat", "modern-bert", "jais", "trillion", "olmo",
                  "granite-docling", "roberta-bpe", "bloom", "gpt3-finnish", "poro-chat"});
    rows("1 2 3 4", {"smollm",    "starcoder",  "refact",     "command-r",        "codeshell",
                     "exaone",    "minerva-7b", "qwen2",      "deepseek-r1-qwen", "stablelm2",
                     "hunyuan",   "qwen35",     "tekken",     "deepseek-coder",   "bailingmoe",
                     "llada-moe", "seed-coder", "exaone-moe", "viking",           "grok-2"});
    rows("123 4", {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "dbrx", "smaug-bpe",
                   "chatglm-bpe", "glm4", "jais-2", "gpt-4o", "llama4", "minimax-m2", "deepseek-v3",
                   "hunyuan-dense", "falcon", "default"});
  }
  void digits() {
    QFETCH(QString, expected);
    QCOMPARE(QString::fromStdString(pieces(QTest::currentDataTag(), "1234")), expected);
  }

  void marks() {
    QCOMPARE(pieces("gpt-2", "a!"), "a !");
    QCOMPARE(pieces("default", "a!"), "a !");
    // A combining mark belongs to its letter for some.
    const std::string marked = "a\u0301";
    QCOMPARE(pieces("gpt-4o", marked), marked);
    QCOMPARE(pieces("deepseek-v3", marked), marked);
    QCOMPARE(pieces("llama-bpe", marked), "a \u0301");
  }
};

QTEST_GUILESS_MAIN(TestGgufPresets)
#include "test_gguf_presets.moc"

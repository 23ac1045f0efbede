// Whether a prompt begins with BOS, whatever the model's files say.
#include "core/text/bos.h"
#include "tests/support/errors.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

class TestBos : public TestCase {
  Q_OBJECT
 private:
  static TokenIds ids(const LanguageModel& model, std::string text, Bos bos) {
    return encode_prompt(model.tokenizer(), text, bos);
  }

 private Q_SLOTS:
  void asAsked_data() {
    QTest::addColumn<QString>("config");
    QTest::addColumn<bool>("by_itself");
    QTest::newRow("the files add it")
        << QStringLiteral(R"({"bos_token": "<s>", "add_bos_token": true})") << true;
    QTest::newRow("the files do not")
        << QStringLiteral(R"({"bos_token": "<s>", "add_bos_token": false})") << false;
  }
  void asAsked() {
    QFETCH(QString, config);
    QFETCH(bool, by_itself);
    const TinyModel tiny;
    tiny.write_json("tokenizer_config.json", nlohmann::json::parse(config.toStdString()));
    if (by_itself) {
      std::ifstream file(tiny.folder() / "tokenizer.json");
      nlohmann::json tokenizer = nlohmann::json::parse(file);
      tokenizer["post_processor"] = nlohmann::json::parse(
          R"({"type": "TemplateProcessing", "pair": [],)"
          R"( "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],)"
          R"( "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}})");
      tiny.write_json("tokenizer.json", tokenizer);
    }
    const auto model = tiny.load();
    const TokenIds bare = model->tokenizer().encode("ab");
    TokenIds begun{1};
    begun.insert(begun.end(), bare.begin(), bare.end());
    QCOMPARE(ids(*model, "ab", Bos::Auto), by_itself ? begun : bare);
    QCOMPARE(ids(*model, "ab", Bos::On), begun);
    QCOMPARE(ids(*model, "ab", Bos::Off), bare);
    // A rendered chat of a folder begins as it is, unless asked otherwise.
    const auto chat_ids = [&](Bos bos) {
      std::string text = "ab";
      return encode_prompt(model->tokenizer(), text, bos, /*is_chat=*/true);
    };
    QCOMPARE(chat_ids(Bos::Auto), bare);
    QCOMPARE(chat_ids(Bos::On), begun);
    QCOMPARE(chat_ids(Bos::Off), bare);
    // Spelt by the text, as chat templates do.
    QCOMPARE(ids(*model, "<s>ab", Bos::Auto), begun);
    QCOMPARE(ids(*model, "<s>ab", Bos::On), begun);
    QCOMPARE(ids(*model, "<s>ab", Bos::Off), bare);
    std::string text = "<s>ab";
    encode_prompt(model->tokenizer(), text, Bos::Off);
    QCOMPARE(text, std::string("ab"));
    QCOMPARE(ids(*model, "", Bos::On), TokenIds{1});
  }

  void withoutABosToken() {
    const TinyModel tiny;
    tiny.write_json("tokenizer_config.json", nlohmann::json::object());
    tiny.change_config([](nlohmann::json& config) { config["bos_token_id"] = nullptr; });
    const auto model = tiny.load();
    QVERIFY(!model->tokenizer().bos());
    QKSCOPE_EXPECT_ERROR(ids(*model, "ab", Bos::On), "no BOS token", "auto");
    QCOMPARE(ids(*model, "ab", Bos::Off), ids(*model, "ab", Bos::Auto));
  }
};

QTEST_GUILESS_MAIN(TestBos)
#include "test_bos.moc"

// What inspecting a folder gathers beside the weights.
#include "core/model/language_model.h"
#include "tests/support/file_bytes.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;

class TestLanguageModel : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  // config.json ends answers with 2.
  void stopTokens_data() {
    QTest::addColumn<QByteArray>("generation");
    QTest::addColumn<QList<int>>("expected");
    QTest::newRow("none") << QByteArray() << QList<int>{2};
    QTest::newRow("one") << QByteArray(R"({"eos_token_id": 7})") << QList<int>{2, 7};
    QTest::newRow("several") << QByteArray(R"({"eos_token_id": [9, 2, 7]})") << QList<int>{2, 7, 9};
    QTest::newRow("null") << QByteArray(R"({"eos_token_id": null})") << QList<int>{2};
  }
  void stopTokens() {
    QFETCH(QByteArray, generation);
    QFETCH(QList<int>, expected);
    const test::TinyModel model;
    if (!generation.isEmpty())
      test::write_file(model.folder() / "generation_config.json", generation.toStdString());
    QCOMPARE(model.load()->stop_tokens(), TokenIds(expected.begin(), expected.end()));
  }

  // Tokens that the config lists, too.
  void stopTokensOfTheConfig() {
    const test::TinyModel model;
    model.change_config([](nlohmann::json& config) { config["eos_token_id"] = {4, 2, 11}; });
    const TokenIds stops = model.load()->stop_tokens();
    for (const int id : {2, 4, 11}) QVERIFY(std::ranges::find(stops, id) != stops.end());
  }
};

QTEST_GUILESS_MAIN(TestLanguageModel)
#include "test_language_model.moc"

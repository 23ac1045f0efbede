// Small changes to one tokenizer.json, judged by Hugging Face's tokenizers: regular expressions, ways to
// split, replacements, post-processors, added tokens.
#include "core/base/error.h"
#include "tests/support/errors.h"
#include "tests/support/tokenizer_test.h"

using namespace qkscope;
using nlohmann::json;

class TestTokenizerVariants : public test::TokenizerTest {
  Q_OBJECT

  json golden_;

 private Q_SLOTS:
  void initTestCase() { golden_ = json::parse(test::read_file(test::golden("tokenizer_variants.json"))); }

  void equalToTokenizers() {
    int failed = 0;
    for (const json& variant : golden_.at("variants")) {
      json file = golden_.at("base");
      for (const auto& [part, value] : variant.at("change").items()) file[part] = value;
      const std::string name = variant.at("name").get<std::string>();
      if (variant.contains("refused")) {
        QKSCOPE_EXPECT_ERROR(load({{"tokenizer.json", file.dump()}}), "Regex' of", "is not valid");
        continue;
      }
      const auto tokenizer = load({{"tokenizer.json", file.dump()}});
      for (std::size_t i = 0; i < golden_.at("texts").size(); ++i) {
        const std::string text = golden_.at("texts")[i].get<std::string>();
        const auto expected = variant.at("ids")[i].get<TokenIds>();
        // A text is not given twice what it spells: there, tokenizers is not the judge.
        const TextFrame& frame = tokenizer->frame();
        TokenIds ids = tokenizer->encode(text);
        ids.insert(ids.begin(), frame.front.begin(), frame.front.end());
        ids.insert(ids.end(), frame.back.begin(), frame.back.end());
        if (ids == expected) continue;
        if (++failed < 20) {
          qInfo("%s on %s: %s, expected %s", name.c_str(), json(text).dump().c_str(),
                json(ids).dump().c_str(), json(expected).dump().c_str());
        }
      }
    }
    QCOMPARE(failed, 0);
    QVERIFY(golden_.at("variants").size() > 250);
  }
};

QTEST_GUILESS_MAIN(TestTokenizerVariants)
#include "test_tokenizer_variants.moc"

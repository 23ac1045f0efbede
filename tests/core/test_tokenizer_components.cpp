// Every component of a tokenizer.json, judged by Hugging Face's tokenizers: normalizers, ways to cut, models
// and their settings, decoders.
#include <QSet>

#include "core/base/error.h"
#include "tests/support/errors.h"
#include "tests/support/tokenizer_test.h"

using namespace qkscope;
using nlohmann::json;

namespace {

/// FNV-1a in 32 bits, as make_tokenizer_components.py has it.
std::uint32_t hash_of(std::string_view bytes) {
  std::uint32_t value = 0x811C9DC5U;
  for (const char byte : bytes) value = (value ^ static_cast<unsigned char>(byte)) * 0x01000193U;
  return value;
}

std::string listed(const TokenIds& ids) {
  std::string text;
  for (const int id : ids) text += (text.empty() ? "" : ",") + std::to_string(id);
  return text;
}

}  // namespace

class TestTokenizerComponents : public test::TokenizerTest {
  Q_OBJECT

  json golden_;

  /// Members of "model" are changed one by one; "merges" as strings, each of two tokens.
  json changed(const std::string& base, const json& change) const {
    json file = golden_.at("bases").at(base);
    for (const auto& [part, value] : change.items()) {
      if (part != "model") {
        file[part] = value;
        continue;
      }
      for (const auto& [key, item] : value.items()) {
        if (key != "merges") file["model"][key] = item;
      }
      if (!value.contains("merges")) continue;
      for (json& merge : file["model"]["merges"])
        merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
    return file;
  }

 private Q_SLOTS:
  void initTestCase() { golden_ = json::parse(test::read_file(test::golden("tokenizer_components.json"))); }

  void equalToTokenizers() {
    int failed = 0, compared = 0;
    for (const json& variant : golden_.at("variants")) {
      const std::string name = variant.at("name").get<std::string>();
      const json file = changed(variant.at("base").get<std::string>(), variant.at("change"));
      const auto tokenizer = load({{"tokenizer.json", file.dump()}});
      for (std::size_t i = 0; i < golden_.at("texts").size(); ++i) {
        if (variant.at("ids")[i].is_null()) continue;  // there the judge fails
        const std::string text = golden_.at("texts")[i].get<std::string>();
        const TokenIds ids = tokenizer->encode(text);
        const std::string decoded = tokenizer->decode(ids);
        const bool same_ids = hash_of(listed(ids)) == variant.at("ids")[i].get<std::uint32_t>();
        const bool same_text = hash_of(decoded) == variant.at("decoded")[i].get<std::uint32_t>();
        ++compared;
        if (same_ids && same_text) continue;
        if (++failed < 60) {
          qInfo("%s on %s: %s%s%s", name.c_str(), json(text).dump().c_str(), same_ids ? "" : "other ids ",
                listed(ids).c_str(), same_text ? "" : (", other text " + json(decoded).dump()).c_str());
        }
      }
    }
    QCOMPARE(failed, 0);
    QVERIFY(compared > 8000);
  }
};

QTEST_GUILESS_MAIN(TestTokenizerComponents)
#include "test_tokenizer_components.moc"

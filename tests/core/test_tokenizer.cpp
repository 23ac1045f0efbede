// Ids and texts as other implementations give them; a stream of ids as text; and files that are not what they
// should be.
#include <fstream>
#include <sstream>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/checkpoint/checkpoint.h"
#include "core/model/language_model.h"
#include "tests/support/errors.h"
#include "tests/support/tokenizer_test.h"

using namespace qkscope;
using nlohmann::json;
using test::token;
using test::tokenizer_json;
namespace fs = std::filesystem;

namespace {

const std::string replacement = "\xEF\xBF\xBD";  // U+FFFD

/// A tokenizer of the shared data, and the vectors of llama.cpp that belong to it.
struct Real {
  const char* name;     // in tokenizers.json
  const char* file;     // in tokenizers/
  const char* as;       // what a model's folder calls it; empty: `file` is a folder itself
  const char* vectors;  // in tokenizer_vectors/; empty: none
};
constexpr Real reals[] = {
    {"gpt2", "gpt2", "", "ggml-vocab-gpt-2.gguf"},
    {"qwen2", "qwen2", "", "ggml-vocab-qwen2.gguf"},
    {"gpt_neox", "gpt_neox_20B_tokenizer.json", "tokenizer.json", ""},
    {"llama2", "llama2_tokenizer.model", "tokenizer.model", "ggml-vocab-llama-spm.gguf"},
    {"llama3", "llama3_tokenizer.model", "tokenizer.model", "ggml-vocab-llama-bpe.gguf"},
    {"mistral_v3", "mistral_mistral_instruct_tokenizer_240323.model.v3", "tokenizer.model.v3", ""},
    {"smollm2", "", "", ""},
};

const Real& real(const QString& name) {
  return *std::ranges::find_if(reals, [&](const Real& one) { return name == QLatin1String(one.name); });
}

fs::path data_path(const Real& one) {
  return *one.file ? test::shared_data() / "tokenizers" / one.file
                   : models_folder() / (default_model_name() + ".gguf");
}

/// Shows where two lists of ids part.
std::string difference(const std::string& text, const TokenIds& actual, const TokenIds& expected) {
  std::ostringstream out;
  out << json(text).dump(-1, ' ', true, json::error_handler_t::replace) << "\n  actual   " << json(actual)
      << "\n  expected " << json(expected);
  return out.str();
}

std::string streamed(const Tokenizer& tokenizer, const TokenIds& ids, int* silent = nullptr) {
  StreamDecoder stream(tokenizer, false);
  std::string text;
  for (const int id : ids) {
    const std::string piece = stream.push(id);
    if (valid_utf8(piece) != piece) return "half a character: " + piece;
    if (silent && piece.empty()) ++*silent;
    text += piece;
  }
  return text + stream.finish();
}

}  // namespace

class TestTokenizer : public test::TokenizerTest {
  Q_OBJECT

  const Tokenizer& open(const Real& one) {
    std::unique_ptr<Tokenizer>& kept = opened_[one.name];
    if (kept) return *kept;
    const fs::path path = data_path(one);
    if (!*one.file) {
      Budget budget("The tokenizer");
      kept = load_tokenizer(*Checkpoint::open(path), budget, notes_);
    } else if (!*one.as) {
      const json config = fs::exists(path / "config.json")
                              ? json::parse(test::read_file(path / "config.json"))
                              : json{{"model_type", "gpt2"}};
      kept = load_folder(path, config);
    } else {
      const fs::path place = folder({});
      fs::create_symlink(fs::absolute(path), place / one.as);
      kept = load_folder(place, json::object());
    }
    return *kept;
  }

  static void real_rows() {
    QTest::addColumn<QString>("name");
    for (const Real& one : reals) QTest::newRow(one.name) << QString::fromLatin1(one.name);
  }

 private Q_SLOTS:
  void initTestCase() { golden_ = json::parse(test::read_file(test::golden("tokenizers.json"))); }

  // ---------------------------------------------------------------------------------------------------
  // real tokenizers

  void llamaCppVectors_data() { real_rows(); }
  void llamaCppVectors() {
    QFETCH(QString, name);
    const Real& one = real(name);
    if (!*one.vectors) QSKIP("no vectors for this one");
    QKSCOPE_REQUIRE_DATA(data_path(one));
    const fs::path vectors = test::shared_data() / "tokenizer_vectors";
    QKSCOPE_REQUIRE_DATA(vectors);
    const std::string texts = test::read_file(vectors / (one.vectors + std::string(".inp")));
    std::ifstream lines(vectors / (one.vectors + std::string(".out")));
    const std::string separator = "\n__ggml_vocab_test__\n";
    int count = 0;
    for (std::size_t begin = 0, end; (end = texts.find(separator, begin)) != std::string::npos;
         begin = end + separator.size()) {
      std::string line;
      QVERIFY(std::getline(lines, line));
      std::istringstream numbers(line);
      TokenIds expected;
      for (int id; numbers >> id;) expected.push_back(id);
      const std::string text = texts.substr(begin, end - begin);
      const TokenIds ids = open(one).encode(text, false);
      QVERIFY2(ids == expected, difference(text, ids, expected).c_str());
      ++count;
    }
    QVERIFY(count >= 46);
  }

  void goldenIds_data() { real_rows(); }
  void goldenIds() {
    QFETCH(QString, name);
    const Real& one = real(name);
    QKSCOPE_REQUIRE_DATA(data_path(one));
    const Tokenizer& tokenizer = open(one);
    const json& golden = golden_.at("tokenizers").at(one.name);
    for (std::size_t i = 0; i < golden_.at("texts").size(); ++i) {
      const std::string text = golden_.at("texts")[i].get<std::string>();
      const TokenIds ids = tokenizer.encode(text), expected = golden.at("ids")[i].get<TokenIds>();
      QVERIFY2(ids == expected, difference(text, ids, expected).c_str());
    }
    for (const json& entry : golden.at("marked")) {
      const std::string text = entry.at("text").get<std::string>();
      const TokenIds special = tokenizer.encode(text), plain = tokenizer.encode(text, false);
      QVERIFY2(special == entry.at("special").get<TokenIds>(),
               difference(text, special, entry.at("special").get<TokenIds>()).c_str());
      QVERIFY2(plain == entry.at("plain").get<TokenIds>(),
               difference(text, plain, entry.at("plain").get<TokenIds>()).c_str());
    }
  }

  void roundTrip_data() { real_rows(); }
  void roundTrip() {
    QFETCH(QString, name);
    const Real& one = real(name);
    QKSCOPE_REQUIRE_DATA(data_path(one));
    const Tokenizer& tokenizer = open(one);
    const bool normalizes = name == QStringLiteral("qwen2") || name == QStringLiteral("gpt_neox");
    const bool sentencepiece = tokenizer.kind() == "sentencepiece";
    int silent = 0;
    for (const json& entry : golden_.at("texts")) {
      const std::string text = entry.get<std::string>();
      const TokenIds ids = tokenizer.encode(text, false);
      const std::string decoded = tokenizer.decode(ids);
      const bool marked =
          sentencepiece && text.find("\xE2\x96\x81") != std::string::npos;  // U+2581 is a space there
      if (!marked) QCOMPARE(tokenizer.encode(decoded, false), ids);
      if (!marked && !normalizes) QCOMPARE(QString::fromStdString(decoded), QString::fromStdString(text));
      QCOMPARE(QString::fromStdString(streamed(tokenizer, ids, &silent)), QString::fromStdString(decoded));
      std::string joined;
      for (const int id : ids) joined += tokenizer.piece_bytes(id);
      if (tokenizer.strips_leading_space() && joined.starts_with(' ')) joined.erase(0, 1);
      QCOMPARE(QString::fromStdString(joined), QString::fromStdString(decoded));
    }
    QVERIFY2(silent > 20, "no character was ever split over tokens");
  }

  void everyId_data() { real_rows(); }
  void everyId() {
    QFETCH(QString, name);
    const Real& one = real(name);
    QKSCOPE_REQUIRE_DATA(data_path(one));
    const Tokenizer& tokenizer = open(one);
    int specials = 0;
    for (int id = 0; id < tokenizer.vocab_size(); ++id) {
      const std::string text = tokenizer.piece_text(id);
      if (valid_utf8(text) != text) QFAIL(qPrintable(QStringLiteral("piece_text of %1").arg(id)));
      if (!tokenizer.is_special(id)) continue;
      ++specials;
      const TokenIds one_id = {id};
      QCOMPARE(tokenizer.encode(tokenizer.piece_bytes(id)), one_id);
      QCOMPARE(tokenizer.decode(one_id, true), "");
      QCOMPARE(tokenizer.find(tokenizer.piece_bytes(id)), std::optional<int>(id));
    }
    QVERIFY(specials > 0);
    for (const int id : {-1, tokenizer.vocab_size(), 1 << 30}) {
      QKSCOPE_EXPECT_ERROR(tokenizer.piece_bytes(id), std::to_string(id), "not in the vocabulary");
      QVERIFY(!tokenizer.is_special(id));
      QCOMPARE(tokenizer.decode(TokenIds{id}), "");
    }
  }

  void whatTheFilesSayOfTheEnds() {
    const std::map<std::string, std::tuple<int, int, int, bool>> expected = {
        // vocab_size, bos, eos, adds_bos
        {"gpt2", {50257, 50256, 50256, false}},     {"qwen2", {151646, -1, 151645, false}},
        {"gpt_neox", {50277, -1, -1, false}},       {"llama2", {32000, 1, 2, true}},
        {"llama3", {128256, 128000, 128001, true}}, {"mistral_v3", {32768, 1, 2, true}},
        {"smollm2", {49152, 1, 2, false}}};
    bool any = false;
    for (const Real& one : reals) {
      if (!fs::exists(data_path(one))) continue;
      any = true;
      const Tokenizer& t = open(one);
      const std::tuple<int, int, int, bool> found = {t.vocab_size(), t.bos().value_or(-1),
                                                     t.eos().value_or(-1), !t.frame().front.empty()};
      QVERIFY2(found == expected.at(one.name),
               (std::string(one.name) + ": " + std::to_string(std::get<0>(found)) + ", " +
                std::to_string(std::get<1>(found)) + ", " + std::to_string(std::get<2>(found)) +
                (std::get<3>(found) ? ", adds BOS" : ""))
                   .c_str());
    }
    if (!any) QSKIP("no tokenizers on this machine");
  }

  void fallsBackToBytes() {
    QKSCOPE_REQUIRE_DATA(data_path(real(QStringLiteral("llama2"))));
    const Tokenizer& tokenizer = open(real(QStringLiteral("llama2")));
    const TokenIds ids = tokenizer.encode("\xF0\x90\x8D\x88");  // U+10348
    const TokenIds expected = {29871, 0xF0 + 3, 0x90 + 3, 0x8D + 3, 0x88 + 3};
    QVERIFY2(ids == expected, difference("U+10348", ids, expected).c_str());
    QCOMPARE(tokenizer.piece_bytes(0xF0 + 3), "\xF0");
    QCOMPARE(tokenizer.piece_text(0xF0 + 3), "\\xF0");
    QCOMPARE(tokenizer.decode(ids), "\xF0\x90\x8D\x88");
    StreamDecoder stream(tokenizer);
    for (std::size_t i = 0; i < 4; ++i) QCOMPARE(stream.push(ids[i]), "");
    QCOMPARE(stream.push(ids[4]), "\xF0\x90\x8D\x88");
    QCOMPARE(tokenizer.piece_bytes(*tokenizer.find("\xE2\x96\x81Hello")), " Hello");
  }

  // ---------------------------------------------------------------------------------------------------
  // small tokenizers of every build

  void smallTokenizers_data() {
    QTest::addColumn<int>("index");
    int index = 0;
    for (const json& tiny : golden_.at("tiny"))
      QTest::newRow(tiny.at("name").get<std::string>().c_str()) << index++;
  }
  void smallTokenizers() {
    QFETCH(int, index);
    const json& tiny = golden_.at("tiny")[static_cast<std::size_t>(index)];
    const auto tokenizer = load({{"tokenizer.json", tiny.at("file").get<std::string>()}});
    for (const json& entry : tiny.at("texts")) {
      const std::string text = entry.at("text").get<std::string>();
      const TokenIds expected = entry.at("ids").get<TokenIds>();
      const TokenIds expected_plain = entry.value("plain", expected);
      const TokenIds ids = tokenizer->encode(text), plain = tokenizer->encode(text, false);
      QVERIFY2(ids == expected, difference(text, ids, expected).c_str());
      QVERIFY2(plain == expected_plain, difference(text, plain, expected_plain).c_str());
      const std::string decoded = tokenizer->decode(ids);
      if (entry.contains("decoded"))
        QCOMPARE(QString::fromStdString(decoded),
                 QString::fromStdString(entry.at("decoded").get<std::string>()));
      QCOMPARE(QString::fromStdString(streamed(*tokenizer, ids)), QString::fromStdString(decoded));
    }
  }

  void aTinyOne() {
    const auto tokenizer = load({{"tokenizer.json", tokenizer_json()}});
    QCOMPARE(tokenizer->vocab_size(), 11);
    QCOMPARE(tokenizer->encode("abc abab a"), (TokenIds{4, 5, 3, 3, 6}));
    QCOMPARE(tokenizer->encode(""), TokenIds{});
    QCOMPARE(tokenizer->decode(TokenIds{}), "");
    const std::string end = token("end");
    QCOMPARE(tokenizer->encode("a" + end + end + "b"), (TokenIds{0, 10, 10, 1}));
    QCOMPARE(tokenizer->encode("a" + end, false), (TokenIds{0}));  // its characters have no tokens
    QCOMPARE(tokenizer->decode(TokenIds{0, 10, 1}), "a" + end + "b");
    QCOMPARE(tokenizer->decode(TokenIds{0, 10, 1}, true), "ab");
    QVERIFY(tokenizer->is_special(10) && !tokenizer->is_special(4));
    QCOMPARE(tokenizer->find(" a"), std::optional<int>(6));
    QCOMPARE(tokenizer->find(end), std::optional<int>(10));
    QVERIFY(!tokenizer->find("no such token") && !tokenizer->bos() && !tokenizer->eos() &&
            tokenizer->frame().front.empty());
    QVERIFY(tokenizer->kind().find("byte-level BPE") != std::string::npos);
  }

  void neverHalfACharacter() {
    const auto tokenizer = load({{"tokenizer.json", tokenizer_json()}});
    const TokenIds pieces = tokenizer->encode("\xE4\xBD\xA0");  // U+4F60 in three tokens
    QCOMPARE(pieces, (TokenIds{7, 8, 9}));
    StreamDecoder stream(*tokenizer);
    QCOMPARE(stream.push(7), "");
    QCOMPARE(stream.push(8), "");
    QCOMPARE(stream.push(9), "\xE4\xBD\xA0");
    QCOMPARE(stream.push(7), "");
    QCOMPARE(stream.push(10), "");  // special, left out
    QCOMPARE(stream.push(0), replacement + "a");
    QCOMPARE(stream.push(7), "");
    QCOMPARE(stream.push(8), "");
    QCOMPARE(stream.finish(), replacement);
    QCOMPARE(stream.finish(), "");
    QCOMPARE(tokenizer->decode(TokenIds{9, 9, 0, 8}), replacement + replacement + "a" + replacement);
    QCOMPARE(tokenizer->piece_text(7), "\\xE4");
  }

  void invalidTextBecomesReplacementCharacters() {
    const auto tokenizer = load({{"tokenizer.json", tokenizer_json([](json& file) {
                                    file["model"]["vocab"]["\u00ef"] = 11;  // EF BF BD
                                    file["model"]["vocab"]["\u00bf"] = 12;
                                  })}});
    const TokenIds one = {11, 12, 8};
    for (const std::string broken : {"\xff", "\xc0", "\xe4\xbd", "\xf0\x9f\x99", "\xed", "\x80"})
      QCOMPARE(tokenizer->encode(broken), one);
    QCOMPARE(tokenizer->encode("a\xff"
                               "b"),
             (TokenIds{0, 11, 12, 8, 1}));
    QCOMPARE(tokenizer->encode("\xed\xa0\x80").size(), 9U);  // a surrogate: three malformed bytes
    QCOMPARE(tokenizer->encode(std::string("a\0b", 3)), (TokenIds{0, 1}));
  }

  void longTexts() {
    const auto tokenizer = load({{"tokenizer.json", tokenizer_json()}});
    std::string text;
    for (int i = 0; i < 100000; ++i) text += "abc";
    QCOMPARE(tokenizer->encode(text).size(), 100000U);
    QCOMPARE(tokenizer->encode(std::string(200000, 'b')).size(), 200000U);
    QCOMPARE(tokenizer->encode(std::string(200000, ' ')).size(), 200000U);
    QCOMPARE(tokenizer->encode(std::string(100000, '<')), TokenIds{});
  }

 private:
  json golden_;
  std::map<std::string, std::unique_ptr<Tokenizer>> opened_;
};

QTEST_GUILESS_MAIN(TestTokenizer)
#include "test_tokenizer.moc"

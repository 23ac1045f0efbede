// What a tokenizer may cost, whatever its file and the text hold: a sentence or a result, and soon.
#include <ctime>

#include "core/base/error.h"
#include "core/text/tokenizer/byte_alphabet.h"
#include "tests/support/errors.h"
#include "tests/support/sanitizers.h"
#include "tests/support/tokenizer_test.h"

using namespace qkscope;
using nlohmann::json;
using test::token;
using test::tokenizer_json;

class TestTokenizerCost : public test::TokenizerTest {
  Q_OBJECT

  template <typename Change>
  std::unique_ptr<Tokenizer> changed(Change change) {
    return load({{"tokenizer.json", tokenizer_json(change)}});
  }
  static json doubling(int count) {
    json steps = json::array();
    for (int i = 0; i < count; ++i)
      steps.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}});
    return steps;
  }
  std::unique_ptr<Tokenizer> split_by(const std::string& expression) {
    return changed([&](json& file) {
      file["pre_tokenizer"] = {
          {"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"},
             {"pattern", {{"Regex", expression}}},
             {"behavior", "Isolated"},
             {"invert", false}},
            {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
    });
  }

 private Q_SLOTS:
  // Oniguruma cannot be interrupted: each of these would run for minutes, or for ever.
  void patternsThatTakeLong_data() {
    QTest::addColumn<QString>("pattern");
    QTest::addColumn<int>("length");
    const auto row = [](const char* pattern, int length) {
      QTest::addRow("%s on %d", pattern, length) << QString::fromLatin1(pattern) << length;
    };
    for (const int length : {60, 5'000, 100'000, 1'000'000}) {
      for (const char* pattern : {"(a+)+$b", "(?:(?>a*)b|a)*c", "(?>a*)b", "(?:a|aa)*c",
                                  "(?<=a)(?>a*)b|(a*)*c", "\\G(?:(?>a*)b|a)*c"})
        row(pattern, length);
    }
  }
  void patternsThatTakeLong() {
    QFETCH(QString, pattern);
    QFETCH(int, length);
    const auto tokenizer = split_by(pattern.toStdString());
    const std::string text(static_cast<std::size_t>(length), 'a');
    Budget budget(tokenizer->name(), {}, Budget::usual_bytes, std::chrono::milliseconds(300));
    const std::clock_t start = std::clock();
    try {
      tokenizer->encode(text, true, budget);
    } catch (const Error& error) {
      QVERIFY2(std::string(error.what()).find(tokenizer->name()) != std::string::npos, error.what());
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    QVERIFY2(seconds < 5 * test::sanitizer_cost, std::to_string(seconds).c_str());
  }

  /// A long text is walked place by place, to its very end.
  void longTextsHaveAnEnd() {
    const auto tokenizer = changed([](json& file) {
      file["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "\\z"}}}, {"content", "b"}};
    });
    for (const std::size_t length : {10u, 10'000u}) {
      const std::string text(length, 'a');
      QCOMPARE(tokenizer->decode(tokenizer->encode(text)), text + "b");
    }
  }

  void doublingNormalizers() {
    const auto tokenizer = changed([](json& file) {
      file["normalizer"] = {{"type", "Sequence"}, {"normalizers", doubling(40)}};
    });
    Budget small(tokenizer->name(), {}, 1 << 20);
    QKSCOPE_EXPECT_ERROR(tokenizer->encode("a", true, small), "MiB of memory");
    QCOMPARE(tokenizer->encode("b"), TokenIds{1});
  }

  void doublingDecoders() {
    Budget small("The tokenizer", {}, 4 << 20);
    const json file = json::parse(tokenizer_json([](json& changed) {
      changed["decoder"] = {{"type", "Sequence"}, {"decoders", doubling(40)}};
    }));
    QKSCOPE_EXPECT_ERROR(PipelineTokenizer(read_tokenizer_json(file, "'x'", {}, small), small),
                         "MiB of memory");
  }

  /// An id costs nothing but its own entry.
  void farAwayIds() {
    Budget small("The tokenizer", {}, 4 << 20);
    const json file =
        json::parse(tokenizer_json([](json& changed) { changed["model"]["vocab"]["d"] = 16'000'000; }));
    const PipelineTokenizer tokenizer(read_tokenizer_json(file, "'x'", {}, small), small);
    QCOMPARE(tokenizer.encode("d"), TokenIds{16'000'000});
    QCOMPARE(tokenizer.vocab_size(), 16'000'001);
    QCOMPARE(tokenizer.piece_bytes(9'000'000), "");
  }

  void aStopIsHeard() {
    std::stop_source source;
    source.request_stop();
    const auto tokenizer = split_by("(?>a*)b");
    Budget stopped(tokenizer->name(), source.get_token());
    QVERIFY_THROWS_EXCEPTION(Cancelled, tokenizer->encode(std::string(100'000, 'a'), true, stopped));
  }

  /// A megabyte of one kind, through every form, way to cut and model: in seconds of processor time, with all
  /// its text in the ids.
  void aMegabyteOfAnyKind_data() {
    QTest::addColumn<QByteArray>("unit");
    const auto row = [](const char* name, const char* unit) { QTest::newRow(name) << QByteArray(unit); };
    row("a letter", "a");
    row("spaces", " ");
    row("lines", "\n");
    row("tabs and spaces", "\t ");
    row("an emoji", "\xF0\x9F\x99\x82");
    row("a mark", "\xCC\x81");
    row("two marks, out of order", "\xCC\x81\xCC\xA3");
    row("marks that come apart", "\xE0\xBD\xB3");
    row("syllables in parts", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB");
    row("signs", "!?");
    row("digits", "7");
    row("ideographs", "\xE4\xB8\xAD");
    row("words", "ab c");
    row("beginnings of a special token", "<|");
    row("what grows when normalized", "\xEF\xB7\xBA");
  }
  void aMegabyteOfAnyKind() {
    QFETCH(QByteArray, unit);
    std::string text = "a";
    while (text.size() < 1'000'000) text += unit.toStdString();
    const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
    json vocabulary = json::object(), scored = json::array({{"?", -20.0}, {"a", -1.0}});
    for (int byte = 0; byte < 256; ++byte) {
      const std::string character(1, static_cast<char>(byte));
      vocabulary[alphabet_from_bytes(character)] = byte;
    }
    vocabulary["aa"] = 256;
    for (std::size_t length = 2; length <= 16; ++length)
      scored.push_back({std::string(length, 'a'), -1.0 - static_cast<double>(length) / 8});
    const auto timed = [&](const char* name, const json& normalizer, const json& cut, const json& model) {
      const auto tokenizer = load({{"tokenizer.json", json{{"normalizer", normalizer},
                                                           {"pre_tokenizer", cut},
                                                           {"decoder", bytes},
                                                           {"added_tokens", json::array()},
                                                           {"model", model}}
                                                          .dump()}});
      const std::clock_t start = std::clock();
      const TokenIds ids = tokenizer->encode(text);
      const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      QVERIFY2(seconds < 2 * test::sanitizer_cost, (name + std::to_string(seconds)).c_str());
      QVERIFY(!ids.empty());
    };
    const json bpe = {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"a a"}}};
    const json unigram = {{"type", "Unigram"}, {"vocab", scored}, {"unk_id", 0}};
    for (const char* form : {"NFC", "NFD", "NFKC", "NFKD"}) timed(form, {{"type", form}}, bytes, bpe);
    timed("Lowercase", {{"type", "Lowercase"}}, {{"type", "Whitespace"}}, unigram);
    timed("BERT", {{"type", "BertNormalizer"}}, {{"type", "BertPreTokenizer"}}, unigram);
    timed("Metaspace", nullptr, {{"type", "Metaspace"}, {"replacement", "_"}}, unigram);
    timed("UnicodeScripts", nullptr, {{"type", "UnicodeScripts"}}, unigram);
    timed("one stretch", nullptr, nullptr, unigram);
    timed("one stretch", nullptr, {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}},
          bpe);
  }

  /// One word of a megabyte is merged in a time that grows with its length alone.
  void oneLongWord() {
    const auto tokenizer = changed([](json& file) {
      file["model"]["vocab"] = {{"a", 0}, {"aa", 1}, {"aaaa", 2}, {"aaaaaaaa", 3}};
      file["model"]["merges"] = {"a a", "aa aa", "aaaa aaaa"};
      file["added_tokens"] = json::array();
    });
    QCOMPARE(tokenizer->encode(std::string(1 << 20, 'a')).size(), std::size_t{1} << 17);
  }
};

QTEST_GUILESS_MAIN(TestTokenizerCost)
#include "test_tokenizer_cost.moc"

// What makes a tokenizer: folders, GGUF files, and those that are not what they should be.
#include "core/base/error.h"
#include "core/io/gguf.h"
#include "tests/support/errors.h"
#include "tests/support/tokenizer_test.h"

using namespace qkscope;
using nlohmann::json;
using test::Files;
using test::token;
using test::tokenizer_json;
namespace fs = std::filesystem;

class TestTokenizerFiles : public test::TokenizerTest {
  Q_OBJECT

  std::string error_of_loading(const Files& files, const json& config = json::object()) {
    return test::error_of([&] { load(files, config); });
  }
  std::string error_of_json(const std::string& file) { return error_of_loading({{"tokenizer.json", file}}); }

 private Q_SLOTS:
  void vocabAndMerges() {
    const json gpt2 = {{"model_type", "gpt2"}};
    const std::string merges = "#version: 0.2\na b\r\nab c\n\n\u0120 a\n";
    const auto tokenizer = load({{"vocab.json", test::tiny_vocabulary}, {"merges.txt", merges}}, gpt2);
    QCOMPARE(tokenizer->encode("abc abab a"), (TokenIds{4, 5, 3, 3, 6}));
    const auto with_space =
        load({{"vocab.json", test::tiny_vocabulary},
              {"merges.txt", merges},
              {"tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true,
                                      "bos_token": "c", "eos_token": {"content": "b"}, "add_bos_token": true})"}},
             gpt2);
    QCOMPARE(with_space->encode("a"), (TokenIds{6}));
    QCOMPARE(with_space->bos(), std::optional<int>(2));
    QCOMPARE(with_space->eos(), std::optional<int>(1));
    QVERIFY(with_space->frame().front == TokenIds{2} && with_space->is_special(1));

    const auto error = [&](const std::string& vocab, const std::string& merge_lines) {
      return error_of_loading({{"vocab.json", vocab}, {"merges.txt", merge_lines}}, gpt2);
    };
    QKSCOPE_EXPECT_ERROR(throw Error(error(test::tiny_vocabulary, "#version: 0.2\na b\nabc\n")),
                         "merges.txt'", "merge 2", "'abc'", "expected two tokens");
    QKSCOPE_EXPECT_ERROR(throw Error(error(test::tiny_vocabulary, "a b\nb c\n")), "merges.txt'", "merge 2",
                         "'b' and 'c'", "no token 'bc'");
    QKSCOPE_EXPECT_ERROR(throw Error(error(R"({"a": 0, "b": "x"})", "")), "vocab.json'", "'b'",
                         "expected 0 to");
    QKSCOPE_EXPECT_ERROR(throw Error(error(R"({"a": 0, "b": 0})", "")), "vocab.json'", "id 0", "two tokens");
    QKSCOPE_EXPECT_ERROR(throw Error(error(R"({"a": -1})", "")), "'a'", "-1");
    QKSCOPE_EXPECT_ERROR(throw Error(error(R"({"a": 999999999999})", "")), "'a'", "999999999999");
    QKSCOPE_EXPECT_ERROR(throw Error(error("{}", "")), "vocab.json'", "no tokens");
    QKSCOPE_EXPECT_ERROR(throw Error(error("[1]", "")), "vocab.json'", "expected an object");
    QKSCOPE_EXPECT_ERROR(throw Error(error("{\"a\": 0", "")), "vocab.json'", "not valid JSON", "byte");
    QKSCOPE_EXPECT_ERROR(
        load({{"vocab.json", test::tiny_vocabulary}, {"merges.txt", ""}}, {{"model_type", "wavenet"}}),
        "'wavenet'", "tokenizer.json");
    QKSCOPE_EXPECT_ERROR(load({{"vocab.json", test::tiny_vocabulary}, {"merges.txt", ""}}), "unnamed class",
                         "tokenizer.json");
  }

  /// Numbered as Hugging Face's tokenizers 0.23.3 numbers them.
  void vocabularyWithHoles() {
    const auto tokenizer =
        load({{"tokenizer.json", tokenizer_json([](json& file) { file["model"]["vocab"]["d"] = 20; })}});
    QCOMPARE(tokenizer->vocab_size(), 21);
    QCOMPARE(tokenizer->encode("ad" + token("end")), (TokenIds{0, 20, 11}));
    for (int id = 12; id < 20; ++id) QCOMPARE(tokenizer->piece_bytes(id), "");
    QCOMPARE(tokenizer->decode(TokenIds{0, 15, 20}), "ad");
    QVERIFY(!tokenizer->find(""));
  }

  // ---------------------------------------------------------------------------------------------------
  // files that are not what they should be

  void brokenTokenizerJson() {
    const std::string whole = tokenizer_json();
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const std::string text = error_of_json(whole.substr(0, length));
      QVERIFY2(test::has_all(text, {"tokenizer.json'", "not valid JSON"}), text.c_str());
    }
    const auto error = [&](auto change) { return error_of_json(tokenizer_json(change)); };
    const auto expect = [](const std::string& text, std::vector<std::string> words) {
      words.push_back("tokenizer.json'");
      QVERIFY2(test::has_all(text, words), text.c_str());
    };
    expect(error([](json& f) { f.erase("model"); }), {"no 'model'"});
    expect(error([](json& f) { f["model"]["type"] = "WordPiece"; }),
           {"'model'", "'WordPiece'", "expected BPE or Unigram"});
    const auto unigram = [&](const json& vocabulary, const json& unknown) {
      return error([&](json& f) {
        f["model"] = {{"type", "Unigram"}, {"vocab", vocabulary}, {"unk_id", unknown}};
      });
    };
    expect(unigram(json::object(), 0), {"'model.vocab'", "expected an array"});
    expect(unigram(json::array(), 0), {"'model.vocab'", "no tokens"});
    expect(unigram(json::parse(R"([["a", -1], ["b"]])"), 0),
           {"'model.vocab[1]'", "not a token and its score"});
    expect(unigram(json::parse(R"([["a", -1], ["b", -2]])"), 2),
           {"'model.unk_id'", "expected less than the 2 tokens"});
    expect(error([](json& f) { f["model"].erase("vocab"); }), {"no 'model.vocab'"});
    expect(error([](json& f) { f["model"]["vocab"] = json::array(); }), {"'model.vocab'"});
    expect(error([](json& f) { f["model"].erase("merges"); }), {"no 'model.merges'"});
    expect(error([](json& f) { f["model"]["merges"].push_back("ab"); }),
           {"merge 4", "'ab'", "expected two tokens"});
    expect(error([](json& f) { f["model"]["merges"].push_back("b x"); }), {"merge 4", "no token 'x'"});
    expect(error([](json& f) {
             f["model"]["merges"].push_back({"a", "b", "c"});
           }),
           {"3 tokens", "expected 2"});
    expect(error([](json& f) { f["model"]["merges"].push_back(7); }), {"'model.merges[3]'"});
    expect(error([](json& f) { f["model"]["unk_token"] = "zzz"; }), {"'model.unk_token'", "'zzz'"});
    expect(error([](json& f) { f["model"]["dropout"] = 0.1; }),
           {"'model.dropout'", "0.1", "other ids each time"});
    expect(error([](json& f) {
             f["normalizer"] = {{"type", "Sometimes"}};
           }),
           {"'normalizer'", "'Sometimes'", "BertNormalizer"});
    for (const char* table : {"!", "AAAA", "BAAAAA==", "CAAAAAAAAAABAAAA/w=="}) {
      expect(error([&](json& f) {
               f["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", table}};
             }),
             {"'normalizer.precompiled_charsmap'"});
    }
    expect(error([](json& f) { f["normalizer"] = {{"no", "type"}}; }), {"no 'normalizer.type'"});
    expect(error([](json& f) {
             f["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "("}}}, {"content", ""}};
           }),
           {"'normalizer.pattern.Regex'", "not valid"});
    expect(error([](json& f) { f["pre_tokenizer"]["type"] = "Sentences"; }),
           {"'pre_tokenizer'", "'Sentences'", "WhitespaceSplit"});
    expect(error([](json& f) {
             f["pre_tokenizer"] = {{"type", "FixedLength"}, {"length", 0}};
           }),
           {"'pre_tokenizer.length'", "expected 1 or more"});
    expect(error([](json& f) {
             f["pre_tokenizer"] = {{"type", "CharDelimiterSplit"}, {"delimiter", "ab"}};
           }),
           {"'pre_tokenizer.delimiter'", "'ab'", "expected one character"});
    expect(
        error([](json& f) {
          f["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"String", "x"}}}, {"behavior", "Sometimes"}};
        }),
        {"'pre_tokenizer.behavior'", "'Sometimes'", "Isolated"});
    expect(
        error([](json& f) {
          f["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "perhaps"}};
        }),
        {"'perhaps'"});
    expect(error([](json& f) { f["decoder"]["type"] = "CTC"; }), {"'decoder'", "'CTC'"});
    expect(error([](json& f) { f["added_tokens"][0]["id"] = -1; }), {"'added_tokens[0]'", "-1"});
    expect(error([](json& f) { f["added_tokens"][0].erase("content"); }), {"'added_tokens[0].content'"});
    expect(error([](json& f) { f["added_tokens"][0]["special"] = 1; }), {"'added_tokens[0].special'"});
    expect(error_of_json("[]"), {"expected an object"});
    expect(error_of_json(R"({"model": {}, "model": {}})"), {"'model'", "twice"});
    expect(error_of_json(std::string(100000, '[')), {"nested deeper"});
    QVERIFY(error_of_json("\xff\xfe{}").find("not valid JSON") != std::string::npos);
    // A zero byte ends no JSON: what follows it is not passed over.
    expect(error_of_json(std::string("{}\0{}", 5)), {"not valid JSON", "byte 3"});
  }

  void runawayPatterns() {
    const auto tokenizer =
        load({{"tokenizer.json", tokenizer_json([](json& file) {
                 file["pre_tokenizer"] = {
                     {"type", "Sequence"},
                     {"pretokenizers",
                      {{{"type", "Split"}, {"pattern", {{"Regex", "(a+)+$"}}}, {"behavior", "Isolated"}},
                       {{"type", "ByteLevel"}, {"add_prefix_space", false}}}}};
               })}});
    QKSCOPE_EXPECT_ERROR(tokenizer->encode(std::string(60, 'a') + "b"), "(a+)+$", "failed on a text");
    QCOMPARE(tokenizer->encode("ab"), (TokenIds{3}));
  }

  void tiktokenRanks() {
    std::string ranks;
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned byte = 0; byte < 256; ++byte) {
      ranks += digits[byte >> 2];
      ranks += digits[(byte & 3) << 4];
      ranks += "== " + std::to_string(byte) + "\n";
    }
    const std::string more = ranks + "YWI= 256\nYWJj 257\n";  // ab, abc
    const auto tokenizer = load({{"tokenizer.model", more}});
    QCOMPARE(tokenizer->encode("abcab b"), (TokenIds{257, 256, ' ', 'b'}));
    QCOMPARE(tokenizer->vocab_size(), 258 + 256);
    QCOMPARE(tokenizer->bos(), std::optional<int>(258));
    QCOMPARE(tokenizer->encode(token("eot_id")), (TokenIds{258 + 9}));
    const auto error = [&](const std::string& lines) {
      return error_of_loading({{"tokenizer.model", ranks + lines}});
    };
    QKSCOPE_EXPECT_ERROR(throw Error(error("?WI= 256\n")), "line 257", "tokenizer.model'", "'?WI= 256'",
                         "base64");
    QKSCOPE_EXPECT_ERROR(throw Error(error("YWI 256\n")), "line 257", "base64");
    QKSCOPE_EXPECT_ERROR(throw Error(error("YWI= x\n")), "line 257", "rank");
    QKSCOPE_EXPECT_ERROR(throw Error(error("YWI=\n")), "line 257", "rank");
    QKSCOPE_EXPECT_ERROR(throw Error(error("YWI= -1\n")), "line 257", "rank");
    QKSCOPE_EXPECT_ERROR(throw Error(error("YWI= 99999999999\n")), "line 257", "rank");
    QKSCOPE_EXPECT_ERROR(throw Error(error("YWI= 255\n")), "tokenizer.model'", "rank 255", "two tokens");
  }

  void brokenSentencePieceModel() {
    QKSCOPE_EXPECT_ERROR(load({{"tokenizer.model", "not a model"}}), "tokenizer.model'",
                         "not a sentencepiece model");
    QKSCOPE_EXPECT_ERROR(load({{"tokenizer.model", ""}}), "tokenizer.model'");
    const fs::path path = test::shared_data() / "tokenizers" / "llama2_tokenizer.model";
    QKSCOPE_REQUIRE_DATA(path);
    const std::string whole = test::read_file(path);
    QKSCOPE_EXPECT_ERROR(load({{"tokenizer.model", whole.substr(0, whole.size() / 2)}}), "tokenizer.model'",
                         "not a sentencepiece model");
  }

  void ggufTokenizers() {
    using test::GgufBytes;
    const auto parsed = [this](const GgufBytes& file) { return load_gguf(file); };
    const auto start = [](const char* model) {
      GgufBytes file;
      file.text("general.architecture", "llama").text("tokenizer.ggml.model", model);
      return file;
    };
    const std::vector<std::string> tokens = {"a", "b", "ab", "\u0120", token("end")};
    const std::vector<std::int32_t> types = {1, 1, 1, 1, 3};
    const auto bpe = [&] {
      GgufBytes file = start("gpt2");
      file.text("tokenizer.ggml.pre", "gpt-2").texts("tokenizer.ggml.tokens", tokens);
      return file.array("tokenizer.ggml.token_type", GgufBytes::I32, types);
    };
    const auto tokenizer =
        parsed(bpe().texts("tokenizer.ggml.merges", {"a b"}).u32("tokenizer.ggml.eos_token_id", 4));
    QCOMPARE(tokenizer->encode("ab b" + token("end")), (TokenIds{2, 3, 1, 4}));
    QCOMPARE(tokenizer->eos(), std::optional<int>(4));
    QVERIFY(tokenizer->is_special(4));

    QKSCOPE_EXPECT_ERROR(parsed(GgufBytes().text("general.architecture", "llama")), "'m.gguf'",
                         "no tokenizer", "convert the model again");
    QKSCOPE_EXPECT_ERROR(parsed(start("bert")), "'bert'", "expected 'gpt2' or 'llama'");
    QKSCOPE_EXPECT_ERROR(parsed(start("gpt2")), "'tokenizer.ggml.tokens'");
    QKSCOPE_EXPECT_ERROR(parsed(start("gpt2").texts("tokenizer.ggml.tokens", {})), "0 tokens");
    QKSCOPE_EXPECT_ERROR(
        parsed(start("gpt2").texts("tokenizer.ggml.tokens", tokens).text("tokenizer.ggml.pre", "new")),
        "'new'", "is not known", "llama-bpe");
    QKSCOPE_EXPECT_ERROR(parsed(bpe()), "'tokenizer.ggml.merges'");
    QKSCOPE_EXPECT_ERROR(parsed(bpe().texts("tokenizer.ggml.merges", {"ab"})), "merge 1", "'ab'");
    const auto no_bos = parsed(bpe()
                                   .texts("tokenizer.ggml.merges", {"a b"})
                                   .u32("tokenizer.ggml.bos_token_id", 99)
                                   .u32("tokenizer.ggml.padding_token_id", 4));
    QVERIFY(!no_bos->bos());
    QCOMPARE(no_bos->special_tokens(), (std::map<std::string, std::string>{{"pad_token", token("end")}}));
    QCOMPARE(notes_.size(), 1U);
    QVERIFY2(test::has_all(notes_[0], {"'tokenizer.ggml.bos_token_id'", "99", "5 tokens"}),
             notes_[0].c_str());
    QKSCOPE_EXPECT_ERROR(
        parsed(start("gpt2")
                   .text("tokenizer.ggml.pre", "gpt-2")
                   .texts("tokenizer.ggml.tokens", tokens)
                   .array<std::int32_t>("tokenizer.ggml.token_type", GgufBytes::I32, {1, 1})),
        "'tokenizer.ggml.token_type'", "2 entries", "expected 5");
    QKSCOPE_EXPECT_ERROR(parsed(start("llama").texts("tokenizer.ggml.tokens", tokens)),
                         "'tokenizer.ggml.scores'");
    QKSCOPE_EXPECT_ERROR(parsed(start("llama")
                                    .texts("tokenizer.ggml.tokens", tokens)
                                    .array<float>("tokenizer.ggml.scores", GgufBytes::F32, {0, 0})),
                         "'tokenizer.ggml.scores'", "2 entries");
  }

  /// What is odd in a vocabulary plays no part in a text that does not need it.
  void oddSentencePiecesOfGguf() {
    using test::GgufBytes;
    const std::string mark = "\xE2\x96\x81";
    const std::vector<std::string> tokens = {"<unk>",    "<s>", mark, "a",      "b",
                                             mark + "a", "ab",  "a",  "<0x63>", "bb"};
    const std::vector<float> scores = {-1000, 0, -1, -2, -3, -4, -5, NAN, 0, -6};
    const auto ids = [&](const std::vector<std::int32_t>& types, const std::string& text, auto change) {
      GgufBytes file;
      file.text("general.architecture", "llama").text("tokenizer.ggml.model", "llama");
      file.texts("tokenizer.ggml.tokens", tokens).array("tokenizer.ggml.scores", GgufBytes::F32, scores);
      if (!types.empty()) file.array("tokenizer.ggml.token_type", GgufBytes::I32, types);
      change(file);
      return load_gguf(file)->encode(text);
    };
    const auto nothing = [](GgufBytes&) {};
    const std::vector<std::int32_t> plain = {2, 3, 1, 1, 1, 1, 1, 5, 6, 1};
    for (const auto& types : {plain, {3, 3, 1, 1, 1, 1, 1, 1, 6, 1}, {2, 3, 1, 1, 1, 1, 9, 0, 6, 1}, {}})
      QCOMPARE(ids(types, "abc", nothing), (TokenIds{5, 4, 8}));
    QCOMPARE(ids(plain, "<s>bbb", nothing), (TokenIds{1, 2, 9, 4}));
    QCOMPARE(ids({}, "<s>", [](GgufBytes& file) { file.u32("tokenizer.ggml.bos_token_id", 1); }),
             TokenIds{1});
    // A byte without a piece: the unknown token, once for several in a row.
    QCOMPARE(ids(plain,
                 "a\xC3\xA9\xC3\xA9"
                 "c\xC3\xA9",
                 nothing),
             (TokenIds{5, 0, 8, 0}));
    QCOMPARE(ids({3, 3, 1, 1, 1, 1, 1, 1, 6, 1}, "\xC3\xA9",
                 [](GgufBytes& file) { file.u32("tokenizer.ggml.unknown_token_id", 4); }),
             (TokenIds{2, 4}));
    // An unused piece is taken apart again; a user-defined one joins nothing.
    QCOMPARE(ids({2, 3, 1, 1, 1, 5, 1, 5, 6, 1}, "ab", nothing), (TokenIds{2, 7, 4}));
    QCOMPARE(ids({2, 3, 1, 1, 4, 1, 1, 5, 6, 1}, "abb", nothing), (TokenIds{5, 4, 4}));
    QCOMPARE(
        ids(plain, "ab",
            [](GgufBytes& file) { file.key("tokenizer.ggml.add_space_prefix", GgufBytes::Bool, false); }),
        TokenIds{6});
  }

  void sentencePiecesOfGguf() {
    using test::GgufBytes;
    std::vector<std::string> tokens = {"<unk>",
                                       "\xE2\x96\x81",
                                       "a",
                                       "b",
                                       "\xE2\x96\x81"
                                       "a",
                                       "ab"};
    std::vector<float> scores = {0, -1, -2, -3, -4, -5};
    std::vector<std::int32_t> types = {2, 1, 1, 1, 1, 1};
    for (int byte = 0; byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", byte);
      tokens.emplace_back(text);
      scores.push_back(0);
      types.push_back(6);
    }
    GgufBytes file;
    file.text("general.architecture", "llama").text("tokenizer.ggml.model", "llama");
    file.texts("tokenizer.ggml.tokens", tokens).array("tokenizer.ggml.scores", GgufBytes::F32, scores);
    file.array("tokenizer.ggml.token_type", GgufBytes::I32, types);
    const auto tokenizer = load_gguf(file);
    QCOMPARE(tokenizer->encode("ab a"), (TokenIds{4, 3, 4}));
    QCOMPARE(tokenizer->encode("\xC3\xA9"), (TokenIds{1, 6 + 0xC3, 6 + 0xA9}));
    QCOMPARE(tokenizer->decode(tokenizer->encode("\xC3\xA9 a")), "\xC3\xA9 a");
    QCOMPARE(tokenizer->decode(tokenizer->encode(" a")), " a");
    QCOMPARE(tokenizer->encode(""), TokenIds{});
    QCOMPARE(tokenizer->piece_bytes(6 + 0xC3), "\xC3");
  }
};

QTEST_GUILESS_MAIN(TestTokenizerFiles)
#include "test_tokenizer_files.moc"

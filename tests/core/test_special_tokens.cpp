// Special and added tokens: what the files beside a vocabulary say of them, and the ids they get.
#include "core/base/error.h"
#include "tests/support/errors.h"
#include "tests/support/tokenizer_test.h"

using namespace qkscope;
using nlohmann::json;
using test::Files;
using test::token;
using test::tokenizer_json;

class TestSpecialTokens : public test::TokenizerTest {
  Q_OBJECT

  using Names = std::map<std::string, std::string>;
  Files beside(Files more, const std::string& file = tokenizer_json()) {
    more.emplace_back("tokenizer.json", file);
    return more;
  }

 private Q_SLOTS:
  /// An id that a file gives an added token counts for nothing: the vocabulary's own, else the next one.
  void addedTokensAreNumberedInOrder() {
    const auto tokenizer =
        load({{"tokenizer.json", tokenizer_json([](json& file) {
                 file["added_tokens"] = {{{"id", 16000000}, {"content", "[x]"}},
                                         {{"id", 3}, {"content", "[y]"}},
                                         {{"id", 77}, {"content", "abc"}},
                                         {{"id", 0}, {"content", ""}},
                                         {{"id", 1}, {"content", "[x]"}, {"special", true}},
                                         {{"id", 12}, {"content", "[z]"}}};
               })}});
    QCOMPARE(tokenizer->encode("[z][y][x]abcab"), (TokenIds{12, 11, 10, 4, 3}));
    QCOMPARE(tokenizer->vocab_size(), 13);
    QVERIFY(tokenizer->is_special(10) && !tokenizer->is_special(11));
  }

  /// What is said last of a token holds, whatever it was before; only special it stays (judged by
  /// tokenizers).
  void aTokenSaidTwice() {
    for (int flags = 0; flags < 16; ++flags) {
      const bool special = flags & 1, normalized = flags & 2, then_special = flags & 4,
                 then_normalized = flags & 8;
      const std::string file = tokenizer_json([&](json& changed) {
        changed["added_tokens"] = {
            {{"id", 10}, {"content", "(x)"}, {"special", special}, {"normalized", normalized}}};
        changed["normalizer"] = {{"type", "Lowercase"}};
      });
      const json config = {
          {"added_tokens_decoder",
           {{"10", {{"content", "(x)"}, {"special", then_special}, {"normalized", then_normalized}}}}}};
      const auto tokenizer = load(beside({{"tokenizer_config.json", config.dump()}}, file));
      QCOMPARE(tokenizer->encode("(x)"), TokenIds{10});
      QCOMPARE(tokenizer->encode("(X)"), then_normalized ? TokenIds{10} : TokenIds{});
      QCOMPARE(tokenizer->is_special(10), special || then_special);
    }
  }

  /// What a model can do without keeps nobody from loading it.
  void generationSettingsAreNoVeto() {
    for (const char* broken : {"{", "[]", R"({"eos_token_id": "b"})", R"({"eos_token_id": [[]]})"}) {
      const auto tokenizer = load(beside({{"generation_config.json", broken}}), {{"bos_token_id", 2}});
      QCOMPARE(tokenizer->bos(), std::optional<int>(2));
      QVERIFY(!tokenizer->eos());
      QCOMPARE(notes_.size(), std::size_t{1});
      QVERIFY(notes_[0].find("generation_config.json") != std::string::npos);
    }
  }

  /// A rendered chat carries what its template writes, in a folder; a GGUF file's gets BOS as its flag says.
  void chatsAreFramedAsTheirFilesAre() {
    const json frame = {
        {"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", "b"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
        {"special_tokens", {{"b", {{"id", "b"}, {"ids", {1}}, {"tokens", {"b"}}}}}}};
    const auto folder =
        load({{"tokenizer.json", tokenizer_json([&](json& file) { file["post_processor"] = frame; })}});
    QCOMPARE(folder->encode_prompt("a"), (TokenIds{1, 0}));
    QCOMPARE(folder->encode_chat("a"), (TokenIds{0}));
    for (const bool adds : {true, false}) {
      test::GgufBytes file;
      file.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2");
      file.texts("tokenizer.ggml.tokens", {"a", "b", "ab"}).texts("tokenizer.ggml.merges", {"a b"});
      file.u32("tokenizer.ggml.bos_token_id", 1);
      file.key("tokenizer.ggml.add_bos_token", test::GgufBytes::Bool, std::uint8_t{adds});
      const auto gguf = load_gguf(file);
      const TokenIds expected = adds ? TokenIds{1, 0} : TokenIds{0};
      QCOMPARE(gguf->encode_chat("a"), expected);
      QCOMPARE(gguf->encode_prompt("a"), expected);
      QCOMPARE(gguf->encode_chat("ba").size(), std::size_t{2});  // not twice
    }
  }

  void theSideFiles() {
    const std::string end = token("end");
    auto tokenizer =
        load(beside({{"tokenizer_config.json", R"({"eos_token": ")" + end + R"(", "bos_token": null})"}}),
             {{"bos_token_id", 2}});
    QCOMPARE(tokenizer->eos(), std::optional<int>(10));
    QVERIFY(!tokenizer->bos());  // null says there is none, whatever config.json numbers
    QCOMPARE(tokenizer->special_tokens(), (Names{{"eos_token", end}}));
    tokenizer =
        load(beside({{"generation_config.json", R"({"eos_token_id": [3, 4]})"}}), {{"bos_token_id", 2}});
    QCOMPARE(tokenizer->bos(), std::optional<int>(2));
    QCOMPARE(tokenizer->eos(), std::optional<int>(3));
    QCOMPARE(tokenizer->special_tokens(), Names{});
    tokenizer = load(beside({}), {{"bos_token_id", 999}});
    QVERIFY(!tokenizer->bos());
    tokenizer = load(beside({{"added_tokens.json", R"({"xyz": 30, ")" + end + R"(": 10})"}}));
    QCOMPARE(tokenizer->encode("axyzb"), (TokenIds{0, 11, 1}));
    QCOMPARE(tokenizer->vocab_size(), 12);
    QVERIFY(!tokenizer->is_special(11));
    tokenizer = load(beside(
        {{"tokenizer_config.json",
          R"({"added_tokens_decoder": {"112": {"content": "xyz", "special": true}, "13": {"content": "_"}}})"},
         {"special_tokens_map.json", R"({"eos_token": "b"})"}}));
    QCOMPARE(tokenizer->encode("_xyz"), (TokenIds{11, 12}));
    QVERIFY(tokenizer->is_special(12) && !tokenizer->is_special(11));
    QVERIFY(!tokenizer->eos());  // a file that declares its tokens needs no map beside it

    QKSCOPE_EXPECT_ERROR(
        load(beside({{"tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "xyz"}}})"}})),
        "'added_tokens_decoder'", "'x'", "expected an id");
    QKSCOPE_EXPECT_ERROR(load(beside({{"tokenizer_config.json",
                                       R"({"added_tokens_decoder": {"99999999999": {"content": "xyz"}}})"}})),
                         "99999999999");
    QKSCOPE_EXPECT_ERROR(load(beside({{"added_tokens.json", R"({"xyz": -3})"}})), "added_tokens.json'",
                         "'xyz'");
    QKSCOPE_EXPECT_ERROR(load(beside({{"special_tokens_map.json", "{"}})), "special_tokens_map.json'",
                         "not valid JSON");
    QKSCOPE_EXPECT_ERROR(load({}), "no tokenizer in '", "expected tokenizer.json, tokenizer.model");
  }

  /// Named tokens that the vocabulary has not follow it in transformers' order; none is a reason to refuse.
  void namedTokensOutsideTheVocabulary() {
    const std::string end = token("end");
    const auto tokenizer = load(beside({{"tokenizer_config.json", R"({"bos_token": "c", "eos_token": "[e]",
        "pad_token": {"__type": "AddedToken", "content": "[p]", "lstrip": true}, "image_token": "[i]",
        "unk_token": null, "additional_special_tokens": ["[1]", "[0]", "[e]", ")" +
                                                                      end + R"("]})"}}));
    QCOMPARE(tokenizer->encode("a [p][e][i][0][1]c"), (TokenIds{0, 12, 11, 13, 15, 14, 2}));
    QCOMPARE(tokenizer->bos(), std::optional<int>(2));
    QCOMPARE(tokenizer->eos(), std::optional<int>(11));
    QVERIFY(tokenizer->is_special(2) && tokenizer->is_special(13) && tokenizer->is_special(15));
    QCOMPARE(tokenizer->special_tokens(),
             (Names{{"bos_token", "c"}, {"eos_token", "[e]"}, {"pad_token", "[p]"}, {"image_token", "[i]"}}));
    QVERIFY(notes_.empty());

    const auto odd = load(beside({{"tokenizer_config.json", R"({"bos_token": 5, "eos_token": {"no": "text"},
        "additional_special_tokens": "x"})"}}));
    QCOMPARE(odd->encode("ab"), (TokenIds{3}));
    QVERIFY(!odd->eos() && !odd->bos() && odd->special_tokens().empty());
    QCOMPARE(notes_.size(), 3U);
    QVERIFY2(test::has_all(notes_[0], {"'bos_token'", "tokenizer_config.json'", "left out"}),
             notes_[0].c_str());
  }

  /// The map beside an older tokenizer_config.json wins; classes bring names of their own.
  void namesThatFilesLeaveOut() {
    const auto names = [&](const std::string& config, const std::string& map,
                           const std::string& file = tokenizer_json()) {
      return load(beside({{"tokenizer_config.json", config}, {"special_tokens_map.json", map}}, file))
          ->special_tokens();
    };
    const std::string end = token("endoftext");
    QCOMPARE(names(R"({"eos_token": "a"})", R"({"eos_token": {"content": "b"}, "sep_token": "c"})"),
             (Names{{"eos_token", "b"}, {"sep_token", "c"}}));
    QCOMPARE(names(R"({"eos_token": "a"})", R"({"eos_token": null})"), Names{});
    QCOMPARE(names(R"({"eos_token": "a", "added_tokens_decoder": {}})", R"({"eos_token": "b"})"),
             (Names{{"eos_token", "a"}}));
    QCOMPARE(names(R"({"tokenizer_class": "GPT2TokenizerFast", "eos_token": "a", "unk_token": null})", "{}"),
             (Names{{"bos_token", end}, {"eos_token", "a"}}));
    QCOMPARE(names(R"({"tokenizer_class": "Qwen2Tokenizer", "eos_token": "a"})", "{}"),
             (Names{{"pad_token", end}, {"eos_token", "a"}, {"unk_token", end}}));
    QCOMPARE(names(R"({"tokenizer_class": "LlamaTokenizer"})", "{}"), Names{});  // a byte-level vocabulary
    const std::string characters =
        tokenizer_json([](json& file) { file["pre_tokenizer"] = file["decoder"] = nullptr; });
    QCOMPARE(names(R"({"tokenizer_class": "LlamaTokenizer"})", "{}", characters),
             (Names{{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}}));
    const std::string padded = tokenizer_json([](json& file) { file["padding"] = {{"pad_token", "b"}}; });
    QCOMPARE(names("{}", "{}", padded), (Names{{"pad_token", "b"}}));
    QCOMPARE(names(R"({"pad_token": "c"})", "{}", padded), (Names{{"pad_token", "c"}}));
    // Unnamed ones: a list of the newer name in front of the older, the map's where no other file has any.
    const auto ids = [&](const std::string& config, const std::string& map) {
      return load(beside({{"tokenizer_config.json", config}, {"special_tokens_map.json", map}}))
          ->encode("[1][2][3]");
    };
    QCOMPARE(ids(R"({"extra_special_tokens": ["[2]"], "additional_special_tokens": ["[1]"]})", "{}"),
             TokenIds{11});
    QCOMPARE(ids("{}", R"({"additional_special_tokens": ["[3]", {"content": "[1]"}]})"), (TokenIds{12, 11}));
    QCOMPARE(ids(R"({"additional_special_tokens": ["[2]"]})", R"({"additional_special_tokens": ["[3]"]})"),
             TokenIds{11});
    QCOMPARE(ids(R"({"extra_special_tokens": {"image_token": "[2]"}})", "{}"), TokenIds{11});
  }

  // ---------------------------------------------------------------------------------------------------
  // what stands around a text

  static json around(std::vector<std::string> names) {
    json parts = json::array();
    for (const std::string& name : names) {
      if (name == "$A") {
        parts.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
      } else {
        parts.push_back({{"SpecialToken", {{"id", name}, {"type_id", 0}}}});
      }
    }
    const json tokens = {{"b", {{"id", "b"}, {"ids", {1}}, {"tokens", {"b"}}}},
                         {"c", {{"id", "c"}, {"ids", {2, 4}}, {"tokens", {"c", "abc"}}}}};
    return {{"type", "TemplateProcessing"}, {"single", parts}, {"special_tokens", tokens}};
  }
  std::unique_ptr<Tokenizer> framed(const json& post_processor, const std::string& config = "{}") {
    return load(beside({{"tokenizer_config.json", config}},
                       tokenizer_json([&](json& file) { file["post_processor"] = post_processor; })));
  }

  void postProcessorDecides() {
    for (const char* flags :
         {"{}", R"({"bos_token": "a", "eos_token": "a", "add_bos_token": true, "add_eos_token": true})",
          R"({"bos_token": "b", "add_bos_token": false})"}) {
      QCOMPARE(framed(nullptr, flags)->encode_text("a"), TokenIds{0});
      QVERIFY(notes_.empty());
      QCOMPARE(framed(around({"b", "$A"}), flags)->encode_text("a"), (TokenIds{1, 0}));
      QVERIFY(notes_.empty());
      const auto both = framed(around({"b", "$A", "c"}), flags);
      QCOMPARE(both->encode_text("a"), (TokenIds{1, 0, 2, 4}));
      QCOMPARE(both->encode_prompt("a"), (TokenIds{1, 0}));  // which is to go on
      QCOMPARE(notes_.size(), 1U);
      QVERIFY2(test::has_all(notes_[0], {"'cabc'", "behind every text", "goes without"}), notes_[0].c_str());
    }
  }

  void nothingIsWrittenTwice() {
    const auto tokenizer = framed(around({"b", "c", "$A", "c"}));
    QCOMPARE(tokenizer->encode_text("a"), (TokenIds{1, 2, 4, 0, 2, 4}));
    QCOMPARE(tokenizer->encode_text("bcabca"), (TokenIds{1, 2, 4, 0, 2, 4}));
    QCOMPARE(tokenizer->encode_text("bcabcacabc"), (TokenIds{1, 2, 4, 0, 2, 4}));
    QCOMPARE(tokenizer->encode_prompt("bca"), (TokenIds{1, 2, 4, 0}));     // a part of it
    QCOMPARE(tokenizer->encode_text("bcabc"), (TokenIds{1, 2, 4, 2, 4}));  // what is in front is not behind
    QCOMPARE(tokenizer->encode_prompt(""), (TokenIds{1, 2, 4}));
  }

  void postProcessorsThatCannotBe() {
    const auto error = [&](const json& processor) { return test::error_of([&] { framed(processor); }); };
    const auto expect = [](const std::string& text, std::vector<std::string> words) {
      words.insert(words.end(), {"'post_processor", "tokenizer.json'"});
      QVERIFY2(test::has_all(text, words), text.c_str());
    };
    const json first = around({"b", "$A"});
    json after = {{"type", "Sequence"}, {"processors", {first, first}}};
    expect(error(after), {"follows a TemplateProcessing"});
    after["processors"][1] = {{"type", "BertProcessing"}, {"sep", {"b", 1}}, {"cls", {"b", 1}}};
    expect(error(after), {"follows a TemplateProcessing"});
    after["processors"][1] = {{"type", "ByteLevel"}};
    expect(error({{"type", "New"}}), {"'New'", "expected TemplateProcessing"});
    expect(error(around({"b"})), {"0 times", "expected once"});
    expect(error(around({"$A", "$A"})), {"2 times", "expected once"});
    expect(error(around({"x", "$A"})), {"'x'", "special_tokens"});
    expect(error({{"type", "BertProcessing"}, {"sep", {"b"}}, {"cls", {"b", 1}}}),
           {"sep", "not a token and its id"});
    expect(error({{"type", "BertProcessing"}, {"sep", {"b", -1}}, {"cls", {"b", 1}}}),
           {"-1", "no token's id"});
    QKSCOPE_EXPECT_ERROR(framed({{"type", "BertProcessing"}, {"sep", {"b", 1}}, {"cls", {"b", 9999}}}),
                         "tokenizer.json'", "9999", "not in the vocabulary");
    QCOMPARE(framed(after)->frame().front, TokenIds{1});
  }

  /// Without a tokenizer.json, the flags decide; null is false.
  void flagsDecide() {
    const auto text = [&](const std::string& config) {
      return load({{"vocab.json", test::tiny_vocabulary},
                   {"merges.txt", "a b\n"},
                   {"tokenizer_config.json", config}},
                  {{"model_type", "gpt2"}})
          ->encode_text("a");
    };
    QCOMPARE(text(R"({"bos_token": "b", "eos_token": "c"})"), TokenIds{0});
    QCOMPARE(text(R"({"bos_token": "b", "eos_token": "c", "add_bos_token": true})"), (TokenIds{1, 0}));
    QCOMPARE(text(R"({"bos_token": "b", "eos_token": "c", "add_bos_token": null, "add_eos_token": true})"),
             (TokenIds{0, 2}));
    QCOMPARE(text(R"({"bos_token": null, "eos_token": null, "add_bos_token": true, "add_eos_token": true})"),
             TokenIds{0});
    using test::GgufBytes;
    const auto gguf = [&](const char* pre, auto change) {
      GgufBytes file;
      file.text("general.architecture", "llama")
          .text("tokenizer.ggml.model", "gpt2")
          .text("tokenizer.ggml.pre", pre);
      file.texts("tokenizer.ggml.tokens", {"a", "b", "ab"}).texts("tokenizer.ggml.merges", {"a b"});
      file.u32("tokenizer.ggml.bos_token_id", 1).u32("tokenizer.ggml.eos_token_id", 2);
      change(file);
      return load_gguf(file)->encode_text("a");
    };
    const auto flag = [](const char* key, bool value) {
      return [=](GgufBytes& file) { file.key(key, GgufBytes::Bool, value); };
    };
    QCOMPARE(gguf("gpt-2", [](GgufBytes&) {}), TokenIds{0});
    QCOMPARE(gguf("llama-bpe", [](GgufBytes&) {}), (TokenIds{1, 0}));
    QCOMPARE(gguf("llama-bpe", flag("tokenizer.ggml.add_bos_token", false)), TokenIds{0});
    QCOMPARE(gguf("gpt-2", flag("tokenizer.ggml.add_bos_token", true)), (TokenIds{1, 0}));
    QCOMPARE(gguf("gpt-2", flag("tokenizer.ggml.add_eos_token", true)), (TokenIds{0, 2}));
  }
};

QTEST_GUILESS_MAIN(TestSpecialTokens)
#include "test_special_tokens.moc"

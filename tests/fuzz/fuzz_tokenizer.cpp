// tokenizer.json: read, and used on text; and the same bytes taken for tiktoken's ranks.
#include "core/io/json_file.h"
#include "core/text/tokenizer/loaders.h"
#include "core/text/tokenizer/tiktoken.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/use_tokenizer.h"

using namespace qkscope;
using nlohmann::json;

namespace {

json byte_level() {
  return {
      {"added_tokens",
       {{{"id", 9}, {"content", "[end]"}, {"special", true}},
        {{"id", 10}, {"content", "word"}, {"single_word", true}, {"lstrip", true}, {"rstrip", true}}}},
      {"normalizer", {{"type", "NFC"}}},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"},
           {"pattern", {{"Regex", "\\p{N}{1,3}| ?\\p{L}+"}}},
           {"behavior", "Isolated"},
           {"invert", false}},
          {{"type", "Digits"}, {"individual_digits", true}},
          {{"type", "ByteLevel"}, {"add_prefix_space", true}}}}}},
      {"post_processor",
       {{"type", "TemplateProcessing"}, {"single", {{{"SpecialToken", {{"id", "[end]"}, {"type_id", 0}}}}}}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"},
        {"vocab",
         {{"a", 0},
          {"b", 1},
          {"c", 2},
          {"ab", 3},
          {"abc", 4},
          {"\u0120", 5},
          {"\u0120a", 6},
          {"\u00c3", 7},
          {"1", 8}}},
        {"merges", {"a b", "ab c", "\u0120 a"}},
        {"ignore_merges", true}}}};
}

json with_marks() {
  const std::string mark = "\u2581";
  return {{"added_tokens", json::array({{{"id", 0}, {"content", "[unk]"}, {"special", true}}})},
          {"normalizer",
           {{"type", "Sequence"},
            {"normalizers",
             {{{"type", "Prepend"}, {"prepend", mark}},
              {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}}}}}},
          {"pre_tokenizer",
           {{"type", "Metaspace"}, {"replacement", mark}, {"prepend_scheme", "first"}, {"split", true}}},
          {"decoder",
           {{"type", "Sequence"},
            {"decoders",
             {{{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}},
              {{"type", "ByteFallback"}},
              {{"type", "Fuse"}},
              {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "[unk]"},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab",
             {{"[unk]", 0},
              {mark, 1},
              {"a", 2},
              {"b", 3},
              {mark + "a", 4},
              {"<0xE4>", 5},
              {"<0xBD>", 6},
              {"<0xA0>", 7}}},
            {"merges", {{mark, "a"}}}}}};
}

/// The steps that look at characters, before a model of scored tokens.
json with_scores() {
  return {{"added_tokens", json::array()},
          {"normalizer",
           {{"type", "Sequence"},
            {"normalizers",
             {{{"type", "Nmt"}},
              {{"type", "BertNormalizer"}},
              {{"type", "Strip"}, {"strip_left", true}},
              {{"type", "Precompiled"}, {"precompiled_charsmap", "CAAAAAAAAAABAAAAYQA="}}}}}},
          {"pre_tokenizer",
           {{"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "UnicodeScripts"}},
              {{"type", "BertPreTokenizer"}},
              {{"type", "FixedLength"}, {"length", 3}},
              {{"type", "CharDelimiterSplit"}, {"delimiter", "-"}}}}}},
          {"decoder",
           {{"type", "Sequence"},
            {"decoders",
             {{{"type", "WordPiece"}, {"prefix", "##"}}, {{"type", "BPEDecoder"}, {"suffix", "b"}}}}}},
          {"model",
           {{"type", "Unigram"},
            {"unk_id", 0},
            {"byte_fallback", true},
            {"vocab", json::array({{"?", -9.5}, {"a", -1}, {"ab", -1.5}, {"b", -2}, {"<0xC3>", -3}})}}}};
}

}  // namespace

// Whatever the bytes are: a result or an Error within the time and the memory that fuzz_target.h allows, of
// which reading and every text's cutting are charged to one Budget.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const json file = parse_json(text, "'fuzz.json'", budget);
    test::use_tokenizer(PipelineTokenizer(read_tokenizer_json(file, "'fuzz.json'", {}, budget), budget),
                        budget);
  });
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    test::use_tokenizer(PipelineTokenizer(read_tiktoken(text, "'fuzz.model'", budget), budget), budget);
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  return {byte_level().dump(), with_marks().dump(1), with_scores().dump(),
          "YQ== 0\nYg== 1\r\nYWI= 2\nIA== 4\nIGE= 5\nYWJj 7\n"};
}

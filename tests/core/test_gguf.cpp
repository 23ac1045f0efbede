#include <cstdlib>

#include "core/base/budget.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_families.h"
#include "core/io/gguf.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_model.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using test::floats;
using test::GgufBytes;
using test::small_llama;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t f32 = 0, q8_0 = 8;

std::string error_of_parsing(const std::string& bytes) {
  return test::error_of([&] {
    Budget budget("m.gguf");
    parse_gguf(test::as_span(bytes), "m.gguf", budget);
  });
}

}  // namespace

class TestGguf : public test::GgufTestCase {
  Q_OBJECT

  std::string error_of_opening(const GgufBytes& file) {
    return test::error_of([&] { open(file); });
  }

 private Q_SLOTS:
  void metadata() {
    GgufBytes file = small_llama();
    file.text("s", "text")
        .key<std::uint8_t>("b", GgufBytes::Bool, 1)
        .key<std::int16_t>("i", GgufBytes::I16, -7);
    file.key<std::uint64_t>("u", GgufBytes::U64, ~std::uint64_t{0}).key<double>("d", GgufBytes::F64, 0.1);
    file.texts("words", {"a", "", "\xff"}).array<std::int32_t>("ids", GgufBytes::I32, {3, -1});
    file.array<float>("scores", GgufBytes::F32, {0.5f, -2}).texts("nothing", {});
    const auto checkpoint = open(file);
    const GgufMetadata& metadata = *checkpoint->gguf();
    QCOMPARE(*metadata.string("s"), "text");
    QCOMPARE(*metadata.boolean("b"), true);
    QCOMPARE(*metadata.integer("i"), -7);
    QCOMPARE(*metadata.number("i"), -7.0);
    QCOMPARE(*metadata.number("d"), 0.1);
    QCOMPARE(*metadata.strings("words"), (std::vector<std::string_view>{"a", "", "\xff"}));
    QCOMPARE(*metadata.integers("ids"), (std::vector<std::int64_t>{3, -1}));
    QCOMPARE(*metadata.numbers("scores"), (std::vector<double>{0.5, -2}));
    QVERIFY(metadata.strings("nothing")->empty());
    QVERIFY(!metadata.string("absent") && !metadata.integers("absent") && metadata.contains("words"));
    QKSCOPE_EXPECT_ERROR(metadata.string("i"), "'i'", "int16", "expected a string", "m.gguf");
    QKSCOPE_EXPECT_ERROR(metadata.integer("u"), "'u'", "uint64", "2^63");
    QKSCOPE_EXPECT_ERROR(metadata.integer("d"), "'d'", "float64", "whole number");
    QKSCOPE_EXPECT_ERROR(metadata.strings("s"), "'s'", "expected an array");
    QKSCOPE_EXPECT_ERROR(metadata.string("words"), "'words'", "3 of them", "expected one value");
    QKSCOPE_EXPECT_ERROR(metadata.integers("scores"), "'scores'", "float32", "whole numbers");
    QKSCOPE_EXPECT_ERROR(metadata.boolean("i"), "expected a bool");
  }

  // What this program has no use for is no reason to refuse a file.
  void unknownKeysAreSkipped() {
    std::string nested;  // [[1, 2], ["a"], []]
    test::put<std::uint32_t>(nested, GgufBytes::Array);
    test::put<std::uint64_t>(nested, 3);
    test::put<std::uint32_t>(nested, GgufBytes::U8);
    test::put<std::uint64_t>(nested, 2);
    nested += "\x01\x02";
    test::put<std::uint32_t>(nested, GgufBytes::String);
    test::put<std::uint64_t>(nested, 1);
    test::put<std::uint64_t>(nested, 1);
    nested += "a";
    test::put<std::uint32_t>(nested, GgufBytes::F64);
    test::put<std::uint64_t>(nested, 0);
    GgufBytes file = small_llama();
    file.raw("odd", GgufBytes::Array, nested).u32("after", 7);
    const auto checkpoint = open(file);
    QCOMPARE(*checkpoint->gguf()->integer("after"), 7);
    QKSCOPE_EXPECT_ERROR(checkpoint->gguf()->strings("odd"), "'odd'", "array of array");
    QKSCOPE_EXPECT_ERROR(checkpoint->gguf()->numbers("odd"), "'odd'");

    std::string deep;
    for (int i = 0; i < 1000; ++i) {
      test::put<std::uint32_t>(deep, GgufBytes::Array);
      test::put<std::uint64_t>(deep, 1);
    }
    QKSCOPE_EXPECT_ERROR(open(small_llama().raw("odd", GgufBytes::Array, deep)), "'odd'", "deeper than");
  }

  void keysAreCharged() {
    GgufBytes file = small_llama();
    for (int i = 0; i < 2000; ++i) file.u32("key" + std::to_string(i), 1);
    const std::string bytes = file.bytes();
    Budget enough("It", {}, 4 << 20), little("It", {}, 200 << 10);
    QCOMPARE(parse_gguf(test::as_span(bytes), "m.gguf", enough).metadata.keys().size(), 2009u);
    QKSCOPE_EXPECT_ERROR(parse_gguf(test::as_span(bytes), "m.gguf", little), "It needs more than");
  }

  // --------------------------------------------------------------------------------------------------
  // tensors

  void names() {
    QCOMPARE(hugging_face_name("token_embd.weight"), "model.embed_tokens.weight");
    QCOMPARE(hugging_face_name("output_norm.weight"), "model.norm.weight");
    QCOMPARE(hugging_face_name("output.weight"), "lm_head.weight");
    QCOMPARE(hugging_face_name("blk.12.attn_k.bias"), "model.layers.12.self_attn.k_proj.bias");
    QCOMPARE(hugging_face_name("blk.0.ffn_norm.weight"), "model.layers.0.post_attention_layernorm.weight");
    QCOMPARE(hugging_face_name("rope_freqs.weight"), "rope_freqs.weight");
    QCOMPARE(hugging_face_name("blk.3.ffn_gate_exps.weight"), "model.layers.3.mlp.experts.gate_proj.weight");
    QCOMPARE(hugging_face_name("blk.3.ffn_up.11.weight"), "model.layers.3.mlp.experts.11.up_proj.weight");
    QCOMPARE(hugging_face_name("blk.3.ffn_gate_inp.scale"), "model.layers.3.mlp.gate.scale");
    for (const char* odd : {"blk.3.ffn_up.x.weight", "blk.3.attn_q.1.weight", "blk.3.ffn_up.1.2.weight"})
      QCOMPARE(hugging_face_name(odd), odd);
    for (const char* odd : {"", ".", "blk.", "blk..", "blk.1", "x"}) QCOMPARE(hugging_face_name(odd), odd);
  }

  void tensors() {
    for (const std::string architecture : {"llama", "qwen2"}) {
      GgufBytes file = small_llama(architecture);
      file.tensor("blk.0.attn_k.weight", {2, 4}, f32, floats(8));
      file.tensor("blk.0.attn_q.bias", {8}, f32, floats(8));
      file.tensor("blk.0.attn_v.weight", {2, 4}, f32, floats(8, 100));
      file.tensor("rope_freqs.weight", {2}, f32, floats(2, 1));
      const auto checkpoint = open(file);
      const auto read = [&](const char* name, std::vector<std::int64_t> shape) {
        const TensorEntry& entry = checkpoint->require(name, shape);
        std::vector<float> numbers(static_cast<std::size_t>(entry.numel()));
        read_float32(entry, numbers);
        return numbers;
      };
      const bool permuted = architecture == "llama";
      QCOMPARE(read("model.layers.0.self_attn.k_proj.weight", {4, 2}),
               permuted ? (std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7})
                        : (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
      QCOMPARE(read("model.layers.0.self_attn.q_proj.bias", {8}),
               permuted ? (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7})
                        : (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
      QCOMPARE(read("model.layers.0.self_attn.v_proj.weight", {4, 2}).front(), 100.0f);
      QCOMPARE(read("rope_freqs.weight", {2}), (std::vector<float>{1, 2}));
      QCOMPARE(checkpoint->total_bytes(), 4u * 26u);
    }
  }

  void badTensors() {
    const auto with = [&](const char* name, std::vector<std::uint64_t> sizes, std::uint32_t type,
                          std::size_t bytes) {
      return error_of_opening(small_llama().tensor(name, sizes, type, std::string(bytes, '\0')));
    };
    const auto expect = [](const std::string& text, const std::vector<std::string>& words) {
      QVERIFY2(test::has_all(text, words), text.c_str());
    };
    expect(with("w", {33, 2}, q8_0, 68), {"'w'", "rows of 33", "multiple of 32", "Q8_0"});
    expect(with("w", {1, 1, 1, 1, 1}, f32, 4), {"'w'", "5 dimensions"});
    expect(with("w", {std::uint64_t{1} << 40, std::uint64_t{1} << 40}, f32, 4), {"'w'", "absurd shape"});
    expect(with("w", {~std::uint64_t{0}}, f32, 4), {"'w'", "absurd shape", "(-1)"});
    expect(with("w", {std::uint64_t{1} << 61}, f32, 4), {"'w'", "absurd shape"});
    expect(with("w", {3}, f32, 8), {"'w'", "12 bytes", "has only 8", "truncated"});
    expect(with("blk.0.attn_q.weight", {2, 6}, f32, 48), {"attn_q", "(6, 2)", "2 heads"});
    expect(with("blk.0.attn_q.bias", {32}, q8_0, 34), {"attn_q", "Q8_0"});
    expect(error_of_opening(small_llama().tensor("w", {2}, f32, floats(2)).tensor("w", {2}, f32, floats(2))),
           {"'w'", "twice"});
    expect(error_of_opening(small_llama()
                                .tensor("output.weight", {2}, f32, floats(2))
                                .tensor("lm_head.weight", {2}, f32, floats(2))),
           {"two tensors", "'lm_head.weight'"});
    expect(
        error_of_opening(small_llama().tensor("a", {16}, f32, floats(16)).tensor_at("b", {4}, f32, 32, "")),
        {"'a'", "'b'", "overlap"});
    expect(error_of_opening(small_llama().tensor_at("a", {1}, f32, 4, floats(2))), {"'a'", "multiple of 32"});
    expect(error_of_opening(small_llama().tensor_at("a", {1}, f32, ~std::uint64_t{31}, floats(2))),
           {"'a'", "truncated"});
    expect(error_of_opening(small_llama().tensor("", {1}, f32, floats(1))), {"empty string"});
  }

  // Of no weight until a model asks for them.
  void unreadableTypes() {
    for (const auto& [type, name] : {std::pair{9u, "Q8_1"}, {38u, "IQ4_NL_8_8"}, {77u, "number 77"}}) {
      const auto checkpoint = open(small_llama().tensor("blk.0.attn_v.weight", {4}, type, "1234"));
      QVERIFY(checkpoint->tensors().empty());
      const std::int64_t shape[] = {4};
      QKSCOPE_EXPECT_ERROR(checkpoint->require("model.layers.0.self_attn.v_proj.weight", shape), "v_proj",
                           name, "not supported", "Q4_K");
    }
  }

  void alignment() {
    GgufBytes file = small_llama();
    file.alignment = 64;
    file.u32("general.alignment", 64).tensor("w", {2}, f32, floats(2, 7));
    const auto checkpoint = open(file);
    std::vector<float> numbers(2);
    read_float32(*checkpoint->find("w"), numbers);
    QCOMPARE(numbers, (std::vector<float>{7, 8}));
    QKSCOPE_EXPECT_ERROR(open(small_llama().u32("general.alignment", 24)), "general.alignment", "24",
                         "power of two");
    QKSCOPE_EXPECT_ERROR(open(small_llama().u32("general.alignment", 0)), "general.alignment",
                         "power of two");
  }

  // ---------------------------------------------------------------------------------------------------
  // header

  void badHeaders() {
    const auto expect = [](const std::string& text, const std::vector<std::string>& words) {
      QVERIFY2(test::has_all(text, words), text.c_str());
    };
    expect(error_of_parsing(""), {"m.gguf", "truncated"});
    expect(error_of_parsing("GGML" + std::string(20, '\0')), {"m.gguf", "'GGUF'"});
    const auto versioned = [&](std::uint32_t version) {
      GgufBytes file = small_llama();
      file.version = version;
      return error_of_parsing(file.bytes());
    };
    expect(versioned(1), {"version 1", "2 or 3"});
    expect(versioned(4), {"version 4"});
    expect(versioned(3u << 24), {"big-endian"});
    QCOMPARE(versioned(2), "no error");
    GgufBytes many_tensors = small_llama();
    many_tensors.num_tensors = std::uint64_t{1} << 60;
    expect(error_of_parsing(many_tensors.bytes()), {std::to_string(std::uint64_t{1} << 60), "tensors"});
    GgufBytes many_keys = small_llama();
    many_keys.num_keys = ~std::uint64_t{0};
    expect(error_of_parsing(many_keys.bytes()), {"keys", "truncated or damaged"});
    expect(error_of_parsing(small_llama().text("s", "one").text("s", "two").bytes()), {"'s'", "twice"});
    expect(
        error_of_parsing(small_llama().key<std::uint32_t>("k", static_cast<GgufBytes::Type>(13), 0).bytes()),
        {"'k'", "unknown type 13"});
    // an array of 2^62 numbers, of 2^61 strings
    for (const auto type : {GgufBytes::F32, GgufBytes::String}) {
      std::string absurd;
      test::put<std::uint32_t>(absurd, type);
      test::put(absurd, std::uint64_t{1} << 62);
      GgufBytes file;
      file.key<std::uint32_t>("a", GgufBytes::Array, type);
      std::string bytes = file.bytes().substr(0, 24 + 8 + 1 + 4) + absurd;
      expect(error_of_parsing(bytes), {"'a'", std::to_string(std::uint64_t{1} << 62)});
    }
  }

  // A file cut anywhere is an error, never a crash; all of it is none.
  void everyTruncation() {
    GgufBytes file = small_llama();
    file.texts("words", {"some", "words"}).tensor("blk.0.attn_q.weight", {8, 8}, f32, floats(64));
    const std::string bytes = file.bytes();
    QCOMPARE(error_of_parsing(bytes), "no error");
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const std::string text = error_of_parsing(bytes.substr(0, length));
      QVERIFY2(text.find("m.gguf") != text.npos, qPrintable(QString::number(length)));
    }
  }

  // ------------------------------------------------------------------------------------------- the real
  // thing

  void defaultModel() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    const fs::path folder = cache && *cache ? fs::path(cache) : fs::path(home ? home : "") / ".cache";
    const fs::path path = folder / "qkscope" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf";
    QKSCOPE_REQUIRE_DATA(path);
    const auto checkpoint = Checkpoint::open(path);
    std::map<std::string, int> types;
    // A checksum over the bits of every number in the order of the names, computed with the PyPI package
    // `gguf` 0.19 and numpy: per tensor the sum of bits[i] * (i + 1), all modulo 2^64.
    std::uint64_t checksum = 0;
    for (const TensorEntry& entry : checkpoint->tensors()) {
      ++types[std::string(element_type_name(entry.type))];
      std::vector<float> numbers(static_cast<std::size_t>(entry.numel()));
      read_float32(entry, numbers);
      checkpoint->release(entry);
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < numbers.size(); ++i)
        sum += std::uint64_t{std::bit_cast<std::uint32_t>(numbers[i])} * (i + 1);
      checksum = checksum * 1000003 + sum;
    }
    QCOMPARE(types, (std::map<std::string, int>{{"Q4_1", 210}, {"F32", 61}, {"Q8_0", 1}}));
    QCOMPARE(checksum, 0xb1e3fcc323a7f880u);
    QCOMPARE(checkpoint->config()["head_dim"].get<int>(), 64);
    QVERIFY(checkpoint->config()["tie_word_embeddings"].get<bool>());
    QCOMPARE(checkpoint->gguf()->strings("tokenizer.ggml.tokens")->size(), 49152u);
    QCOMPARE(checkpoint->gguf()->strings("tokenizer.ggml.merges")->size(), 48900u);
    Budget budget("The file");
    QVERIFY(checkpoint->chat_template(budget).source.starts_with("{% for message in messages %}"));
  }
};

QTEST_GUILESS_MAIN(TestGguf)
#include "test_gguf.moc"

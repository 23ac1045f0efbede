// GGUF files: keys, configuration, names, and every number.
#include "core/checkpoint/checkpoint_formats.h"
#include "core/io/gguf.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file.h"
#include "tests/support/file_bytes.h"

using namespace qkscope;
using test::GgufBytes;

namespace {

// Every getter on every key; all but the fitting one throw.
void read_key(const GgufMetadata& metadata, std::string_view key) {
  const auto attempt = [](auto get) {
    try {
      (void)get();
    } catch (const Error&) {
    }
  };
  attempt([&] { return metadata.string(key); });
  attempt([&] { return metadata.integer(key); });
  attempt([&] { return metadata.number(key); });
  attempt([&] { return metadata.boolean(key); });
  attempt([&] { return metadata.strings(key); });
  attempt([&] { return metadata.integers(key); });
  attempt([&] { return metadata.numbers(key); });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    const test::MemoryFile file(bytes);
    const auto checkpoint = open_gguf(file.path(), budget);
    for (const std::string_view key : checkpoint->gguf()->keys()) read_key(*checkpoint->gguf(), key);
    checkpoint->chat_template(budget);
    // Throws for text that is not UTF-8, which no configuration may hold.
    checkpoint->config().dump();
    for (const TensorEntry& entry : checkpoint->tensors()) {
      std::vector<float> numbers(static_cast<std::size_t>(entry.numel()));
      read_float32(entry, numbers);
    }
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  GgufBytes small;
  small.text("general.architecture", "llama");
  GgufBytes whole;
  whole.text("general.architecture", "llama")
      .u32("general.alignment", 32)
      .u32("llama.block_count", 1)
      .u32("llama.embedding_length", 32)
      .u32("llama.attention.head_count", 2)
      .u32("llama.attention.head_count_kv", 1)
      .f32("llama.rope.freq_base", 10000)
      .text("llama.rope.scaling.type", "yarn")
      .f32("llama.rope.scaling.factor", 4)
      .key<std::uint8_t>("tokenizer.ggml.add_bos_token", GgufBytes::Bool, 1)
      .texts("tokenizer.ggml.tokens", {"a", "b", "\xc3\xa4"})
      .array<float>("tokenizer.ggml.scores", GgufBytes::F32, {0, 1, 2})
      .text("tokenizer.chat_template", "{{ messages }}")
      .tensor("token_embd.weight", {32, 3}, 8, std::string(102, '\x11'))
      .tensor("blk.0.attn_q.weight", {32, 4}, 3, std::string(80, '\x12'))
      .tensor("blk.0.attn_k.bias", {8}, 0, std::string(32, '\0'))
      .tensor("output_norm.weight", {32}, 1, std::string(64, '\x3c'));
  GgufBytes types;
  types.text("general.architecture", "qwen2");
  struct Block {
    std::uint32_t type;  // ggml's number
    std::uint64_t elements;
    std::size_t bytes;
  };
  for (const auto& [type, elements, bytes] : std::vector<Block>{
           {2, 32, 18},    {6, 32, 22},    {7, 32, 24},    {10, 256, 84}, {11, 256, 110}, {12, 256, 144},
           {13, 256, 176}, {14, 256, 210}, {15, 256, 292}, {16, 256, 66}, {17, 256, 74},  {18, 256, 98},
           {19, 256, 50},  {20, 32, 18},   {21, 256, 110}, {22, 256, 82}, {23, 256, 136}, {24, 1, 1},
           {25, 1, 2},     {26, 1, 4},     {27, 1, 8},     {28, 1, 8},    {29, 256, 56},  {30, 1, 2},
           {34, 256, 54},  {35, 256, 66},  {39, 32, 17},   {40, 64, 36}}) {
    types.tensor("t" + std::to_string(type), {elements}, type, std::string(bytes, '\x21'));
  }
  return {small.bytes(), whole.bytes(), types.bytes()};
}

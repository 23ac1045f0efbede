// tokenizer.model, a vocabulary of sentencepiece: read, and used on text.
#include "core/text/tokenizer/sentencepiece_tokenizer.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/use_tokenizer.h"
#include "tests/support/file_bytes.h"

using namespace qkscope;

namespace {

/// A field of a protocol buffer that holds `bytes`; of fewer than 128.
std::string field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

std::string number(int field, int value) {
  return {static_cast<char>(field << 3), static_cast<char>(value)};
}

/// sentencepiece_model.proto: pieces, trainer_spec { model_type: BPE or UNIGRAM }, normalizer_spec.
std::string model(bool scores_are_merges, const std::string& last_piece = "c") {
  std::string proto;
  float score = 0;
  const auto add = [&](const std::string& piece, int type) {
    std::string body = field(1, piece);
    body += '\x15';  // field 2, a float
    test::put(body, score--);
    proto += field(1, body + number(3, type));
  };
  add("<unk>", 2);
  for (const char* control : {"<s>", "</s>"}) add(control, 3);
  for (const char* byte : {"<0xC3>", "<0xB6>"}) add(byte, 6);
  add("[end]", 4);
  const std::string space = "\xE2\x96\x81";
  for (const std::string& piece :
       {space, std::string("a"), std::string("b"), std::string("ab"), space + "ab", last_piece})
    add(piece, 1);
  proto += field(2, number(3, scores_are_merges ? 2 : 1));
  return proto + field(3, field(1, "identity") + number(3, 1) + number(4, 0) + number(5, 1));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    const std::string proto(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const SentencePieceTokenizer tokenizer(library_piece_model(proto, "'fuzz.model'"), {}, true, budget);
    test::use_tokenizer(tokenizer, budget);
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  // The library's tries throw at a piece that begins with a zero.
  return {model(true), model(false), model(false, std::string(1, '\0'))};
}

// .safetensors files: the header, and every number of those that can be read.
#include "core/io/safetensors.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file.h"
#include "tests/support/file_bytes.h"

using namespace qkscope;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    const test::MemoryFile file(bytes);
    const ArrayFile arrays = read_safetensors(file.path(), budget);
    for (const auto& [name, array] : arrays.arrays) {
      std::int64_t count = 1;
      for (const std::int64_t length : array.shape) count *= length;
      if (count != static_cast<std::int64_t>(array.data.size())) std::abort();
    }
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  return {
      test::safetensors_bytes("{}"),
      test::safetensors_bytes(
          R"({"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [8, 16]},)"
          R"( "b\u00e4": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}})",
          std::string(16, '\1')),
      test::safetensors_bytes(R"({"a": {"dtype": "F16", "shape": [], "data_offsets": [0, 2]},)"
                              R"("b": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [2, 6]},)"
                              R"("c": {"dtype": "F64", "shape": [1], "data_offsets": [6, 14]},)"
                              R"("d": {"dtype": "BOOL", "shape": [0], "data_offsets": [14, 14]}})",
                              std::string(14, '\2'))};
}

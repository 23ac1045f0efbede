// .pt files: the zip, the pickle, and every number; and the same bytes taken for a pickle, which gets deeper
// into it.
#include "core/io/pickle.h"
#include "core/io/torch_archive.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_bytes.h"

using namespace qkscope;
using namespace qkscope::test;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    read_torch_archive(bytes, "fuzz.pt", budget);
  });
  expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    Pickle(bytes, "fuzz.pkl", budget).tensors(budget);
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  const std::string tensor = pickle_tensor("HalfStorage", "0", 6, 1, {2, 2}, {1, 2});
  std::string dictionary = "}(";
  dictionary += pickle_text("a") + tensor + pickle_text("b") + "](" + tensor + "q\x01h\x01" +
                "K\x05M\x01\x02N\x88\x89" + std::string("G\x3f\xe0\0\0\0\0\0\0", 9) + "\x8a\x02\x01\x02" +
                "e" + pickle_text("c") + pickle_global("collections", "OrderedDict") + ")R}b" + "u";
  std::vector<std::string> seeds;
  for (const std::string& body : {tensor, dictionary}) {
    seeds.push_back(pickle(body));
    seeds.push_back(zip_bytes({{"a/data.pkl", pickle(body)},
                               {"a/byteorder", "little"},
                               {"a/data/0", std::string(12, '\x3c')},
                               {"a/version", "3\n"}}));
  }
  return seeds;
}

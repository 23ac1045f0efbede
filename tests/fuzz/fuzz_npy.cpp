// numpy's files: one array, an archive of them, and the header alone, which gets deeper into it.
#include "core/io/npy.h"
#include "core/io/npy_header.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/npy_bytes.h"

using namespace qkscope;
using namespace qkscope::test;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    read_npy(bytes, "fuzz.npy", budget);
  });
  expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    read_npz(bytes, "fuzz.npz", budget);
  });
  expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget&) {
    parse_npy_header({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz.npy");
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  const std::string half = npy_bytes("<f2", {3, 2}, std::string(12, '\x3c'), true);
  return {half, npy_bytes(">f8", {1, 2, 1}, std::string(16, '\1'), false, 2),
          "{'descr': '|b1', 'fortran_order': True, 'shape': (3L, 4), }  \n",
          npz_bytes({{"q.npy", half, true}, {"k.npy", half, false}})};
}

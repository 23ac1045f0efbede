// What people type: disruptions, ranges and layouts of dumps. What is understood is written and read again
// the same.
#include "core/analysis/dump_layout.h"
#include "core/run/disruption.h"
#include "tests/fuzz/fuzz_target.h"

using namespace qkscope;

namespace {

/// Sizes of axes, a character each.
Shape shape_of(std::string_view text) {
  Shape shape;
  for (const char c : text.substr(0, 4)) shape.push_back(c % 8);
  return shape;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  test::expect_result_or_error(data, size, [&](std::span<const std::byte>, Budget&) {
    const Disruption disruption = parse_disruption(text);
    if (parse_disruption(to_option(disruption)) != disruption) std::abort();
    describe(disruption);
  });
  test::expect_result_or_error(data, size, [&](std::span<const std::byte>, Budget&) {
    const std::vector<int> indices = parse_ranges(text, "--layers");
    if (parse_ranges(format_ranges(indices), "--layers") != indices) std::abort();
  });
  test::expect_result_or_error(data, size, [&](std::span<const std::byte>, Budget&) {
    const auto layout = parse_layout(text);
    if (layout && parse_layout(layout_name(*layout)) != layout) std::abort();
    const Shape shape = shape_of(text);
    for (const DumpLayout& guess : guess_layout({shape}).layouts) {
      if (!fits(shape, guess)) std::abort();
      Array array{shape, {}};
      std::size_t count = 1;
      for (const std::int64_t length : shape) count *= static_cast<std::size_t>(length);
      array.data.resize(count);
      if (arrange(std::move(array), guess).data.size() != count) std::abort();
    }
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  return {"site=qk,pick=lambda:5,replace=mean,layers=1-4,7,heads=all",
          "site=v,pick=random:lambda:2.5,seed=3,pool=own,mask=live,phase=every,cache=clean",
          "pick=largest:22,replace=zero,mask=position",
          "lambda 5 on Q",
          "1-4,7",
          "flat:128",
          "bhsd",
          "\x01\x05\x04\x06"};
}

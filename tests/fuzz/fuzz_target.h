#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/utf8.h"

/// What libFuzzer calls, and fuzz_driver.cpp where it is not there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Sound files, from which all others are made.
std::vector<std::string> seed_inputs();

namespace qkscope::test {

/// A reader may refuse its input with an Error, in text that a window can show. Anything else is a finding:
/// the driver also sees what it took in memory and time, which the budget bounds.
template <typename Read>
void expect_result_or_error(const std::uint8_t* data, std::size_t size, Read read) {
  Budget budget("The input", {}, std::uint64_t{64} << 20, std::chrono::milliseconds(1000));
  try {
    read(std::as_bytes(std::span(data, size)), budget);
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.empty() || valid_utf8(text) != text) std::abort();
  }
}

}  // namespace qkscope::test

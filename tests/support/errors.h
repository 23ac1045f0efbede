#pragma once
#include <string>
#include <vector>

#include "core/base/error.h"

namespace qkscope::test {

/// The text of the Error that `run` throws; "no error" where it throws none.
template <typename Run>
std::string error_of(Run run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline bool has_all(const std::string& text, const std::vector<std::string>& words) {
  for (const auto& word : words) {
    if (text.find(word) == std::string::npos) return false;
  }
  return true;
}

}  // namespace qkscope::test

/// Fails the test unless `statement` throws an Error whose text contains every one of the words that follow.
#define QKSCOPE_EXPECT_ERROR(statement, ...)                                                          \
  do {                                                                                                \
    const std::string text_ = qkscope::test::error_of([&] { (void)(statement); });                    \
    QVERIFY2(qkscope::test::has_all(text_, {"", __VA_ARGS__}) && text_ != "no error", text_.c_str()); \
  } while (false)

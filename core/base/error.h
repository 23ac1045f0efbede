#pragma once
#include <stdexcept>
#include <string>

namespace qkscope {

/// The only exception core throws on purpose. Its text is one sentence for the user: it names the file, the
/// thing, what was found, what was expected and, where there is one, the remedy.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown out of long work whose std::stop_token was asked to stop. Not a failure, hence not an Error.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "cancelled"; }
};

}  // namespace qkscope

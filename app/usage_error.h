#pragma once
#include "core/base/error.h"

namespace qkscope {

/// A command line that cannot be carried out as it is; ends either program with code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace qkscope

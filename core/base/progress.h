#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

#include "core/base/error.h"

namespace qkscope {

/// How long work reports and is stopped. Called on the thread that works.
struct Progress {
  /// Stage in words ("reading weights"), done and total in the stage's own unit (bytes, layers, tokens).
  std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)> report;
  std::stop_token stop;

  void operator()(std::string_view stage, std::uint64_t done, std::uint64_t total) const {
    throw_if_stopped();
    if (report) report(stage, done, total);
  }
  void throw_if_stopped() const {
    if (stop.stop_requested()) throw Cancelled();
  }
};

}  // namespace qkscope

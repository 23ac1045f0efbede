#include "core/base/budget.h"

#include <time.h>

#include <utility>

#include "core/base/error.h"

namespace qkscope {

namespace {

std::chrono::nanoseconds thread_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Budget::Budget(std::string what, std::stop_token stop, std::uint64_t bytes, std::chrono::milliseconds time)
    : what_(std::move(what)),
      stop_(std::move(stop)),
      bytes_(bytes),
      end_(thread_time() + time),
      time_(time) {}

void Budget::charge(std::uint64_t bytes) {
  if (bytes > bytes_ - held_) {
    throw Error(what_ + " needs more than " + std::to_string(bytes_ >> 20) +
                " MiB of memory, more than any real model's; get the file again from its author.");
  }
  held_ += bytes;
}

void Budget::look() {
  look_at_ = steps_ + steps_between_looks;
  if (stop_.stop_requested()) throw Cancelled();
  if (thread_time() > end_) {
    throw Error(what_ + " takes more than " + std::to_string(time_.count() / 1000) +
                " s to work through, longer than any real model's; get the file again from its author.");
  }
}

}  // namespace qkscope

#pragma once
#include <atomic>
#include <stop_token>
#include <thread>

namespace qkscope::cli {

/// Turns Ctrl+C into a request to stop, which long work looks at between layers; a second one ends the
/// program at once. To be made before any other thread, so that those leave the signal to it.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::atomic<bool> over_ = false;
  std::thread waiter_;
};

}  // namespace qkscope::cli

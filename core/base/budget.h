#pragma once
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

namespace qkscope {

/// What reading a file, inspecting it or rendering a template may cost, whatever the file holds. Made once
/// for a task, handed down by reference, charged for all that a hostile input can multiply: steps, copies,
/// output, memory. Used by one thread.
class Budget {
 public:
  /// Beyond the file's own tensors.
  static constexpr std::uint64_t usual_bytes = std::uint64_t{1} << 30;
  /// Of the calling thread's processor time: another program that keeps the machine busy changes no result.
  static constexpr std::chrono::milliseconds usual_time{4000};

  /// So many steps after a look at the clock, there is another.
  static constexpr std::uint64_t steps_between_looks = 512;

  /// `what` begins the sentence that tells what was too much: "The chat template of \"model.gguf\"".
  explicit Budget(std::string what, std::stop_token stop = {}, std::uint64_t bytes = usual_bytes,
                  std::chrono::milliseconds time = usual_time);

  /// `bytes` more are about to be held. Throws Error where that is more than there are.
  void charge(std::uint64_t bytes);
  /// `bytes` that were charged are held no longer.
  void refund(std::uint64_t bytes) { held_ = bytes < held_ ? held_ - bytes : 0; }
  /// A step of work, or many; cheap enough for an inner loop. Throws Error when time is up, Cancelled when
  /// stopped.
  void step(std::uint64_t count = 1) {
    steps_ += count;
    if (steps_ >= look_at_) look();
  }

  const std::string& what() const { return what_; }
  /// From here on errors begin with `what`.
  void set_what(std::string what) { what_ = std::move(what); }

 private:
  void look();

  std::string what_;
  std::stop_token stop_;
  std::uint64_t bytes_, held_ = 0;
  std::uint64_t steps_ = 0, look_at_ = 0;
  std::chrono::nanoseconds end_;  // on the thread's own clock
  std::chrono::milliseconds time_;
};

/// Bytes that are held until the end of a scope.
class Charge {
 public:
  Charge(Budget& budget, std::uint64_t bytes) : budget_(budget) { add(bytes); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { budget_.refund(bytes_); }
  void add(std::uint64_t bytes) {
    budget_.charge(bytes);
    bytes_ += bytes;
  }

 private:
  Budget& budget_;
  std::uint64_t bytes_ = 0;
};

}  // namespace qkscope

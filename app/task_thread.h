#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace qkscope {

/// One thread that works off the newest list of tasks: a new list replaces what waits and stops what runs,
/// unless the running task heads the new list. The destructor stops, and waits.
class TaskThread {
 public:
  struct Task {
    std::uint64_t number =
        0;  // larger for every task ever made; a task of a number that has started is the same task
    std::function<void(std::stop_token)> work;  // catches what it throws
  };

  TaskThread();
  ~TaskThread();

  void replace(std::vector<Task> tasks);

 private:
  void loop(const std::stop_token& thread_stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Task> waiting_;  // in order, first to run in front
  std::uint64_t started_ = 0;  // the largest number ever started
  std::uint64_t running_ = 0;  // 0: idle
  std::stop_source stop_;      // of the running task
  std::jthread thread_;        // last: starts when all else is there
};

}  // namespace qkscope

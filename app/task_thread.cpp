#include "app/task_thread.h"

#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>

namespace qkscope {

namespace {

/// Behind the window's thread, which has little to do and is waited for: where both want a processor, a
/// picture is painted first. The threads that libtorch starts from here inherit it.
void stepBack() {
#ifdef __linux__  // elsewhere it would be the whole process
  constexpr int nice = 5;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), nice);
#endif
}

}  // namespace

TaskThread::TaskThread() : thread_([this](const std::stop_token& stop) { loop(stop); }) {}

TaskThread::~TaskThread() {
  thread_.request_stop();
  replace({});
}

void TaskThread::replace(std::vector<Task> tasks) {
  const std::scoped_lock lock(mutex_);
  const bool keeps_running = running_ != 0 && !tasks.empty() && tasks.front().number == running_;
  if (running_ != 0 && !keeps_running) stop_.request_stop();
  // A task that has started meanwhile is not started again: its answer is on its way.
  std::erase_if(tasks, [this](const Task& task) { return task.number <= started_; });
  waiting_ = std::move(tasks);
  wake_.notify_one();
}

void TaskThread::loop(const std::stop_token& thread_stop) {
  stepBack();
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, thread_stop, [this] { return !waiting_.empty(); })) {
    if (thread_stop.stop_requested()) return;
    Task task = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    started_ = running_ = task.number;
    stop_ = std::stop_source();
    const std::stop_token stop = stop_.get_token();
    lock.unlock();
    task.work(stop);
    task.work = nullptr;  // what it holds is released here, on this thread
    lock.lock();
    running_ = 0;
  }
}

}  // namespace qkscope

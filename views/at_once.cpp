#include "views/at_once.h"

#include <QThreadPool>
#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>

namespace qkscope {

namespace {

/// What is left to do. Who comes late finds nothing left and so never touches `work`, which is gone by then.
class Shared {
 public:
  Shared(std::size_t count, const std::function<void(std::size_t)>& work) : count_(count), work_(work) {}

  void help() {
    for (std::size_t next = taken_++; next < count_; next = taken_++) {
      try {
        work_(next);
      } catch (...) {
        if (!failed_.exchange(true)) failure_ = std::current_exception();
      }
      if (++done_ == count_) done_.notify_one();
    }
  }
  void wait() {
    for (std::size_t done = done_; done < count_; done = done_) done_.wait(done);
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const std::size_t count_;
  const std::function<void(std::size_t)>& work_;
  std::atomic<std::size_t> taken_ = 0, done_ = 0;
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_;
};

}  // namespace

void eachAtOnce(std::size_t count, const std::function<void(std::size_t)>& work) {
  if (count == 0) return;
  const auto shared = std::make_shared<Shared>(count, work);
  QThreadPool& pool = *QThreadPool::globalInstance();
  const auto helpers = std::min(count, static_cast<std::size_t>(std::max(1, pool.maxThreadCount()))) - 1;
  for (std::size_t i = 0; i < helpers; ++i) {
    if (!pool.tryStart([shared] { shared->help(); })) break;
  }
  shared->help();
  shared->wait();
}

}  // namespace qkscope

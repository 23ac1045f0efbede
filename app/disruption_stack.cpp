#include "app/disruption_stack.h"

namespace qkscope {

namespace {

/// Equal but for the numbers that sliders and spin boxes move.
bool differInNumbersOnly(Disruption a, const Disruption& b) {
  a.pick.lambda = b.pick.lambda;
  a.pick.n = b.pick.n;
  a.pick.seed = b.pick.seed;
  return a == b;
}

}  // namespace

DisruptionStack::DisruptionStack(const Disruption& first, QObject* parent)
    : QObject(parent), history_{first} {}

Edits DisruptionStack::applied() const {
  if (!on_) return {};
  return {current()};
}

void DisruptionStack::push(const Disruption& value) {
  if (value == current()) return;
  const auto now = std::chrono::steady_clock::now();
  history_.resize(current_ + 1);
  const bool merge = current_ > 0 && now - pushed_at_ < kMergeTime && differInNumbersOnly(current(), value);
  if (merge) {
    history_.back() = value;
  } else {
    history_.push_back(value);
    ++current_;
  }
  pushed_at_ = now;
  Q_EMIT changed();
}

void DisruptionStack::setOn(bool on) {
  if (on == on_) return;
  on_ = on;
  Q_EMIT changed();
}

void DisruptionStack::restore(std::vector<Disruption> history, std::size_t position, bool on) {
  Q_ASSERT(position < history.size());
  history_ = std::move(history);
  current_ = position;
  on_ = on;
  pushed_at_ = {};
  Q_EMIT changed();
}

}  // namespace qkscope

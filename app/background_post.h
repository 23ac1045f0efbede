#pragma once
#include <QObject>
#include <cstdint>
#include <memory>

namespace qkscope {

/// What work on a session's compute thread tells an object of the window's thread, which may be gone by the
/// time it arrives, or have begun other work since: then it is dropped.
template <typename Owner>
class BackgroundPost {
 public:
  explicit BackgroundPost(Owner* owner) : state_(std::make_shared<State>(State{owner})) {}

  /// For work that begins now: `post(take)` runs take(Owner&) on the thread of `receiver`, which outlives the
  /// work. Earlier work is not listened to any more.
  auto begin(QObject* receiver) {
    return [receiver, state = std::weak_ptr(state_), number = ++state_->number](auto take) {
      QMetaObject::invokeMethod(receiver, [state, number, take = std::move(take)] {
        if (const auto to = state.lock(); to && to->number == number) take(*to->owner);
      });
    };
  }
  void forget() { ++state_->number; }

 private:
  struct State {
    Owner* owner;
    std::uint64_t number = 0;
  };
  std::shared_ptr<State> state_;
};

}  // namespace qkscope

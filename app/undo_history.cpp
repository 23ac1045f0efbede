#include "app/undo_history.h"

namespace qkscope {

namespace {
constexpr std::size_t kLongest = 100;
}

UndoHistory::UndoHistory(DisruptionStack& stack, QObject* parent) : QObject(parent), stack_(stack) {
  connect(&stack, &DisruptionStack::pushed, this, &UndoHistory::forgetUndone);
  connect(&stack, &DisruptionStack::changed, this, &UndoHistory::changed);
}

void UndoHistory::forgetUndone() {
  steps_.resize(done_);
}

void UndoHistory::push(std::size_t position, std::function<void()> undo, std::function<void()> redo) {
  forgetUndone();
  steps_.push_back({position, stack_.position(), std::move(undo), std::move(redo)});
  if (steps_.size() > kLongest) steps_.erase(steps_.begin());
  done_ = steps_.size();
  Q_EMIT changed();
}

const UndoHistory::Step* UndoHistory::undoStep() const {
  const bool mine = done_ > 0 && steps_[done_ - 1].after == stack_.position();
  return mine ? &steps_[done_ - 1] : nullptr;
}

const UndoHistory::Step* UndoHistory::redoStep() const {
  const bool mine = done_ < steps_.size() && steps_[done_].before == stack_.position();
  return mine ? &steps_[done_] : nullptr;
}

bool UndoHistory::canUndo() const {
  return undoStep() != nullptr || stack_.canUndo();
}

bool UndoHistory::canRedo() const {
  return redoStep() != nullptr || stack_.canRedo();
}

void UndoHistory::undo() {
  if (const Step* step = undoStep()) {
    --done_;
    step->undo();
    Q_EMIT changed();
  } else {
    stack_.undo();
  }
}

void UndoHistory::redo() {
  if (const Step* step = redoStep()) {
    ++done_;
    step->redo();
    Q_EMIT changed();
  } else {
    stack_.redo();
  }
}

}  // namespace qkscope

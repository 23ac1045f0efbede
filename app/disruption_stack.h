#pragma once
#include <QObject>
#include <chrono>
#include <vector>

#include "core/run/edit.h"

namespace qkscope {

/// The user's disruptions as a history of values: the current one, those before it (undo) and those after it
/// (redo); and whether it is applied. Part of the document.
class DisruptionStack : public QObject {
  Q_OBJECT
 public:
  explicit DisruptionStack(const Disruption& first, QObject* parent = nullptr);

  const Disruption& current() const { return history_[current_]; }
  bool isOn() const { return on_; }
  /// What a run has to apply: the current value, or nothing while it is off.
  Edits applied() const;

  /// Makes `value` the current one and forgets what could be redone. Values that differ from the current one
  /// in a number alone and come within `kMergeTime` of it replace it, so that a dragged slider is one step.
  void push(const Disruption& value);
  void setOn(bool on);
  void toggle() { setOn(!on_); }
  void undo();
  void redo();
  /// What could be redone is gone, and the next push is a step of its own: something else has been done
  /// since.
  void forgetUndone();
  bool canUndo() const { return current_ > 0; }
  bool canRedo() const { return current_ + 1 < history_.size(); }

  const std::vector<Disruption>& history() const { return history_; }
  std::size_t position() const { return current_; }
  /// Takes over a whole history, e.g. of a document; `position` is an index into it, which must not be empty.
  void restore(std::vector<Disruption> history, std::size_t position, bool on);

  static constexpr std::chrono::milliseconds kMergeTime{700};

 Q_SIGNALS:
  void changed();
  /// A new value stands on top; what could be redone is gone.
  void pushed();

 private:
  std::vector<Disruption> history_;
  std::size_t current_ = 0;
  bool on_ = false;
  std::chrono::steady_clock::time_point pushed_at_{};
};

}  // namespace qkscope

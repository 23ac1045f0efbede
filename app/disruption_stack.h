#pragma once
#include <QObject>
#include <chrono>
#include <vector>

#include "core/run/edit.h"

namespace qkscope {

/// The disruption of now, those before it, and whether it is applied. Part of the document, whose history
/// takes steps back.
class DisruptionStack : public QObject {
  Q_OBJECT
 public:
  explicit DisruptionStack(const Disruption& first, QObject* parent = nullptr);

  const Disruption& current() const { return history_[current_]; }
  bool isOn() const { return on_; }
  /// What a run has to apply: the current value, or nothing while it is off.
  Edits applied() const;

  /// Makes `value` the current one. Values that differ from the current one
  /// in a number alone and come within `kMergeTime` of it replace it, so that a dragged slider is one step.
  void push(const Disruption& value);
  void setOn(bool on);
  void toggle() { setOn(!on_); }

  const std::vector<Disruption>& history() const { return history_; }
  std::size_t position() const { return current_; }
  /// Takes over a whole history, e.g. of a document; `position` is an index into it, which must not be empty.
  void restore(std::vector<Disruption> history, std::size_t position, bool on);

  static constexpr std::chrono::milliseconds kMergeTime{700};

 Q_SIGNALS:
  void changed();

 private:
  std::vector<Disruption> history_;
  std::size_t current_ = 0;
  bool on_ = false;
  std::chrono::steady_clock::time_point pushed_at_{};
};

}  // namespace qkscope

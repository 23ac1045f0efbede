#pragma once
#include <QObject>
#include <functional>
#include <vector>

#include "app/disruption_stack.h"

namespace qkscope {

/// Undo and redo over all that a person can lose: the steps of a disruption stack, and between them steps of
/// any other kind (prompts, whole documents), in the order in which they were taken.
class UndoHistory : public QObject {
  Q_OBJECT
 public:
  explicit UndoHistory(DisruptionStack& stack, QObject* parent = nullptr);

  /// A step that has just been taken, when the stack stood at `position` before it.
  void push(std::size_t position, std::function<void()> undo, std::function<void()> redo);
  void undo();
  void redo();
  bool canUndo() const;
  bool canRedo() const;

 Q_SIGNALS:
  void changed();

 private:
  struct Step {
    std::size_t before = 0, after = 0;  // the stack's position on both sides of the step
    std::function<void()> undo, redo;
  };
  /// The next step in either direction, where it is not the stack's turn.
  const Step* undoStep() const;
  const Step* redoStep() const;
  void forgetUndone();

  DisruptionStack& stack_;
  std::vector<Step> steps_;
  std::size_t done_ = 0;  // of steps_
};

}  // namespace qkscope

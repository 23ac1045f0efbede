#pragma once
#include <QObject>

#include "app/task_thread.h"
#include "core/checkpoint/model_shelf.h"

namespace qkscope {

/// Finds the models on this machine, of whatever program, on a thread of its own. Gone, it ends its search.
class ShelfSearch : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  /// Once; what it finds it tells one by one.
  void start();

 Q_SIGNALS:
  void found(const qkscope::ShelfModel& model);
  /// How many there are, where was looked in vain, or what went wrong.
  void ended(const QString& words);

 private:
  TaskThread thread_;  // last: ends before anything it reports to is gone
};

}  // namespace qkscope

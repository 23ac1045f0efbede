#pragma once
#include <QObject>
#include <functional>

#include "app/task_thread.h"

namespace qkscope {

/// Reads files on a thread of its own, while all else goes on: one at a time, and a newer one in place of the
/// one before, of which nothing is told then. Lives on the GUI thread.
class FileReader : public QObject {
  Q_OBJECT
 public:
  /// Runs on the reader's thread, and catches what it throws; gives what is then done on the GUI thread, or
  /// nothing where it was stopped.
  using Work = std::function<std::function<void()>(std::stop_token)>;

  explicit FileReader(QObject* parent = nullptr) : QObject(parent) {}

  void read(Work work);
  void stop();
  bool isReading() const { return reading_; }

 Q_SIGNALS:
  /// What was read is done with.
  void ended();

 private:
  bool reading_ = false;
  std::uint64_t number_ = 0;
  TaskThread thread_;  // last: it stops before anything it reports to is gone
};

}  // namespace qkscope

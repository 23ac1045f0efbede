#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "app/background_runner.h"
#include "core/tasks/experiment.h"
#include "core/tasks/experiment_run.h"

namespace qkscope {

/// What there is of an experiment at a moment.
struct ExperimentState {
  std::shared_ptr<const Plan> plan;            // null until it is made
  std::shared_ptr<const ResultStore> results;  // of the plan's folder; null likewise
  ExperimentProgress progress;
};

/// Runs experiments on the model of a session, in its background: what is asked in the window goes first, and
/// stops what runs here at once. Every result is in the folder's store before it is shown, so that stopping,
/// at any moment and for whatever reason, loses nothing but the answer that was being written.
class ExperimentRunner : public BackgroundRunner {
  Q_OBJECT
 public:
  explicit ExperimentRunner(Session& session, QObject* parent = nullptr);

  /// On the session's model; goes on where the folder's results end. What ran before is stopped.
  void start(const Experiment& experiment, const std::filesystem::path& folder);
  const ExperimentState& state() const { return state_; }

 Q_SIGNALS:
  /// There is more to see; at most a few times a second.
  void changed();

 private:
  struct Work;
  void take(ExperimentState state);

  ExperimentState state_;
};

}  // namespace qkscope

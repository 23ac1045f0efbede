#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "app/background_runner.h"
#include "core/tasks/estimate.h"
#include "core/tasks/experiment.h"
#include "core/tasks/experiment_run.h"

namespace qkscope {

/// What there is of an experiment at a moment.
struct ExperimentState {
  std::shared_ptr<const Plan> plan;            // null until it is made
  std::shared_ptr<const ResultStore> results;  // of the plan's folder; null likewise
  ExperimentProgress progress;
  std::optional<ExperimentEstimate> estimate;  // before it runs
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
  /// Finds out what there is to ask and how long that takes, where nothing else is under way; asks nothing.
  void estimate(const Experiment& experiment, const std::filesystem::path& folder);
  bool isEstimating() const { return isRunning() && estimates_; }
  const ExperimentState& state() const { return state_; }

 Q_SIGNALS:
  /// There is more to see; at most a few times a second.
  void changed();

 private:
  struct Work;
  std::shared_ptr<Work> workOn(const Experiment& experiment, const std::filesystem::path& folder);
  void take(ExperimentState state);

  ExperimentState state_;
  bool estimates_ = false;  // what runs, if anything
};

}  // namespace qkscope

#include "app/experiment_runner.h"

#include <QElapsedTimer>
#include <QScopeGuard>

#include "app/session.h"
#include "core/tasks/identity.h"

namespace qkscope {

namespace {

constexpr qint64 kTellEveryMs = 250;

}  // namespace

/// One experiment, from one turn of the session's thread to the next.
struct ExperimentRunner::Work {
  Experiment experiment;
  std::filesystem::path folder;
  std::shared_ptr<const LanguageModel> model;
  std::optional<PlannedRuns> runs;
  std::shared_ptr<const Plan> plan;  // of runs
  std::optional<ResultStore> store;

  ExperimentState state(const ExperimentProgress& progress) const {
    return {plan, std::make_shared<const ResultStore>(store->snapshot()), progress, {}};
  }
  void makePlan() {
    if (runs) return;
    runs = plan_experiment(experiment, *model, model_identity(model->card().path));
    plan = std::make_shared<const Plan>(runs->plan);
  }
  void prepare() {
    makePlan();
    if (store) return;
    store = ResultStore::open(folder);
    write_plan(*plan, folder);
  }
};

ExperimentRunner::ExperimentRunner(Session& session, QObject* parent)
    : BackgroundRunner(session, tr("An experiment"), parent) {}

void ExperimentRunner::start(const Experiment& experiment, const std::filesystem::path& folder) {
  stop();
  if (!mayStart()) return;
  estimates_ = false;
  const auto work = workOn(experiment, folder);
  // What is posted does not hold `work`, whose store is open until it is gone.
  begin(tr("There is not enough memory for this experiment; close other programs."),
        [this, work](std::stop_token stop, const Post& post) {
          // What goes on with another turn keeps it open; all else closes it before it is told.
          const auto close = qScopeGuard([&] {
            if (!stop.stop_requested()) work->store.reset();
          });
          work->prepare();
          QElapsedTimer told;
          const auto report = [&](const ExperimentProgress& at) {
            if (told.isValid() && told.elapsed() < kTellEveryMs && at.done < at.of) return;
            post([this, state = work->state(at)] { take(state); });
            told.start();
          };
          run_experiment(*work->runs, work->model, *work->store, {}, report, stop);
        });
}

void ExperimentRunner::estimate(const Experiment& experiment, const std::filesystem::path& folder) {
  if (isRunning() && !estimates_) return;
  stop();
  if (!session().background().isEmpty()) return;
  estimates_ = true;
  const auto work = workOn(experiment, folder);
  begin(
      tr("There is not enough memory to estimate how long this experiment takes."),
      [this, work](std::stop_token stop, const Post& post) {
        work->makePlan();
        const auto results = std::make_shared<const ResultStore>(ResultStore::read(work->folder));
        auto reckoned = qkscope::estimate(*work->runs, work->model, *results, stop);
        post([this, state = ExperimentState{work->plan, results, {}, std::move(reckoned)}] { take(state); });
      });
}

std::shared_ptr<ExperimentRunner::Work> ExperimentRunner::workOn(const Experiment& experiment,
                                                                 const std::filesystem::path& folder) {
  state_ = {};
  auto work = std::make_shared<Work>();
  work->experiment = experiment;
  work->folder = folder;
  work->model = session().model();
  return work;
}

void ExperimentRunner::take(ExperimentState state) {
  state_ = std::move(state);
  Q_EMIT changed();
}

}  // namespace qkscope

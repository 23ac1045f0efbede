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
    return {plan, std::make_shared<const ResultStore>(store->snapshot()), progress};
  }
  void prepare() {
    if (!runs) {
      runs = plan_experiment(experiment, *model, model_identity(model->card().path));
      plan = std::make_shared<const Plan>(runs->plan);
    }
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
  state_ = {};
  const auto work = std::make_shared<Work>();
  work->experiment = experiment;
  work->folder = folder;
  work->model = session().model();
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

void ExperimentRunner::take(ExperimentState state) {
  state_ = std::move(state);
  Q_EMIT changed();
}

}  // namespace qkscope

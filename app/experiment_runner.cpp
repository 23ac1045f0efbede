#include "app/experiment_runner.h"

#include <QElapsedTimer>
#include <new>

#include "app/session.h"
#include "core/base/error.h"
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

ExperimentRunner::ExperimentRunner(Session& session, QObject* parent) : QObject(parent), session_(session) {
  connect(&session, &Session::modelChanged, this, [this] {
    if (model_ && model_ != session_.model()) stop();
  });
}

ExperimentRunner::~ExperimentRunner() {
  if (model_) session_.setBackground({});
}

void ExperimentRunner::start(const Experiment& experiment, const std::filesystem::path& folder) {
  stop();
  if (session_.hasBackground())
    return Q_EMIT failed(tr("Runs are being recorded: start the experiment once they are saved."));
  state_ = {};
  model_ = session_.model();
  const auto work = std::make_shared<Work>();
  work->experiment = experiment;
  work->folder = folder;
  work->model = model_;
  // What is posted does not hold `work`, whose store is open until it is gone.
  const auto post = posts_.begin(&session_);
  session_.setBackground([work, post](std::stop_token stop) {
    QString problem;
    try {
      work->prepare();
      QElapsedTimer told;
      const auto report = [&](const ExperimentProgress& at) {
        if (told.isValid() && told.elapsed() < kTellEveryMs && at.done < at.of) return;
        post([state = work->state(at)](ExperimentRunner& r) { r.take(state); });
        told.start();
      };
      run_experiment(*work->runs, work->model, *work->store, {}, report, stop);
    } catch (const Cancelled&) {
      return;  // another turn goes on here
    } catch (const std::bad_alloc&) {
      problem = tr("There is not enough memory for this experiment; close other programs.");
    } catch (const std::exception& error) {
      problem = QString::fromUtf8(error.what());
    }
    work->store.reset();
    post([problem](ExperimentRunner& r) { r.end(problem); });
  });
  Q_EMIT runningChanged();
}

void ExperimentRunner::stop() {
  if (!model_) return;
  model_.reset();
  session_.setBackground({});
  Q_EMIT runningChanged();
}

void ExperimentRunner::take(ExperimentState state) {
  state_ = std::move(state);
  Q_EMIT changed();
}

void ExperimentRunner::end(const QString& problem) {
  if (!model_) return;
  stop();
  if (!problem.isEmpty()) Q_EMIT failed(problem);
}

}  // namespace qkscope

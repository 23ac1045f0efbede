#include "app/effect_runner.h"

#include <QElapsedTimer>
#include <new>

#include "app/session.h"
#include "core/base/error.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {
constexpr qint64 kTellEveryMs = 200;
}

/// One map, from one turn of the session's thread to the next.
struct EffectRunner::Work {
  Work(std::shared_ptr<const LanguageModel> m, RunRequest r, EffectSettings s)
      : model(std::move(m)), request(std::move(r)), settings(std::move(s)), runner(model) {}

  std::shared_ptr<const LanguageModel> model;
  RunRequest request;
  EffectSettings settings;
  Runner runner;  // keeps the baseline's residual streams between two turns
};

EffectRunner::EffectRunner(Session& session, QObject* parent) : QObject(parent), session_(session) {
  connect(&session, &Session::modelChanged, this, [this] {
    if (model_ && model_ != session_.model()) stop();
  });
}

EffectRunner::~EffectRunner() {
  if (model_) session_.setBackground({});
}

bool EffectRunner::isOfNow() const {
  return !map_.cells.empty() && session_.model() && asked_.lock() == session_.model() &&
         session_.plainQuestion() == request_;
}

void EffectRunner::start(const EffectSettings& settings) {
  stop();
  const auto question = session_.plainQuestion();
  if (!question) return;
  if (session_.hasBackground())
    return Q_EMIT failed(tr("Other work is under way in the background: start the map once that is done."));
  const bool same = isOfNow() && settings_.disruption == settings.disruption &&
                    settings_.per_head == settings.per_head && settings_.seed == settings.seed;
  if (!same) {
    map_ = {};
    total_ = 0;
  }
  model_ = session_.model();
  asked_ = model_;
  request_ = *question;
  settings_ = settings;
  map_.disruption = settings.disruption;
  map_.disruption.pick.seed = settings.seed;
  const auto work = std::make_shared<Work>(model_, request_, settings);
  work->settings.known = map_.cells;
  session_.setBackground([work, post = posts_.begin(&session_)](std::stop_token stop) {
    QString problem;
    try {
      std::vector<EffectCell> cells;
      QElapsedTimer told;
      const auto take = [&](const EffectCell& cell, std::size_t done, std::size_t of) {
        cells.push_back(cell);
        if (cells.size() > work->settings.known.size()) work->settings.known = cells;
        if (told.isValid() && told.elapsed() < kTellEveryMs && done < of) return;
        told.start();
        if (done >= work->settings.known.size())
          post([cells, of](EffectRunner& runner) { runner.take(cells, of); });
      };
      effect_map(work->runner, work->model->spec(), work->request, work->settings, take, stop);
    } catch (const Cancelled&) {
      return;  // another turn goes on here
    } catch (const std::bad_alloc&) {
      problem = tr("There is not enough memory for an effect map of this prompt; shorten it.");
    } catch (const std::exception& error) {
      problem = QString::fromUtf8(error.what());
    }
    post([problem](EffectRunner& runner) { runner.end(problem); });
  });
  Q_EMIT runningChanged();
}

void EffectRunner::stop() {
  if (!model_) return;
  model_.reset();
  session_.setBackground({});
  Q_EMIT runningChanged();
}

void EffectRunner::take(std::vector<EffectCell> cells, std::size_t total) {
  map_.cells = std::move(cells);
  total_ = total;
  Q_EMIT changed();
}

void EffectRunner::end(const QString& problem) {
  if (!model_) return;
  stop();
  if (!problem.isEmpty()) Q_EMIT failed(problem);
}

}  // namespace qkscope

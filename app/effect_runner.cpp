#include "app/effect_runner.h"

#include <QElapsedTimer>

#include "app/session.h"
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

EffectRunner::EffectRunner(Session& session, QObject* parent)
    : BackgroundRunner(session, tr("An effect map"), parent) {}

bool EffectRunner::isOfNow() const {
  return !map_.cells.empty() && session().model() && asked_.lock() == session().model() &&
         session().plainQuestion() == request_;
}

void EffectRunner::start(const EffectSettings& settings) {
  stop();
  const auto question = session().plainQuestion();
  if (!question || !mayStart()) return;
  const bool same = isOfNow() && settings_.disruption == settings.disruption &&
                    settings_.per_head == settings.per_head && settings_.seed == settings.seed;
  if (!same) {
    map_ = {};
    total_ = 0;
  }
  asked_ = session().model();
  request_ = *question;
  settings_ = settings;
  map_.disruption = settings.disruption;
  map_.disruption.pick.seed = settings.seed;
  const auto work = std::make_shared<Work>(session().model(), request_, settings);
  work->settings.known = map_.cells;
  begin(tr("There is not enough memory for an effect map of this prompt; shorten it."),
        [this, work](std::stop_token stop, const Post& post) {
          std::vector<EffectCell> cells;
          QElapsedTimer told;
          const auto tell = [&](const EffectCell& cell, std::size_t done, std::size_t of) {
            cells.push_back(cell);
            if (cells.size() > work->settings.known.size()) work->settings.known = cells;
            if (told.isValid() && told.elapsed() < kTellEveryMs && done < of) return;
            told.start();
            if (done >= work->settings.known.size()) post([this, cells, of] { take(cells, of); });
          };
          effect_map(work->runner, work->model->spec(), work->request, work->settings, tell, stop);
        });
}

void EffectRunner::take(std::vector<EffectCell> cells, std::size_t total) {
  map_.cells = std::move(cells);
  total_ = total;
  Q_EMIT changed();
}

}  // namespace qkscope

#include "app/verdict_runner.h"

#include <QThreadPool>

#include "app/problem.h"
#include "app/prompt_text.h"
#include "app/session.h"
#include "core/base/error.h"
#include "core/run/runner.h"
#include "core/tasks/plan.h"
#include "views/text.h"

namespace qkscope {

/// The whole list, from one turn of the session's thread to the next.
struct VerdictRunner::Work {
  std::vector<VerdictModel> models;
  VerdictPrompts by;
  LoadOptions options;
  std::vector<std::size_t> done;  // prompts of each model
  std::vector<bool> complete;     // from before
  std::size_t at = 0;             // the model that has its turn

  // Of that model, kept between two turns.
  std::shared_ptr<const LanguageModel> model;
  std::shared_ptr<Runner> runner;
  std::vector<TokenIds> ids;

  ~Work() { letGo(); }
  void letGo() {
    // Memory of this size takes its time to be given back.
    if (runner) QThreadPool::globalInstance()->start([r = std::move(runner), m = std::move(model)] {});
    runner.reset();
    model.reset();
    ids.clear();
  }
  /// Throws Error, or Cancelled, and then there is nothing.
  void load(const std::function<void(const QString&)>& say, std::stop_token stop) {
    if (runner) return;
    std::shared_ptr<const LanguageModel> read = models[at].open.lock();
    if (!read) {
      const Inspection found = LanguageModel::inspect(models[at].path, options, stop);
      const ModelCard& card = found.card;
      const std::string problem = card.problem.empty() ? memory_problem(card) : card.problem;
      if (!problem.empty()) throw Error(problem);
      say(tr("reading %1").arg(text(card.name)));
      read = LanguageModel::load(found, {{}, stop});
    }
    ids = questions(*read);
    model = read;
    runner = std::make_shared<Runner>(read);
  }
  std::vector<TokenIds> questions(const LanguageModel& of) const {
    std::vector<TokenIds> all;
    for (const Prompt& prompt : by.prompts) {
      const ReadPrompt read = readPrompt(of, prompt);
      if (!read.described.problem.isEmpty()) throw Error(read.described.problem.toStdString());
      all.push_back(read.ids);
    }
    for (const auto& path : by.tasks) {
      const Task task = read_task(path, by.data);
      for (const TaskItem& item : items_of(task, of.tokenizer(), by.items))
        all.push_back(question_ids(of, item));
    }
    if (all.empty()) throw Error(tr("There is no question in the tasks that were chosen.").toStdString());
    return all;
  }
};

VerdictRunner::VerdictRunner(Session& session, QObject* parent)
    : BackgroundRunner(session, tr("A list of verdicts"), parent) {}

QString VerdictRunner::modelGoneWords() const {
  return tr("The verdicts were stopped when another model was shown; Go on takes up where they were.");
}

std::vector<const VerdictState*> VerdictRunner::states() const {
  std::vector<const VerdictState*> states;
  for (const VerdictModel& model : models_) states.push_back(&states_.at(model.key));
  return states;
}

void VerdictRunner::start(const std::vector<VerdictModel>& models, const VerdictPrompts& by,
                          const LoadOptions& options) {
  stop();
  if (!mayStart()) return;
  std::map<std::string, VerdictState> kept;
  if (by == by_) kept = std::move(states_);
  states_.clear();
  by_ = by;
  models_ = models;
  const auto work = std::make_shared<Work>();
  work->models = models;
  work->by = by;
  work->options = options;
  for (const VerdictModel& model : models) {
    VerdictState& known = state(model);
    if (const auto before = kept.find(model.key); before != kept.end()) known = std::move(before->second);
    known.name = model.name;
    known.problem.clear();
    work->done.push_back(known.found.size());
    work->complete.push_back(known.isComplete());
  }
  stage_.clear();
  begin(tr("There is not enough memory for verdicts."), [this, work](std::stop_token stop, const Post& post) {
    const auto say = [&](const QString& words) {
      post([this, words] {
        stage_ = words;
        Q_EMIT changed();
      });
    };
    for (; work->at < work->models.size(); ++work->at) {
      if (work->complete[work->at]) continue;
      const VerdictModel& asked = work->models[work->at];
      std::size_t& done = work->done[work->at];
      const auto problem = problemOf(tr("There is not enough memory for this model."), [&] {
        work->load(say, stop);
        post([this, asked, of = work->ids.size()] { state(asked).of = of; });
        say({});
        for (; done < work->ids.size(); ++done) {
          auto found = verdict_on(*work->runner, *work->model, work->ids[done], work->by.lambda, stop);
          post([this, asked, found = std::move(found)] {
            state(asked).found.push_back(found);
            Q_EMIT changed();
          });
        }
      });
      if (!problem) throw Cancelled();
      work->letGo();
      if (problem->isEmpty()) continue;
      post([this, asked, words = *problem] {
        state(asked).problem = words;
        Q_EMIT changed();
      });
    }
  });
}

}  // namespace qkscope

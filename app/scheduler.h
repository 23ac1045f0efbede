#pragma once
#include <QElapsedTimer>
#include <QObject>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "app/task_thread.h"
#include "core/model/language_model.h"
#include "core/run/runner.h"
#include "views/prompt.h"

namespace qkscope {

/// One thing that is asked of a model; of Ahead and Trial nobody waits.
struct Job {
  enum class Part { Answer, Pictures, PromptLoss, Ahead, Trial };
  Part part = Part::Answer;
  PromptId prompt = 0;
  ArmId arm = 0;  // beside its baseline; 0: the baseline alone
  RunRequest request;
  std::uint64_t number = 0;  // given by the scheduler

  bool isWaitedFor() const { return part != Part::Ahead && part != Part::Trial; }
};

/// The one thread on which a model computes, and what it does next. Newest wins: other jobs replace those of
/// before and stop what runs, unless what runs is the first that is still wanted. What is done in the
/// background has its turn while there is no job. Lives on the GUI thread and tells there, of the job that
/// heads the list alone.
class Scheduler : public QObject {
  Q_OBJECT
 public:
  explicit Scheduler(QObject* parent = nullptr) : QObject(parent) {}

  /// What jobs run on from now on; null: nothing.
  void setModel(const std::shared_ptr<const LanguageModel>& model);
  /// Lets go of all that is kept of earlier runs; what runs ends as it would have.
  void forget() { setModel(model_); }
  /// The model with all that is kept, given up by this object; ends with the last job that uses it.
  std::shared_ptr<const void> release();

  /// These in their order. Whether what ran goes on.
  bool replace(std::vector<Job> jobs);
  /// This in place of all jobs.
  void runInstead(std::function<void(std::stop_token)> work);
  void stop() { replace({}); }
  /// Runs whenever there is no job, from the beginning each time: it is stopped where there is one, and keeps
  /// by itself how far it came. Catches what it throws. Empty: nothing; another model ends it, too.
  void setBackground(const QString& name, std::function<void(std::stop_token)> work);
  /// Its name; empty where there is none.
  const QString& background() const { return background_name_; }

  /// The first of them runs, or is about to.
  const std::vector<Job>& jobs() const { return jobs_; }
  const Job* running() const { return jobs_.empty() ? nullptr : &jobs_.front(); }
  /// Milliseconds since the job that runs had its turn.
  qint64 elapsed() const { return clock_.elapsed(); }
  /// Whether its pass over the prompt, at the pace it had, is over before a part of it could be looked at.
  bool passIsAlmostDone() const;

 Q_SIGNALS:
  /// So many layers are done, and what they gave so far.
  void captured(const qkscope::Job& job, qkscope::Arm arm, const qkscope::Capture& part);
  void layerDone(const qkscope::Job& job, qkscope::Arm arm, int done, int total);
  void prefilled(const qkscope::Job& job, qkscope::Arm arm, const std::shared_ptr<const qkscope::Run>& run);
  void written(const qkscope::Job& job, qkscope::Arm arm, const QString& text);
  void scored(const qkscope::Job& job, qkscope::Arm arm, const qkscope::Perplexity& perplexity);
  /// The job has left the list; the next one has its turn.
  void finished(const qkscope::Job& job, const qkscope::Comparison& comparison);
  void failed(const qkscope::Job& job, const QString& sentence);

 private:
  TaskThread::Task task(const Job& job);
  /// Gives the thread what is done in place of jobs, or all jobs, then what is done in the background.
  void give();
  /// Whether what `running` will give is all that `job` asks.
  static bool gives(const Job& running, const Job& job);
  Job takeFirst();
  void begin();
  void forgetBackground();

  std::shared_ptr<const LanguageModel> model_;
  std::shared_ptr<Runner> runner_;  // used by the thread alone
  std::vector<Job> jobs_;
  std::optional<TaskThread::Task> instead_;  // of them; also while it runs, and once it has
  std::uint64_t last_number_ = 0;
  std::function<void(std::stop_token)> background_;
  QString background_name_;
  std::uint64_t background_number_ = 0;  // of its turn
  double layers_done_ = 0;               // of the running job's pass, of 1
  QElapsedTimer clock_;
  TaskThread thread_;  // last: it stops before anything it reports to is gone
};

/// Whether a run that keeps `have` keeps all of `wanted`.
bool covers(const Needs& have, const Needs& wanted);

}  // namespace qkscope

#pragma once
#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "app/disruption_stack.h"
#include "app/task_thread.h"
#include "core/model/language_model.h"
#include "core/run/runner.h"
#include "views/prompt.h"
#include "views/view.h"

namespace qkscope {

/// What the last passes cost, for the status bar; milliseconds.
struct PassTimes {
  int positions = 0;
  std::optional<double> baseline_ms, disrupted_ms;
  int first_layer = 0;  // 0-based, of the disrupted pass
};

/// Model, prompts and disruption of one window, and the one thread that works for them. Knows what is asked
/// at the moment and sees to it that exactly this is computed: the selected prompt's pictures first, then
/// every prompt's answer, then the losses of prompt tokens. A change stops what runs; answers to earlier
/// questions are dropped. Lives on the GUI thread; never blocks it.
class Session : public QObject {
  Q_OBJECT
 public:
  explicit Session(QObject* parent = nullptr);
  ~Session() override;

  /// Reads a checkpoint; the model of now stays until the new one is there, unless memory is short.
  void load(const std::filesystem::path& path, const LoadOptions& options = {});
  /// Stops loading or running; what is there stays.
  void cancel();
  /// Runs whatever is asked and not yet answered, also after cancel() or an error.
  void resume();

  const std::shared_ptr<const LanguageModel>& model() const { return model_; }
  DisruptionStack& stack() { return stack_; }
  const DisruptionStack& stack() const { return stack_; }

  const std::vector<Prompt>& prompts() const { return prompts_; }
  int selectedPrompt() const { return selected_; }
  const std::vector<PromptResult>& results() const { return results_; }
  void setPrompts(std::vector<Prompt> prompts, int selected);
  void selectPrompt(int index);

  /// What the visible views need of the selected prompt.
  void setNeeds(const Needs& needs);
  /// Answers of at most this many tokens; 0 = no answers, pictures only.
  void setMaxNewTokens(int count);
  int maxNewTokens() const { return max_new_tokens_; }
  /// Also the loss of every prompt token, after all else.
  void setPromptLoss(bool on);

  /// For the views: the model, the selected prompt's comparison, whether it is of an earlier question.
  const ViewData& data() const { return data_; }
  /// Whether data() answers in full what is asked now: all that belongs to the present prompt and disruption.
  bool showsWhatIsAsked() const { return model_ && !loading_ && !prompts_.empty() && picturesAreThere(); }
  const PassTimes& times() const { return times_; }
  /// Loading, running, or about to.
  bool isBusy() const { return loading_ || !pending_.empty() || planner_.isActive(); }
  bool isLoading() const { return loading_; }

 Q_SIGNALS:
  void modelChanged();
  void dataChanged();
  void promptsChanged();
  void resultChanged(int prompt);
  void busyChanged();
  /// Work that takes long: what is done in words, and how much of it (total 0 = unknown).
  void progress(const QString& stage, quint64 done, quint64 total);
  /// One sentence for the user.
  void failed(const QString& sentence);

 private:
  enum class Part { Answer, Pictures, PromptLoss };
  struct Job {
    std::uint64_t number = 0;
    Part part = Part::Answer;
    int prompt = 0;
    RunRequest request;
  };
  struct Finished {
    RunRequest request;
    Comparison comparison;
  };
  /// What has been answered for one prompt.
  struct Slot {
    TokenIds ids, expected;
    std::optional<RunRequest> answered, loss;
  };
  void schedule();
  void tellPromptLength();
  void plan();
  std::vector<Job> wanted() const;
  RunRequest request(int prompt, Part part) const;
  bool picturesAreThere() const;
  /// The request without what only pictures depend on.
  static RunRequest withoutNeeds(RunRequest request);
  /// Whether what `running` will give is all that `job` asks.
  static bool gives(const Job& running, const Job& job);
  TaskThread::Task task(const Job& job);
  const Job* current(std::uint64_t number) const;
  void refreshSlots();
  void markStale();

  // Answers of the thread; each is dropped unless `number` is that of the job that runs.
  void takePart(std::uint64_t number, Arm arm, const Capture& part);
  void takePrefilled(std::uint64_t number, Arm arm, const std::shared_ptr<const Run>& run);
  void takeText(std::uint64_t number, Arm arm, const QString& text);
  void takeScore(std::uint64_t number, Arm arm, const Perplexity& perplexity);
  void takeComparison(std::uint64_t number, const Comparison& comparison);
  void takeError(std::uint64_t number, const QString& sentence);
  void takeModel(std::uint64_t number, const std::shared_ptr<const LanguageModel>& model,
                 const std::shared_ptr<Runner>& runner, const QString& problem);

  void accept(const Job& job, const Comparison& comparison);
  void showPictures(const RunRequest& request, const Comparison& comparison);
  PromptArm& arm(PromptResult& result, Arm which);

  std::shared_ptr<const LanguageModel> model_;
  std::shared_ptr<Runner> runner_;  // used by the thread alone
  DisruptionStack stack_;
  std::vector<Prompt> prompts_;
  std::vector<PromptResult> results_;
  std::vector<Slot> slots_;
  int selected_ = 0;
  Needs needs_;
  int max_new_tokens_ = 24;
  bool prompt_loss_ = false;

  ViewData data_;
  std::optional<RunRequest> pictured_;  // what data_'s comparison answers in full
  PassTimes times_;

  std::deque<Finished> finished_;  // newest first: going back to a question costs nothing
  std::vector<Job> pending_;       // front: runs or is about to
  std::uint64_t last_number_ = 0;
  bool paused_ = false;  // after cancel() or an error, until something is asked
  bool loading_ = false;
  std::uint64_t load_number_ = 0;
  std::shared_ptr<const Run> prefilled_baseline_;  // of the job that runs, until the disrupted one is there
  QElapsedTimer job_clock_;                        // since the job that runs was asked for
  QTimer planner_;                                 // merges all changes of one event loop turn
  QTimer stale_timer_;                             // pictures are dimmed only if the new ones take their time
  TaskThread thread_;                              // last member: stops before anything it reports to is gone
};

}  // namespace qkscope

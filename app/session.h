#pragma once
#include <QObject>
#include <QTimer>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "app/answers.h"
#include "app/file_reader.h"
#include "app/model_store.h"
#include "app/prompt_reader.h"
#include "app/scheduler.h"
#include "core/run/recording_file.h"
#include "views/view.h"

namespace qkscope {

/// What the last passes cost, for the status bar; milliseconds.
struct PassTimes {
  int positions = 0;
  std::optional<double> baseline_ms, disrupted_ms;
  int first_layer = 0;  // 0-based, of the disrupted pass
};

/// Models, prompts and arms of one window, and the threads that work for them. Knows what is asked at the
/// moment and sees to it that exactly this is computed: the selected prompt's pictures first, then every
/// prompt's answer under the shown arm, then under the others, then the losses of prompt tokens, then what
/// the key that disrupts would show. A change stops what runs; answers to earlier questions are dropped. What
/// a model has answered is kept as long as it is open, whichever is shown. Lives on the GUI thread; never
/// blocks it.
class Session : public QObject {
  Q_OBJECT
 public:
  explicit Session(QObject* parent = nullptr);
  ~Session() override;

  /// Looks at a checkpoint, on a thread of its own, while all else goes on: inspected() tells what was found,
  /// also of one that cannot be loaded. One that is open is shown.
  void inspect(const std::filesystem::path& path, const LoadOptions& options = {});
  /// Reads a checkpoint; the model of now stays until the new one is there, unless memory is short: then
  /// those that are open make room, the shown one last.
  void load(const FoundModel& found);
  /// Both, one after the other.
  void load(const std::filesystem::path& path, const LoadOptions& options = {});
  /// The models that are open, the one that was shown last in front.
  const ModelStore& store() const { return store_; }
  /// One of them, at once and with all that it has answered.
  void showModel(ModelId id);
  /// Of the shown one, the one before it is shown then.
  void closeModel(ModelId id);
  /// What open models may hold of a device's memory, in percent; 0: the shown one is alone.
  void setModelShare(int percent);
  /// Reads files of activations on a thread of its own, while all else goes on: dumpRead() tells what they
  /// hold, failed() why they cannot be shown.
  void readDump(const DumpSource& source);
  /// Shows them in place of a model.
  void showDump(const std::shared_ptr<const ActivationDump>& dump);
  /// Reads a document with its recorded runs, likewise: recordedRead() tells what it holds.
  void readRecorded(const std::filesystem::path& path);
  /// Answers from them, in place of a model; what they do not hold needs the model, and says so.
  void showRecording(const std::shared_ptr<const Recording>& recording);
  /// Stops inspecting, loading, running; what is there stays.
  void cancel();
  /// Runs whatever is asked and not yet answered, also after cancel() or an error; where there is nothing of
  /// the kind, everything once more.
  void resume();

  /// The one that is shown.
  const std::shared_ptr<const LanguageModel>& model() const { return model_; }
  /// The files that are shown in place of a model, or null.
  const std::shared_ptr<const ActivationDump>& dump() const { return data_.dump; }
  /// The recorded runs that are shown in place of a model, or null.
  const std::shared_ptr<const Recording>& recording() const { return recording_; }
  /// Each with its own id.
  const Arms& arms() const { return arms_; }
  /// An arm keeps its answers by its id, as a prompt does.
  void setArms(Arms arms);

  /// Each with its own id.
  const std::vector<Prompt>& prompts() const { return prompts_; }
  int selectedPrompt() const { return selected_; }
  const std::vector<PromptResult>& results() const { return results_; }
  /// A prompt keeps its answers by its id, wherever it stands now; one without an id takes that of an equal
  /// one which would go otherwise, or a new one.
  void setPrompts(std::vector<Prompt> prompts, int selected);
  void selectPrompt(int index);

  /// What the visible views need of the selected prompt.
  void setNeeds(const Needs& needs);
  /// Answers of at most this many tokens; 0 = no answers, pictures only.
  void setMaxNewTokens(int count);
  int maxNewTokens() const { return max_new_tokens_; }
  /// What the model does while nothing is asked of it: see Scheduler. Another model ends it.
  void setBackground(const QString& name, std::function<void(std::stop_token)> work) {
    scheduler_.setBackground(name, std::move(work));
  }
  const QString& background() const { return scheduler_.background(); }
  /// What is asked of the baseline for the selected prompt, without what pictures need; nothing where there
  /// is no model or the prompt has not been read.
  std::optional<RunRequest> plainQuestion() const;
  /// Also the loss of every prompt token, after all else.
  void setPromptLoss(bool on);
  /// After all that is asked, and never instead of it: every prompt's answer under these edits, which tried()
  /// then tells; none: no more of that. cancel() ends it, too, as does a run that fails, without answers.
  void tryEdits(Edits edits);

  /// For the views: the model or the files, the selected prompt's comparison, whether it is of an earlier
  /// question.
  const ViewData& data() const { return data_; }
  /// Whether data() answers in full what is asked now: all that belongs to the present prompt and arm.
  bool showsWhatIsAsked() const {
    return dump() ? !loading_ : asksSomeone() && !loading_ && !prompts_.empty() && picturesAreThere();
  }
  const PassTimes& times() const { return times_; }
  /// Inspecting, loading, reading, running, or about to.
  bool isBusy() const;
  bool isLoading() const { return loading_; }

 Q_SIGNALS:
  void inspected(const qkscope::FoundModel& found);
  void dumpRead(const std::shared_ptr<const qkscope::ActivationDump>& dump);
  void recordedRead(const std::filesystem::path& path, const qkscope::RecordedDocument& document);
  /// Another one is shown, or none.
  void modelChanged();
  /// Others are open, or may be.
  void modelsChanged();
  void dataChanged();
  void promptsChanged();
  void armsChanged();
  void resultChanged(int prompt);
  void busyChanged();
  /// Work that takes long: what is done in words, and how much of it (total 0 = unknown).
  void progress(const QString& stage, quint64 done, quint64 total);
  /// One sentence for the user.
  void failed(const QString& sentence);
  /// The answers of all prompts in their order, or none.
  void tried(const qkscope::Edits& edits, const std::vector<QString>& answers);

 private:
  using Part = Job::Part;
  struct Finished {
    ModelId model;
    RunRequest request;
    Comparison comparison;
  };

  // session.cpp: what is asked, and what is to be done for it
  void schedule();
  void plan();
  void readPrompts();
  std::vector<Job> wanted() const;
  /// Of the model that is shown, or of the recorded runs.
  Answers& answers(PromptId id) { return answers_[{answering_, id}]; }
  const Answers& answers(PromptId id) const;
  /// 0 where there is no prompt.
  PromptId selectedId() const;
  /// The arm whose pictures are asked for; 0 while that is the baseline.
  ArmId picturedArm() const;
  /// What an arm changes; nothing for the baseline, or an arm that is gone.
  Edits editsOf(ArmId arm) const;
  bool hasTokens(PromptId id) const;
  /// Of a prompt that has tokens.
  RunRequest request(PromptId id, Part part, ArmId arm) const;
  Question question(PromptId id) const;
  bool picturesAreThere() const;
  /// Whether what is finished has all that `job` asks of the shown model.
  bool tells(const Finished& finished, const Job& job) const;

  // session_model.cpp: inspecting and loading
  void startInspecting(const std::filesystem::path& path, const LoadOptions& options,
                       std::function<void(const FoundModel&)> then);
  void takeModel(const std::shared_ptr<const LanguageModel>& model, const ModelSource& source,
                 const QString& problem);
  /// Shows what the store shows; these are open no more.
  void useModel(ModelStore::Gone gone);
  void letGo(ModelStore::Gone gone);
  /// Nothing is to be told of this one's answers any more.
  void forget(ModelId id);
  void startReading(const std::filesystem::path& path, FileReader::Work work);
  /// The same, with failed() for what `read` throws.
  void readFile(const std::filesystem::path& path, FileReader::Work read);
  void stopWork();
  void goOn();

  // session_recorded.cpp: what recorded runs answer
  /// Whether a model or recorded runs answer what is asked.
  bool asksSomeone() const { return model_ || recording_; }
  TokenTexts texts() const { return model_ ? tokenTexts(model_) : tokenTexts(recording_); }
  void readRecordedPrompts();
  void answerRecorded(const Job& job);

  // session_answers.cpp: what the threads report
  void connectScheduler();
  /// Whether the job's question is still asked, apart from what it keeps.
  bool isAsked(const Job& job) const;
  /// Whether its pictures are.
  bool isPictured(const Job& job) const;
  void takeRead(const Prompt& prompt, const ReadPrompt& read);
  void takePart(const Job& job, Arm arm, const Capture& part);
  void takePrefilled(const Job& job, Arm arm, const std::shared_ptr<const Run>& run);
  void showPrefilled(const Job& job, Arm arm, const std::shared_ptr<const Run>& run);
  void takeText(const Job& job, Arm arm, const QString& text);
  void takeScore(const Job& job, Arm arm, const Perplexity& perplexity);
  void takeComparison(const Job& job, const Comparison& comparison);
  void takeError(const Job& job, const QString& sentence);
  void accept(const Job& job, const Comparison& comparison);
  void showPictures(const RunRequest& request, const Comparison& comparison);
  /// The activations of files, M without what is left out.
  void showDumpRun();
  void showNext();
  /// Tells results and data anew where they have changed.
  void showResults();
  void showResult(PromptId id);
  PromptResult resultOf(PromptId id) const;
  DataState dataState() const;
  void showData(bool changed = false);
  void markStale();
  void endTrial(std::vector<QString> answers);
  /// What the next key may ask: the pictures of the shown arm, which is off.
  std::optional<Job> foreseen() const;
  /// What has come of such a job before; null where nothing has, or it is kept no longer.
  const Finished* finished(const Job& job) const;
  /// Whether what runs has been asked by a person.
  bool runsWhatIsAsked() const;

  ModelStore store_;
  std::shared_ptr<const LanguageModel> model_;  // the one that it shows
  std::shared_ptr<const Recording> recording_;  // in place of a model
  static constexpr ModelId recorded_ = ~ModelId{0};
  ModelId answering_ = 0;  // the model's, or recorded_
  Arms arms_;
  std::vector<Prompt> prompts_;
  std::map<std::pair<ModelId, PromptId>, Answers> answers_;
  std::vector<PromptResult> results_;  // of prompts_, told from answers_
  PromptId last_id_ = 0;
  ArmId last_arm_ = 0;
  int selected_ = 0;
  Needs needs_;
  int max_new_tokens_ = 24;
  bool prompt_loss_ = false;
  struct Trial {
    Edits edits;
    std::map<PromptId, QString> answers;
  };
  std::optional<Trial> trial_;

  ViewData data_;
  std::optional<RunRequest> pictured_;  // what data_'s comparison answers in full
  struct PictureFailure {
    RunRequest request;
    QString sentence;
  };
  std::optional<PictureFailure> unpictured_;  // what it cannot answer, and why
  PassTimes times_;

  std::deque<Finished> finished_;  // newest first: going back to a question costs nothing
  bool paused_ = false;            // after cancel(), until something is asked
  bool loading_ = false;
  std::uint64_t load_number_ = 0;
  std::shared_ptr<const Run> prefilled_baseline_;  // of the job that runs, until the disrupted one is there
  bool is_to_plan_ = false;                        // once, after all changes of one turn of the event loop
  QTimer stale_timer_;                             // pictures are dimmed only if the new ones take their time
  // Last members: they stop before anything they report to is gone.
  PromptReader reader_;
  FileReader files_;
  Scheduler scheduler_;
};

}  // namespace qkscope

#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "app/background_runner.h"
#include "core/model/language_model.h"
#include "core/tasks/model_verdict.h"
#include "views/prompt.h"

namespace qkscope {

/// A model to be judged: one that is open, or one that is read for it and let go of afterwards.
struct VerdictModel {
  std::string key;  // tells it from all others
  std::string name;
  std::filesystem::path path;
  std::weak_ptr<const LanguageModel> open = {};
};

/// What models are judged by.
struct VerdictPrompts {
  std::vector<Prompt> prompts;               // their ids mean nothing
  std::vector<std::filesystem::path> tasks;  // whose questions are prompts, too
  std::size_t items = 4;                     // of each task; 0: all
  std::filesystem::path data;                // where tasks find data sets, too
  double lambda = 5;
  bool operator==(const VerdictPrompts&) const = default;
};

/// How far one model is.
struct VerdictState {
  std::string name;
  std::vector<PromptVerdict> found;
  std::size_t of = 0;  // prompts; 0: not known yet
  QString problem;     // why there is no more
  bool isComplete() const { return of > 0 && found.size() == of; }
};

/// Judges many models by many prompts, in a session's background, one model after the other. What is asked in
/// the window goes first. Stopped, it goes on where it was as long as models are judged by the same prompts;
/// a model that cannot be judged says why, and the next one has its turn.
class VerdictRunner : public BackgroundRunner {
  Q_OBJECT
 public:
  explicit VerdictRunner(Session& session, QObject* parent = nullptr);

  /// `options`: how models are read. Those that are not among `models` are forgotten.
  void start(const std::vector<VerdictModel>& models, const VerdictPrompts& by, const LoadOptions& options);
  /// In the order they were asked for.
  std::vector<const VerdictState*> states() const;
  const VerdictPrompts& prompts() const { return by_; }
  /// What is done now: "reading gpt2"; empty while prompts are judged.
  const QString& stage() const { return stage_; }

 Q_SIGNALS:
  void changed();

 protected:
  QString modelGoneWords() const override;

 private:
  struct Work;
  VerdictState& state(const VerdictModel& model) { return states_[model.key]; }

  std::vector<VerdictModel> models_;
  VerdictPrompts by_;
  std::map<std::string, VerdictState> states_;  // by VerdictModel::key
  QString stage_;
};

}  // namespace qkscope

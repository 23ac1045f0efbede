#pragma once
#include <QObject>
#include <memory>

#include "app/background_post.h"
#include "core/tasks/effect_map.h"

namespace qkscope {

class LanguageModel;
class Session;

/// Computes an effect map of the prompt that a session shows, in its background: what is asked in the window
/// goes first. Stopped, or another question asked meanwhile, it goes on where it was as long as the question
/// is the same.
class EffectRunner : public QObject {
  Q_OBJECT
 public:
  explicit EffectRunner(Session& session, QObject* parent = nullptr);
  ~EffectRunner() override;

  /// Of the selected prompt on the session's model, without edits; goes on where a map of the same question
  /// was left.
  void start(const EffectSettings& settings);
  void stop();
  bool isRunning() const { return model_ != nullptr; }
  /// Cells so far and in all; the prompt whose map it is.
  const EffectMap& map() const { return map_; }
  std::size_t total() const { return total_; }
  const EffectSettings& settings() const { return settings_; }
  /// Whether what is there is of the session's prompt and model of now.
  bool isOfNow() const;

 Q_SIGNALS:
  /// There are more cells; at most a few times a second.
  void changed();
  void runningChanged();
  /// One sentence for the user; it has stopped.
  void failed(const QString& sentence);

 private:
  struct Work;
  void take(std::vector<EffectCell> cells, std::size_t total);
  void end(const QString& problem);

  Session& session_;
  std::shared_ptr<const LanguageModel> model_;  // of what runs; null: nothing
  std::weak_ptr<const LanguageModel> asked_;    // whose map it is
  RunRequest request_;
  EffectSettings settings_;
  EffectMap map_;
  std::size_t total_ = 0;
  BackgroundPost<EffectRunner> posts_{this};
};

}  // namespace qkscope

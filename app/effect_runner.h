#pragma once
#include <memory>

#include "app/background_runner.h"
#include "core/tasks/effect_map.h"

namespace qkscope {

/// Computes an effect map of the prompt that a session shows, in its background: what is asked in the window
/// goes first. Stopped, or another question asked meanwhile, it goes on where it was as long as the question
/// is the same.
class EffectRunner : public BackgroundRunner {
  Q_OBJECT
 public:
  explicit EffectRunner(Session& session, QObject* parent = nullptr);

  /// Of the selected prompt on the session's model, without edits; goes on where a map of the same question
  /// was left.
  void start(const EffectSettings& settings);
  /// Cells so far and in all; the prompt whose map it is.
  const EffectMap& map() const { return map_; }
  std::size_t total() const { return total_; }
  const EffectSettings& settings() const { return settings_; }
  /// Whether what is there is of the session's prompt and model of now.
  bool isOfNow() const;

 Q_SIGNALS:
  /// There are more cells; at most a few times a second.
  void changed();

 private:
  struct Work;
  void take(std::vector<EffectCell> cells, std::size_t total);

  std::weak_ptr<const LanguageModel> asked_;  // whose map it is
  RunRequest request_;
  EffectSettings settings_;
  EffectMap map_;
  std::size_t total_ = 0;
};

}  // namespace qkscope

#pragma once
#include <QObject>
#include <functional>
#include <memory>
#include <vector>

#include "app/prompt_text.h"
#include "app/task_thread.h"

namespace qkscope {

/// Renders and tokenizes prompts on a thread of its own: a long text or a slow template holds up neither the
/// window nor a run. Lives on the GUI thread.
class PromptReader : public QObject {
  Q_OBJECT
 public:
  using Taker = std::function<void(const Prompt& prompt, const ReadPrompt& read)>;
  /// `take` is called on this object's thread, once for each prompt that was read.
  explicit PromptReader(Taker take, QObject* parent = nullptr);

  /// Reads these and no longer what was asked before. Asking for the same again changes nothing.
  void read(const std::shared_ptr<const LanguageModel>& model, const std::vector<Prompt>& prompts);

 private:
  Taker take_;
  std::vector<Prompt> asked_;                         // not read yet
  std::weak_ptr<const LanguageModel> model_;          // a reader keeps no model alive
  std::uint64_t first_number_ = 1, last_number_ = 0;  // of the tasks made for `asked_`
  TaskThread thread_;                                 // last: ends before anything it reports to is gone
};

}  // namespace qkscope

#pragma once
#include <functional>
#include <vector>

#include "views/prompt.h"
#include "views/prompt_editor.h"
#include "views/view.h"

class QHBoxLayout;
class QScrollArea;

namespace qkscope {

class PromptCard;

/// The prompts of the document side by side, each a card with both answers. The prompts themselves belong to
/// the session: the view shows what it is given and asks for changes.
class PromptsView : public View {
  Q_OBJECT
 public:
  PromptsView(ViewState& state, QWidget* parent);

  void setPrompts(const std::vector<Prompt>& prompts, const std::vector<PromptResult>& results, int selected);
  void setResult(int index, const PromptResult& result);
  /// How the editor learns of token count and format.
  void setMeasure(PromptMeasure measure) { measure_ = std::move(measure); }
  QSize sizeHint() const override;

 public Q_SLOTS:
  void editPrompt(int index);
  void addOwnPrompt();

 Q_SIGNALS:
  void promptsEdited(const std::vector<qkscope::Prompt>& prompts, int selected);
  void promptSelected(int index);

 protected:
  void refresh() override {}

 private:
  void addPrompt(const Prompt& prompt);
  void removePrompt(int index);
  void markPositions();
  /// Brings the selected card into view, once the layout knows where it is.
  void showSelected();

  std::vector<Prompt> prompts_;
  std::vector<PromptResult> results_;
  int selected_ = 0;
  PromptMeasure measure_;
  std::vector<PromptCard*> cards_;
  QScrollArea* scroll_;
  QHBoxLayout* row_;
};

}  // namespace qkscope

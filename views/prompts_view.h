#pragma once
#include <functional>
#include <vector>

#include "views/view.h"

class QHBoxLayout;
class QScrollArea;

namespace qkscope {

class PromptCard;

/// The prompts of the document side by side, each a card with the answers of all arms. The prompts themselves
/// belong to the session: the view shows what it is given and asks for changes.
class PromptsView : public View {
  Q_OBJECT
 public:
  PromptsView(ViewState& state, QWidget* parent);

  void setPrompts(const std::vector<Prompt>& prompts, const std::vector<PromptResult>& results,
                  int selected) override;
  void setResult(int index, const PromptResult& result) override;
  void setArms(const Arms& arms) override;
  std::vector<PlacedCommands> commands() override;
  QSize sizeHint() const override;

 protected:
  void refresh() override {}

 private:
  void editPrompt(int index);
  void addOwnPrompt();
  void openEditor(const Prompt& prompt, std::function<void(const Prompt&)> take);
  void addPrompt(const Prompt& prompt);
  void removePrompt(int index);
  void markPositions();
  /// Brings the selected card into view, once the layout knows where it is.
  void showSelected();

  std::vector<Prompt> prompts_;
  std::vector<PromptResult> results_;
  int selected_ = 0;
  Arms arms_;
  std::vector<PromptCard*> cards_;
  QScrollArea* scroll_;
  QHBoxLayout* row_;
};

}  // namespace qkscope

#pragma once
#include <QFrame>
#include <array>

#include "views/prompt.h"

class QGridLayout;
class QScrollArea;
class QToolButton;

namespace qkscope {

class LossBars;
class NextTokenBars;
class StyledLabel;
class TokenStrip;

/// One prompt with its tokens, and under each other what the baseline and the disrupted model make of it.
class PromptCard : public QFrame {
  Q_OBJECT
 public:
  explicit PromptCard(QWidget* parent);

  void setPrompt(const Prompt& prompt, const PromptResult& result);
  /// The selected prompt is the one the pictures show.
  void setSelected(bool selected);
  /// The positions of the prompt that are looked at (-1: none); marked while this is the selected one.
  void setPositions(int selected, int hovered);
  /// Kind as a title: "Asks the context".
  static QString kindTitle(PromptKind kind);
  /// Wide enough for an answer beside its numbers, in the type of the moment.
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void selected();
  /// A token was chosen; after selected(), where the card was not.
  void positionSelected(int position);
  void positionHovered(int position, const QString& words);
  void editRequested();
  void removeRequested();

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

 private:
  struct Row {
    StyledLabel* name;
    StyledLabel* answer;
    NextTokenBars* next;
    StyledLabel* perplexity;
    LossBars* losses;
  };
  Row makeRow(QGridLayout* grid, int line, Arm arm);
  void fillRow(const Row& row, const std::optional<PromptArm>& arm, Arm which, double loss_scale);
  void showAll();
  bool grows(Arm which) const;
  void showAnswer(StyledLabel* label, const PromptArm& arm, Arm which, bool pale) const;
  void showPerplexity(StyledLabel* label, const PromptArm& arm, Arm which, bool pale) const;

  Prompt prompt_;
  PromptResult result_;
  bool selected_ = false;

  StyledLabel* title_;
  StyledLabel* shown_;
  StyledLabel* size_;
  QToolButton* more_;
  TokenStrip* strip_;
  QScrollArea* strip_area_;
  StyledLabel* perplexity_title_;
  std::array<Row, 2> rows_;
};

}  // namespace qkscope

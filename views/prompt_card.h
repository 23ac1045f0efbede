#pragma once
#include <QFrame>
#include <memory>
#include <vector>

#include "views/arms.h"
#include "views/prompt.h"
#include "views/view_state.h"

class QGridLayout;
class QScrollArea;
class QToolButton;

namespace qkscope {

class ArmRow;
class StyledLabel;
class TokenLegend;
class TokenStrip;

/// One prompt with its tokens, and under each other what the baseline and every arm make of it.
class PromptCard : public QFrame {
  Q_OBJECT
 public:
  explicit PromptCard(QWidget* parent);
  ~PromptCard() override;

  void setPrompt(const Prompt& prompt, const PromptResult& result);
  /// The rows under the baseline's.
  void setArms(const Arms& arms);
  /// What the colours of tokens tell.
  void setTokenColors(TokenColors colors);
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
  /// The row of an arm was chosen; after selected(), where the card was not.
  void armChosen(int arm);
  /// A menu of all that can be done to the arm that is chosen now.
  void armMenuRequested(const QPoint& global);
  void editRequested();
  void removeRequested();

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

 private:
  void showAll();
  void showRows();
  void showTokens();
  /// The arm whose row is at this point; -1 where there is none.
  int armAt(const QPoint& at) const;

  Prompt prompt_;
  PromptResult result_;
  Arms arms_;
  bool selected_ = false;

  StyledLabel* title_;
  StyledLabel* shown_;
  StyledLabel* size_;
  QToolButton* more_;
  TokenLegend* legend_;
  TokenStrip* strip_;
  QScrollArea* strip_area_;
  TokenStrip* answer_strip_;  // the continuation that is scored
  StyledLabel* perplexity_title_;
  QGridLayout* grid_;
  std::vector<std::unique_ptr<ArmRow>> rows_;  // the baseline's, then those of the arms
};

}  // namespace qkscope

#pragma once
#include <QFrame>
#include <array>

#include "views/prompt.h"

class QGridLayout;
class QLabel;
class QScrollArea;
class QToolButton;

namespace qkscope {

class LossBars;
class NextTokenBars;
class TokenStrip;

/// One prompt with its tokens, and under each other what the baseline and the disrupted model make of it.
class PromptCard : public QFrame {
  Q_OBJECT
 public:
  explicit PromptCard(QWidget* parent);

  void setPrompt(const Prompt& prompt, const PromptResult& result);
  /// The selected prompt is the one the pictures show.
  void setSelected(bool selected);
  /// Kind as a title: "Asks the context".
  static QString kindTitle(PromptKind kind);

 Q_SIGNALS:
  void selected();
  void editRequested();
  void removeRequested();

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  struct Row {
    QLabel* name;
    QLabel* answer;
    NextTokenBars* next;
    QLabel* perplexity;
    LossBars* losses;
  };
  Row makeRow(QGridLayout* grid, int line, Arm arm);
  void fillRow(const Row& row, const std::optional<PromptArm>& arm, Arm which, double loss_scale);
  void showAll();
  QString answerHtml(const PromptArm& arm, Arm which) const;
  QString perplexityHtml(const PromptArm& arm, Arm which) const;

  Prompt prompt_;
  PromptResult result_;
  bool selected_ = false;

  QLabel* title_;
  QLabel* shown_;
  QLabel* size_;
  QToolButton* more_;
  QScrollArea* strip_area_;
  TokenStrip* strip_;
  QLabel* perplexity_title_;
  std::array<QLabel*, 2> column_titles_;
  std::array<Row, 2> rows_;
};

}  // namespace qkscope

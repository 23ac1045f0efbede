#pragma once
#include <QRect>
#include <QString>
#include <vector>

#include "views/prompt.h"

class QGridLayout;
class QVBoxLayout;
class QWidget;

namespace qkscope {

class LossBars;
class NextTokenBars;
class StyledLabel;

/// One line of a prompt's card: what the baseline or an arm makes of the prompt, word by word and in numbers.
/// Its parts stand in the card's grid and go with this object.
class ArmRow {
 public:
  /// In `line` of `grid` a hairline, the rest in the line after. `which` says how it is coloured.
  ArmRow(QGridLayout* grid, int line, Arm which, QWidget* card);
  ~ArmRow();
  ArmRow(const ArmRow&) = delete;
  ArmRow& operator=(const ArmRow&) = delete;

  struct Name {
    QString words;
    bool shown = false;  // in the pictures, while others are not
    bool quiet = false;  // it has no words of its own while it is off
    bool operator==(const Name&) const = default;
  };
  /// `loss_scale`: nats of a full bar, the same for all rows. `most_tokens`: as many next tokens are drawn.
  void show(const Name& name, const PromptResult& result, const ArmResult& arm, double loss_scale,
            int most_tokens);
  /// All of the line, in the card.
  QRect area() const;

 private:
  void showName(const Name& name, const ArmResult& arm);
  void showAnswer(const PromptResult& result, const ArmResult& arm);
  void showPerplexity(const PromptResult& result, const ArmResult& arm);

  Arm which_;
  QGridLayout* grid_;
  int line_;  // of the parts
  QWidget* rule_;
  StyledLabel *name_, *answer_;
  NextTokenBars* next_;
  StyledLabel* perplexity_;
  LossBars* losses_;
  QVBoxLayout* scores_;
};

}  // namespace qkscope

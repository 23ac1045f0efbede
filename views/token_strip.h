#pragma once
#include <QFont>
#include <QStringList>
#include <QWidget>
#include <memory>
#include <utility>
#include <vector>

#include "views/prompt.h"
#include "views/token_tint.h"

namespace qkscope {

/// What is known of the losses of a strip's tokens.
struct StripScores {
  std::shared_ptr<const TokenScores> baseline, disrupted;  // null: not known
  int first = 1;                                           // of the tokens, that which they begin with
  bool operator==(const StripScores&) const = default;
};

/// The tokens of a rendered prompt, one after the other in lines: each visible as a token of its own, those
/// of the chat format pale, behind each the colour and under each a bar of its loss where losses are known. A
/// token's place in it is its position in the prompt, as in the pictures. What the user wrote begins on a
/// line of its own. A click or the arrow keys choose a position; hovering tells what the model would have had
/// in a token's place.
class TokenStrip : public QWidget {
  Q_OBJECT
 public:
  explicit TokenStrip(QWidget* parent);

  /// Tokens user_begin .. user_end are the user's, the others the chat format's.
  void setTokens(const QStringList& pieces, int user_begin, int user_end, StripScores scores);
  /// The tokens of an answer, which follow `position` tokens of a prompt: they can be read, not chosen, since
  /// the pictures are of the prompt alone.
  void setAnswer(const QStringList& pieces, int position, StripScores scores);
  void setColors(TokenColors colors);
  /// A prompt whose tokens are not known: as it is, with nothing to choose.
  void setText(const QString& text);
  /// Positions that are marked; -1: none.
  void setSelectedPosition(int position);
  void setHoveredPosition(int position);

  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  /// What lies above the user's first token, at this width.
  int heightOfFormat(int width) const;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  static int lineHeight(const QWidget& widget);
  /// Where a token stands; empty for a position that has none.
  QRect cell(int position) const;

 Q_SIGNALS:
  void positionChosen(int position);
  /// The token under the pointer, in words; -1 and nothing when it leaves.
  void positionHovered(int position, const QString& words);
  /// Other tokens: what was scrolled to is gone.
  void tokensReplaced();
  /// This part should be in sight.
  void revealed(const QRect& part);

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  /// A token as it is drawn: blanks and what stands between them, each with its width.
  struct Drawn {
    std::vector<std::pair<QString, double>> runs;
    double width = 0;
  };
  /// Of every token, in the type of the moment.
  const std::vector<Drawn>& drawn() const;
  std::vector<QRectF> layOut(int width) const;
  int tokenAt(const QPoint& at) const;
  QString words(int token) const;
  /// words(), and what each run would have had there.
  QString tipWords(int token) const;
  TokenLoss lossOf(int token) const;
  bool isFormat(int token) const { return token < user_begin_ || token >= user_end_; }
  void replace(const QStringList& pieces);

  QStringList pieces_, visible_;
  int user_begin_ = 0, user_end_ = 0;
  bool are_tokens_ = false;
  bool is_answer_ = false;
  int first_position_ = 0;
  StripScores scores_;
  TokenColors colors_ = TokenColors::None;
  int selected_ = -1, hovered_ = -1;

  mutable std::vector<Drawn> drawn_;
  mutable QFont drawn_in_;
};

}  // namespace qkscope

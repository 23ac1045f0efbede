#pragma once
#include <QStringList>
#include <QWidget>
#include <vector>

namespace qkscope {

/// The tokens of a rendered prompt, one after the other in lines: each visible as a token of its own, those
/// of the chat format pale, under each a bar as high as its loss where losses are known. A token's place in
/// it is its position in the prompt, as in the pictures. What the user wrote begins on a line of its own. A
/// click or the arrow keys choose a position.
class TokenStrip : public QWidget {
  Q_OBJECT
 public:
  explicit TokenStrip(QWidget* parent);

  /// Tokens user_begin .. user_end are the user's, the others the chat format's. `loss`: nats, one per token
  /// (NaN: not scored), or empty.
  void setTokens(const QStringList& pieces, int user_begin, int user_end, std::vector<float> loss);
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
  std::vector<QRectF> layOut(int width) const;
  int tokenAt(const QPoint& at) const;
  QString words(int token) const;
  bool isFormat(int token) const { return token < user_begin_ || token >= user_end_; }
  void replace(const QStringList& pieces);

  QStringList pieces_, visible_;
  int user_begin_ = 0, user_end_ = 0;
  bool are_tokens_ = false;
  std::vector<float> loss_;
  int selected_ = -1, hovered_ = -1;
};

}  // namespace qkscope

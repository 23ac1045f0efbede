#pragma once
#include <QStringList>
#include <QWidget>
#include <vector>

namespace qkscope {

/// The tokens of a text, one after the other in lines: each visible as a token of its own, spaces as middle
/// dots, under it a bar as high as its loss where losses are known.
class TokenStrip : public QWidget {
  Q_OBJECT
 public:
  explicit TokenStrip(QWidget* parent);

  /// `loss`: nats, one per token (NaN: not scored), or empty.
  void setTokens(const QStringList& pieces, std::vector<float> loss);

  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  static int lineHeight(const QWidget& widget);

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  struct Cell {
    QRectF box;
    int token = 0;
  };
  std::vector<Cell> layOut(int width) const;

  QStringList pieces_, visible_;
  std::vector<float> loss_;
};

}  // namespace qkscope

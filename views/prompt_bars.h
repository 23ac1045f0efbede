#pragma once
#include <QStringList>
#include <QWidget>
#include <vector>

#include "views/prompt.h"

namespace qkscope {

/// The most probable next tokens with their shares, as words and bars.
class NextTokenBars : public QWidget {
  Q_OBJECT
 public:
  explicit NextTokenBars(QWidget* parent) : QWidget(parent) {}
  /// In the blue or red of the arm; at most so many of them are drawn.
  void setTokens(std::vector<NextToken> tokens, Arm arm, int most);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  std::vector<NextToken> tokens_;
  Arm arm_ = Arm::Baseline;
  int most_ = 3;
};

/// The loss of each token of a continuation as a bar, as high as its square root: so the losses of an arm
/// that is lost and those of one that is not can be read beside each other. What is not finite is a hatched
/// bar of full height. Hover tells token and nats.
class LossBars : public QWidget {
  Q_OBJECT
 public:
  explicit LossBars(QWidget* parent) : QWidget(parent) {}
  /// `scale`: nats of a full bar, the same for all arms.
  void setLosses(const QStringList& pieces, std::vector<float> nll, double scale, Arm arm);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  /// Nats of a full bar for rows of such losses: small losses stay small.
  static double scaleFor(const std::vector<const std::vector<float>*>& losses);
  /// How much of a full bar a loss is.
  static double part(double nll, double scale);

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  double step() const;

  QStringList pieces_;
  std::vector<float> nll_;
  double scale_ = 1;
  Arm arm_ = Arm::Baseline;
};

}  // namespace qkscope

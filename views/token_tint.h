#pragma once
#include <QWidget>
#include <optional>

#include "views/plot_style.h"
#include "views/view_state.h"

namespace qkscope {

/// Losses of one token in nats; nothing where they are not known. The one colour scale of all tokens, which
/// is the same in every prompt: from none to 8 nats (one in 3000), changes from -4 to 4.
struct TokenLoss {
  std::optional<double> baseline, disrupted;
  /// Of what `colors` tells; nothing where it is not known.
  std::optional<double> value(TokenColors colors) const;
};

/// Behind a token: deeper as the square root of the value. Blue tells the baseline's loss and losses that
/// fell, red the disrupted run's and those that grew; both keep the text on them readable. Clear where there
/// is nothing to tell.
QColor tokenTint(const PlotStyle& style, TokenColors colors, std::optional<double> value);
/// The ends of the scale.
double tokenScaleLow(TokenColors colors);
double tokenScaleHigh(TokenColors colors);

/// The scale of the tints with its ends, and what it tells.
class TokenLegend : public QWidget {
  Q_OBJECT
 public:
  explicit TokenLegend(QWidget* parent);
  void setColors(TokenColors colors);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QString lowWords() const;
  QString highWords() const;

  TokenColors colors_ = TokenColors::None;
};

}  // namespace qkscope

#pragma once
#include <QFocusFrame>
#include <QPointer>
#include <QProxyStyle>

namespace qkscope {

/// Fusion, and what holds for every widget of the program whoever makes it: a ring around the one with the
/// focus, and labels and tooltips that never read words of files as markup.
class Style : public QProxyStyle {
  Q_OBJECT
 public:
  Style();

  /// Puts the ring around `widget`, or nowhere; also after colours or type have changed.
  void showFocus(QWidget* widget);

  void polish(QWidget* widget) override;
  using QProxyStyle::polish;
  int styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                QStyleHintReturn* data) const override;
  int pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override;
  void drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                   const QWidget* widget) const override;
  void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override;

 private:
  static void drawCheck(const QStyleOption& option, QPainter& painter);

  QPointer<QFocusFrame> frame_;
};

}  // namespace qkscope

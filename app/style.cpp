#include "app/style.h"

#include <QApplication>
#include <QLabel>
#include <QPainter>
#include <QStyleFactory>
#include <QStyleOption>

namespace qkscope {

namespace {
constexpr int kRing = 3;  // px from the widget to the outer edge of its ring
}

Style::Style() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {
  connect(qApp, &QApplication::focusChanged, this, [this](QWidget*, QWidget* now) { showFocus(now); });
}

void Style::polish(QWidget* widget) {
  QProxyStyle::polish(widget);
  // Qt guesses from the words themselves whether they are markup. Tooltips are labels, too.
  if (auto* label = qobject_cast<QLabel*>(widget); label && label->textFormat() == Qt::AutoText)
    label->setTextFormat(Qt::PlainText);
}

void Style::showFocus(QWidget* widget) {
  if (frame_) frame_->setWidget(nullptr);
  if (!widget || widget->isWindow()) return;
  // It stands in the window of what it frames, and goes with it.
  if (!frame_) frame_ = new QFocusFrame;
  frame_->setWidget(widget);
}

int Style::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                     QStyleHintReturn* data) const {
  if (hint == SH_FocusFrame_AboveWidget) return 1;
  return QProxyStyle::styleHint(hint, option, widget, data);
}

int Style::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
  if (metric == PM_FocusFrameHMargin || metric == PM_FocusFrameVMargin) return kRing;
  return QProxyStyle::pixelMetric(metric, option, widget);
}

void Style::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                        const QWidget* widget) const {
  if (element != CE_FocusFrame) return QProxyStyle::drawControl(element, option, painter, widget);
  // Two tones, so that it is seen on any ground.
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setBrush(Qt::NoBrush);
  const QRectF ring = QRectF(option->rect).adjusted(1.5, 1.5, -1.5, -1.5);
  painter->setPen(QPen(option->palette.color(QPalette::Base), kRing));
  painter->drawRoundedRect(ring, 5, 5);
  painter->setPen(QPen(option->palette.color(QPalette::Highlight), 2));
  painter->drawRoundedRect(ring.adjusted(-0.5, -0.5, 0.5, 0.5), 5, 5);
  painter->restore();
}

void Style::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                          const QWidget* widget) const {
  if (element == PE_FrameFocusRect) return;  // the ring says it
  QProxyStyle::drawPrimitive(element, option, painter, widget);
}

}  // namespace qkscope

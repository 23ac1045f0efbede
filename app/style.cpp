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

/// Fusion's frame is darker than its ground, and on a dark one is not seen.
void Style::drawCheck(const QStyleOption& option, QPainter& painter) {
  const auto color = [&](QPalette::ColorRole role) { return option.palette.color(role); };
  const bool enabled = option.state & State_Enabled, on = option.state & State_On;
  const QRectF box = QRectF(option.rect).adjusted(1, 1, -1, -1);
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(color(enabled ? QPalette::PlaceholderText : QPalette::Mid));
  painter.setBrush(color(on && enabled ? QPalette::Highlight : on ? QPalette::Mid : QPalette::Base));
  painter.drawRoundedRect(box, 2, 2);
  const QColor mark = color(on ? QPalette::HighlightedText : QPalette::WindowText);
  painter.setPen(QPen(mark, box.width() / 7, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  const auto at = [&](double x, double y) {
    return QPointF(box.x() + x * box.width(), box.y() + y * box.height());
  };
  if (on) painter.drawPolyline(QPolygonF({at(0.24, 0.52), at(0.43, 0.72), at(0.77, 0.3)}));
  if (option.state & State_NoChange) painter.drawLine(at(0.25, 0.5), at(0.75, 0.5));
  painter.restore();
}

void Style::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                          const QWidget* widget) const {
  if (element == PE_FrameFocusRect) return;  // the ring says it
  if (element == PE_IndicatorCheckBox) return drawCheck(*option, *painter);
  QProxyStyle::drawPrimitive(element, option, painter, widget);
}

}  // namespace qkscope

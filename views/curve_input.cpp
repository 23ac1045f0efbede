// The half of CurvePlot that takes the mouse: zoom, reading out, picking.
#include <algorithm>
#include <cmath>

#include "views/curve_plot.h"
#include "views/shown.h"

namespace qkscope {

int CurvePlot::chartAt(const QPointF& place) const {
  const auto found = std::ranges::find_if(
      rects_, [&](QCPAxisRect* rect) { return rect->outerRect().contains(place.toPoint()); });
  return found == rects_.end() ? -1 : static_cast<int>(found - rects_.begin());
}

QString CurvePlot::wordsAt(int chart, const QPointF& place) const {
  if (chart < 0 || !charts_[static_cast<std::size_t>(chart)].missing.isEmpty()) return {};
  const Chart& now = charts_[static_cast<std::size_t>(chart)];
  const double x = rects_[static_cast<std::size_t>(chart)]->axis(QCPAxis::atBottom)->pixelToCoord(place.x());
  QStringList words;
  for (const Curve& curve : now.curves) {
    if (curve.x.empty()) continue;
    const auto nearest = std::ranges::min_element(curve.x, {}, [&](double at) { return std::abs(at - x); });
    const auto at = static_cast<std::size_t>(nearest - curve.x.begin());
    if (words.isEmpty())
      words << tr("%1 %2").arg(now.x_label,
                               now.x_words.value(static_cast<int>(*nearest), numberWords(*nearest)));
    words << tr("%1 %2").arg(curve.name, numberWords(curve.y[at]));
  }
  return words.isEmpty() ? QString() : now.title + QStringLiteral(": ") + words.join(QStringLiteral(", "));
}

void CurvePlot::mousePressEvent(QMouseEvent* event) {
  pressed_ = event->position();
  QCustomPlot::mousePressEvent(event);
}

void CurvePlot::mouseMoveEvent(QMouseEvent* event) {
  const int chart = chartAt(event->position());
  if ((event->buttons() & Qt::LeftButton) && chart >= 0 &&
      (event->position() - pressed_).manhattanLength() > QApplication::startDragDistance())
    zoomed_[static_cast<std::size_t>(chart)] = true;
  Q_EMIT hovered(wordsAt(chart, event->position()));
  QCustomPlot::mouseMoveEvent(event);
}

void CurvePlot::mouseReleaseEvent(QMouseEvent* event) {
  QCustomPlot::mouseReleaseEvent(event);
  const int chart = chartAt(event->position());
  if (event->button() != Qt::LeftButton || chart < 0 ||
      !charts_[static_cast<std::size_t>(chart)].missing.isEmpty() ||
      (event->position() - pressed_).manhattanLength() > QApplication::startDragDistance())
    return;
  Q_EMIT picked(
      chart,
      rects_[static_cast<std::size_t>(chart)]->axis(QCPAxis::atBottom)->pixelToCoord(event->position().x()));
}

void CurvePlot::mouseDoubleClickEvent(QMouseEvent* event) {
  const int chart = chartAt(event->position());
  if (chart < 0) return;
  zoomed_[static_cast<std::size_t>(chart)] = false;
  fill(chart);
  replot(rpQueuedReplot);
}

void CurvePlot::wheelEvent(QWheelEvent* event) {
  const int chart = chartAt(event->position());
  if (chart >= 0) zoomed_[static_cast<std::size_t>(chart)] = true;
  QCustomPlot::wheelEvent(event);
}

void CurvePlot::leaveEvent(QEvent* event) {
  Q_EMIT hovered({});
  QCustomPlot::leaveEvent(event);
}

}  // namespace qkscope

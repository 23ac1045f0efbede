#include "views/curves_view.h"

#include <QKeyEvent>
#include <algorithm>
#include <cmath>

#include "views/color_bar.h"
#include "views/shown.h"

namespace qkscope {

CurvesView::CurvesView(ViewState& state, QWidget* parent) : View(state, parent), plot_(new CurvePlot(this)) {
  setFocusPolicy(Qt::StrongFocus);
  plot_->setFocusProxy(this);
  connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
  connect(&state, &ViewState::selectionChanged, this, [this] { scheduleRefresh(); });
  connect(plot_, &CurvePlot::hovered, this, [this](const QString& words) { this->state().setHover(words); });
  connect(plot_, &CurvePlot::picked, this, [this](int chart, double x) {
    walked_ = chart;
    this->state().setSelection(
        selected(plot_->charts().at(static_cast<std::size_t>(chart)).id, std::round(x)));
  });
}

QString CurvesView::whyNoFigure() const {
  return whyNothing(data(), state().look());
}

void CurvesView::paintFigure(QPainter& painter, const QRectF& area) const {
  const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
  painter.fillRect(area, style.background);
  const QString message = whyNoFigure();
  if (!message.isEmpty()) return paintMessage(painter, style, area, message);
  const double height = 1.6 * style.metrics(style.title).height();
  painter.setPen(style.text);
  painter.setFont(style.title);
  painter.drawText(QRectF(area.topLeft(), QSizeF(area.width(), height)), Qt::AlignLeft | Qt::AlignVCenter,
                   figureTitle());
  CurvePlot::paint(painter, area.adjusted(0, height, 0, 0), marked());
}

std::vector<FigureArray> CurvesView::figureArrays() const {
  std::vector<FigureArray> arrays;
  if (!whyNoFigure().isEmpty()) return arrays;
  for (const Chart& chart : charts()) {
    for (const Curve& curve : chart.curves) {
      FigureArray array{chart.id + QLatin1Char('_') + curve.name,
                        {QStringLiteral("point"), QStringLiteral("x_y")},
                        {{static_cast<std::int64_t>(curve.x.size()), 2}, {}}};
      for (std::size_t i = 0; i < curve.x.size(); ++i) {
        array.array.data.push_back(static_cast<float>(curve.x[i]));
        array.array.data.push_back(static_cast<float>(curve.y[i]));
      }
      if (!curve.x.empty()) arrays.push_back(std::move(array));
    }
  }
  return arrays;
}

std::vector<Chart> CurvesView::marked() const {
  std::vector<Chart> marked = charts();
  for (Chart& chart : marked) chart.selected = selectedAt(chart.id);
  return marked;
}

void CurvesView::refresh() {
  message_ = whyNoFigure();
  plot_->setVisible(message_.isEmpty());
  if (message_.isEmpty()) plot_->setCharts(marked());
  QStringList words;
  for (const Chart& chart : plot_->charts()) words << chart.title;
  setAccessibleDescription(message_.isEmpty() ? words.join(QStringLiteral("; ")) : message_);
  update();
}

void CurvesView::paintEvent(QPaintEvent*) {
  const PlotStyle style = PlotStyle::of(*this);
  QPainter painter(this);
  painter.fillRect(rect(), style.background);
  if (!message_.isEmpty()) paintMessage(painter, style, rect(), message_);
}

void CurvesView::resizeEvent(QResizeEvent*) {
  plot_->setGeometry(rect().adjusted(8, 6, -8, -4));
}

void CurvesView::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Left:
      return walk(-1);
    case Qt::Key_Right:
      return walk(1);
    default:
      View::keyPressEvent(event);
  }
}

void CurvesView::walk(int steps) {
  const auto& charts = plot_->charts();
  if (walked_ >= static_cast<int>(charts.size())) return;
  const Chart& chart = charts[static_cast<std::size_t>(walked_)];
  // Of now, not of the chart: a second key may come before the chart is drawn anew.
  const std::optional<double> at = selectedAt(chart.id);
  if (!at || chart.curves.empty() || chart.curves.front().x.empty()) return;
  const auto& x = chart.curves.front().x;
  state().setSelection(selected(chart.id, std::clamp(*at + steps, x.front(), x.back())));
}

}  // namespace qkscope

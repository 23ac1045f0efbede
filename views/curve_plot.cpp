#include "views/curve_plot.h"

#include <QPicture>
#include <algorithm>
#include <cmath>

#include "views/curve_items.h"

namespace qkscope {

namespace {

QColor colorOf(const PlotStyle& style, Ink ink) {
  switch (ink) {
    case Ink::Query:
      return style.query;
    case Ink::Key:
      return style.key;
    case Ink::Value:
      return style.value;
    case Ink::Baseline:
      return style.baseline;
    case Ink::Disrupted:
      return style.disrupted;
    default:
      return style.muted;
  }
}

QCPScatterStyle scatterOf(Marker marker, const QColor& color, double size) {
  switch (marker) {
    case Marker::Disc:
      return {QCPScatterStyle::ssDisc, color, color, size};
    case Marker::Square:
      return {QCPScatterStyle::ssSquare, color, color, size};
    case Marker::Triangle:
      return {QCPScatterStyle::ssTriangle, color, color, size};
    default:
      return QCPScatterStyle(QCPScatterStyle::ssNone);
  }
}

QVector<double> toVector(const std::vector<double>& numbers) {
  return {numbers.begin(), numbers.end()};
}

/// Type in pixels, which a picture that is scaled as a whole keeps in proportion.
QFont inPixels(QFont font, double pixels_per_point) {
  font.setPixelSize(std::max(1, static_cast<int>(std::lround(font.pointSizeF() * pixels_per_point))));
  return font;
}

}  // namespace

CurvePlot::CurvePlot(QWidget* parent) : QCustomPlot(parent) {
  setAutoAddPlottableToLegend(false);
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  setNoAntialiasingOnDrag(true);
  dressAnew();
}

CurvePlot::CurvePlot(const Inks& inks) : inks_(inks) {
  setAutoAddPlottableToLegend(false);
}

void CurvePlot::dressAnew() {
  const PlotStyle style = PlotStyle::of(*this);
  const PlotStyle& now = inks_.style;
  if (now.background == style.background && now.text == style.text && inks_.small == style.small &&
      now.unit == style.unit)
    return;
  inks_ = {style, style.small, style.title};
  inks_.title.setPointSizeF(style.normal.pointSizeF());
  build();
}

void CurvePlot::changeEvent(QEvent* event) {
  QCustomPlot::changeEvent(event);
  // A panel behind another is disabled, which has colours of its own.
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange ||
      event->type() == QEvent::EnabledChange)
    dressAnew();
}

void CurvePlot::setCharts(std::vector<Chart> charts) {
  const bool same = std::ranges::equal(charts, charts_, [](const Chart& a, const Chart& b) {
    return a.id == b.id && a.log_y == b.log_y && a.missing.isEmpty() == b.missing.isEmpty();
  });
  charts_ = std::move(charts);
  if (!same) return build();
  for (std::size_t i = 0; i < charts_.size(); ++i) fill(static_cast<int>(i));
  replot(rpQueuedReplot);
}

void CurvePlot::build() {
  // First what hangs on the axes: QCustomPlot asks curves for axes that are gone.
  clearItems();
  clearPlottables();
  plotLayout()->clear();
  plotLayout()->simplify();
  rects_.clear();
  zoomed_.assign(charts_.size(), false);
  setBackground(inks_.style.background);
  plotLayout()->setColumnSpacing(static_cast<int>(14 * inks_.style.unit));
  plotLayout()->setRowSpacing(0);
  columns_ = chartColumns(charts_.size(), size());
  for (int i = 0; i < static_cast<int>(charts_.size()); ++i) {
    auto* title = new QCPTextElement(this, QString(), inks_.title);
    title->setTextColor(inks_.style.text);
    title->setTextFlags(Qt::AlignLeft | Qt::AlignVCenter);
    // Of no width that it must have: else a long one would take it from the charts beside it.
    title->setMinimumSize(1, static_cast<int>(std::ceil(QFontMetricsF(inks_.title).height())));
    const int row = 2 * (i / columns_), column = i % columns_;
    plotLayout()->addElement(row, column, title);
    auto* rect = new QCPAxisRect(this);
    rect->setMinimumMargins(QMargins(0, 0, static_cast<int>(4 * inks_.style.unit), 0));
    plotLayout()->addElement(row + 1, column, rect);
    rects_.push_back(rect);
    fill(i);
  }
  replot(rpQueuedReplot);
}

void CurvePlot::fill(int chart) {
  const auto index = static_cast<std::size_t>(chart);
  const Chart& now = charts_[index];
  QCPAxisRect* rect = rects_[index];
  QCPAxis* x = rect->axis(QCPAxis::atBottom);
  QCPAxis* y = rect->axis(QCPAxis::atLeft);
  const double title_room = columnWidth() - 16 * inks_.style.unit;
  qobject_cast<QCPTextElement*>(plotLayout()->element(2 * (chart / columns_), chart % columns_))
      ->setText(QFontMetricsF(inks_.title).elidedText(now.title, Qt::ElideRight, title_room));
  const QCPRange x_range = x->range(), y_range = y->range();
  rect->insetLayout()->clear();  // the names first: they point at the curves
  for (QCPAbstractPlottable* old : rect->plottables()) removePlottable(old);
  for (QCPAbstractItem* old : rect->items()) removeItem(old);
  dress(rect, now);
  for (QCPAxis* axis : {x, y}) axis->setTickLabels(now.missing.isEmpty());
  if (!now.missing.isEmpty()) {
    x->setRange(0, 1);
    y->setRange(0, 1);
    new WrappedWords(rect, now.missing, inks_.small, inks_.style.muted);
    return;
  }
  const auto bars = std::ranges::count(now.curves, Stroke::Bars, &Curve::stroke);
  int bar = 0;
  for (const Curve& curve : now.curves) {
    if (curve.stroke == Stroke::Bars) {
      addBars(rect, curve, bar++, static_cast<int>(bars));
    } else {
      addCurve(rect, curve);
    }
  }
  const double legend = addLegend(rect);
  addMarks(rect, now);
  if (zoomed_[index]) {
    x->setRange(x_range);
    y->setRange(y_range);
    return;
  }
  x->rescale();
  y->rescale();
  for (const Level& level : now.levels) y->setRange(y->range().expanded(QCPRange(level.y, level.y)));
  // The names stand above the curves, not on them, and words under the names.
  const double free =
      std::clamp(1 - (legend + 6 * inks_.style.unit) / rectHeight(), 0.4, now.words.empty() ? 0.92 : 0.66);
  if (now.log_y) {
    const double low = y->range().lower / 1.15;
    y->setRange(low, low * std::pow(1.1 * y->range().upper / low, 1 / free));
  } else {
    const double low = std::min(0.0, y->range().lower), size = y->range().upper - low;
    y->setRange(low < 0 ? low - 0.06 * size : 0, low + (size > 0 ? size : 1) / free);
  }
  if (bars > 0 && !now.curves.front().x.empty()) {
    // By what they stand on: QCustomPlot goes by their pixels of now.
    const auto [first, last] = std::ranges::minmax(now.curves.front().x);
    x->setRange(first - 0.7, last + 0.7);
    return;
  }
  const double margin = std::max(0.5, 0.02 * x->range().size());
  x->setRange(x->range().lower - margin, x->range().upper + margin);
}

void CurvePlot::addMarks(QCPAxisRect* rect, const Chart& chart) {
  QCPAxis* x = rect->axis(QCPAxis::atBottom);
  QCPAxis* y = rect->axis(QCPAxis::atLeft);
  using Type = QCPItemPosition::PositionType;
  const auto place = [&](QCPItemPosition* at, Type across, Type up, const QPointF& where) {
    at->setAxes(x, y);
    at->setAxisRect(rect);
    at->setTypeX(across);
    at->setTypeY(up);
    at->setCoords(where);
  };
  const auto line = [&](const QPointF& from, const QPointF& to, Type across, Type up, const QPen& pen) {
    auto* item = new QCPItemLine(this);
    item->setClipAxisRect(rect);
    place(item->start, across, up, from);
    place(item->end, across, up, to);
    item->setPen(pen);
    item->setSelectable(false);
  };
  const auto words = [&](const QString& text, Type across, const QPointF& at, Qt::Alignment alignment,
                         const QColor& color) {
    auto* item = new QCPItemText(this);
    item->setClipAxisRect(rect);
    place(item->position, across, QCPItemPosition::ptPlotCoords, at);
    item->setPositionAlignment(alignment);
    item->setText(text);
    item->setFont(inks_.small);
    item->setColor(color);
    item->setSelectable(false);
  };
  constexpr Type share = QCPItemPosition::ptAxisRectRatio, number = QCPItemPosition::ptPlotCoords;
  for (const Level& level : chart.levels) {
    line({0, level.y}, {1, level.y}, share, number, QPen(inks_.style.muted, 1, Qt::DashLine));
    words(level.words, share, {0.005, level.y}, Qt::AlignLeft | Qt::AlignBottom, inks_.style.muted);
  }
  for (const PointWords& point : chart.words)
    words(point.words, number, {point.x, point.y}, Qt::AlignHCenter | Qt::AlignBottom, inks_.style.text);
  if (chart.selected)
    line({*chart.selected, 0}, {*chart.selected, 1}, number, share, QPen(inks_.style.accent, 1));
  if (chart.chosen) {
    auto* frame = new QCPItemRect(this);
    frame->setClipAxisRect(rect);
    place(frame->topLeft, number, share, {chart.chosen->first, 0});
    place(frame->bottomRight, number, share, {chart.chosen->second, 1});
    QColor tint = inks_.style.accent;
    tint.setAlpha(40);
    frame->setBrush(tint);
    frame->setPen(QPen(inks_.style.accent, 1.5 * inks_.style.unit));
    frame->setSelectable(false);
  }
}

void CurvePlot::dress(QCPAxisRect* rect, const Chart& chart) {
  const PlotStyle& style = inks_.style;
  rect->setBackground(style.background);
  for (QCPAxis* axis : rect->axes()) {
    axis->setBasePen(QPen(style.line, 1));
    axis->setTickPen(QPen(style.line, 1));
    axis->setSubTickPen(QPen(style.line, 1));
    axis->setTickLabelFont(inks_.small);
    axis->setLabelFont(inks_.small);
    axis->setTickLabelColor(style.muted);
    axis->setLabelColor(style.muted);
    axis->setTickLabelPadding(2);
    axis->setLabelPadding(2);
    axis->setTickLengthIn(0);
    axis->setTickLengthOut(3);
    axis->setSubTickLengthIn(0);
    axis->grid()->setPen(QPen(style.surface, 1));
    axis->grid()->setSubGridVisible(false);
    axis->grid()->setZeroLinePen(QPen(style.line, 1));
  }
  rect->axis(QCPAxis::atRight)->setVisible(false);
  rect->axis(QCPAxis::atTop)->setVisible(false);
  QCPAxis* x = rect->axis(QCPAxis::atBottom);
  QCPAxis* y = rect->axis(QCPAxis::atLeft);
  x->setLabel(chart.x_label);
  y->setLabel(QFontMetricsF(inks_.small).elidedText(chart.y_label, Qt::ElideRight, rectHeight()));
  x->ticker()->setTickCount(6);
  if (!chart.x_words.isEmpty()) {
    auto named = QSharedPointer<QCPAxisTickerText>::create();
    for (int i = 0; i < chart.x_words.size(); ++i) named->addTick(i, chart.x_words[i]);
    x->setTicker(named);
    x->setSubTicks(false);
  } else if (chart.whole_x) {
    auto whole = QSharedPointer<QCPAxisTickerFixed>::create();
    whole->setTickStep(1);
    whole->setScaleStrategy(QCPAxisTickerFixed::ssMultiples);
    whole->setTickCount(6);
    x->setTicker(whole);
    x->setSubTicks(false);
    x->setNumberFormat(QStringLiteral("f"));
    x->setNumberPrecision(0);
  }
  y->setScaleType(chart.log_y ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  if (chart.log_y) {
    y->setTicker(QSharedPointer<QCPAxisTickerLog>::create());
  } else {
    auto plain = QSharedPointer<QCPAxisTicker>::create();
    plain->setTickCount(4);
    y->setTicker(plain);
  }
  y->setNumberFormat(QStringLiteral("g"));
  y->setNumberPrecision(chart.log_y ? 6 : 4);  // 100000, not 1e+05
  y->setSubTicks(false);
  rect->setRangeDrag(Qt::Horizontal | Qt::Vertical);
  rect->setRangeZoom(Qt::Horizontal);
}

void CurvePlot::addCurve(QCPAxisRect* rect, const Curve& curve) {
  const QColor color = colorOf(inks_.style, curve.ink);
  QCPAxis *x = rect->axis(QCPAxis::atBottom), *y = rect->axis(QCPAxis::atLeft);
  QCPGraph* graph = curve.low.empty() ? new QCPGraph(x, y) : new IntervalGraph(x, y, curve);
  graph->setName(curve.name);
  graph->setPen(
      QPen(color, std::max(1.0, 1.4 * inks_.style.unit), curve.dashed ? Qt::DashLine : Qt::SolidLine));
  if (curve.stroke != Stroke::Line)
    graph->setLineStyle(curve.stroke == Stroke::Stems ? QCPGraph::lsImpulse : QCPGraph::lsNone);
  if (curve.stroke == Stroke::Stems) {
    // As wide as there is room for.
    const auto room = 0.8 * columnWidth() / std::max(1.0, 1.6 * static_cast<double>(curve.x.size()));
    QPen pen = graph->pen();
    pen.setCapStyle(Qt::FlatCap);
    pen.setWidthF(std::clamp(room, pen.widthF(), 7 * inks_.style.unit));
    graph->setPen(pen);
  }
  graph->setScatterStyle(scatterOf(curve.marker, color, 4.5 * inks_.style.unit));
  graph->setData(toVector(curve.x), toVector(curve.y), true);
}

/// The bars of one of `count` curves, all beside each other around their x.
void CurvePlot::addBars(QCPAxisRect* rect, const Curve& curve, int index, int count) {
  constexpr double together = 0.84;  // of the way from one x to the next
  const double width = together / count;
  auto* bars = new NamedBars(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), inks_.small,
                             inks_.style.background);
  bars->setName(curve.name);
  bars->setBrush(colorOf(inks_.style, curve.ink));
  bars->setPen(Qt::NoPen);
  bars->setWidth(0.94 * width);
  QVector<double> x = toVector(curve.x);
  for (double& at : x) at += (index - 0.5 * (count - 1)) * width;
  bars->setData(x, toVector(curve.y), true);
}

/// What a chart has for its curves, once titles, numbers and words of the axes have their room.
double CurvePlot::rectHeight() const {
  const int rows = (static_cast<int>(charts_.size()) + columns_ - 1) / std::max(1, columns_);
  const double around = QFontMetricsF(inks_.title).height() + 2.6 * QFontMetricsF(inks_.small).height();
  return std::max(1.0, static_cast<double>(height()) / std::max(1, rows) - around);
}

/// The names in rows over the curves, at the right. How high they are.
double CurvePlot::addLegend(QCPAxisRect* rect) {
  auto* legend = new QCPLegend;
  rect->insetLayout()->addElement(legend, Qt::AlignTop | Qt::AlignRight);
  legend->setLayer(QStringLiteral("legend"));
  legend->setFillOrder(QCPLayoutGrid::foColumnsFirst);
  legend->setFont(inks_.small);
  legend->setTextColor(inks_.style.text);
  QColor ground = inks_.style.background;  // on which marks fade
  ground.setAlpha(215);
  legend->setBrush(ground);
  legend->setBorderPen(Qt::NoPen);
  legend->setMargins(QMargins());
  legend->setColumnSpacing(static_cast<int>(8 * inks_.style.unit));
  legend->setIconSize(static_cast<int>(18 * inks_.style.unit), static_cast<int>(10 * inks_.style.unit));
  legend->setIconTextPadding(static_cast<int>(4 * inks_.style.unit));
  // In as many columns as there is room for, which has to be known before the first is put there.
  double widest = 1;
  for (QCPAbstractPlottable* curve : rect->plottables())
    widest = std::max(widest, QFontMetricsF(inks_.small).horizontalAdvance(curve->name()));
  const double room = columnWidth() - 70 * inks_.style.unit;  // beside the numbers of the axis
  legend->setWrap(std::max(1, static_cast<int>(room / (widest + 32 * inks_.style.unit))));
  for (QCPAbstractPlottable* curve : rect->plottables())
    legend->addItem(new QCPPlottableLegendItem(legend, curve));
  return legend->rowCount() * (QFontMetricsF(inks_.small).height() + legend->rowSpacing());
}

void CurvePlot::resizeEvent(QResizeEvent* event) {
  QCustomPlot::resizeEvent(event);
  if (!rects_.empty() && chartColumns(charts_.size(), size()) != columns_) return build();
  for (std::size_t i = 0; i < rects_.size(); ++i) fill(static_cast<int>(i));
  replot(rpQueuedReplot);  // QCustomPlot has drawn before they were filled
}

void CurvePlot::paint(QPainter& painter, const QRectF& area, const std::vector<Chart>& charts) {
  Inks inks{PlotStyle::paper(*painter.device(), area.size()), {}, {}};
  // QCustomPlot places whole pixels: it draws a picture of 1 px = `unit`, which is then scaled.
  const double unit = inks.style.unit, pixels = painter.device()->logicalDpiY() / 72.0 / unit;
  inks.small = inPixels(inks.style.small, pixels);
  inks.title = inPixels(inks.style.normal, pixels);
  inks.style.unit = 1;
  CurvePlot plot(inks);
  plot.charts_ = charts;
  const QSize size = (area.size() / unit).toSize();
  plot.setGeometry(QRect(QPoint(), size));
  plot.build();
  QPicture picture;
  QCPPainter recorder;
  recorder.begin(&picture);
  recorder.setMode(QCPPainter::pmVectorized);
  plot.toPainter(&recorder, size.width(), size.height());
  recorder.end();
  painter.save();
  painter.setClipRect(area);
  painter.translate(area.topLeft());
  // drawPicture() itself scales from the picture's resolution to the device's.
  const double scale = unit * picture.logicalDpiY() / painter.device()->logicalDpiY();
  painter.scale(scale, scale);
  painter.drawPicture(0, 0, picture);
  painter.restore();
}

}  // namespace qkscope

// The residual stream after one layer in space: a stem for every number, |h| over position and channel, as
// Figure 1 of "Massive Activations in Large Language Models" draws it. Painted, not rendered: it goes into a
// page as lines.
#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "views/channels.h"
#include "views/color_bar.h"
#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

/// Where the box of positions (to the right), channels (to the back) and heights lies.
struct Space {
  QPointF origin, position, channel;  // the corner in front, and the ends of its two axes
  double height = 0;                  // of the largest number, in the painter's units

  QPointF at(double position_share, double channel_share) const {
    return origin + position_share * (position - origin) + channel_share * (channel - origin);
  }
};

struct Stem {
  int position = 0, channel = 0;
  float size = 0;
};

/// More would be painted over one another.
constexpr std::int64_t most_stems = 20000;

/// Of neighbouring channels the largest number where there are too many, so that no maximum is hidden.
std::vector<Stem> stemsOf(const Array& h) {
  const std::int64_t positions = h.size(0), channels = h.size(1);
  const std::int64_t together =
      std::max<std::int64_t>(1, (positions * channels + most_stems - 1) / most_stems);
  std::vector<Stem> stems;
  for (std::int64_t c = 0; c < channels; c += together) {
    for (std::int64_t t = 0; t < positions; ++t) {
      Stem stem{static_cast<int>(t), static_cast<int>(c), 0};
      for (std::int64_t i = c; i < std::min(channels, c + together); ++i) {
        const float size = std::abs(h.at(t, i));
        if (size > stem.size || std::isnan(size)) stem = {stem.position, static_cast<int>(i), size};
      }
      stems.push_back(stem);
    }
  }
  return stems;
}

}  // namespace

class StemsView : public View {
  Q_OBJECT
 public:
  StemsView(ViewState& state, QWidget* parent) : View(state, parent) {
    setAccessibleName(tr("Residual stream after the selected layer, a stem for every number"));
    connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
    connect(&state, &ViewState::selectionChanged, this, [this] {
      if (this->state().selection().layer != drawn_) scheduleRefresh();
    });
  }

  Needs needs() const override { return channelsNeeds(data(), state().look(), state().selection()); }
  bool isFigure() const override { return true; }
  QSize sizeHint() const override { return {900, 260}; }
  QSize minimumSizeHint() const override { return {300, 130}; }
  QString figureTitle() const override {
    return tr("Residual stream in space, %1, %2")
        .arg(layerWords(data(), state().selection().layer), shownWords(state().look().shown));
  }
  QString whyNoFigure() const override { return whyNoChannels(data(), state().look(), state().selection()); }
  void paintFigure(QPainter& painter, const QRectF& area) const override {
    const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
    paintStems(painter, style, area);
  }
  std::vector<FigureArray> figureArrays() const override {
    return channelArrays(data(), state().look(), state().selection());
  }

 protected:
  void refresh() override {
    drawn_ = state().selection().layer;
    scene_ = {};
    const QString message = whyNoFigure();
    setAccessibleDescription(message.isEmpty() ? figureTitle() : message);
    update();
    tellNeeds();
  }
  void paintEvent(QPaintEvent*) override {
    const PlotStyle style = PlotStyle::of(*this);
    const QSize pixels = (QSizeF(size()) * devicePixelRatioF()).toSize();
    if (scene_.size() != pixels) {
      scene_ = QPixmap(pixels);
      scene_.setDevicePixelRatio(devicePixelRatioF());
      QPainter scene(&scene_);
      paintStems(scene, style, rect());
    }
    QPainter painter(this);
    painter.fillRect(rect(), style.background);
    painter.setOpacity(data().stale ? 0.45 : 1);
    painter.drawPixmap(0, 0, scene_);
  }
  void changeEvent(QEvent* event) override {
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange ||
        event->type() == QEvent::EnabledChange)
      scheduleRefresh();
  }

 private:
  void paintStems(QPainter& painter, const PlotStyle& style, const QRectF& area) const {
    painter.fillRect(area, style.background);
    if (const QString message = whyNoFigure(); !message.isEmpty())
      return paintMessage(painter, style, area, message);
    painter.save();
    painter.setClipRect(area, Qt::IntersectClip);
    painter.setRenderHint(QPainter::Antialiasing);
    const double u = style.unit;
    const TextMetrics small = style.metrics(style.small), title = style.metrics(style.title);
    const Array h = *shownChannels(data(), state().look(), state().selection());
    const std::vector<Stem> stems = stemsOf(h);
    float most = 0;
    for (const Stem& stem : stems) most = std::isfinite(stem.size) ? std::max(most, stem.size) : most;
    paintTitle(painter, style, area);
    const double top = area.top() + 6 * u + title.height() + 10 * u,
                 numbers = small.horizontalAdvance(QStringLiteral("000,000")) + 14 * u;
    const QRectF inside(area.left() + numbers, top, area.width() - numbers - 90 * u,
                        area.bottom() - top - small.height() * 2.2);
    // The back edge lies a third of the height above the front.
    const double rise = inside.height() / 3;
    const Space space{inside.bottomLeft(), inside.bottomLeft() + QPointF(0.72 * inside.width(), 0),
                      inside.bottomLeft() + QPointF(0.28 * inside.width(), -rise), inside.height() - rise};
    paintBox(painter, style, space, h, most);
    const double positions = std::max<double>(1, static_cast<double>(h.size(0) - 1)),
                 channels = std::max<double>(1, static_cast<double>(h.size(1) - 1));
    const auto foot = [&](const Stem& stem) {
      return space.at(stem.position / positions, stem.channel / channels);
    };
    const auto rule = [&](const Stem& stem) {
      return std::isfinite(stem.size) && most > 0 ? stem.size / most : 1;
    };
    painter.setPen(QPen(style.baseline, 0.8 * u));
    // From the back: what stands in front hides what is behind.
    for (auto stem = stems.rbegin(); stem != stems.rend(); ++stem) {
      const QPointF from = foot(*stem);
      const double size = static_cast<double>(rule(*stem)) * space.height;
      if (size >= 0.5 * u) painter.drawLine(from, from - QPointF(0, size));
    }
    paintPeaks(painter, style, stems, [&](const Stem& stem) {
      return foot(stem) - QPointF(0, static_cast<double>(rule(stem)) * space.height);
    });
    painter.restore();
  }

  void paintTitle(QPainter& painter, const PlotStyle& style, const QRectF& area) const {
    const double u = style.unit;
    const TextMetrics small = style.metrics(style.small), title = style.metrics(style.title);
    const QString words = tr("Residual stream after %1").arg(layerWords(data(), state().selection().layer));
    QRectF line(area.left() + 10 * u, area.top() + 6 * u, area.width() - 20 * u, title.height());
    painter.setFont(style.title);
    painter.setPen(style.text);
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, words);
    line.setLeft(line.left() + title.horizontalAdvance(words) + 10 * u);
    painter.setFont(style.small);
    painter.setPen(style.muted);
    const QString run = shownWords(state().look().shown);
    const QString size = state().look().shown == Shown::Difference ? tr("|Δh|") : tr("|h|");
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
                     small.elidedText(tr("%1 over position and channel · %2").arg(size, run), Qt::ElideRight,
                                      std::max(0.0, line.width())));
  }

  /// The floor with its two axes, and the scale of heights at the left.
  void paintBox(QPainter& painter, const PlotStyle& style, const Space& space, const Array& h,
                float most) const {
    const double u = style.unit;
    const TextMetrics small = style.metrics(style.small);
    painter.setFont(style.small);
    painter.setPen(QPen(style.line, u));
    painter.drawPolygon(QPolygonF{space.at(0, 0), space.at(1, 0), space.at(1, 1), space.at(0, 1)});
    constexpr int steps = 4;
    for (int i = 0; i <= steps; ++i) {
      const double part = static_cast<double>(i) / steps;
      const QPointF rise(0, -part * space.height);
      painter.setPen(QPen(style.line, u, i == 0 ? Qt::SolidLine : Qt::DotLine));
      painter.drawPolyline(QPolygonF{space.at(0, 0) + rise, space.at(0, 1) + rise, space.at(1, 1) + rise});
      painter.setPen(style.muted);
      const QString number = numberWords(part * static_cast<double>(most));
      painter.drawText(
          space.at(0, 0) + rise - QPointF(small.horizontalAdvance(number) + 5 * u, -0.3 * small.height()),
          number);
      // Positions in front, channels at the right.
      const auto position = std::lround(part * static_cast<double>(h.size(0) - 1)),
                 channel = std::lround(part * static_cast<double>(h.size(1) - 1));
      const QString token = QStringLiteral("%1 %2").arg(position).arg(
          visibleToken(data().pieces.value(static_cast<qsizetype>(position))));
      const QString shown = small.elidedText(token, Qt::ElideRight, 80 * u);
      const double width = small.horizontalAdvance(shown);
      painter.drawText(space.at(part, 0) + QPointF(i == 0 ? 0 : -width / 2, small.height() * 1.05), shown);
      painter.drawText(space.at(1, part) + QPointF(6 * u, 0.3 * small.height()), QString::number(channel));
    }
    painter.drawText(
        space.at(0.5, 0) + QPointF(-small.horizontalAdvance(tr("position")) / 2, small.height() * 2),
        tr("position"));
    painter.drawText(space.at(1, 0.5) + QPointF(40 * u, 0.3 * small.height()), tr("channel"));
  }

  /// The largest three by name.
  template <typename Tip>
  void paintPeaks(QPainter& painter, const PlotStyle& style, std::vector<Stem> stems, const Tip& tip) const {
    const double u = style.unit;
    constexpr std::size_t named = 3;
    const auto end = stems.begin() + static_cast<std::ptrdiff_t>(std::min(named, stems.size()));
    std::partial_sort(stems.begin(), end, stems.end(),
                      [](const Stem& a, const Stem& b) { return a.size > b.size; });
    painter.setFont(style.small);
    const double height = style.metrics(style.small).height();
    std::vector<double> taken;
    for (auto stem = stems.begin(); stem != end; ++stem) {
      QPointF at = tip(*stem);
      painter.setPen(Qt::NoPen);
      painter.setBrush(style.baseline);
      painter.drawEllipse(at, 2.5 * u, 2.5 * u);
      painter.setPen(style.text);
      // No name over another.
      double y = at.y();
      while (std::ranges::any_of(taken, [&](double other) { return std::abs(other - y) < height; }))
        y += height;
      taken.push_back(y);
      painter.drawText(QPointF(at.x() + 6 * u, y + 0.3 * height),
                       tr("%1 · position %2, channel %3")
                           .arg(numberWords(static_cast<double>(stem->size)))
                           .arg(stem->position)
                           .arg(stem->channel));
    }
  }

  int drawn_ = -1;
  QPixmap scene_;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("stems"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Residual stream in space")),
     Place::Bottom, 12, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new StemsView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "stems_view.moc"

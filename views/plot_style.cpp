#include "views/plot_style.h"

#include <QFontDatabase>
#include <QFontInfo>
#include <QSizeF>
#include <algorithm>
#include <array>
#include <map>

namespace qkscope {

namespace {

QColor mix(const QColor& a, const QColor& b, double part_of_b) {
  const auto blend = [part_of_b](int x, int y) { return static_cast<int>(x + (y - x) * part_of_b); };
  return {blend(a.red(), b.red()), blend(a.green(), b.green()), blend(a.blue(), b.blue())};
}

void setMeanings(PlotStyle& style) {
  // Each pair has at least 4.5:1 on its ground, and the four meanings differ in lightness as well as in hue.
  const auto pick = [&style](QRgb light, QRgb dark) { return QColor(style.dark ? dark : light); };
  style.baseline = pick(0x1d4ed8, 0x7da2ff);
  style.disrupted = pick(0xc5281c, 0xff7a66);
  style.context = pick(0x7030c8, 0xbb93ff);
  style.memory = pick(0x0b7a4b, 0x4fd39a);
  style.query = pick(0xa84f00, 0xffb454);
  style.key = pick(0x0a6c86, 0x52cde8);
  style.value = pick(0x5b6270, 0xaab2c0);
}

QFont sized(QFont font, double points) {
  font.setPointSizeF(points);
  return font;
}

}  // namespace

TextMetrics::TextMetrics(const QFont& font, const QPaintDevice* device) : QFontMetricsF(font, device) {
  using Type = std::pair<QFont, int>;
  static thread_local std::map<Type, QHash<QString, qreal>> all;
  // A document has some hundred texts, a long prompt some thousand tokens.
  constexpr qsizetype most = 50000;
  QHash<QString, qreal>& widths = all[{font, device ? device->logicalDpiX() : 0}];
  if (widths.size() > most) widths.clear();
  widths_ = &widths;
}

qreal TextMetrics::horizontalAdvance(const QString& text) const {
  const auto known = widths_->constFind(text);
  if (known != widths_->constEnd()) return *known;
  return *widths_->insert(text, QFontMetricsF::horizontalAdvance(text));
}

QString TextMetrics::elidedText(const QString& text, Qt::TextElideMode mode, qreal width) const {
  return horizontalAdvance(text) <= width ? text : QFontMetricsF::elidedText(text, mode, width);
}

QFont withTabularFigures(const QFont& font) {
#if QT_VERSION >= QT_VERSION_CHECK(6, 7, 0)
  QFont tabular = font;
  tabular.setFeature(QFont::Tag("tnum"), 1);
#else
  const QFont& tabular = font;
#endif
  const QFontMetricsF metrics(tabular);
  if (qFuzzyCompare(metrics.horizontalAdvance(u'1'), metrics.horizontalAdvance(u'0'))) return tabular;
  QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
  fixed.setPointSizeF(QFontInfo(font).pointSizeF() * 0.95);
  fixed.setWeight(font.weight());
  return fixed;
}

const QColor& PlotStyle::site(Site site) const {
  switch (site) {
    case Site::Query:
    case Site::QueryPreRope:
      return query;
    case Site::Key:
    case Site::KeyPreRope:
    case Site::KeyCached:
      return key;
    default:
      return value;
  }
}

PlotStyle PlotStyle::of(const QWidget& widget) {
  // Asked many times for every paint and every layout, nearly always with the same palette and font.
  struct Made {
    qint64 palette = 0;
    QPalette::ColorGroup group = QPalette::Active;  // the key is one for all groups
    QFont font;
    PlotStyle style;
  };
  static std::array<Made, 4> made;
  static std::size_t next = 0;
  const QPalette palette = widget.palette();
  const qint64 key = palette.cacheKey();
  const QPalette::ColorGroup group = palette.currentColorGroup();
  auto known = std::find_if(made.begin(), made.end(), [&](const Made& one) {
    return one.palette == key && one.group == group && one.font == widget.font();
  });
  if (known == made.end()) {
    known = made.begin() + static_cast<std::ptrdiff_t>(next++ % made.size());
    *known = {key, group, widget.font(), make(widget)};
  }
  PlotStyle style = known->style;
  style.device_ = &widget;
  return style;
}

PlotStyle PlotStyle::make(const QWidget& widget) {
  const QPalette palette = widget.palette();
  PlotStyle style;
  style.background = palette.color(QPalette::Base);
  style.text = palette.color(QPalette::Text);
  style.dark = style.background.lightnessF() < 0.5;
  style.surface = mix(style.background, style.text, style.dark ? 0.08 : 0.045);
  style.muted = mix(style.text, style.background, 0.34);
  style.line = mix(style.background, style.text, 0.18);
  style.accent = palette.color(QPalette::Highlight);
  setMeanings(style);

  const QFont base = widget.font();
  const double points = QFontInfo(base).pointSizeF();
  style.normal = sized(base, points);
  style.small = sized(base, points * 0.86);
  style.title = sized(base, points * 1.15);
  style.title.setWeight(QFont::DemiBold);
  style.mono = sized(QFontDatabase::systemFont(QFontDatabase::FixedFont), points);
  style.figures = withTabularFigures(style.normal);
  style.unit =
      points / 10.0;  // lengths grow with the type, so that a presenter's larger font scales the picture
  return style;
}

PlotStyle PlotStyle::paper(const QPaintDevice& device, const QSizeF& figure) {
  PlotStyle style;
  style.background = Qt::white;
  style.surface = QColor(0xf3f4f6);
  style.text = Qt::black;
  style.muted = QColor(0x444444);
  style.line = QColor(0xbfbfbf);
  style.accent = QColor(0x1d4ed8);
  setMeanings(style);
  QFont base(QStringLiteral("Inter"));
  // Shaping puts other forms of brackets, dashes and signs beside figures and capitals, and a PDF cannot tell
  // what those stand for: its text would be copied without them. Scripts that need shaping have it all the
  // same.
  base.setStyleStrategy(QFont::PreferNoShaping);
  QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
  fixed.setStyleStrategy(QFont::PreferNoShaping);
  constexpr double page_mm = 150, least = 5.5 / 7;
  const double width_mm = figure.width() / device.logicalDpiX() * 25.4;
  const double scale = std::clamp(width_mm / page_mm, least, 1.0);
  style.normal = sized(base, 8 * scale);
  style.small = sized(base, 7 * scale);
  style.title = sized(base, 9 * scale);
  style.title.setWeight(QFont::DemiBold);
  style.mono = sized(fixed, 7 * scale);
  style.figures = withTabularFigures(style.normal);
  style.device_ = &device;
  style.unit = device.logicalDpiY() / 96.0 * 0.8 * scale;
  return style;
}

}  // namespace qkscope

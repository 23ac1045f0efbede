#include "views/band_chart.h"

#include <QLocale>
#include <algorithm>
#include <cmath>

#include "views/ruler.h"

namespace qkscope {

namespace {

double share(const BandShare& band) {
  return band.entries > 0 ? static_cast<double>(band.massive) / static_cast<double>(band.entries) : 0.0;
}

}  // namespace

Bands bandsOf(const ViewData& data, const Look& look) {
  Bands bands;
  bands.missing = whyNothing(data, look);
  const Capture* capture = ruleCapture(data, look);
  if (!bands.missing.isEmpty() || !capture) return bands;
  const LayerAxes axes = shownAxes(data);
  if (axes.first().inv_freq().empty()) {
    bands.missing = whyNoRuler(*data.spec());
    return bands;
  }
  int alike = 0;
  for (int layer = 0; layer < data.spec()->num_layers(); ++layer) alike += axes.as_first(layer);
  if (alike < data.spec()->num_layers())
    bands.note = Words::tr("%1 of %2 layers, which rotate alike").arg(alike).arg(data.spec()->num_layers());
  const auto of = [&](Site site) {
    return band_shares(*capture, shownSite(site, look.after_rope), look.lambda, axes);
  };
  bands.query = of(Site::Query);
  bands.key = of(Site::Key);
  return bands;
}

void paintBands(QPainter& painter, const PlotStyle& style, const QRectF& area, const Bands& bands) {
  const double u = style.unit;
  const QFontMetricsF small = style.metrics(style.small);
  painter.save();
  painter.setFont(style.small);
  if (bands.query.empty()) {
    painter.setPen(style.muted);
    painter.drawText(area, Qt::AlignCenter | Qt::TextWordWrap, bands.missing);
    painter.restore();
    return;
  }
  double most = 0;
  for (const auto* site : {&bands.query, &bands.key}) {
    for (const BandShare& band : *site) most = std::max(most, share(band));
  }
  // Q stands left and K right in every band, with its letter where there is room: never colour alone.
  struct Series {
    const std::vector<BandShare>* bands;
    QString letter;
    QColor color;
  };
  const std::vector<Series> series{{&bands.query, siteLetter(Site::Query), style.query},
                                   {&bands.key, siteLetter(Site::Key), style.key}};
  double x = area.left();
  const double box = small.ascent() * 0.8;
  for (const Series& one : series) {
    const QRectF sample(x, area.top() + (small.height() - box) / 2, box, box);
    painter.fillRect(sample, one.color);
    painter.setPen(style.text);
    painter.drawText(QPointF(sample.right() + 4 * u, area.top() + small.ascent()), one.letter);
    x = sample.right() + 4 * u + small.horizontalAdvance(one.letter) + 12 * u;
  }
  painter.setPen(style.muted);
  painter.drawText(QRectF(x, area.top(), area.right() - x, small.height()), Qt::AlignRight,
                   Words::tr("share that is massive"));

  const QRectF plot(area.left(), area.top() + 2.2 * small.height(), area.width(),
                    area.height() - 2.2 * small.height() - 2.3 * small.height());
  const auto count = static_cast<double>(bands.query.size());
  const double slot = plot.width() / count, gap = std::min(4 * u, slot * 0.15);
  for (std::size_t i = 0; i < bands.query.size(); ++i) {
    const double left = plot.left() + static_cast<double>(i) * slot;
    const QRectF ground(left + gap / 2, plot.top(), slot - gap, plot.height());
    painter.fillRect(ground, style.surface);
    const double width = (ground.width() - 2 * u) / 2;
    double tallest = 0;
    for (std::size_t s = 0; s < series.size(); ++s) {
      const double part = share((*series[s].bands)[i]);
      tallest = std::max(tallest, part);
      const double height = most > 0 ? part / most * plot.height() : 0;
      const QRectF bar(ground.left() + static_cast<double>(s) * (width + 2 * u), plot.bottom() - height,
                       width, height);
      painter.fillRect(bar, series[s].color);
      if (height > small.height() && width > small.horizontalAdvance(series[s].letter)) {
        painter.setPen(style.background);
        painter.drawText(bar, Qt::AlignHCenter | Qt::AlignBottom, series[s].letter);
      }
    }
    if (tallest > 0) {
      painter.setPen(style.text);
      const double top = plot.bottom() - tallest / most * plot.height();
      painter.drawText(QRectF(left - gap, top - small.height(), slot + 2 * gap, small.height()),
                       Qt::AlignCenter, percentWords(tallest));
    }
    painter.setPen(style.muted);
    painter.drawText(QRectF(left - gap, plot.bottom() + u, slot + 2 * gap, small.height()), Qt::AlignCenter,
                     wavelengthWords(bands.query[i].from_wavelength));
  }
  painter.setPen(style.muted);
  painter.drawText(QRectF(area.left(), plot.bottom() + 1.2 * small.height(), area.width(), small.height()),
                   Qt::AlignCenter,
                   bands.note.isEmpty() ? Words::tr("bands of the ruler, from wavelength (tokens)")
                                        : Words::tr("from wavelength (tokens); of %1").arg(bands.note));
  painter.restore();
}

BandChart::BandChart(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Share of massive values by wavelength band"));
}

void BandChart::setBands(const Bands& bands) {
  bands_ = bands;
  QStringList words;
  for (std::size_t i = 0; i < bands.query.size(); ++i) {
    words << tr("from %1 tokens: Q %2, K %3")
                 .arg(wavelengthWords(bands.query[i].from_wavelength), percentWords(share(bands.query[i])),
                      percentWords(share(bands.key[i])));
  }
  if (!bands.note.isEmpty()) words << tr("of %1").arg(bands.note);
  setAccessibleDescription(words.join(QStringLiteral("; ")));
  setToolTip(words.join(QLatin1Char('\n')));
  update();
}

void BandChart::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  paintBands(painter, PlotStyle::of(*this), rect(), bands_);
}

}  // namespace qkscope

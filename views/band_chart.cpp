#include "views/band_chart.h"

#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QLocale>
#include <QMenu>
#include <QMouseEvent>
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
  const Norms* norms = ruleNorms(data, look);
  if (!bands.missing.isEmpty() || !norms) return bands;
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
    return band_shares(*norms, shownSite(site, look.after_rope), look.lambda, axes);
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
  setFocusPolicy(Qt::StrongFocus);
}

void BandChart::setBands(const Bands& bands) {
  bands_ = bands;
  if (chosen_ && chosen_->second >= count()) chosen_.reset();
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
  const PlotStyle style = PlotStyle::of(*this);
  paintBands(painter, style, rect(), bands_);
  if (!chosen_) return;
  const QRect frame = band(chosen_->first).united(band(chosen_->second));
  QColor tint = style.accent;
  tint.setAlpha(40);
  painter.fillRect(frame, tint);
  painter.setPen(QPen(style.accent, 1.5 * style.unit));
  painter.drawRect(QRectF(frame).adjusted(1, 1, -1, -1));
}

QRect BandChart::band(int index) const {
  if (count() == 0) return {};
  const double slot = static_cast<double>(width()) / count();
  const double line = PlotStyle::of(*this).metrics(PlotStyle::of(*this).small).height();
  return QRectF(index * slot, 1.2 * line, slot, height() - 2.4 * line).toRect();
}

int BandChart::bandAt(double x) const {
  if (count() == 0) return -1;
  return std::clamp(static_cast<int>(std::floor(x * count() / width())), 0, count() - 1);
}

void BandChart::chooseTo(int band) {
  end_ = band;
  chosen_ = std::minmax(anchor_, end_);
  update();
}

QString BandChart::chosenWords() const {
  const auto from = bands_.query[static_cast<std::size_t>(chosen_->first)].from_wavelength;
  const auto to = bands_.query[static_cast<std::size_t>(chosen_->second)].to_wavelength;
  return tr("wavelengths %1 to %2").arg(wavelengthWords(from), wavelengthWords(to));
}

void BandChart::mousePressEvent(QMouseEvent* event) {
  const int band = bandAt(event->position().x());
  const bool inside = chosen_ && band >= chosen_->first && band <= chosen_->second;
  if (band < 0 || (event->button() == Qt::RightButton && inside)) return QWidget::mousePressEvent(event);
  if (!chosen_ || !(event->modifiers() & Qt::ShiftModifier)) anchor_ = band;
  chooseTo(band);
}

void BandChart::mouseMoveEvent(QMouseEvent* event) {
  if (chosen_ && (event->buttons() & Qt::LeftButton)) chooseTo(bandAt(event->position().x()));
}

bool BandChart::event(QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride && chosen_) {
    // X is the window's, for the cell that is selected; with bands chosen here it is theirs.
    if (static_cast<QKeyEvent*>(event)->key() == Qt::Key_X) event->accept();
  }
  return QWidget::event(event);
}

void BandChart::keyPressEvent(QKeyEvent* event) {
  const bool shift = event->modifiers() & Qt::ShiftModifier,
             control = event->modifiers() & Qt::ControlModifier;
  const int key = event->key();
  if (count() > 0 && (key == Qt::Key_Left || key == Qt::Key_Right)) {
    const int next = !chosen_ ? 0 : std::clamp(end_ + (key == Qt::Key_Left ? -1 : 1), 0, count() - 1);
    if (!chosen_ || !shift) anchor_ = next;
    return chooseTo(next);
  }
  if (chosen_ && key == Qt::Key_Escape) {
    chosen_.reset();
    return update();
  }
  if (!chosen_ || key != Qt::Key_X) return QWidget::keyPressEvent(event);
  Q_EMIT pointed({Site::Query, Site::Key}, chosen_->first, chosen_->second,
                 !shift    ? Pointing::Only
                 : control ? Pointing::Remove
                           : Pointing::Add);
}

void BandChart::contextMenuEvent(QContextMenuEvent* event) {
  if (!chosen_) return;
  auto* menu = new QMenu(this);
  menu->setObjectName(QStringLiteral("bandMenu"));
  menu->setAttribute(Qt::WA_DeleteOnClose);
  menu->addSection(chosenWords());
  const auto [first, last] = *chosen_;
  const std::pair<Pointing, QString> ways[] = {{Pointing::Only, tr("Disrupt only")},
                                               {Pointing::Add, tr("Disrupt also")},
                                               {Pointing::Remove, tr("Do not disrupt")}};
  for (const auto& [pointing, words] : ways) {
    QMenu* sites = menu->addMenu(words);
    const std::pair<QString, std::vector<Site>> all[] = {
        {tr("these dims of Q and K in all heads"), {Site::Query, Site::Key}},
        {tr("these dims of Q in all heads"), {Site::Query}},
        {tr("these dims of K in all heads"), {Site::Key}}};
    for (const auto& [what, of] : all) {
      sites->addAction(what, this, [this, of = of, first = first, last = last, pointing = pointing] {
        Q_EMIT pointed(of, first, last, pointing);
      });
    }
  }
  menu->popup(event->globalPos());
}

}  // namespace qkscope

#include "views/band_chart.h"

#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "views/layer_axis.h"
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

Chart chartOf(const Bands& bands) {
  Chart chart;
  chart.id = QStringLiteral("bands");
  chart.title = Words::tr("Where on the RoPE ruler");
  chart.x_label = bands.note.isEmpty() ? Words::tr("band, from wavelength (tokens)")
                                       : Words::tr("from wavelength (tokens); of %1").arg(bands.note);
  chart.y_label = Words::tr("massive (%)");
  chart.missing = bands.missing;
  if (bands.query.empty()) return chart;
  for (const auto& [site, shares] :
       {std::pair(site_looks[0], &bands.query), std::pair(site_looks[1], &bands.key)}) {
    Curve curve;
    curve.name = siteLetter(site.site);
    curve.ink = site.ink;
    curve.stroke = Stroke::Bars;
    for (const BandShare& band : *shares) {
      curve.x.push_back(static_cast<double>(curve.x.size()));
      curve.y.push_back(100 * share(band));
    }
    chart.curves.push_back(std::move(curve));
  }
  for (std::size_t i = 0; i < bands.query.size(); ++i) {
    chart.x_words << wavelengthWords(bands.query[i].from_wavelength);
    const double tallest = std::max(share(bands.query[i]), share(bands.key[i]));
    if (tallest > 0) chart.words.push_back({static_cast<double>(i), 100 * tallest, percentWords(tallest)});
  }
  return chart;
}

BandChart::BandChart(QWidget* parent) : CurvePlot(parent) {
  setAccessibleName(tr("Share of massive values by wavelength band"));
  showChart();
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
  showChart();
}

void BandChart::showChart() {
  Chart chart = chartOf(bands_);
  if (chosen_) chart.chosen = {chosen_->first - 0.5, chosen_->second + 0.5};
  setCharts({std::move(chart)});
}

QRect BandChart::band(int index) const {
  if (count() == 0) return {};
  const QCPAxisRect* plot = axisRect();
  const QCPAxis* x = plot->axis(QCPAxis::atBottom);
  const double left = x->coordToPixel(index - 0.5), right = x->coordToPixel(index + 0.5);
  return QRectF(left, plot->top(), right - left, plot->height()).toRect();
}

int BandChart::bandAt(double x) const {
  if (count() == 0) return -1;
  const double at = axisRect()->axis(QCPAxis::atBottom)->pixelToCoord(x);
  return std::clamp(static_cast<int>(std::lround(at)), 0, count() - 1);
}

void BandChart::chooseTo(int band) {
  end_ = band;
  chosen_ = std::minmax(anchor_, end_);
  showChart();
}

QString BandChart::chosenWords() const {
  const auto from = bands_.query[static_cast<std::size_t>(chosen_->first)].from_wavelength;
  const auto to = bands_.query[static_cast<std::size_t>(chosen_->second)].to_wavelength;
  return tr("wavelengths %1 to %2").arg(wavelengthWords(from), wavelengthWords(to));
}

void BandChart::mousePressEvent(QMouseEvent* event) {
  if (event->modifiers() & Qt::ControlModifier) return CurvePlot::mousePressEvent(event);
  const int band = bandAt(event->position().x());
  const bool inside = chosen_ && band >= chosen_->first && band <= chosen_->second;
  if (band < 0 || (event->button() == Qt::RightButton && inside)) return CurvePlot::mousePressEvent(event);
  if (!chosen_ || !(event->modifiers() & Qt::ShiftModifier)) anchor_ = band;
  choosing_ = event->button() == Qt::LeftButton;
  chooseTo(band);
}

void BandChart::mouseMoveEvent(QMouseEvent* event) {
  if (!choosing_) return CurvePlot::mouseMoveEvent(event);
  if (const int band = bandAt(event->position().x()); band >= 0 && band != end_) chooseTo(band);
}

void BandChart::mouseReleaseEvent(QMouseEvent* event) {
  if (!std::exchange(choosing_, false)) CurvePlot::mouseReleaseEvent(event);
}

bool BandChart::event(QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride && chosen_) {
    // X is the window's, for the cell that is selected; with bands chosen here it is theirs.
    if (static_cast<QKeyEvent*>(event)->key() == Qt::Key_X) event->accept();
  }
  return CurvePlot::event(event);
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
    return showChart();
  }
  if (!chosen_ || key != Qt::Key_X) return CurvePlot::keyPressEvent(event);
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

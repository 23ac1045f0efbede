#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QSignalBlocker>
#include <QSlider>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "views/band_chart.h"
#include "views/color_bar.h"
#include "views/counted.h"
#include "views/exact_boxes.h"
#include "views/massive_item_model.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

/// "Q / 270 / of 17,280": one number of the panel.
class Counter : public QWidget {
 public:
  Counter(const QString& letter, const QString& name, QWidget* parent)
      : QWidget(parent),
        name_(name),
        count_(new StyledLabel(Type::Figure, Tone::Text, this)),
        of_(new StyledLabel(Type::Small, Tone::Muted, this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 4, 8, 4);
    layout->setSpacing(0);
    layout->addWidget(new StyledLabel(Type::Small, Tone::Muted, this, letter));
    layout->addWidget(count_);
    layout->addWidget(of_);
  }
  void set(const std::optional<MassiveCount>& count) {
    const QLocale locale;
    const auto words = [&](std::int64_t n) { return locale.toString(static_cast<qlonglong>(n)); };
    count_->setText(count ? words(count->massive) : QStringLiteral("–"));
    of_->setText(count ? Words::tr("of %1").arg(words(count->entries)) : QString());
    setToolTip(
        count
            ? Words::tr("%1: %2 of %3 entries of M are massive, %4 of them in the low-frequency half")
                  .arg(name_, words(count->massive), words(count->entries), words(count->low_frequency_half))
            : QString());
    setAccessibleName(count ? toolTip() : name_);
  }

 protected:
  void paintEvent(QPaintEvent*) override { QPainter(this).fillRect(rect(), PlotStyle::of(*this).surface); }

 private:
  QString name_;
  StyledLabel *count_, *of_;
};

}  // namespace

/// Lambda, what it finds, where on the RoPE ruler, and which cells. Lambda is part of the look: moving it
/// runs nothing.
class MassiveView : public View {
  Q_OBJECT
 public:
  MassiveView(ViewState& state, QWidget* parent) : View(state, parent) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(10, 8, 10, 8);
    layout->setSpacing(6);

    which_ = new StyledLabel(Type::Small, Tone::Text, this);
    auto* head = new QHBoxLayout;
    head->addWidget(new StyledLabel(Type::Title, Tone::Text, this, tr("Massive values")));
    head->addWidget(which_, 1, Qt::AlignRight);
    layout->addLayout(head);

    // The slider goes in tenths; the box beside it takes any lambda and shows it whole.
    slider_ = new QSlider(Qt::Horizontal, this);
    slider_->setRange(10, 150);
    slider_->setPageStep(5);
    slider_->setAccessibleName(tr("lambda"));
    slider_->setToolTip(tr("Massive: M greater than lambda times the mean of its head"));
    exact_ = new ExactDoubleBox(this);
    exact_->setRange(0, std::numeric_limits<double>::max());
    exact_->setSingleStep(0.5);
    exact_->setAccessibleName(tr("lambda, exact"));
    auto* lambda_label = new QLabel(tr("&λ"), this);
    lambda_label->setBuddy(slider_);
    auto* lambda = new QHBoxLayout;
    lambda->addWidget(lambda_label);
    lambda->addWidget(slider_, 1);
    lambda->addWidget(exact_);
    layout->addLayout(lambda);
    connect(slider_, &QSlider::valueChanged, this, [this](int tenths) { setLambda(tenths / 10.0); });
    connect(exact_, &QDoubleSpinBox::valueChanged, this, [this](double value) { setLambda(value); });

    auto* counters = new QHBoxLayout;
    counters->setSpacing(6);
    const std::array<QString, 3> names{tr("Q"), tr("K"), tr("V (control)")};
    for (std::size_t i = 0; i < counters_.size(); ++i) {
      counters_[i] = new Counter(names[i], siteLetter(all_sites[i]), this);
      counters->addWidget(counters_[i], 1);
    }
    layout->addLayout(counters);

    chart_ = new BandChart(this);
    layout->addWidget(chart_);
    connect(chart_, &BandChart::hovered, this,
            [this](const QString& words) { this->state().setHover(words); });
    connect(chart_, &BandChart::pointed, this,
            [this](const std::vector<Site>& sites, int first, int last, Pointing pointing) {
              Q_EMIT columnsPointed(bandEntries(data(), sites, first, last), pointing);
            });

    model_ = new MassiveItemModel(this);
    sorted_ = new QSortFilterProxyModel(this);
    sorted_->setSourceModel(model_);
    sorted_->setSortRole(MassiveItemModel::SortRole);
    table_ = rowsTable(sorted_, this);
    table_->setObjectName(QStringLiteral("massiveTable"));
    table_->sortByColumn(MassiveItemModel::RatioColumn, Qt::DescendingOrder);
    table_->horizontalHeader()->setSectionResizeMode(MassiveItemModel::WavelengthColumn,
                                                     QHeaderView::Stretch);
    table_->setAccessibleName(tr("Massive values, sortable; a row leads to its cell"));
    layout->addWidget(table_, 1);
    // What is chosen leads; the current row alone does not: a table takes one when it is tabbed to.
    connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
            [this](const QItemSelection& chosen) { goTo(chosen.indexes().value(0)); });
    connect(table_, &QTableView::clicked, this, &MassiveView::goTo);
    connect(table_, &QTableView::activated, this, &MassiveView::goTo);
    table_->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(table_, &QTableView::customContextMenuRequested, this, [this](const QPoint& at) {
      const QModelIndex row = table_->indexAt(at);
      if (row.isValid()) Q_EMIT menuRequested(selectionOf(row), table_->viewport()->mapToGlobal(at));
    });

    connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
    connect(&state, &ViewState::selectionChanged, this, [this] { scheduleFollow(); });
    showLambda();
  }

  Needs needs() const override { return allNorms(); }
  QSize sizeHint() const override { return {330, 560}; }

  bool isFigure() const override { return true; }
  QString figureTitle() const override {
    return tr("Massive values by wavelength band, λ = %1, %2")
        .arg(exactWords(state().look().lambda), whichRun());
  }
  QString whyNoFigure() const override { return whyNothing(data(), state().look()); }
  void paintFigure(QPainter& painter, const QRectF& area) const override {
    const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
    painter.fillRect(area, style.background);
    const QString message = whyNothing(data(), state().look());
    if (!message.isEmpty()) return paintMessage(painter, style, area, message);
    const double u = style.unit;
    const QRectF inside = area.adjusted(12 * u, 8 * u, -12 * u, -8 * u);
    const double height = style.metrics(style.title).height();
    painter.setPen(style.text);
    painter.setFont(style.title);
    painter.drawText(QRectF(inside.topLeft(), QSizeF(inside.width(), height)), Qt::AlignLeft, figureTitle());
    painter.setFont(style.small);
    painter.setPen(style.muted);
    const QString facts =
        tr("M > %1 × mean of its head · %2 · %3 · %4")
            .arg(exactWords(state().look().lambda), ropeWords(data(), Site::Query, state().look().after_rope),
                 whichRun(), overPositions(data(), state().look()));
    painter.drawText(QRectF(inside.left(), inside.top() + height, inside.width(), height), Qt::AlignLeft,
                     facts);
    CurvePlot::paint(painter, inside.adjusted(0, 2.4 * height, 0, 0),
                     {chartOf(bandsOf(data(), state().look()))});
  }
  std::vector<FigureArray> figureArrays() const override {
    std::vector<FigureArray> arrays;
    const Norms* norms = ruleNorms(data(), state().look());
    if (!norms || !whyNothing(data(), state().look()).isEmpty()) return arrays;
    const Bands bands = bandsOf(data(), state().look());
    const auto column = [&](const char* name, const std::vector<BandShare>& of, auto number) {
      FigureArray array{
          QString::fromLatin1(name), {QStringLiteral("band")}, {{static_cast<std::int64_t>(of.size())}, {}}};
      for (const BandShare& band : of) array.array.data.push_back(static_cast<float>(number(band)));
      if (!of.empty()) arrays.push_back(std::move(array));
    };
    column("from_wavelength", bands.query, [](const BandShare& band) { return band.from_wavelength; });
    column("to_wavelength", bands.query, [](const BandShare& band) { return band.to_wavelength; });
    column("query_massive", bands.query, [](const BandShare& band) { return band.massive; });
    column("query_entries", bands.query, [](const BandShare& band) { return band.entries; });
    column("key_massive", bands.key, [](const BandShare& band) { return band.massive; });
    column("key_entries", bands.key, [](const BandShare& band) { return band.entries; });
    for (const Site site : all_sites) {
      const Site captured = shownSite(site, state().look().after_rope);
      const auto values = massive_values(*norms, captured, state().look().lambda);
      if (values.empty()) continue;
      const auto name = site_name(captured);
      const QString prefix = text(name);
      const auto entries = [&](const char* what, auto number) {
        FigureArray array{prefix + QLatin1String(what),
                          {QStringLiteral("entry")},
                          {{static_cast<std::int64_t>(values.size())}, {}}};
        for (const MassiveValue& value : values)
          array.array.data.push_back(static_cast<float>(number(value)));
        arrays.push_back(std::move(array));
      };
      entries("_layer", [](const MassiveValue& value) { return value.where.layer; });
      entries("_head", [](const MassiveValue& value) { return value.head; });
      entries("_dim", [](const MassiveValue& value) { return value.dim; });
      entries("_m", [](const MassiveValue& value) { return value.m; });
      entries("_ratio", [](const MassiveValue& value) { return value.ratio; });
    }
    return arrays;
  }

 protected:
  void refresh() override {
    const Look& look = state().look();
    showLambda();
    dress();
    const bool nothing = !whyNothing(data(), look).isEmpty();
    const Norms* norms = nothing ? nullptr : ruleNorms(data(), look);
    const LayerAxes axes = shownAxes(data());
    std::vector<MassiveValue> values;
    for (std::size_t i = 0; i < all_sites.size(); ++i) {
      const Site site = shownSite(all_sites[i], look.after_rope);
      counters_[i]->set(norms ? std::optional(count_massive(*norms, site, look.lambda, axes)) : std::nullopt);
      if (!norms) continue;
      const auto found = massive_values(*norms, site, look.lambda);
      values.insert(values.end(), found.begin(), found.end());
    }
    QStringList words;
    if (norms) words << whichRun();
    if (const auto without = shownLeftOut(data(), look); norms && !without.empty())
      words << tr("without %1").arg(positionsWords(static_cast<qint64>(without.size())));
    which_->setText(words.join(QStringLiteral(", ")));
    chart_->setBands(bandsOf(data(), look));
    following_ = true;  // the reset moves the table's current row, which is nobody's choice
    model_->setValues(std::move(values), axes, layerLabels(data()));
    following_ = false;
    setEnabledLook(!data().stale);
    follow();
  }

  void follow() override {
    QColor tint = PlotStyle::of(*this).accent;
    tint.setAlpha(45);
    model_->setLayer(state().selection().layer, tint);
    const int row = model_->rowOf(state().selection());
    following_ = true;
    const QModelIndex index = row < 0 ? QModelIndex() : sorted_->mapFromSource(model_->index(row, 0));
    if (index.isValid()) {
      table_->selectionModel()->setCurrentIndex(
          index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
      table_->scrollTo(index);
    } else {
      table_->selectionModel()->clear();
    }
    following_ = false;
  }

  void changeEvent(QEvent* event) override {
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) scheduleRefresh();
  }

 private:
  /// The run that is counted: for a difference the baseline.
  QString whichRun() const {
    return shownWords(state().look().shown == Shown::Disrupted ? Shown::Disrupted : Shown::Baseline);
  }

  void setLambda(double lambda) {
    Look look = state().look();
    look.lambda = lambda;
    state().setLook(look);
    showLambda();
  }

  void showLambda() {
    const QSignalBlocker quiet_slider(slider_), quiet_exact(exact_);
    slider_->setValue(static_cast<int>(std::lround(state().look().lambda * 10)));
    exact_->setValue(state().look().lambda);
  }

  /// Sizes by the type of the moment, of what cannot look them up itself.
  void dress() {
    const PlotStyle style = PlotStyle::of(*this);
    QFont figures = style.figures;
    figures.setPointSizeF(figures.pointSizeF() * 0.92);
    model_->setFonts(figures, style.small);
    table_->verticalHeader()->setDefaultSectionSize(
        static_cast<int>(style.metrics(style.figures).height() * 1.35));
    fitColumns(style.metrics(figures), style.metrics(style.small));
    chart_->setMinimumHeight(static_cast<int>(style.metrics(style.small).height() * 9.5));
  }

  /// Wide enough for the title and the longest number a column can hold; the last takes what is left.
  void fitColumns(const TextMetrics& figures, const TextMetrics& titles) {
    constexpr std::array<const char*, MassiveItemModel::WavelengthColumn> longest{"Q",   "00",    "00",
                                                                                  "000", "000.0", "00.0"};
    double layers = 0;
    for (const QString& label : layerLabels(data()))
      layers = std::max(layers, figures.horizontalAdvance(label));
    for (int column = 0; column < MassiveItemModel::WavelengthColumn; ++column) {
      const QString title = model_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
      const QString number = QLatin1String(longest[static_cast<std::size_t>(column)]);
      constexpr double bold = 1.05;
      double least = figures.horizontalAdvance(number);
      if (column == MassiveItemModel::LayerColumn) least = std::max(least, layers);
      const double width = std::max(least * bold + 11, titles.horizontalAdvance(title) + 12);
      table_->setColumnWidth(column, static_cast<int>(std::ceil(width)));
    }
  }

  /// An older run's numbers stay, dimmed like the pictures.
  void setEnabledLook(bool current) {
    for (QWidget* widget :
         std::initializer_list<QWidget*>{chart_, counters_[0], counters_[1], counters_[2]}) {
      widget->setEnabled(current);
    }
  }

  Selection selectionOf(const QModelIndex& index) const {
    const MassiveValue& value = model_->value(sorted_->mapToSource(index).row());
    Selection selection{Site::Value, value.where.layer, value.head, value.dim, state().selection().position};
    for (const Site site : all_sites) {
      if (shownSite(site, state().look().after_rope) == value.where.site) selection.site = site;
    }
    return selection;
  }

  void goTo(const QModelIndex& index) {
    if (index.isValid() && !following_) state().setSelection(selectionOf(index));
  }

  StyledLabel* which_;
  QSlider* slider_;
  ExactDoubleBox* exact_;
  std::array<Counter*, 3> counters_{};
  BandChart* chart_;
  MassiveItemModel* model_;
  QSortFilterProxyModel* sorted_;
  QTableView* table_;
  bool following_ = false;  // the table follows the selection rather than leads it
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("massive"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Massive values")), Place::Right, 0,
     QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new MassiveView(state, parent); }});

}  // namespace

}  // namespace qkscope

#include "massive_view.moc"

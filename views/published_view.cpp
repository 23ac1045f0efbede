// What was published of massive activations beside what is measured here: the table of interventions with the
// paper's classes, the layers that have any, and what differs in the setting.
#include <QHeaderView>
#include <QLocale>
#include <QStandardItemModel>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "views/arms.h"
#include "views/color_bar.h"
#include "views/published_activations.h"
#include "views/residual.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/text_table.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

enum Column { Model, Begins, Layers, Largest, Original, Zero, Mean, Impact, ColumnCount };

/// One row, published or measured here. A perplexity that is not known is NaN.
struct Row {
  QString model, begins, layers;
  double largest = NAN, original = NAN, zero = NAN, mean = NAN;
  std::optional<MassiveImpact> impact;
  bool here = false, family = false;
};

/// "2 – 30, 29 of 32"
QString layersWords(const std::vector<int>& layers, int of) {
  if (layers.empty()) return Words::tr("none of %1").arg(of);
  return Words::tr("%1 – %2, %3 of %4").arg(layers.front()).arg(layers.back()).arg(layers.size()).arg(of);
}

double perplexity(const std::shared_ptr<const TokenScores>& scores) {
  if (!scores || scores->nll.empty()) return NAN;
  return std::exp(std::accumulate(scores->nll.begin(), scores->nll.end(), 0.0) /
                  static_cast<double>(scores->nll.size()));
}

/// Whether an arm does nothing but to set massive activations so.
bool setsAll(const EditArm& arm, ActivationEdit::Set set) {
  const Edits on = switched_on(arm.edits);
  const ActivationEdit* edit = on.size() == 1 ? on.front().activations() : nullptr;
  return edit && edit->finds() && !edit->control && edit->set == set;
}

}  // namespace

class PublishedView : public View {
  Q_OBJECT
 public:
  PublishedView(ViewState& state, QWidget* parent) : View(state, parent) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(10, 6, 10, 6);
    layout->setSpacing(4);
    words_ = StyledLabel::reading(Type::Small, Tone::Text, this);
    layout->addWidget(words_);
    model_ = new QStandardItemModel(0, ColumnCount, this);
    table_ = rowsTable(model_, this);
    table_->setSortingEnabled(false);  // what is measured here and its family stand first
    table_->setObjectName(QStringLiteral("publishedTable"));
    table_->setAccessibleName(tr("Massive activations as published, and as measured here"));
    layout->addWidget(table_, 1);
    connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
  }

  Needs needs() const override { return massiveNeeds(state().look()); }
  QSize sizeHint() const override { return {900, 260}; }
  void setPrompts(const std::vector<Prompt>&, const std::vector<PromptResult>& results,
                  int selected) override {
    selected_ = selected;
    const auto at = static_cast<std::size_t>(selected);
    result_ = selected >= 0 && at < results.size() ? results[at] : PromptResult{};
    scheduleRefresh();
  }
  void setResult(int prompt, const PromptResult& result) override {
    if (prompt != selected_) return;
    result_ = result;
    scheduleRefresh();
  }
  void setArms(const Arms& arms) override {
    arms_ = arms;
    scheduleRefresh();
  }

  bool isFigure() const override { return true; }
  QString figureTitle() const override { return tr("Massive activations, published and here"); }
  void paintFigure(QPainter& painter, const QRectF& area) const override {
    const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
    painter.fillRect(area, style.background);
    const double u = style.unit;
    const QRectF inside = area.adjusted(10 * u, 6 * u, -10 * u, -6 * u);
    const double title = paintTitle(painter, style, inside, figureTitle());
    paintTable(painter, style, inside.adjusted(0, title, 0, 0), table(style));
  }
  std::vector<FigureArray> figureArrays() const override {
    const std::vector<Row> all = rows();
    FigureArray perplexities{QStringLiteral("perplexity"),
                             {QStringLiteral("row"), QStringLiteral("original_zero_mean")},
                             {{static_cast<std::int64_t>(all.size()), 3}, {}}};
    FigureArray largest{
        QStringLiteral("largest"), {QStringLiteral("row")}, {{perplexities.array.shape[0]}, {}}};
    for (const Row& row : all) {
      for (const double value : {row.original, row.zero, row.mean})
        perplexities.array.data.push_back(static_cast<float>(value));
      largest.array.data.push_back(static_cast<float>(row.largest));
    }
    return {std::move(perplexities), std::move(largest)};
  }

 protected:
  void refresh() override {
    const PlotStyle style = PlotStyle::of(*this);
    words_->setText(sentence());
    fillTable(*table_, *model_, table(style));
    // No title is cut where all numbers under it are short.
    table_->horizontalHeader()->setMinimumSectionSize(
        static_cast<int>(style.metrics(style.small).horizontalAdvance(tr("set to zero")) + 16));
    table_->horizontalHeader()->setSectionResizeMode(Model, QHeaderView::Stretch);
    tellNeeds();
  }
  void changeEvent(QEvent* event) override {
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) scheduleRefresh();
  }

 private:
  TextTable table(const PlotStyle& style) const {
    TextTable all{{{tr("model")},
                   {tr("begins with")},
                   {tr("massive in layers")},
                   {tr("largest |h|"), true},
                   {tr("WikiText-2"), true},
                   {tr("set to zero"), true},
                   {tr("to mean"), true},
                   {tr("impact")}},
                  {}};
    for (const Row& row : rows()) {
      TextTable::Row line{{}, row.here || row.family};
      for (const QString& cell : texts(row)) line.cells.push_back({cell, row.here ? style.accent : QColor()});
      if (row.impact) line.cells[Impact].ink = impactColor(style, *row.impact);
      all.rows.push_back(std::move(line));
    }
    return all;
  }
  static QStringList texts(const Row& row) {
    const auto number = [](double value) {
      return std::isnan(value) ? QStringLiteral("–") : numberWords(value);
    };
    return {row.model,
            row.begins,
            row.layers,
            number(row.largest),
            number(row.original),
            number(row.zero),
            number(row.mean),
            row.impact ? impactWords(*row.impact) : QStringLiteral("–")};
  }

  QString architecture() const {
    return data().card ? QString::fromStdString(data().card->spec.architecture) : QString();
  }

  /// The prompt that is looked at, where there is a model: its summaries, and the perplexity of its own
  /// tokens in the baseline and under the arms that set massive activations to zero and to their mean.
  std::optional<Row> here() const {
    if (!whyNoResidual(data(), state().look()).isEmpty()) return std::nullopt;
    Row row;
    row.here = true;
    row.model = tr("here: %1, this prompt").arg(QString::fromStdString(data().card->name));
    row.begins = data().pieces.value(0).trimmed();
    std::vector<int> layers;
    for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
      const ActivationSummary* summary = shownResidual(data(), Shown::Baseline, layer);
      if (!summary || summary->top.empty()) continue;
      row.largest = std::fmax(row.largest, std::abs(static_cast<double>(summary->top.front().value)));
      if (!summary->taken_by(state().look().activations).empty()) layers.push_back(layer + 1);
    }
    row.layers = layersWords(layers, data().spec()->num_layers());
    row.original = perplexity(result_.baseline.prompt_scores);
    for (std::size_t i = 0; i < std::min(arms_.list.size(), result_.arms.size()); ++i) {
      const double value = perplexity(result_.arms[i].prompt_scores);
      if (setsAll(arms_.list[i], ActivationEdit::Set::Zero)) row.zero = value;
      if (setsAll(arms_.list[i], ActivationEdit::Set::Mean)) row.mean = value;
    }
    if (!std::isnan(row.original) && !std::isnan(row.zero)) row.impact = impact_of(row.zero / row.original);
    return row;
  }

  std::vector<Row> rows() const {
    std::vector<Row> published;
    for (const PublishedActivations& one : publishedActivations()) {
      Row row;
      row.model = one.model;
      row.begins = one.bos ? tr("BOS") : tr("no BOS");
      row.layers = layersWords(one.layers, one.num_layers);
      if (one.largest > 0) row.largest = one.largest;
      row.original = one.original.front();
      row.zero = one.zero.front();
      if (!one.mean.empty()) row.mean = one.mean.front();
      row.impact = one.impact();
      row.family = sameFamily(one.architecture, architecture());
      published.push_back(std::move(row));
    }
    std::ranges::stable_partition(published, &Row::family);
    if (auto mine = here()) published.insert(published.begin(), std::move(*mine));
    return published;
  }

  /// What is measured here, what was published of its family, and what differs.
  QString sentence() const {
    const auto count = std::ranges::count_if(publishedActivations(), [this](const PublishedActivations& one) {
      return one.bos && sameFamily(one.architecture, architecture());
    });
    QStringList words;
    if (data().card) {
      words << (count > 0 ? tr("Published of the family of %1: %2 models, the first rows below the one "
                               "measured here.")
                                .arg(architecture())
                                .arg(count)
                          : tr("Nothing was published of the family of %1.").arg(architecture()));
      words << tr("What differs: published is bfloat16 and sequences of 1,024 to 4,096 tokens of RedPajama "
                  "(layers, largest "
                  "|h|) and WikiText-2 (perplexity); here it is %1 and the %2 tokens of the prompt. An "
                  "arm that sets massive activations to zero, and one to their mean, fill the row.")
                   .arg(QString::fromStdString(data().card->dtype))
                   .arg(shownPositions(data()));
    } else {
      words << tr("Published of 18 models; a model that is opened here stands above them.");
    }
    words << tr("Impact: how many times the perplexity grows with zeros, over %1 high, over %2 medium; the "
                "paper colours so without naming a cut-off. arXiv 2503.22329.")
                 .arg(high_impact)
                 .arg(medium_impact);
    return words.join(u' ');
  }

  StyledLabel* words_;
  QStandardItemModel* model_;
  QTableView* table_;
  PromptResult result_;
  Arms arms_;
  int selected_ = -1;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("published"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Paper and here")), Place::Bottom,
     14, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new PublishedView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "published_view.moc"

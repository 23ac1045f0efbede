#include "views/corpus_tables.h"

#include <QLocale>
#include <QStandardItemModel>
#include <algorithm>
#include <cmath>

#include "views/counted.h"
#include "views/published_activations.h"
#include "views/shown.h"
#include "views/text.h"
#include "views/token_text.h"

namespace qkscope {

namespace {

constexpr int sort_role = Qt::UserRole, place_role = Qt::UserRole + 1;  // place: its number
const QString no_number = QStringLiteral("–");

QString bosWords(bool bos) {
  return bos ? Words::tr("BOS") : Words::tr("no BOS");
}

QStandardItem* item(const QString& words, const QVariant& sort, const PlotStyle& style, bool number) {
  auto* made = new QStandardItem(words);
  made->setEditable(false);
  made->setData(sort, sort_role);
  QFont font = number ? style.figures : style.small;
  font.setPointSizeF(style.small.pointSizeF());
  made->setFont(font);
  made->setTextAlignment((number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  return made;
}

void setTitles(QStandardItemModel& rows, const QStringList& titles, const PlotStyle& style,
               const std::function<bool(int)>& is_number) {
  rows.setHorizontalHeaderLabels(titles);
  for (int column = 0; column < titles.size(); ++column) {
    rows.horizontalHeaderItem(column)->setFont(style.small);
    rows.horizontalHeaderItem(column)->setTextAlignment((is_number(column) ? Qt::AlignRight : Qt::AlignLeft) |
                                                        Qt::AlignVCenter);
  }
}

/// The layers that are massive, from 1.
std::vector<int> massiveLayers(const CorpusTold& told) {
  std::vector<int> layers;
  for (const LayerExistence& layer : told.findings.layers) {
    if (layer.massive) layers.push_back(layer.layer + 1);
  }
  return layers;
}

QString sequencesWords(const CorpusTold& told) {
  return counted(static_cast<qint64>(told.findings.sequences), Words::tr("1 sequence"),
                 Words::tr("%1 sequences"));
}

/// One row of the table of interventions.
struct ArmRow {
  QString model, begins, text;
  QStringList numbers;  // original, zero, mean, control
  std::optional<MassiveImpact> impact;
  bool strong = false;
};

/// One data set, or the published three.
QString numbersWords(const std::vector<double>& numbers) {
  QStringList words;
  for (const double number : numbers) words << numberWords(number);
  return words.isEmpty() ? no_number : words.join(QStringLiteral(" / "));
}

ArmRow measuredRow(const CorpusTold& told, std::size_t dataset) {
  ArmRow row{Words::tr("here: %1").arg(told.model), bosWords(told.asked.choice.bos), {}, {}, {}, true};
  std::map<std::string, double> values;
  for (const InterventionResult& result : told.findings.arms) {
    if (dataset >= result.perplexities.size()) continue;
    values[result.arm.name] = result.perplexities[dataset].second;
    row.text = text(result.perplexities[dataset].first);
  }
  for (const char* arm : {"original", "zero", "mean", "control"})
    row.numbers << (values.contains(arm) ? numberWords(values[arm]) : no_number);
  if (values.contains("original") && values.contains("zero"))
    row.impact = impact_of(values["zero"] / values["original"]);
  return row;
}

std::vector<ArmRow> armRows(const CorpusTold& told) {
  std::vector<ArmRow> published;
  for (const PublishedActivations& one : publishedActivations()) {
    if (one.bos != told.asked.choice.bos) continue;
    published.push_back(
        {one.model,
         bosWords(one.bos),
         Words::tr("WikiText-2 / C4 / PG-19"),
         {numbersWords(one.original), numbersWords(one.zero), numbersWords(one.mean), no_number},
         one.impact(),
         sameFamily(one.architecture, told.architecture)});
  }
  std::ranges::stable_partition(published, &ArmRow::strong);
  std::vector<ArmRow> rows;
  const std::vector<InterventionResult>& arms = told.findings.arms;
  const std::size_t datasets = arms.empty() ? 0 : arms.front().perplexities.size();
  for (std::size_t i = 0; i < datasets; ++i) rows.push_back(measuredRow(told, i));
  rows.insert(rows.end(), published.begin(), published.end());
  return rows;
}

}  // namespace

Chart existenceChart(const CorpusTold& told) {
  const ActivationRule& rule = told.asked.study.rule;
  Chart chart{QStringLiteral("existence"),
              told.findings.layers.empty()
                  ? Words::tr("Largest |h| after each layer")
                  : Words::tr("Largest |h| after each layer, mean over %1").arg(sequencesWords(told)),
              Words::tr("layer"), QStringLiteral("|h|")};
  chart.log_y = true;
  Curve largest{Words::tr("largest |h|"), {}, {}, Ink::Baseline, false, Marker::None};
  Curve massive{Words::tr("massive"), {}, {}, Ink::Disrupted, false, Marker::Disc, Stroke::Points};
  Curve threshold{Words::tr("massive above"), {}, {}, Ink::Disrupted, true};
  Curve median{Words::tr("median"), {}, {}, Ink::Muted};
  for (const LayerExistence& layer : told.findings.layers) {
    const double x = layer.layer + 1;
    const auto add = [x](Curve& curve, double y) {
      curve.x.push_back(x);
      curve.y.push_back(y);
    };
    add(largest, layer.max);
    add(massive, layer.massive ? layer.max : NAN);
    add(threshold, std::max(rule.least, rule.times_median * layer.median));
    add(median, layer.median);
  }
  chart.curves = {std::move(largest), std::move(massive), std::move(threshold), std::move(median)};
  if (told.findings.layers.empty()) chart.missing = Words::tr("No layer has been measured yet.");
  return chart;
}

QString existenceWords(const CorpusTold& told) {
  if (told.findings.layers.empty()) return {};
  const std::vector<int> layers = massiveLayers(told);
  const QString rule = Words::tr("massive: over %1 and at least %2 times the median, both meaned over %3")
                           .arg(exactWords(told.asked.study.rule.least),
                                exactWords(told.asked.study.rule.times_median), sequencesWords(told));
  if (layers.empty()) {
    return Words::tr("Massive in none of %1 layers (%2).").arg(told.findings.layers.size()).arg(rule);
  }
  return Words::tr("Massive in %1 of %2 layers, %3 – %4 (%5).")
      .arg(layers.size())
      .arg(told.findings.layers.size())
      .arg(layers.front())
      .arg(layers.back())
      .arg(rule);
}

void fillPlaces(QStandardItemModel& rows, const CorpusTold& told, const PlotStyle& style) {
  const auto is_number = [](int column) { return column != static_cast<int>(PlaceColumn::Token); };
  rows.removeRows(0, rows.rowCount());
  rows.setSortRole(sort_role);
  setTitles(rows,
            {Words::tr("layer"), Words::tr("position"), Words::tr("token"), Words::tr("dim"),
             Words::tr("sequences"), Words::tr("mean |h|"), Words::tr("deviation")},
            style, is_number);
  const QLocale locale;
  for (std::size_t i = 0; i < told.findings.places.size(); ++i) {
    const MassivePlace& place = told.findings.places[i];
    const auto piece = told.pieces.find(place.id);
    const QString token = piece == told.pieces.end() ? QString() : piece->second;
    const auto whole = [&](int number) { return item(locale.toString(number), number, style, true); };
    const auto number = [&](double value) { return item(numberWords(value), value, style, true); };
    QList<QStandardItem*> row{whole(place.layer + 1),
                              whole(place.position),
                              item(visibleToken(token), token, style, false),
                              item(QString::number(place.dim), place.dim, style, true),
                              whole(place.count),
                              number(place.mean),
                              number(place.deviation)};
    row.front()->setData(static_cast<qulonglong>(i), place_role);
    rows.appendRow(row);
  }
}

const MassivePlace& placeOf(const QStandardItemModel& rows, int row, const CorpusTold& told) {
  return told.findings.places.at(rows.item(row, 0)->data(place_role).toULongLong());
}

QString placesWords(const CorpusTold& told) {
  const CorpusFindings& found = told.findings;
  if (!found.has_tokens) return {};
  if (found.tokens.first_layer < 0) {
    return Words::tr(
        "No sequence has a massive activation. A lower threshold (panel Massive activations) or "
        "BOS in front of every sequence may find some.");
  }
  QStringList dims;
  for (const int dim : found.tokens.dims) dims << QString::number(dim);
  return Words::tr(
             "First in layer %1, where |h| is %2 ± %3 over %4. Dims of all layers: %5. Each row is a "
             "token in the first massive layer of its sequences; a click goes there in the window.")
      .arg(found.tokens.first_layer + 1)
      .arg(numberWords(found.tokens.mean), numberWords(found.tokens.deviation), sequencesWords(told),
           dims.join(QStringLiteral(", ")));
}

void fillInterventions(QStandardItemModel& rows, const CorpusTold& told, const PlotStyle& style) {
  const auto is_number = [](int column) {
    return column >= static_cast<int>(ArmColumn::Original) && column <= static_cast<int>(ArmColumn::Control);
  };
  rows.removeRows(0, rows.rowCount());
  setTitles(rows,
            {Words::tr("model"), Words::tr("begins with"), Words::tr("perplexity of"), Words::tr("original"),
             Words::tr("set to zero"), Words::tr("to mean"), Words::tr("control"), Words::tr("impact")},
            style, is_number);
  for (const ArmRow& one : armRows(told)) {
    QStringList words{one.model, one.begins, one.text};
    words << one.numbers << (one.impact ? impactWords(*one.impact) : no_number);
    QList<QStandardItem*> row;
    for (int column = 0; column < words.size(); ++column) {
      QStandardItem* made = item(words.at(column), {}, style, is_number(column));
      QFont font = made->font();
      font.setBold(one.strong);
      made->setFont(font);
      if (column == static_cast<int>(ArmColumn::Impact) && one.impact)
        made->setForeground(impactColor(style, *one.impact));
      row << made;
    }
    rows.appendRow(row);
  }
}

QString interventionWords(const CorpusTold& told) {
  const CorpusFindings& found = told.findings;
  QString words;
  if (found.has_tokens && found.tokens.first_layer < 0) {
    words = Words::tr("No sequence has a massive activation: there is nothing to set. ");
  } else if (!found.arms.empty()) {
    words = Words::tr(
                "Written after layer %1: zeros, or the means over the corpus; control: as many of "
                "median size to zero. ")
                .arg(found.tokens.first_layer + 1);
  }
  return words + Words::tr(
                     "Impact: how many times zeros multiply the perplexity, over %1 high, over %2 "
                     "medium. Published rows: arXiv 2503.22329, bfloat16, 1,024 to 4,096 tokens.")
                     .arg(high_impact)
                     .arg(medium_impact);
}

}  // namespace qkscope

#include "views/paper_picture.h"

#include <QCoreApplication>
#include <QLocale>
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "views/plot_style.h"
#include "views/text.h"

namespace qkscope {

namespace {

struct Words {
  Q_DECLARE_TR_FUNCTIONS(PaperTables)
};

using Row = PaperTable::Row;

constexpr std::array inks{Ink::Baseline, Ink::Disrupted, Ink::Key, Ink::Value, Ink::Query, Ink::Muted};

/// Percentages with one digit after the point, all else with two.
QString number(const PaperTable& table, const std::optional<double>& value) {
  if (!value) return QStringLiteral("–");
  if (table.id == "table-3") return *value > 0 ? Words::tr("yes") : Words::tr("no");
  return QLocale().toString(*value, 'f', table.measure == PaperTable::Measure::Accuracy ? 1 : 2);
}

QString modelWords(const Row& row) {
  return row.here ? Words::tr("here: %1").arg(text(row.model)) : text(row.model);
}

/// Rows with the same model, published or here.
bool sameModel(const Row& a, const Row& b) {
  return a.here == b.here && a.model == b.model;
}

template <typename Of>
std::vector<QString> distinct(const PaperTable& table, const Of& of) {
  std::vector<QString> all;
  for (const Row& row : table.rows) {
    if (const QString words = of(row); std::ranges::find(all, words) == all.end()) all.push_back(words);
  }
  return all;
}

/// The published baseline and the one that is measured here are the same arm under two names.
QString armWords(const Row& row) {
  return row.arm == "vanilla" ? Words::tr("baseline") : text(row.arm);
}

/// The same below a bar, where room is short: all that is compared is disrupted.
QString armPlace(QString arm) {
  return arm.remove(QStringLiteral(" disrupted"))
      .remove(QStringLiteral("non-massive, "))
      .replace(QStringLiteral(", "), QStringLiteral(",\n"));
}

QStringList strings(const std::vector<QString>& list) {
  return {list.begin(), list.end()};
}

void add(Curve& curve, std::size_t x, const std::optional<double>& y) {
  curve.x.push_back(static_cast<double>(x));
  curve.y.push_back(y.value_or(NAN));
}

Chart chart(const PaperTable& table, const QString& title, std::vector<QString> places) {
  Chart chart;
  chart.id = chart.title = title;
  chart.x_words = strings(places);
  chart.y_label = table.measure == PaperTable::Measure::Accuracy      ? Words::tr("right, %")
                  : table.measure == PaperTable::Measure::Diversity   ? Words::tr("different pairs of words")
                  : table.measure == PaperTable::Measure::AnswerAlone ? Words::tr("perplexity")
                                                                      : Words::tr("share of the best");
  return chart;
}

std::vector<Chart> chartsOfModels(const PaperTable& table) {
  std::vector<QString> tasks;
  for (const PaperTable::Column& column : table.columns) tasks.push_back(text(column.title));
  const std::vector<QString> arms = distinct(table, armWords);
  std::vector<Chart> charts;
  for (const QString& model : distinct(table, modelWords)) {
    Chart of_model = chart(table, model, tasks);
    for (const Row& row : table.rows) {
      if (modelWords(row) != model) continue;
      const auto arm = static_cast<std::size_t>(std::ranges::find(arms, armWords(row)) - arms.begin());
      Curve bars{armWords(row), {}, {}, inks[arm % inks.size()]};
      bars.stroke = Stroke::Bars;
      for (std::size_t task = 0; task < tasks.size(); ++task) add(bars, task, row.values[task]);
      of_model.curves.push_back(std::move(bars));
    }
    charts.push_back(std::move(of_model));
  }
  return charts;
}

std::vector<Chart> chartsOfTasks(const PaperTable& table) {
  const std::vector<QString> arms = distinct(table, armWords), models = distinct(table, modelWords);
  std::vector<QString> places;
  for (const QString& arm : arms) places.push_back(armPlace(arm));
  std::vector<Chart> charts;
  for (std::size_t task = 0; task < table.columns.size(); ++task) {
    Chart of_task = chart(table, text(table.columns[task].title), places);
    for (std::size_t m = 0; m < models.size(); ++m) {
      Curve bars{models[m], {}, {}, inks[m % inks.size()]};
      bars.stroke = Stroke::Bars;
      for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        const auto row = std::ranges::find_if(
            table.rows, [&](const Row& r) { return modelWords(r) == models[m] && armWords(r) == arms[arm]; });
        add(bars, arm, row == table.rows.end() ? std::nullopt : row->values[task]);
      }
      of_task.curves.push_back(std::move(bars));
    }
    charts.push_back(std::move(of_task));
  }
  return charts;
}

}  // namespace

const PaperTable& paperTable(const std::vector<PaperTable>& tables, PaperPart part) {
  constexpr std::array ids{
      std::pair{PaperPart::Table1, "table-1"},     std::pair{PaperPart::Figure3a, "figure-3a"},
      std::pair{PaperPart::Figure3b, "figure-3b"}, std::pair{PaperPart::Figure3c, "figure-3c"},
      std::pair{PaperPart::Figure5, "figure-5"},   std::pair{PaperPart::Table3, "table-3"}};
  const auto id = std::ranges::find(ids, part, [](const auto& entry) { return entry.first; });
  const auto found = std::ranges::find(tables, id->second, &PaperTable::id);
  if (found == tables.end())
    throw Error("What the paper published has no " + in_quotes(id->second) + "; install the program anew.");
  return *found;
}

bool isTypeset(const PaperTable& table, PaperLayout layout) {
  return table.id == "table-3" || (table.id == "table-1" && layout == PaperLayout::Published);
}

TextTable paperText(const PaperTable& table, const PlotStyle& style, bool folded) {
  const bool has_arms = std::ranges::any_of(table.rows, [](const Row& row) { return !row.arm.empty(); });
  TextTable all;
  all.columns.push_back({Words::tr("model")});
  if (has_arms && !folded) all.columns.push_back({Words::tr("arm")});
  for (const PaperTable::Column& column : table.columns)
    all.columns.push_back({text(column.title), /*number=*/table.id != "table-3", {}, text(column.group)});
  const Row* before = nullptr;
  for (const Row& row : table.rows) {
    TextTable::Row line{{}, row.here};
    const bool first = !before || !sameModel(*before, row);
    line.begins = first && (has_arms || (row.here && before && !before->here));
    QStringList words{modelWords(row)};
    if (has_arms && !folded) words << text(row.arm);
    if (has_arms && folded && (!first || (row.arm != "vanilla" && row.arm != "baseline")))
      words.front() = first ? QStringLiteral("%1, %2").arg(words.front(), text(row.arm))
                            : QStringLiteral("  + %1").arg(text(row.arm));
    for (const auto& value : row.values) words << number(table, value);
    for (const QString& cell : words) line.cells.push_back({cell, row.here ? style.accent : QColor()});
    all.rows.push_back(std::move(line));
    before = &row;
  }
  return all;
}

std::vector<Chart> paperCharts(const PaperTable& table, PaperLayout layout) {
  return layout == PaperLayout::Published ? chartsOfModels(table) : chartsOfTasks(table);
}

}  // namespace qkscope

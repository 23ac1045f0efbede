#include "views/sweep_charts.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <map>

#include "views/text.h"

namespace qkscope {

namespace {

struct Words {
  Q_DECLARE_TR_FUNCTIONS(SweepCharts)
};

using Row = ExperimentTable::Row;

/// The arms of a sweep in their order, each with its controls by kind: "smallest", "random".
struct Swept {
  const Row* arm;
  std::map<QString, std::vector<const Row*>> controls;
};

std::vector<Swept> sweptArms(const ExperimentTable& table) {
  std::vector<Swept> arms;
  for (const Row& row : table.arms) {
    if (!row.value.empty() && row.control_of.empty()) arms.push_back({&row, {}});
  }
  for (const Row& row : table.arms) {
    const auto of = std::ranges::find_if(arms, [&](const Swept& s) { return s.arm->name == row.control_of; });
    if (of == arms.end()) continue;
    // "lambda 5, random 2": as an experiment names them.
    const QString kind = text(row.name.substr(row.control_of.size() + 2));
    of->controls[kind.section(u' ', 0, 0)].push_back(&row);
  }
  return arms;
}

/// Where each value stands on the x axis: at itself, or, where one is no number, in its turn.
struct Places {
  std::vector<double> x;
  QStringList words;  // none where values are numbers
};

Places placesOf(const std::vector<Swept>& arms) {
  Places places;
  bool numbers = true;
  for (const Swept& swept : arms) {
    const QString value = text(swept.arm->value);
    places.words << value;
    bool is_number = false;
    places.x.push_back(value.toDouble(&is_number));
    numbers = numbers && is_number;
  }
  if (numbers) {
    places.words.clear();
  } else {
    for (std::size_t i = 0; i < arms.size(); ++i) places.x[i] = static_cast<double>(i);
  }
  return places;
}

void add(Curve& curve, double x, double y, double low, double high) {
  curve.x.push_back(x);
  curve.y.push_back(y);
  curve.low.push_back(low);
  curve.high.push_back(high);
}

/// One arm's share with its interval, of several the mean with their deviation; a gap where nothing was
/// asked.
void addScores(Curve& curve, double x, const std::vector<const Row*>& rows, std::size_t task) {
  std::vector<double> shares;
  for (const Row* row : rows) {
    if (const auto accuracy = row->tasks[task].accuracy()) shares.push_back(100 * *accuracy);
  }
  if (shares.empty()) return add(curve, x, NAN, NAN, NAN);
  if (rows.size() == 1) {
    const Interval& interval = rows.front()->tasks[task].interval;
    return add(curve, x, shares.front(), 100 * interval.low, 100 * interval.high);
  }
  double sum = 0, squares = 0;
  for (const double share : shares) sum += share;
  const auto count = static_cast<double>(shares.size());
  for (const double share : shares) squares += (share - sum / count) * (share - sum / count);
  const double deviation = shares.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  const double mean = sum / count;
  add(curve, x, mean, std::max(0.0, mean - deviation), std::min(100.0, mean + deviation));
}

}  // namespace

std::vector<Chart> sweepCharts(const ExperimentTable& table) {
  const std::vector<Swept> arms = sweptArms(table);
  if (arms.size() < 2) return {};
  const Places places = placesOf(arms);
  std::vector<Chart> charts;
  for (std::size_t task = 0; task < table.arms.front().tasks.size(); ++task) {
    const TaskScore& baseline = table.arms.front().tasks[task];
    Chart chart;
    chart.id = chart.title = text(baseline.task);
    chart.x_label = Words::tr("value of the sweep");
    chart.y_label = Words::tr("right, %");
    chart.x_words = places.words;
    chart.whole_x =
        !places.words.isEmpty() || std::ranges::all_of(places.x, [](double x) { return x == std::round(x); });
    Curve main{Words::tr("swept"), {}, {}, Ink::Disrupted};
    main.marker = Marker::Disc;
    std::map<QString, Curve> controls;
    for (std::size_t i = 0; i < arms.size(); ++i) {
      addScores(main, places.x[i], {arms[i].arm}, task);
      for (const auto& [kind, rows] : arms[i].controls) {
        Curve& curve = controls[kind];
        curve.name = kind;
        curve.ink = kind == QLatin1String("random") ? Ink::Muted : Ink::Baseline;
        curve.dashed = true;
        curve.marker = kind == QLatin1String("random") ? Marker::Triangle : Marker::Square;
        addScores(curve, places.x[i], rows, task);
      }
    }
    chart.curves.push_back(std::move(main));
    for (auto& [kind, curve] : controls) chart.curves.push_back(std::move(curve));
    if (const auto accuracy = baseline.accuracy())
      chart.levels.push_back({100 * *accuracy, Words::tr("baseline")});
    charts.push_back(std::move(chart));
  }
  return charts;
}

}  // namespace qkscope

#pragma once
#include <QSizeF>
#include <QStringList>
#include <optional>
#include <utility>
#include <vector>

namespace qkscope {

/// Whose colour a curve takes: a site's or a run's.
enum class Ink { Query, Key, Value, Baseline, Disrupted, Muted };
enum class Marker { None, Disc, Square, Triangle };
/// A line through the points, a stem from zero to each, the points alone, or bars, those of all such curves
/// beside each other.
enum class Stroke { Line, Stems, Points, Bars };

/// One curve of a chart. A NaN makes a gap.
struct Curve {
  QString name;
  std::vector<double> x, y;
  Ink ink = Ink::Baseline;
  bool dashed = false;
  Marker marker = Marker::None;
  Stroke stroke = Stroke::Line;
  std::vector<double> low{}, high{};  // of an interval around each y, where there is one
};

/// A line across the chart with its words: a threshold, a mean.
struct Level {
  double y = 0;
  QString words;
};

/// Words over a point.
struct PointWords {
  double x = 0, y = 0;
  QString words;
};

/// What a chart shows, before there is any geometry.
struct Chart {
  QString id;  // stable, for arrays: "massive"
  QString title, x_label, y_label;
  std::vector<Curve> curves{};
  std::vector<Level> levels{};
  std::vector<PointWords> words{};
  std::optional<double> selected{};                   // where on the x axis the selection is
  std::optional<std::pair<double, double>> chosen{};  // from where to where on the x axis is chosen
  bool log_y = false;
  bool whole_x = true;    // x counts something: ticks are whole numbers
  QStringList x_words{};  // what stands at x = 0, 1, 2 ... in place of the numbers
  QString missing{};      // said in place of the curves
};

/// In how many columns so many charts stand where all have a place of this size: those that come nearest to
/// the shape in which a curve reads best.
int chartColumns(std::size_t charts, const QSizeF& place);

}  // namespace qkscope

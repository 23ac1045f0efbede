#pragma once
#include <QImage>
#include <QPainter>
#include <QRectF>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "views/colormap.h"

namespace qkscope {

/// Where the cells of a map lie on a device: `window` (in cells, x = columns, y = rows; fractions while
/// zooming) fills `target` (in the painter's units). With `pixels_per_unit` > 0 every edge lies on a border
/// of device pixels, so cells are crisp at any display scale; 0 leaves them exact, for vector devices.
struct CellGrid {
  QRectF target;
  QRectF window;
  double pixels_per_unit = 0;

  /// Left edge of a column, top edge of a row.
  double x(int column) const;
  double y(int row) const;
  QRectF cell(int row, int column) const;
  /// (column, row) under `at`; nothing outside the target.
  std::optional<QPoint> cellAt(const QPointF& at) const;
  bool shows(int row, int column) const;
  /// How many pixels of the device the target takes; none without `pixels_per_unit`.
  QSize pixels() const;
  /// Size of a cell, in the painter's units.
  QSizeF cellSize() const;
};

/// A matrix as an image. Painted by itself and no plottable of a plotting library: it must go into any
/// painter (the window's, a page's), end on device pixels at fractional display scales, and keep maxima,
/// which none offers. Keeps two caches, the numbers (and their maxima at half, quarter ... resolution), which
/// copies share, and the pixels last drawn; a new colour map or range drops only the pixels. Where several
/// cells share a device pixel the one of largest magnitude is shown (NaN before infinity before any number),
/// so zooming out hides no maximum.
class Heatmap {
 public:
  struct Counts {
    std::int64_t nan = 0, infinite = 0, under = 0, over = 0;
    /// One more value, which may be none of these.
    void add(float value, const ColorNorm& norm);
    bool operator==(const Counts&) const = default;
  };

  Heatmap() = default;
  /// `values` row-major, rows * columns of them.
  Heatmap(int rows, int columns, std::vector<float> values)
      : Heatmap(NumberRows::of(rows, columns, std::move(values))) {}
  explicit Heatmap(NumberRows numbers);

  int rows() const { return numbers().rows; }
  int columns() const { return numbers().columns; }
  bool empty() const { return numbers_->rows.empty(); }
  const NumberRows& numbers() const { return numbers_->rows; }
  std::vector<float> values() const { return numbers().copy(); }
  /// Looked for once, for all copies.
  const ValueRange& range() const;
  bool hasNumbersOf(const Heatmap& other) const {
    return numbers_ == other.numbers_ || numbers() == other.numbers();
  }
  float at(int row, int column) const { return numbers().at(row, column); }

  /// Draws where `other`, which is gone, has drawn: memory of that size is slow to come by.
  void drawInto(Heatmap&& other) { spare_ = std::exchange(other.pixels_, {}); }
  void setColors(const ColorMap& map, const ColorNorm& norm);
  const ColorNorm& norm() const { return norm_; }
  bool hasColorsOf(const Heatmap& other) const {
    return map_.name == other.map_.name && norm_ == other.norm_;
  }
  QRgb color(float value) const;
  /// Cells that are no point of the scale.
  const Counts& counts() const;

  /// One pixel a cell.
  QImage cells(const QRect& part) const;
  /// Makes the pixels that paint() takes on a raster device, where they are not there yet.
  void render(const CellGrid& grid) const;
  bool isRendered(const CellGrid& grid) const;
  /// On a raster device from the pixel cache; on any other as one image with exactly a pixel per cell.
  void paint(QPainter& painter, const CellGrid& grid) const;

 private:
  struct Level {
    int rows = 0, columns = 0;
    std::vector<float> values;
    NumberRows numbers() const { return {nullptr, values.data(), rows, columns, columns}; }
  };
  /// Maxima of 2^halvings_x columns by 2^halvings_y rows, signs as they are kept; not both 0.
  const Level& level(int halvings_x, int halvings_y) const;
  void draw(QImage& pixels, const QRectF& window) const;

  /// Of one thread at a time, as all of this.
  struct Numbers {
    NumberRows rows;
    std::optional<ValueRange> range;
    std::map<std::pair<int, int>, Level> levels;
  };

  std::shared_ptr<Numbers> numbers_ = std::make_shared<Numbers>();
  ColorMap map_ = colorMaps().front();
  ColorNorm norm_;
  mutable std::optional<Counts> counts_;
  mutable QImage pixels_, spare_;
  mutable QRectF pixels_window_;
};

/// Frame of a massive value: white over black, so that it stands on any colour, and never smaller than 5 px,
/// so that it stays when cells shrink below a pixel.
void paintOutline(QPainter& painter, const QRectF& cell, double unit);

}  // namespace qkscope

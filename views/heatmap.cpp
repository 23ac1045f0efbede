#include "views/heatmap.h"

#include <QPaintEngine>
#include <algorithm>
#include <bit>
#include <cmath>

#include "views/wide_loops.h"

namespace qkscope {

namespace {

/// First device pixel whose centre lies at or right of `cell`, of pixels that are `cells_per_pixel` apart.
double firstPixel(double cell, double start, double cells_per_pixel) {
  return std::ceil((cell - start) / cells_per_pixel - 0.5);
}

double edge(double cell, double start, double cells, double from, double extent, double pixels_per_unit) {
  if (pixels_per_unit <= 0) return from + (cell - start) / cells * extent;
  const double pixels = std::round(extent * pixels_per_unit);
  return from + firstPixel(cell, start, cells / pixels) / pixels_per_unit;
}

/// Bits that order floats by magnitude, NaN above infinity above every number.
inline std::uint32_t magnitude(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7fffffffu;
}

inline float larger(float a, float b) {
  return magnitude(b) > magnitude(a) ? b : a;
}

/// The larger of each two, by magnitude, into the first.
QKSCOPE_WIDE_LOOPS void keepLarger(float* strongest, const float* line, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) strongest[i] = larger(strongest[i], line[i]);
}

/// The cells first..last that one device pixel stands for.
struct Span {
  int first = 0, last = 0;
};

std::vector<Span> spans(int pixels, double start, double cells, int count) {
  std::vector<Span> result(static_cast<std::size_t>(pixels));
  const double step = cells / pixels;
  for (int pixel = 0; pixel < pixels; ++pixel) {
    Span& span = result[static_cast<std::size_t>(pixel)];
    if (step < 1) {
      span.first = span.last = static_cast<int>(std::floor(start + (pixel + 0.5) * step));
    } else {
      span.first = static_cast<int>(std::floor(start + pixel * step));
      span.last = static_cast<int>(std::ceil(start + (pixel + 1) * step)) - 1;
    }
    span.first = std::clamp(span.first, 0, count - 1);
    span.last = std::clamp(span.last, span.first, count - 1);
  }
  return result;
}

}  // namespace

double CellGrid::x(int column) const {
  return edge(column, window.x(), window.width(), target.x(), target.width(), pixels_per_unit);
}

double CellGrid::y(int row) const {
  return edge(row, window.y(), window.height(), target.y(), target.height(), pixels_per_unit);
}

QRectF CellGrid::cell(int row, int column) const {
  return {QPointF(x(column), y(row)), QPointF(x(column + 1), y(row + 1))};
}

std::optional<QPoint> CellGrid::cellAt(const QPointF& at) const {
  if (!target.contains(at) || window.isEmpty()) return std::nullopt;
  return QPoint(
      static_cast<int>(std::floor(window.x() + (at.x() - target.x()) / target.width() * window.width())),
      static_cast<int>(std::floor(window.y() + (at.y() - target.y()) / target.height() * window.height())));
}

bool CellGrid::shows(int row, int column) const {
  return column + 1 > window.left() && column < window.right() && row + 1 > window.top() &&
         row < window.bottom();
}

QSize CellGrid::pixels() const {
  return (target.size() * pixels_per_unit).toSize();
}

QSizeF CellGrid::cellSize() const {
  return {target.width() / window.width(), target.height() / window.height()};
}

Heatmap::Heatmap(NumberRows numbers) {
  numbers_->rows = std::move(numbers);
}

const ValueRange& Heatmap::range() const {
  if (!numbers_->range) numbers_->range = ValueRange::of(numbers());
  return *numbers_->range;
}

void Heatmap::setColors(const ColorMap& map, const ColorNorm& norm) {
  if (map.name == map_.name && norm == norm_) return;
  map_ = map;
  norm_ = norm;
  counts_.reset();
  if (!pixels_.isNull()) spare_ = std::exchange(pixels_, {});
}

QRgb Heatmap::color(float value) const {
  if (std::isinf(value)) return infinite_color;
  return map_.at(norm_(value));
}

void Heatmap::Counts::add(float value, const ColorNorm& norm) {
  if (std::isnan(value)) {
    ++nan;
  } else if (std::isinf(value)) {
    ++infinite;
  } else if (value < norm.low) {
    ++under;
  } else if (value > norm.high) {
    ++over;
  }
}

const Heatmap::Counts& Heatmap::counts() const {
  if (!counts_) {
    Counts counts{range().nan, range().infinite, 0, 0};
    if (range().least < norm_.low || range().most > norm_.high) {
      counts = {};
      numbers().each([&](float value) { counts.add(value, norm_); });
    }
    counts_ = counts;
  }
  return *counts_;
}

QImage Heatmap::cells(const QRect& part) const {
  QImage image(part.size(), QImage::Format_RGB32);
  for (int row = 0; row < part.height(); ++row) {
    auto* line = reinterpret_cast<QRgb*>(image.scanLine(row));
    for (int column = 0; column < part.width(); ++column) {
      line[column] = color(at(part.y() + row, part.x() + column));
    }
  }
  return image;
}

void Heatmap::paint(QPainter& painter, const CellGrid& grid) const {
  if (empty() || grid.window.isEmpty() || grid.target.isEmpty()) return;
  const QTransform device = painter.deviceTransform();
  const bool raster = painter.paintEngine()->type() == QPaintEngine::Raster && grid.pixels_per_unit > 0 &&
                      device.type() <= QTransform::TxScale;
  if (!raster) {
    const QRect part = grid.window.toAlignedRect().intersected(QRect(0, 0, columns(), rows()));
    const QRectF target(QPointF(grid.x(part.left()), grid.y(part.top())),
                        QPointF(grid.x(part.right() + 1), grid.y(part.bottom() + 1)));
    painter.save();
    painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
    painter.setRenderHint(QPainter::LosslessImageRendering);  // a PDF would otherwise get a JPEG
    if (!grid.target.contains(target)) painter.setClipRect(grid.target, Qt::IntersectClip);
    painter.drawImage(target, cells(part));
    painter.restore();
    return;
  }
  render(grid);
  if (!pixels_.isNull()) painter.drawImage(grid.target.topLeft(), pixels_);
}

void Heatmap::render(const CellGrid& grid) const {
  if (isRendered(grid)) return;
  const QSize size = grid.pixels();
  if (pixels_.isNull()) pixels_ = std::exchange(spare_, {});
  if (pixels_.size() != size) pixels_ = QImage(size, QImage::Format_RGB32);
  if (!size.isEmpty()) draw(pixels_, grid.window);
  pixels_.setDevicePixelRatio(grid.pixels_per_unit);
  pixels_window_ = grid.window;
}

bool Heatmap::isRendered(const CellGrid& grid) const {
  return empty() || grid.window.isEmpty() ||
         (pixels_.size() == grid.pixels() && pixels_window_ == grid.window &&
          pixels_.devicePixelRatio() == grid.pixels_per_unit);
}

const Heatmap::Level& Heatmap::level(int halvings_x, int halvings_y) const {
  const auto key = std::pair(halvings_x, halvings_y);
  std::map<std::pair<int, int>, Level>& levels = numbers_->levels;
  if (const auto found = levels.find(key); found != levels.end()) return found->second;
  // From the coarsest level that is finer both ways, else from the numbers themselves.
  auto from = std::pair(0, 0);
  for (const auto& [have, unused] : levels) {
    if (have.first <= halvings_x && have.second <= halvings_y &&
        have.first + have.second > from.first + from.second) {
      from = have;
    }
  }
  const bool base = from == std::pair(0, 0);
  const NumberRows finer = base ? numbers() : levels.at(from).numbers();
  const auto rows = static_cast<std::size_t>(finer.rows), columns = static_cast<std::size_t>(finer.columns);
  const std::size_t across = std::size_t{1} << (halvings_x - from.first),
                    down = std::size_t{1} << (halvings_y - from.second);
  const std::size_t new_rows = (rows + down - 1) / down, new_columns = (columns + across - 1) / across;

  Level next{static_cast<int>(new_rows), static_cast<int>(new_columns),
             std::vector<float>(new_rows * new_columns)};
  std::vector<float> strongest(columns);
  for (std::size_t row = 0; row < new_rows; ++row) {
    std::copy_n(finer.row(static_cast<int>(row * down)), columns, strongest.begin());
    for (std::size_t i = row * down + 1; i < std::min(rows, (row + 1) * down); ++i)
      keepLarger(strongest.data(), finer.row(static_cast<int>(i)), columns);
    float* out = next.values.data() + row * new_columns;
    for (std::size_t column = 0; column < new_columns; ++column) {
      float value = strongest[column * across];
      for (std::size_t i = column * across + 1; i < std::min(columns, (column + 1) * across); ++i) {
        value = larger(value, strongest[i]);
      }
      out[column] = value;
    }
  }
  return levels.emplace(key, std::move(next)).first->second;
}

void Heatmap::draw(QImage& image, const QRectF& window) const {
  const QSize size = image.size();
  // Start from the coarsest level that is still at least as fine as the pixels, each way; but to make one
  // takes longer than to go over a few times the pixels.
  constexpr double few = 4;
  const bool coarse = window.width() * window.height() > few * size.width() * size.height();
  const auto halvings = [coarse](double cells_per_pixel) {
    return coarse && cells_per_pixel >= 2 ? static_cast<int>(std::log2(cells_per_pixel)) : 0;
  };
  const int halvings_x = halvings(window.width() / size.width()),
            halvings_y = halvings(window.height() / size.height());
  const NumberRows from =
      halvings_x > 0 || halvings_y > 0 ? level(halvings_x, halvings_y).numbers() : numbers();

  const double shrink_x = std::exp2(halvings_x), shrink_y = std::exp2(halvings_y);
  const auto across = spans(size.width(), window.x() / shrink_x, window.width() / shrink_x, from.columns);
  const auto down = spans(size.height(), window.y() / shrink_y, window.height() / shrink_y, from.rows);
  const int first = across.front().first;
  const auto width = static_cast<std::size_t>(across.back().last - first + 1);

  const bool linear = norm_.scale == ColorScale::Linear;
  const auto low = static_cast<float>(norm_.low), high = static_cast<float>(norm_.high);
  const float step = static_cast<float>(256.0 / (norm_.high - norm_.low));
  const bool magnitudes = numbers().magnitudes;
  const auto colorOf = [&](float kept) {
    const float value = magnitudes ? std::abs(kept) : kept;
    // The common case without doubles and branches on the scale.
    if (linear && value > low && value < high) {
      return map_.colors[static_cast<std::size_t>(std::min(255.0f, (value - low) * step))];
    }
    return color(value);
  };

  std::vector<float> strongest(width);
  std::vector<QRgb> colors(width);
  for (int y = 0; y < size.height(); ++y) {
    const Span rows_here = down[static_cast<std::size_t>(y)];
    auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
    if (y > 0) {
      const Span before = down[static_cast<std::size_t>(y - 1)];
      if (before.first == rows_here.first && before.last == rows_here.last) {
        std::copy_n(reinterpret_cast<const QRgb*>(image.constScanLine(y - 1)), size.width(), line);
        continue;
      }
    }
    const auto rowStart = [&](int row) { return from.row(row) + first; };
    std::copy_n(rowStart(rows_here.first), width, strongest.begin());
    for (int row = rows_here.first + 1; row <= rows_here.last; ++row)
      keepLarger(strongest.data(), rowStart(row), width);
    const auto strongestOf = [&](const Span& columns_here) {
      float value = strongest[static_cast<std::size_t>(columns_here.first - first)];
      for (int column = columns_here.first + 1; column <= columns_here.last; ++column)
        value = larger(value, strongest[static_cast<std::size_t>(column - first)]);
      return value;
    };
    if (width < across.size()) {
      // A column has several pixels, but one colour.
      for (std::size_t i = 0; i < width; ++i) colors[i] = colorOf(strongest[i]);
      for (int x = 0; x < size.width(); ++x)
        line[x] = colors[static_cast<std::size_t>(across[static_cast<std::size_t>(x)].first - first)];
    } else {
      for (int x = 0; x < size.width(); ++x)
        line[x] = colorOf(strongestOf(across[static_cast<std::size_t>(x)]));
    }
  }
}

void paintOutline(QPainter& painter, const QRectF& cell, double unit) {
  const double least = 5 * unit;
  const double grow_x = std::max(0.0, (least - cell.width()) / 2),
               grow_y = std::max(0.0, (least - cell.height()) / 2);
  const QRectF inner = cell.adjusted(-grow_x, -grow_y, grow_x, grow_y);
  const double white = (std::min(inner.width(), inner.height()) > 9 * unit ? 2 : 1) * unit;
  const auto frame = [&painter](const QRectF& r, double width, const QColor& color) {
    painter.fillRect(QRectF(r.left(), r.top(), r.width(), width), color);
    painter.fillRect(QRectF(r.left(), r.bottom() - width, r.width(), width), color);
    painter.fillRect(QRectF(r.left(), r.top() + width, width, r.height() - 2 * width), color);
    painter.fillRect(QRectF(r.right() - width, r.top() + width, width, r.height() - 2 * width), color);
  };
  frame(inner.adjusted(-unit, -unit, unit, unit), unit, Qt::black);
  frame(inner, white, Qt::white);
}

}  // namespace qkscope

#include <QElapsedTimer>
#include <cmath>
#include <limits>
#include <memory>

#include "tests/support/test_case.h"
#include "views/heatmap.h"

namespace qkscope::test {

namespace {

const ColorMap& viridis() {
  return colorMap(QStringLiteral("viridis"));
}

Heatmap ramp(int rows, int columns) {
  std::vector<float> values;
  for (int i = 0; i < rows * columns; ++i) values.push_back(static_cast<float>(i));
  Heatmap map(rows, columns, std::move(values));
  map.setColors(viridis(), {ColorScale::Linear, 0, static_cast<double>(rows * columns - 1), 0});
  return map;
}

/// `map` painted alone on an image of a screen with `ratio` device pixels per unit.
QImage painted(const Heatmap& map, const QSize& pixels, double ratio, const QRectF& window) {
  QImage image(pixels, QImage::Format_RGB32);
  image.setDevicePixelRatio(ratio);
  image.fill(Qt::red);
  QPainter painter(&image);
  map.paint(painter, {QRectF(QPointF(0, 0), QSizeF(pixels) / ratio), window, ratio});
  return image;
}

}  // namespace

class TestHeatmap : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void cellsAreCrisp_data() {
    QTest::addColumn<double>("ratio");
    for (const double ratio : {1.0, 1.25, 1.5, 2.0})
      QTest::newRow(qPrintable(QString::number(ratio))) << ratio;
  }
  // Every device pixel has the colour of exactly one cell, and outlines lie on the very same borders.
  void cellsAreCrisp() {
    QFETCH(double, ratio);
    const Heatmap map = ramp(5, 7);
    const QSize pixels(static_cast<int>(100 * ratio), static_cast<int>(60 * ratio));
    for (const QRectF& window : {QRectF(0, 0, 7, 5), QRectF(1.3, 0.4, 3.7, 2.2)}) {
      const QImage image = painted(map, pixels, ratio, window);
      const CellGrid grid{QRectF(QPointF(0, 0), QSizeF(pixels) / ratio), window, ratio};
      for (int row = 0; row < map.rows(); ++row) {
        for (int column = 0; column < map.columns(); ++column) {
          if (!grid.shows(row, column)) continue;
          const QRectF cell = grid.cell(row, column);
          const QRect device = QRectF(cell.topLeft() * ratio, cell.bottomRight() * ratio)
                                   .toRect()
                                   .intersected(QRect(QPoint(0, 0), pixels));
          for (int y = device.top(); y <= device.bottom(); ++y) {
            for (int x = device.left(); x <= device.right(); ++x) {
              QCOMPARE(image.pixel(x, y), map.color(map.at(row, column)));
            }
          }
        }
      }
    }
  }

  void cellUnderThePointer() {
    const CellGrid grid{QRectF(10, 20, 70, 50), QRectF(0, 0, 7, 5), 1};
    QCOMPARE(grid.cellAt({10.5, 20.5}), std::optional(QPoint(0, 0)));
    QCOMPARE(grid.cellAt({79.5, 69.5}), std::optional(QPoint(6, 4)));
    QCOMPARE(grid.cellAt({80.5, 30}), std::optional<QPoint>());
    QCOMPARE(grid.cell(2, 3), QRectF(40, 40, 10, 10));
  }

  // One large cell among thousands is seen however far out, wherever it lies, and whatever its sign.
  void zoomingOutKeepsMaxima_data() {
    QTest::addColumn<int>("rows");
    QTest::addColumn<int>("columns");
    QTest::addColumn<float>("peak");
    QTest::newRow("square") << 400 << 500 << 100.0f;
    QTest::newRow("negative") << 400 << 500 << -100.0f;
    QTest::newRow("tall") << 5000 << 3 << 100.0f;
    QTest::newRow("odd sizes") << 333 << 777 << 100.0f;
    QTest::newRow("wide") << 2 << 4097 << 100.0f;
  }
  void zoomingOutKeepsMaxima() {
    QFETCH(int, rows);
    QFETCH(int, columns);
    QFETCH(float, peak);
    const ColorNorm norm{ColorScale::Linear, -100, 100, 0};
    for (const QPoint& at : {QPoint(0, 0), QPoint(columns - 1, rows - 1), QPoint(columns / 3, rows / 2),
                             QPoint(columns / 2, rows - 1), QPoint(columns - 1, rows / 7)}) {
      std::vector<float> values(static_cast<std::size_t>(rows * columns), 1.0f);
      values[static_cast<std::size_t>(at.y() * columns + at.x())] = peak;
      Heatmap map(rows, columns, std::move(values));
      map.setColors(viridis(), norm);
      for (const QSize& pixels : {QSize(30, 20), QSize(37, 53), QSize(1, 1), QSize(199, 97)}) {
        const QImage image = painted(map, pixels, 1, QRectF(0, 0, columns, rows));
        const QRgb wanted = map.color(peak);
        bool seen = false;
        for (int y = 0; y < image.height(); ++y) {
          for (int x = 0; x < image.width(); ++x) seen |= image.pixel(x, y) == wanted;
        }
        QVERIFY2(seen, qPrintable(QStringLiteral("(%1, %2) lost at %3 x %4")
                                      .arg(at.x())
                                      .arg(at.y())
                                      .arg(pixels.width())
                                      .arg(pixels.height())));
      }
    }
  }

  void nanBeatsInfinityBeatsNumbers() {
    const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
    std::vector<float> values(64 * 64, 1e30f);
    values[17] = -inf;
    Heatmap map(64, 64, values);
    map.setColors(viridis(), {ColorScale::Linear, 0, 1, 0});
    QCOMPARE(painted(map, {1, 1}, 1, {0, 0, 64, 64}).pixel(0, 0), infinite_color);
    values[40 * 64 + 9] = nan;
    map = Heatmap(64, 64, values);
    map.setColors(viridis(), {ColorScale::Linear, 0, 1, 0});
    QCOMPARE(painted(map, {1, 1}, 1, {0, 0, 64, 64}).pixel(0, 0), viridis().nan);
  }

  /// One head of (positions, heads, dims), not copied: the picture is that of a copy, of magnitudes or not.
  void numbersWhereTheyLie() {
    constexpr int positions = 70, heads = 3, dims = 8;
    std::vector<float> all;
    for (int i = 0; i < positions * heads * dims; ++i)
      all.push_back(static_cast<float>(i * 7919 % 2003) - 1000.5f);
    for (const float odd : {1.0f, std::nanf(""), -std::numeric_limits<float>::infinity()}) {
      all[static_cast<std::size_t>((5 * heads + 1) * dims + 2)] = odd;
      for (const bool magnitudes : {false, true}) {
        const auto kept = std::make_shared<const std::vector<float>>(all);
        Heatmap there(NumberRows{kept, kept->data() + dims, positions, dims, heads * dims, magnitudes});
        std::vector<float> values;
        for (int position = 0; position < positions; ++position) {
          for (int dim = 0; dim < dims; ++dim) {
            const float value = all[static_cast<std::size_t>((position * heads + 1) * dims + dim)];
            values.push_back(magnitudes ? std::abs(value) : value);
          }
        }
        Heatmap copied(positions, dims, values);
        QVERIFY(std::isnan(odd) || (there.values() == values && there.hasNumbersOf(copied)));
        QCOMPARE(there.range().least, copied.range().least);
        QCOMPARE(there.range().most, copied.range().most);
        QCOMPARE(there.range().nan, std::int64_t(std::isnan(odd)));
        QCOMPARE(there.range().infinite, std::int64_t(std::isinf(odd)));
        QCOMPARE(there.range().least < 0, !magnitudes);
        for (Heatmap* map : {&there, &copied}) map->setColors(viridis(), {ColorScale::Linear, -300, 900, 0});
        QCOMPARE(there.counts(), copied.counts());
        for (const QSize& pixels : {QSize(1, 1), QSize(5, 9), QSize(31, 40), QSize(80, 210)}) {
          const QRectF whole(0, 0, dims, positions);
          QCOMPARE(painted(there, pixels, 1, whole), painted(copied, pixels, 1, whole));
        }
      }
    }
  }

  void countsWhatIsNoPointOfTheScale() {
    const float inf = std::numeric_limits<float>::infinity();
    Heatmap map(1, 7, {std::nanf(""), inf, -inf, -1, 0, 5, 11});
    map.setColors(viridis(), {ColorScale::Linear, 0, 10, 0});
    QCOMPARE(map.counts(), (Heatmap::Counts{1, 2, 1, 1}));
    QCOMPARE(map.color(std::nanf("")), viridis().nan);
    QCOMPARE(map.color(-inf), infinite_color);
    QCOMPARE(map.color(-1), viridis().under);
    QCOMPARE(map.color(11), viridis().over);
    map.setColors(viridis(), {ColorScale::Linear, -1, 11, 0});
    QCOMPARE(map.counts(), (Heatmap::Counts{1, 2, 0, 0}));
  }

  void newColorsDropThePixels() {
    Heatmap map = ramp(4, 4);
    const QImage before = painted(map, {40, 40}, 1, {0, 0, 4, 4});
    map.setColors(colorMap(QStringLiteral("magma")), map.norm());
    QVERIFY(painted(map, {40, 40}, 1, {0, 0, 4, 4}) != before);
  }

  void onePixelACellForPaper() {
    const Heatmap map = ramp(3, 4);
    const QImage cells = map.cells({1, 1, 2, 2});
    QCOMPARE(cells.size(), QSize(2, 2));
    QCOMPARE(cells.pixel(0, 0), map.color(map.at(1, 1)));
    QCOMPARE(cells.pixel(1, 1), map.color(map.at(2, 2)));
  }

  void outlinesNeverVanish() {
    for (const QRectF& cell : {QRectF(20, 20, 0.2, 0.1), QRectF(20, 20, 12, 1), QRectF(20, 20, 14, 12)}) {
      for (const QColor& ground : {QColor(Qt::white), QColor(Qt::black), QColor(0xfde725)}) {
        QImage image(60, 60, QImage::Format_RGB32);
        image.fill(ground);
        QPainter painter(&image);
        paintOutline(painter, cell, 1);
        painter.end();
        int white = 0, black = 0;
        for (int y = 0; y < 60; ++y) {
          for (int x = 0; x < 60; ++x) {
            white += image.pixelColor(x, y) == Qt::white;
            black += image.pixelColor(x, y) == Qt::black;
          }
        }
        QVERIFY(white >= 8 && black >= 12);
      }
    }
  }

  // A generous bound for busy machines; tests/benchmarks measures.
  void largeMapsRepaintFromTheCache() {
    std::vector<float> values(8192u * 4096u);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1009);
    Heatmap map(8192, 4096, std::move(values));
    map.setColors(viridis(), {ColorScale::Linear, 0, 1008, 0});
    QImage image(1600, 900, QImage::Format_ARGB32_Premultiplied);
    QPainter painter(&image);
    const auto paint = [&](const QRectF& window) {
      QElapsedTimer timer;
      timer.start();
      map.paint(painter, {QRectF(0, 0, 1600, 900), window, 1});
      return static_cast<double>(timer.nsecsElapsed()) / 1e6;
    };
    const double first = paint({0, 0, 4096, 8192});
    double cached = 1e9;
    for (int i = 0; i < 5; ++i) cached = std::min(cached, paint({0, 0, 4096, 8192}));
    double zoomed = 1e9;
    for (int i = 1; i < 6; ++i) zoomed = std::min(zoomed, paint({10.0 * i, 20.0 * i, 3000, 6000}));
    qInfo("8192 x 4096: first paint %.1f ms, again %.2f ms, after a zoom %.2f ms", first, cached, zoomed);
    QVERIFY(cached < 8);
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestHeatmap)
#include "test_heatmap.moc"

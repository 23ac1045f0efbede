#include <cmath>
#include <limits>

#include "tests/support/test_case.h"
#include "views/colormap.h"
#include "views/ticks.h"

namespace qkscope::test {

class TestColormap : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  // First, middle and last colour as matplotlib gives them.
  void tablesAreMatplotlibs_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QRgb>("first");
    QTest::addColumn<QRgb>("middle");
    QTest::addColumn<QRgb>("last");
    QTest::newRow("viridis") << QStringLiteral("viridis") << 0xff440154u << 0xff21918cu << 0xfffde725u;
    QTest::newRow("cividis") << QStringLiteral("cividis") << 0xff00224eu << 0xff7d7c78u << 0xfffee838u;
    QTest::newRow("magma") << QStringLiteral("magma") << 0xff000004u << 0xffb73779u << 0xfffcfdbfu;
    QTest::newRow("inferno") << QStringLiteral("inferno") << 0xff000004u << 0xffbc3754u << 0xfffcffa4u;
    QTest::newRow("plasma") << QStringLiteral("plasma") << 0xff0d0887u << 0xffcc4778u << 0xfff0f921u;
    QTest::newRow("coolwarm") << QStringLiteral("coolwarm") << 0xff3b4cc0u << 0xffdddcdcu << 0xffb40426u;
    QTest::newRow("RdBu_r") << QStringLiteral("RdBu_r") << 0xff053061u << 0xfff7f6f6u << 0xff67001fu;
  }
  void tablesAreMatplotlibs() {
    QFETCH(QString, name);
    QFETCH(QRgb, first);
    QFETCH(QRgb, middle);
    QFETCH(QRgb, last);
    const ColorMap& map = colorMap(name);
    QCOMPARE(map.name, name);
    QCOMPARE(map.at(0.0), first);
    QCOMPARE(map.at(0.5), middle);
    QCOMPARE(map.at(1.0), last);
  }

  void clippedAndNanHaveTheirOwnColors() {
    for (const ColorMap& map : colorMaps()) {
      QCOMPARE(map.at(-0.001), map.under);
      QCOMPARE(map.at(1.001), map.over);
      QCOMPARE(map.at(std::nan("")), map.nan);
      for (const QRgb own : {map.under, map.over, map.nan, infinite_color}) {
        for (const QRgb color : map.colors) {
          const int distance = std::abs(qRed(own) - qRed(color)) + std::abs(qGreen(own) - qGreen(color)) +
                               std::abs(qBlue(own) - qBlue(color));
          QVERIFY2(distance > 24,
                   qPrintable(map.name + QStringLiteral(" comes near %1").arg(QString::number(own, 16))));
        }
      }
    }
  }

  void unknownNamesAndSignedData() {
    QCOMPARE(colorMap(QStringLiteral("no such map")).name, QStringLiteral("viridis"));
    QCOMPARE(divergingMap(QStringLiteral("viridis")).name, QStringLiteral("RdBu_r"));
    QCOMPARE(divergingMap(QStringLiteral("coolwarm")).name, QStringLiteral("coolwarm"));
  }

  void normsInvert_data() {
    QTest::addColumn<int>("scale");
    QTest::addColumn<double>("low");
    QTest::addColumn<double>("high");
    QTest::newRow("linear") << static_cast<int>(ColorScale::Linear) << -3.0 << 12.0;
    QTest::newRow("log") << static_cast<int>(ColorScale::Log) << 0.01 << 300.0;
    QTest::newRow("symlog") << static_cast<int>(ColorScale::SymLog) << -50.0 << 80.0;
  }
  void normsInvert() {
    QFETCH(int, scale);
    QFETCH(double, low);
    QFETCH(double, high);
    const ColorNorm norm{static_cast<ColorScale>(scale), low, high, 0.5};
    QCOMPARE(norm(low), 0.0);
    QCOMPARE(norm(high), 1.0);
    double before = -1;
    for (int i = 0; i <= 20; ++i) {
      const double t = i / 20.0;
      const double value = norm.inverse(t);
      QVERIFY2(std::abs(norm(value) - t) < 1e-9, qPrintable(QString::number(value)));
      QVERIFY(norm(value) > before);
      before = norm(value);
    }
    QVERIFY(norm(std::nextafter(high, 1e9)) > 1);
    QVERIFY(norm(std::nextafter(low, -1e9)) < 0);
    QVERIFY(std::isnan(norm(std::nan(""))));
  }

  void symlogIsOddAndLinearNearZero() {
    const ColorNorm norm{ColorScale::SymLog, -100, 100, 1};
    QCOMPARE(norm(0.0), 0.5);
    QVERIFY(std::abs(norm(37.0) + norm(-37.0) - 1.0) < 1e-12);
    QVERIFY(std::abs((norm(0.8) - 0.5) - 2 * (norm(0.4) - 0.5)) < 1e-12);
    // One decade is as wide as the linear part.
    QVERIFY(std::abs((norm(10.0) - norm(1.0)) - (norm(1.0) - norm(0.0))) < 1e-12);
  }

  void rangesFit() {
    const float inf = std::numeric_limits<float>::infinity();
    const std::vector<float> norms{1, 2, 3, 50, std::nanf(""), inf}, signs{-4, 1, 2};
    Look look;
    QCOMPARE(fitNorm({&norms}, look, false), (ColorNorm{ColorScale::Linear, 0, 50, 0}));
    // A diverging map keeps zero in its middle.
    QCOMPARE(fitNorm({&signs}, look, true), (ColorNorm{ColorScale::Linear, -4, 4, 0}));
    QCOMPARE(fitNorm({&norms, &signs}, look, false), (ColorNorm{ColorScale::Linear, -4, 50, 0}));
    look.scale = ColorScale::Log;
    QCOMPARE(fitNorm({&norms}, look, false), (ColorNorm{ColorScale::Log, 1, 50, 0}));
    QCOMPARE(fitNorm({&signs}, look, true).scale, ColorScale::SymLog);
    look.scale = ColorScale::Linear;
    look.range = ColorRange::Exact;
    look.exact_low = 0;
    look.exact_high = 50;
    QCOMPARE(fitNorm({&signs}, look, false), (ColorNorm{ColorScale::Linear, 0, 50, 0}));
    // The published look: coolwarm about 0, so that norms use its warm half.
    QCOMPARE(fitNorm({&norms}, look, true)(0.0), 0.5);
    look.range = ColorRange::Percentile;
    look.percentile = 75;
    const std::vector<float> hundred = [] {
      std::vector<float> values;
      for (int i = 0; i <= 100; ++i) values.push_back(static_cast<float>(100 - i));
      return values;
    }();
    QCOMPARE(fitNorm({&hundred}, look, false), (ColorNorm{ColorScale::Linear, 25, 75, 0}));
    // Nothing to fit, or all the same: still a scale that can be drawn.
    look = Look{};
    const std::vector<float> same{7, 7}, none;
    for (const bool diverging : {false, true}) {
      for (const auto* values : {&same, &none}) {
        const ColorNorm norm = fitNorm({values}, look, diverging);
        QVERIFY(norm.high > norm.low);
      }
    }
  }

  void ticksAreRound() {
    const auto linear = ticks({ColorScale::Linear, 0, 155, 0}, 6);
    QCOMPARE(linear, (std::vector<double>{0, 50, 100, 150}));
    const auto decades = ticks({ColorScale::Log, 0.02, 5000000, 0}, 9);
    QVERIFY(std::find(decades.begin(), decades.end(), 1000.0) != decades.end());
    const auto symlog = ticks({ColorScale::SymLog, -100, 100, 1}, 8);
    QVERIFY(std::find(symlog.begin(), symlog.end(), 0.0) != symlog.end());
    QCOMPARE(symlog.front(), -symlog.back());
    QCOMPARE(binaryStep(11.9, 30), 4);
    QCOMPARE(decimalStep(3, 14), 5);
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestColormap)
#include "test_colormap.moc"

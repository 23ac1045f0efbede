#include <QFontInfo>
#include <QImage>

#include "tests/views/sample.h"
#include "views/map_painter.h"
#include "views/ticks.h"

namespace qkscope::test {

/// Pictures as they go on paper, narrow ones too.
class TestFigures : public TestCase {
  Q_OBJECT

  static QImage page(double width_mm, double height_mm) {
    QImage image(qRound(width_mm / 25.4 * 300), qRound(height_mm / 25.4 * 300), QImage::Format_RGB32);
    image.setDotsPerMeterX(11811);
    image.setDotsPerMeterY(11811);
    return image;
  }

 private Q_SLOTS:
  void labelsFromOne_data() {
    QTest::addColumn<double>("spacing");
    QTest::addColumn<QVector<int>>("numbers");  // from 1
    QTest::newRow("all") << 10.0 << QVector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    QTest::newRow("odd") << 6.0 << QVector<int>{1, 3, 5, 7, 9, 11};
    QTest::newRow("fives") << 2.5 << QVector<int>{1, 5, 10};
    QTest::newRow("fives, the first too near") << 2.0 << QVector<int>{1, 10};
    QTest::newRow("one") << 0.5 << QVector<int>{1};
  }
  void labelsFromOne() {
    QFETCH(double, spacing);
    QFETCH(QVector<int>, numbers);
    QVector<int> found;
    for (const int index : qkscope::labelsFromOne(0, 11, spacing, 10)) found << index + 1;
    QCOMPARE(found, numbers);
  }
  /// A part that begins in the middle is labelled like the whole.
  void labelsOfAPart() {
    QCOMPARE(qkscope::labelsFromOne(3, 11, 2.5, 10), (std::vector<int>{4, 9}));
    QCOMPARE(qkscope::labelsFromOne(3, 8, 6, 10), (std::vector<int>{4, 6, 8}));
  }

  void narrowFigures_data() {
    QTest::addColumn<double>("width");
    QTest::addColumn<int>("picture");
    for (const double width : {82.0, 120.0, 170.0}) {
      for (int picture = 0; picture < 3; ++picture)
        QTest::addRow("%g mm, %d", width, picture) << width << picture;
    }
  }
  /// Most of the width is picture, the type can be read, and everything stands on the page.
  void narrowFigures() {
    QFETCH(double, width);
    QFETCH(int, picture);
    const QImage image = page(width, width * 0.7);
    const QRectF area(image.rect());
    const PlotStyle style = PlotStyle::paper(image, area.size());
    QVERIFY(style.small.pointSizeF() >= 5.5 && style.mono.pointSizeF() >= 5.5);
    QVERIFY(style.title.pointSizeF() <= 9);
    Look look;
    look.picture = static_cast<Picture>(picture);
    ViewData data = tinyData();
    if (look.picture == Picture::PositionsDims) {
      auto run = std::make_shared<Run>(*data.comparison->baseline);
      for (const Site site : {Site::Query, Site::Key, Site::Value})
        run->capture.values[{0, site}] = Array{{6, site == Site::Query ? 4 : 2, 8},
                                               std::vector<float>(site == Site::Query ? 192 : 96, 1.0f)};
      auto comparison = std::make_shared<Comparison>();
      comparison->baseline = run;
      data.comparison = comparison;
      data.pieces = QStringList(6, QStringLiteral("a rather long token"));
    }
    const MapModel model = mapModel(data, {}, look);
    const MapLayout layout = layoutMap(model, style, area, whole_map, 1);
    double maps = 0;
    for (const CellGrid& grid : layout.grids) {
      QVERIFY(area.contains(grid.target));
      maps = model.side_by_side ? maps + grid.target.width() : grid.target.width();
    }
    const double share = maps / area.width();
    QVERIFY2(share > (model.side_by_side ? 0.55 : 0.68), qPrintable(QString::number(share)));
    QVERIFY(area.contains(layout.title) && area.contains(layout.facts) && area.contains(layout.foot));
  }

  /// Of a part of the picture only what is in sight is counted, and said to be a part.
  void notesCountWhatIsInView() {
    const QImage image = page(170, 120);
    const PlotStyle style = PlotStyle::paper(image, image.size());
    Look look;
    look.range = ColorRange::Exact;
    look.exact_high = 10;
    const MapModel model = mapModel(tinyData(), {}, look);  // head 2, dim 5 of Q stands out
    const auto notes = [&](const MapZoom& zoom) {
      QStringList words;
      for (const FootNote& note : footNotes(model, layoutMap(model, style, image.rect(), zoom, 1)))
        words << note.text;
      return words.join(u'|');
    };
    QVERIFY2(notes(whole_map).contains(QStringLiteral("massive values outlined: 1|above the scale: 1")),
             qPrintable(notes(whole_map)));
    const QString there = notes({0.5, 0.25, 0.5, 0.5}), beside = notes({0, 0, 0.5, 1}),
                  below = notes({0, 0.5, 1, 0.5});
    QVERIFY2(there.contains(QStringLiteral("outlined: 1 of 1|above the scale: 1 of 1")), qPrintable(there));
    QVERIFY2(beside.contains(QStringLiteral("outlined: 0 of 1|above the scale: 0 of 1")), qPrintable(beside));
    QVERIFY2(below.contains(QStringLiteral("outlined: 0 of 1|above the scale: 0 of 1")), qPrintable(below));
    QVERIFY2(there.startsWith(QStringLiteral("dims 4 – 7 of 0 – 7")), qPrintable(there));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestFigures)
#include "test_figures.moc"

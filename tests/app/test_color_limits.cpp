#include <limits>

#include "app/color_limits.h"
#include "tests/support/test_case.h"
#include "tests/views/grouped.h"
#include "views/map_model.h"

namespace qkscope::test {

class TestColorLimits : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void pairsAreRead() {
    const ColorLimits expected{-1.5, 2000};
    for (const char* text :
         {"-1.5 2000", "-1.5,2000", "-1.5, 2e3", " -1.5 ;2000 ", "-1.5\t 2000", "-15e-1 ,2000"})
      QVERIFY2(readColorLimits(QString::fromLatin1(text)) == expected, text);
  }

  void othersAreNot() {
    for (const char* text : {"", "1", "1 2 3", "2 1", "1 1", "1,,2", "a b", "1 nan", "nan 1", "-inf 1",
                             "0 inf", "0 1e999", "1-2", "1, 2,"})
      QVERIFY2(!readColorLimits(QString::fromLatin1(text)), text);
  }

  void textsAreReadBack() {
    for (const ColorLimits& limits :
         {ColorLimits{0, 155.37283325195312}, ColorLimits{-1.0 / 3, 1e-30},
          ColorLimits{-std::numeric_limits<double>::max(), std::numeric_limits<double>::max()}})
      QVERIFY(readColorLimits(colorLimitsText(limits)) == limits);
  }

  // The dialog begins with what is seen: taken as they are, they change no colour and clip no cell.
  void shownLimitsChangeNothing() {
    for (const bool one_scale : {true, false}) {
      Look look;
      look.one_scale = one_scale;
      const MapModel shown = mapModel(groupedData(), {Site::Query, 1, 0, -1, -1}, look);
      const auto limits = shownLimits(shown);
      QVERIFY(limits.has_value());
      look.range = ColorRange::Exact;
      look.exact_low = limits->low;
      look.exact_high = limits->high;
      const MapModel exact = mapModel(groupedData(), {Site::Query, 1, 0, -1, -1}, look);
      for (const MapColorBar& bar : exact.bars) QCOMPARE(bar.counts, Heatmap::Counts{});
      if (one_scale) QCOMPARE(exact.bars[0].norm, shown.bars[0].norm);
    }
    QVERIFY(!shownLimits(MapModel{}).has_value());
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestColorLimits)
#include "test_color_limits.moc"

// How the axes of dumped activations are told apart by their sizes.
#include <numeric>

#include "core/analysis/dump_layout.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using namespace qkscope::test;

Q_DECLARE_METATYPE(std::vector<qkscope::Shape>)

class TestDumpLayout : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void guesses_data() {
    QTest::addColumn<std::vector<Shape>>("shapes");
    QTest::addColumn<QString>("first");
    QTest::addColumn<bool>("certain");
    const auto row = [](const char* name, const std::vector<Shape>& shapes, const char* first, bool certain) {
      QTest::newRow(name) << shapes << QString::fromLatin1(first) << certain;
    };
    row("no model has 66 heads", {{1, 66, 32, 128}}, "bshd", true);
    row("in the other order", {{1, 32, 66, 128}}, "bhsd", true);
    row("without a batch", {{66, 32, 128}}, "bshd", true);
    row("five positions or five heads", {{1, 5, 32, 128}}, "bshd", false);
    row("as many positions as heads", {{1, 32, 32, 128}}, "bshd", false);
    row("fewer heads in K", {{32, 64, 128}, {8, 64, 128}}, "bhsd", true);
    row("fewer heads in K, after the positions", {{16, 32, 128}, {16, 8, 128}}, "bshd", true);
    row("rows of all heads", {{66, 4096}, {66, 1024}}, "flat:128", false);
    row("in a batch", {{1, 66, 2048}}, "flat:128", false);
    row("one head of an odd size", {{66, 30}}, "flat:30", true);
    row("odd sizes are not impossible", {{67, 130, 24}}, "bshd", false);
  }
  void guesses() {
    QFETCH(std::vector<Shape>, shapes);
    QFETCH(QString, first);
    QFETCH(bool, certain);
    const LayoutGuess guess = guess_layout(shapes);
    QVERIFY(!guess.layouts.empty());
    QCOMPARE(QString::fromStdString(layout_name(guess.layouts.front())), first);
    QCOMPARE(guess.certain, certain);
    for (const DumpLayout& layout : guess.layouts) {
      QCOMPARE(parse_layout(layout_name(layout)), layout);
      for (const Shape& shape : shapes) QVERIFY(fits(shape, layout));
    }
    // Who is asked has something to choose from.
    QVERIFY(guess.certain || guess.layouts.size() > 1);
  }

  void noActivations() {
    for (const std::vector<Shape>& shapes : {std::vector<Shape>{},
                                             {{}},
                                             {{7}},
                                             {{2, 66, 32, 128}},
                                             {{0, 32, 128}},
                                             {{1, 2, 3, 4, 5}},
                                             {{66, 32, 128}, {65, 32, 128}},
                                             {{66, 32, 128}, {66, 32, 64}},
                                             {{16, 32, 128}, {16, 7, 128}}})
      QVERIFY(guess_layout(shapes).layouts.empty());
  }

  void words() {
    QCOMPARE(layout_words({1, 66, 32, 128}, {AxisOrder::PositionsHeads, 0}), "66 positions, 32 heads of 128");
    QCOMPARE(layout_words({1, 66, 128}, {AxisOrder::HeadsPositions, 0}), "66 positions, 1 head of 128");
    QCOMPARE(layout_words({1, 256}, {AxisOrder::Flat, 64}), "1 position, 4 heads of 64");
  }

  /// Element (position p, head h, dim d) is 100 p + 10 h + d in every order.
  void arranges() {
    Array expected{{3, 2, 4}, {}}, heads_first{{1, 2, 3, 4}, {}};
    for (int p = 0; p < 3; ++p)
      for (int h = 0; h < 2; ++h)
        for (int d = 0; d < 4; ++d) expected.data.push_back(static_cast<float>(100 * p + 10 * h + d));
    for (int h = 0; h < 2; ++h)
      for (int p = 0; p < 3; ++p)
        for (int d = 0; d < 4; ++d) heads_first.data.push_back(static_cast<float>(100 * p + 10 * h + d));
    QCOMPARE(arrange(heads_first, {AxisOrder::HeadsPositions, 0}), expected);
    QCOMPARE(arrange({{1, 3, 2, 4}, expected.data}, {AxisOrder::PositionsHeads, 0}), expected);
    QCOMPARE(arrange({{3, 8}, expected.data}, {AxisOrder::Flat, 4}), expected);
    QVERIFY(!fits({3, 8}, {AxisOrder::Flat, 3}));
  }
};

QTEST_GUILESS_MAIN(TestDumpLayout)
#include "test_dump_layout.moc"

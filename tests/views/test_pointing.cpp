#include <QContextMenuEvent>
#include <QMenu>
#include <QMouseEvent>

#include "tests/views/grouped.h"
#include "tests/views/picture_stage.h"
#include "tests/views/sample.h"
#include "views/band_chart.h"
#include "views/view_registry.h"

namespace qkscope::test {

Arms armsOf(const Disruption& disruption, bool on) {
  Arms arms;
  arms.shown().edits = {disruption};
  arms.on = on;
  return arms;
}

/// What "this" is, what becomes of the disruption, and how a picture shows both.
class TestPointing : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void thisReachesAsFarAsItSays() {
    const ViewData data = groupedData();  // 3 layers, 6 and 2 heads, 8 dims: dim i turns with i + 4
    constexpr int every = ColumnEntry::every;
    using Entries = std::vector<ColumnEntry>;
    const auto of = [&](Site site, int head, int dim, Reach reach) {
      return pointedEntries(data, {site, 1, head, dim, 2}, reach);
    };
    const Site k = Site::Key, q = Site::Query;
    QVERIFY((of(k, 1, 3, Reach::Entry) == Entries{{k, 1, 1, 3}}));
    QVERIFY((of(k, 1, 3, Reach::Pair) == Entries{{k, 1, 1, 3}, {k, 1, 1, 7}}));
    QVERIFY((of(k, 1, 7, Reach::Pair) == Entries{{k, 1, 1, 3}, {k, 1, 1, 7}}));
    QVERIFY((of(Site::Value, 1, 3, Reach::Pair) == Entries{{Site::Value, 1, 1, 3}}));
    QVERIFY((of(k, 1, 3, Reach::DimInAllHeads) == Entries{{k, 1, every, 3}}));
    QVERIFY((of(q, 4, 3, Reach::Head) == Entries{{q, 1, 4, every}}));
    const Entries group{{q, 1, 3, every}, {q, 1, 4, every}, {q, 1, 5, every}, {k, 1, 1, every}};
    QVERIFY(of(k, 1, 3, Reach::Group) == ordered(group));
    QVERIFY(of(q, 4, -1, Reach::Group) == ordered(group));
    QVERIFY((of(q, 4, 3, Reach::Layer) == Entries{{q, 1, every, every}}));
    QVERIFY((of(k, 0, 2, Reach::Band) == Entries{{k, 1, 0, 2}, {k, 1, 0, 6}}));
    for (const Reach reach : {Reach::Entry, Reach::Pair, Reach::DimInAllHeads, Reach::Band})
      QVERIFY(of(q, 4, -1, reach).empty());
    for (const Reach reach : all_reaches) QVERIFY(pointedEntries({}, {q, 1, 4, 3, 2}, reach).empty());
  }

  /// What a rule finds becomes the list that is added to and taken from.
  void columnsAreAddedAndTakenAway() {
    const ViewData data = groupedData();
    const Disruption rule = parse_disruption("site=qk,pick=lambda:5,replace=zero");
    std::vector<ColumnEntry> found;
    for (const Column& c : groupedMassive) {
      if (c.site != Site::Value) found.push_back({c.site, c.layer, c.head, c.dim});
    }
    QVERIFY(takenEntries(rule, data) == ordered(found));
    const ColumnEntry more{Site::Value, 0, 1, 2};
    auto next = pointed(rule, data, {more}, Pointing::Add);
    found.push_back(more);
    QVERIFY(next && next->entries == ordered(found) && next->replace == Replace::Zero);
    next = pointed(*next, data, {{Site::Query, 1, ColumnEntry::every, ColumnEntry::every}}, Pointing::Remove);
    std::erase_if(found, [](const ColumnEntry& e) { return e.site == Site::Query && e.layer == 1; });
    QVERIFY(next && next->entries == ordered(found));
    next = pointed(*next, data, {more}, Pointing::Only);
    QVERIFY(next && next->entries == std::vector{more});
    QVERIFY(!pointed(*next, data, {more}, Pointing::Remove));  // nothing is left
    // The query heads that a rule names are those that its KV heads serve.
    const auto heads = takenEntries(parse_disruption("site=k,pick=lambda:5,heads=5"), data);
    QVERIFY((heads == std::vector<ColumnEntry>{{Site::Key, 1, 1, 3}}));
    // A rule that looks at the disrupted pass cannot be told column by column.
    const Disruption live = parse_disruption("site=q,pick=lambda:5,mask=live");
    QVERIFY(!takenEntries(live, data) && !pointed(live, data, {more}, Pointing::Add));
    QVERIFY(pointed(live, data, {more}, Pointing::Only));
    // Of a * what is taken away leaves the rest, one by one.
    Disruption layer;
    layer.entries = {{Site::Key, 1, ColumnEntry::every, ColumnEntry::every}};
    next = pointed(layer, data, {{Site::Key, 1, 0, 3}}, Pointing::Remove);
    const TakenColumns left(next->entries);
    QVERIFY((left.of(Site::Key, 1, 0, 8) == std::vector{0, 1, 2, 4, 5, 6, 7}));
    QCOMPARE(left.of(Site::Key, 1, 1, 8).size(), std::size_t{8});
    QVERIFY(left.of(Site::Key, 0, 0, 8).empty() && left.of(Site::Query, 1, 0, 8).empty());
  }

  /// Of an arm's edits, lists grow and shrink; what is added to rules alone becomes a list beside them.
  void armsArePointedAt() {
    const ViewData data = groupedData();
    const Edit rule = parse_disruption("site=q,pick=lambda:5,replace=zero"),
               live = parse_disruption("site=q,pick=lambda:5,mask=live"),
               zero = parse_edit("massive activations to zero");
    const ColumnEntry one{Site::Key, 1, 1, 3}, other{Site::Value, 0, 1, 2};
    Disruption list = *rule.disruption();
    list.entries = {one};
    Edits next = *pointed({zero, rule}, data, {one}, Pointing::Add);
    QVERIFY(next == (Edits{zero, rule, list}));
    next = *pointed(next, data, {other}, Pointing::Add);
    QCOMPARE(next.size(), std::size_t{3});
    QVERIFY(next[2].disruption()->entries == ordered({one, other}));
    // What is switched off is left alone.
    next[2].on = false;
    const Edits kept = *pointed(next, data, {one}, Pointing::Add);
    QVERIFY(kept.size() == 4 && kept[2] == next[2] && kept[3] == list);
    // Taken away from all that is known column by column; a list of none goes.
    next = *pointed({zero, live, list}, data, {one}, Pointing::Remove);
    QVERIFY(next == (Edits{zero, live}));
    QVERIFY(!pointed({zero, live}, data, {one}, Pointing::Remove));
    QVERIFY(*pointed({zero, rule, live}, data, {one}, Pointing::Only) == Edits{list});
    QVERIFY(pointed(Edits(), data, {one}, Pointing::Only)->front().disruption()->entries == std::vector{one});
    QVERIFY(!pointed(Edits{rule}, data, {}, Pointing::Add) &&
            !pointed(Edits{rule}, {}, {one}, Pointing::Only));
    // On the maps stand the columns of all edits that are made.
    Arms arms;
    arms.shown().edits = {rule, list, live};
    QVERIFY(markedEntries(arms, data) == std::vector{one});
    arms.on = true;
    QVERIFY(markedEntries(arms, data).size() > 1);
    arms.shown().edits[1].on = arms.shown().edits[0].on = false;
    QVERIFY(markedEntries(arms, data).empty());
  }

  void shiftPointsAtCellsAndFrames() {
    PictureStage stage(tinyData());
    std::vector<ColumnEntry> entries;
    Pointing pointing = Pointing::Only;
    connect(stage.view, &View::columnsPointed, stage.view,
            [&](const std::vector<ColumnEntry>& e, Pointing p) {
              entries = e;
              pointing = p;
            });
    const auto middle = [&](int row, int column) { return stage.cell(0, row, column).center().toPoint(); };
    QTest::mouseClick(stage.view, Qt::LeftButton, Qt::ShiftModifier, middle(1, 5));
    const std::vector<ColumnEntry> one{{Site::Query, 0, 1, 5}};
    QVERIFY(entries == one && pointing == Pointing::Add);
    QCOMPARE(stage.state.selection(), Selection{});  // a click with Shift selects nothing
    Disruption now;
    now.entries = one;
    stage.view->setArms(armsOf(now, false));
    QTest::mouseClick(stage.view, Qt::LeftButton, Qt::ShiftModifier, middle(1, 5));
    QVERIFY(entries == one && pointing == Pointing::Remove);
    // A frame, drawn from its lower right corner.
    QTest::mousePress(stage.view, Qt::LeftButton, Qt::ShiftModifier, middle(2, 6));
    QMouseEvent move(QEvent::MouseMove, middle(1, 5), stage.view->mapToGlobal(middle(1, 5)), Qt::NoButton,
                     Qt::LeftButton, Qt::ShiftModifier);
    QCoreApplication::sendEvent(stage.view, &move);
    QTest::mouseRelease(stage.view, Qt::LeftButton, Qt::ShiftModifier, middle(1, 5));
    QVERIFY((entries == std::vector<ColumnEntry>{{Site::Query, 0, 1, 5},
                                                 {Site::Query, 0, 1, 6},
                                                 {Site::Query, 0, 2, 5},
                                                 {Site::Query, 0, 2, 6}}));
    QCOMPARE(pointing, Pointing::Add);
    QCOMPARE(stage.view->zoom(), whole_map);
  }

  void menuIsOfWhatIsUnderThePointer() {
    PictureStage stage(tinyData());
    stage.state.setSelection({Site::Key, 0, 1, 0, -1});
    stage.settle();
    Selection at;
    connect(stage.view, &View::menuRequested, stage.view, [&](const Selection& cell) { at = cell; });
    const auto press = [&](const QPointF& place) {
      QContextMenuEvent event(QContextMenuEvent::Mouse, place.toPoint(),
                              stage.view->mapToGlobal(place.toPoint()));
      QCoreApplication::sendEvent(stage.view, &event);
    };
    press(stage.cell(0, 1, 5).center());
    QCOMPARE(at, (Selection{Site::Query, 0, 1, 5, -1}));
    const MapLayout& layout = stage.view->layoutNow();
    press({stage.cell(0, 0, 6).center().x(), layout.rulers[0].center().y()});
    QCOMPARE(at, (Selection{Site::Key, 0, 1, 6, -1}));  // a dim, of the row that is selected
  }

  /// A band is chosen by click, drag and keys, and what rotates so is pointed at: in all heads, of Q, of K or
  /// of both.
  void bandsOfTheChartArePointedAt() {
    ViewState state;
    QWidget window;
    const auto massive = std::ranges::find(viewRegistry(), QStringLiteral("massive"), &ViewEntry::id);
    View* view = massive->make(state, &window);
    window.resize(400, 700);
    view->resize(400, 700);
    view->setData(tinyData());
    window.show();
    QCoreApplication::processEvents();
    auto* chart = view->findChild<BandChart*>();
    std::vector<ColumnEntry> entries;
    std::optional<Pointing> way;
    connect(view, &View::columnsPointed, view, [&](const std::vector<ColumnEntry>& all, Pointing pointing) {
      entries = all;
      way = pointing;
    });
    // 8 dims that rotate are 4 pairs (i, i + 4), so 4 bands of one pair.
    using Range = std::optional<std::pair<int, int>>;
    QCOMPARE(chart->chosen(), Range());
    QTest::keyClick(chart, Qt::Key_X);
    QVERIFY(!way);
    QTest::mouseClick(chart, Qt::LeftButton, {}, chart->band(2).center());
    QCOMPARE(chart->chosen(), Range({2, 2}));
    const int every = ColumnEntry::every;
    QTest::keyClick(chart, Qt::Key_X);
    QVERIFY(way == Pointing::Only);
    QVERIFY((entries == ordered({{Site::Query, every, every, 2},
                                 {Site::Query, every, every, 6},
                                 {Site::Key, every, every, 2},
                                 {Site::Key, every, every, 6}})));
    QTest::mousePress(chart, Qt::LeftButton, {}, chart->band(3).center());
    QTest::mouseMove(chart, chart->band(1).center());
    QMouseEvent drag(QEvent::MouseMove, chart->band(1).center(), chart->mapToGlobal(chart->band(1).center()),
                     Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(chart, &drag);
    QTest::mouseRelease(chart, Qt::LeftButton, {}, chart->band(1).center());
    QCOMPARE(chart->chosen(), Range({1, 3}));
    QTest::keyClick(chart, Qt::Key_X, Qt::ShiftModifier);
    QVERIFY(way == Pointing::Add && entries.size() == 12);
    QTest::keyClick(chart, Qt::Key_X, Qt::ShiftModifier | Qt::ControlModifier);
    QVERIFY(way == Pointing::Remove);
    QTest::keyClick(chart, Qt::Key_Left);
    QCOMPARE(chart->chosen(), Range({0, 0}));
    QTest::keyClick(chart, Qt::Key_Right, Qt::ShiftModifier);
    QCOMPARE(chart->chosen(), Range({0, 1}));
    QContextMenuEvent ask(QContextMenuEvent::Mouse, chart->band(0).center(),
                          chart->mapToGlobal(chart->band(0).center()));
    QCoreApplication::sendEvent(chart, &ask);
    auto* menu = chart->findChild<QMenu*>(QStringLiteral("bandMenu"));
    QVERIFY(menu);
    const QList<QMenu*> ways = menu->findChildren<QMenu*>();
    QCOMPARE(ways.size(), 3);
    ways[0]->actions().at(2)->trigger();
    QVERIFY(way == Pointing::Only);
    QVERIFY((entries == ordered({{Site::Key, every, every, 0},
                                 {Site::Key, every, every, 1},
                                 {Site::Key, every, every, 4},
                                 {Site::Key, every, every, 5}})));
    menu->close();
    QTest::keyClick(chart, Qt::Key_Escape);
    QCOMPARE(chart->chosen(), Range());

    // What is charted: a bar of Q and one of K over each band, under the wavelength it begins at.
    const Bands bands = bandsOf(tinyData(), state.look());
    const Chart& drawn = chart->charts().at(0);
    QCOMPARE(drawn.x_words.size(), qsizetype(4));
    for (const auto& [curve, shares] :
         {std::pair(drawn.curves.at(0), bands.query), std::pair(drawn.curves.at(1), bands.key)}) {
      QVERIFY(curve.stroke == Stroke::Bars);
      QCOMPARE(curve.y.size(), shares.size());
      for (std::size_t i = 0; i < shares.size(); ++i)
        QCOMPARE(curve.y[i],
                 100.0 * static_cast<double>(shares[i].massive) / static_cast<double>(shares[i].entries));
    }
    QVERIFY(std::ranges::any_of(drawn.curves.at(0).y, [](double percent) { return percent > 0; }));

    // Zoomed like every chart: a band is where it is seen, and Ctrl+drag moves it and chooses nothing.
    const QRect whole = chart->band(2);
    QWheelEvent wheel(whole.center(), chart->mapToGlobal(whole.center()), {}, {0, 240}, Qt::NoButton, {},
                      Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(chart, &wheel);
    QTRY_VERIFY(chart->band(2).width() > 1.2 * whole.width());
    QTest::mouseClick(chart, Qt::LeftButton, {}, {chart->band(2).right() - 2, whole.center().y()});
    QCOMPARE(chart->chosen(), Range({2, 2}));
    QCoreApplication::processEvents();
    QVERIFY(chart->band(2).width() > 1.2 * whole.width());  // it stays zoomed
    const QPoint from = chart->band(2).center();
    QTest::mousePress(chart, Qt::LeftButton, Qt::ControlModifier, from);
    QMouseEvent pull(QEvent::MouseMove, from + QPoint(30, 0), chart->mapToGlobal(from + QPoint(30, 0)),
                     Qt::NoButton, Qt::LeftButton, Qt::ControlModifier);
    QCoreApplication::sendEvent(chart, &pull);
    QTest::mouseRelease(chart, Qt::LeftButton, Qt::ControlModifier, from + QPoint(30, 0));
    QTRY_VERIFY(std::abs(chart->band(2).center().x() - from.x() - 30) < 3);
    QCOMPARE(chart->chosen(), Range({2, 2}));
    QTest::mouseDClick(chart, Qt::LeftButton, {}, whole.center());
    QTRY_COMPARE(chart->band(2), whole);
    QVERIFY(bandEntries(tinyData(), {Site::Query}, 0, 4).empty() &&
            bandEntries({}, {Site::Query}, 0, 0).empty());
  }

  /// Hatched is what is edited, framed what a rule calls massive: neither stands for the other.
  void editedColumnsAreHatched() {
    PictureStage stage(tinyData());
    const QImage plain = stage.image();
    Disruption rule = parse_disruption("lambda 5 on Q");
    stage.view->setArms(armsOf(rule, false));
    QCOMPARE(stage.image(), plain);  // off: the outlines say what it would take
    stage.view->setArms(armsOf(rule, true));
    QVERIFY((stage.view->edited()[0] == std::vector{QRect(5, 1, 1, 1)}));
    QVERIFY(stage.image() != plain);
    Disruption listed;
    listed.entries = {{Site::Query, 0, 2, 3},
                      {Site::Query, 0, 2, 4},
                      {Site::Query, 1, 2, 7},
                      {Site::Key, 0, 1, ColumnEntry::every}};
    stage.view->setArms(armsOf(listed, false));
    QVERIFY((stage.view->edited()[0] == std::vector{QRect(3, 2, 2, 1)}));
    QVERIFY((stage.view->edited()[1] == std::vector{QRect(0, 1, 8, 1)}));
    QVERIFY(stage.view->edited()[2].empty());
    const QImage hatched = stage.image();
    QCOMPARE(hatched.pixel(stage.ground(0, 1, 5)), plain.pixel(stage.ground(0, 1, 5)));
    const QRect frame = stage.cell(0, 2, 3).toRect();
    int red = 0;
    for (int x = frame.left() + 2; x < frame.right(); ++x) {
      const QColor color = hatched.pixelColor(x, frame.top() + 1);
      red += color.red() > color.blue() + 60;
    }
    QVERIFY2(red > 2 && red < frame.width() - 4, qPrintable(QString::number(red)));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPointing)
#include "test_pointing.moc"

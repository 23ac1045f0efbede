// The panels of the residual stream: the map, the curves, the table; and the attention of a head.
#include <QLabel>
#include <QSignalSpy>
#include <QTableView>
#include <cmath>

#include "tests/views/panel_stage.h"
#include "views/curves_view.h"
#include "views/exact_boxes.h"
#include "views/residual.h"

namespace qkscope::test {

namespace {

constexpr int layers = 30, positions = 7;

/// 30 layers of residualSample(), those from `last` on still to come; the disrupted run without what is
/// massive.
ViewData residualData(int last = layers) {
  ModelCard card;
  card.spec = plain_spec({.layers = layers, .heads = 4, .kv_heads = 2});
  auto baseline = std::make_shared<Run>();
  baseline->capture.positions = positions;
  for (int layer = 0; layer < last; ++layer)
    baseline->capture.activations[{layer, Site::ResidPost}] = residualSample(layer, positions);
  auto disrupted = std::make_shared<Run>(*baseline);
  for (auto& [where, summary] : disrupted->capture.activations) {
    if (summary.massive.empty()) continue;
    summary.largest.front() = {0, 3, 0.5f};
    summary.top.erase(summary.top.begin());
    summary.massive.clear();
  }
  auto comparison = std::make_shared<Comparison>();
  comparison->baseline = baseline;
  comparison->disrupted = disrupted;
  ViewData data;
  data.card = std::make_shared<const ModelCard>(card);
  data.comparison = comparison;
  for (int t = 0; t < positions; ++t) data.pieces << QStringLiteral("t%1").arg(t);
  return data;
}

QString textOf(const View& view) {
  QStringList all;
  for (const QLabel* label : view.findChildren<QLabel*>()) all << label->text();
  return all.join(QLatin1Char('\n'));
}

}  // namespace

class TestResidualView : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void mapHoldsTheLargestOfEveryPosition() {
    const ViewData data = residualData();
    Look look;
    const PositionMap map = residualMap(data, look, true);
    QVERIFY(std::ranges::count(map.rows_missing, true) == 0);
    QCOMPARE(map.map.rows(), layers);
    QCOMPARE(map.map.columns(), positions);
    QCOMPARE(map.map.at(11, 0), 24000.0f);  // magnitudes
    QCOMPARE(map.map.at(10, 0), 30.0f);
    QCOMPARE(map.map.at(10, 6), 36.0f);
    QCOMPARE(map.outlined.size(), std::size_t(17));
    QCOMPARE(map.outlined.front(), QPoint(0, 11));
    // Stricter than what was kept: answered from it.
    look.activations.least = 24000;
    QVERIFY(residualMap(data, look, true).outlined.empty());  // over, not at
    look = {};
    look.shown = Shown::Difference;
    const PositionMap change = residualMap(data, look, true);
    QCOMPARE(change.map.at(11, 0), 0.5f - 24000.0f);
    QCOMPARE(change.map.at(10, 6), 0.0f);
    QCOMPARE(change.outlined.size(), std::size_t(17));  // those of the baseline
    look.shown = Shown::Disrupted;
    QCOMPARE(residualMap(data, look, true).map.at(11, 0), 0.5f);
    // What has not come is no number.
    look.shown = Shown::Baseline;
    const PositionMap part = residualMap(residualData(3), look, true);
    QVERIFY(std::ranges::count(part.rows_missing, false) == 3);
    QVERIFY(std::isnan(part.map.at(3, 0)) && !std::isnan(part.map.at(2, 0)));
  }

  void clickAndKeysLeadToLayerAndPosition() {
    const ViewData data = residualData();
    Stage stage(QStringLiteral("residual"), data, {700, 400});
    QVERIFY(!stage.view->grab().isNull());  // the layout is made by painting
    const PositionMap map = residualMap(data, {}, true);
    const PositionMapLayout layout = layoutPositionMap(map, PlotStyle::of(*stage.view), stage.view->rect(),
                                                       whole_figure, stage.view->devicePixelRatioF());
    QTest::mouseClick(stage.view, Qt::LeftButton, {}, layout.grid.cell(11, 0).center().toPoint());
    QCOMPARE(stage.state.selection().layer, 11);
    QCOMPARE(stage.state.selection().position, 0);
    QVERIFY(stage.view->accessibleDescription().contains(QStringLiteral("dim 507")));
    QVERIFY(stage.view->accessibleDescription().contains(QStringLiteral("12,000 × median")));
    QTest::keyClick(stage.view, Qt::Key_Right);
    QTest::keyClick(stage.view, Qt::Key_Up);
    QCOMPARE(stage.state.selection().layer, 10);
    QCOMPARE(stage.state.selection().position, 1);
    QVERIFY(stage.state.hover().contains(QStringLiteral("t1")));
    QTest::keyClick(stage.view, Qt::Key_End);
    QCOMPARE(stage.state.selection().position, positions - 1);
    // Zoomed, a click means what is seen.
    stage.view->setFigureZoom({0.5, 0, 0.5, 1});
    QVERIFY(!stage.view->grab().isNull());
    QTest::mouseClick(stage.view, Qt::LeftButton, {},
                      QPoint(static_cast<int>(layout.grid.target.left()) + 3,
                             layout.grid.cell(2, 0).center().toPoint().y()));
    QCOMPARE(stage.state.selection().position, 3);
    QCOMPARE(stage.state.selection().layer, 2);
    QTest::keyClick(stage.view, Qt::Key_Escape);
    QCOMPARE(stage.view->figureZoom(), whole_figure);
  }

  void curvesAreTheLargestAndTheMedian() {
    Stage stage(QStringLiteral("magnitudes"), residualData(20), {700, 300});
    const Chart& chart = qobject_cast<CurvesView*>(stage.view)->plot().charts().at(0);
    const auto y = [&](const QString& name) {
      const auto found = std::ranges::find(chart.curves, name, &Curve::name);
      return found == chart.curves.end() ? std::vector<double>() : found->y;
    };
    QCOMPARE(y(QStringLiteral("largest")).at(11), 24000.0);
    QCOMPARE(y(QStringLiteral("largest")).at(0), 25.0);
    QCOMPARE(y(QStringLiteral("largest disrupted")).at(11), 37.0);
    QCOMPARE(y(QStringLiteral("median")).at(5), 2.0);
    QCOMPARE(y(QStringLiteral("massive above")).at(5), 2000.0);
    QVERIFY(std::isnan(y(QStringLiteral("largest")).at(20)));
    QTest::keyClick(stage.view, Qt::Key_Right);
    QCOMPARE(stage.state.selection().layer, 1);
  }

  void tableListsThemAndLeads() {
    Stage stage(QStringLiteral("activations"), residualData());
    auto* table = stage.view->findChild<QTableView*>();
    QCOMPARE(table->model()->rowCount(), 17);
    QCOMPARE(table->model()->index(0, 3).data().toString(), QStringLiteral("507"));
    QCOMPARE(table->model()->index(0, 4).data().toString(), QStringLiteral("-24,000"));
    QVERIFY2(textOf(*stage.view).contains(QStringLiteral("In 17 of 30 layers (12 – 28)")),
             qPrintable(textOf(*stage.view)));
    table->selectRow(2);
    QCOMPARE(stage.state.selection().layer, 13);
    QCOMPARE(stage.state.selection().position, 0);
    // A looser rule asks runs for more; what it takes of what is kept is there at once.
    QSignalSpy asked(stage.view, &View::needsChanged);
    auto* least = stage.view->findChildren<ExactDoubleBox*>().at(0);
    least->setValue(30000);
    stage.settle();
    QCOMPARE(table->model()->rowCount(), 0);
    QVERIFY(textOf(*stage.view).contains(QStringLiteral("None in 30 of 30 layers")));
    QCOMPARE(stage.view->needs().activations.rule.least, 30000.0);
    QCOMPARE(asked.count(), 1);
    least->setValue(100);
    stage.settle();
    QCOMPARE(table->model()->rowCount(), 17);
  }

  void attentionOfTheSelectedHead() {
    ViewData data = residualData();
    auto baseline = std::make_shared<Run>(*data.comparison->baseline),
         disrupted = std::make_shared<Run>(*data.comparison->disrupted);
    baseline->capture.patterns[{2, 2}] = patternSample(positions, 0.5f);
    disrupted->capture.patterns[{2, 2}] = patternSample(positions, 0.125f);
    auto comparison = std::make_shared<Comparison>();
    comparison->baseline = baseline;
    comparison->disrupted = disrupted;
    data.comparison = comparison;
    data.prompt_tokens = positions;
    Stage stage(QStringLiteral("attention"), data, {600, 500});
    // A KV head means the first of the query heads that it serves.
    stage.state.setSelection({Site::Key, 2, 1, -1, -1});
    stage.settle();
    QCOMPARE(stage.view->needs().patterns, (std::set<HeadId>{{2, 2}}));
    QVERIFY(stage.view->whyNoFigure().isEmpty());
    Array shown = stage.view->figureArrays().at(0).array;
    QCOMPARE(shown.at(3, 0), 0.5f);
    QCOMPARE(shown.at(3, 3), 0.5f);
    QVERIFY(std::isnan(shown.at(3, 4)));  // later than the query
    Look look;
    look.shown = Shown::Difference;
    stage.state.setLook(look);
    QCOMPARE(stage.view->figureArrays().at(0).array.at(3, 0), -0.375f);
    stage.settle();
    for (const Qt::Key key : {Qt::Key_Home, Qt::Key_End, Qt::Key_Down}) QTest::keyClick(stage.view, key);
    QCOMPARE(stage.state.selection().position, 1);
    QVERIFY2(stage.state.hover().contains(QStringLiteral("comes later")), qPrintable(stage.state.hover()));
    QTest::keyClick(stage.view, Qt::Key_Home);
    QVERIFY2(stage.state.hover().contains(QStringLiteral("50 % → 13 %")), qPrintable(stage.state.hover()));
    // Another head is asked for, and said to be missing until it comes.
    QSignalSpy asked(stage.view, &View::needsChanged);
    stage.state.setSelection({Site::Query, 3, 1, -1, -1});
    stage.settle();
    QCOMPARE(asked.count(), 1);
    QCOMPARE(stage.view->needs().patterns, (std::set<HeadId>{{3, 1}}));
    QVERIFY(stage.view->whyNoFigure().contains(QStringLiteral("not been computed")));
  }

  void filesHaveNone() {
    ViewData data = residualData();
    data.dump = std::make_shared<const ActivationDump>();
    for (const QString& id :
         {QStringLiteral("residual"), QStringLiteral("magnitudes"), QStringLiteral("attention")}) {
      Stage stage(id, data, {500, 300});
      QVERIFY(stage.view->whyNoFigure().contains(QStringLiteral("open a model")));
      QVERIFY(stage.view->figureArrays().empty());
    }
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestResidualView)
#include "test_residual_view.moc"

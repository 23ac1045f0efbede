#include <QAbstractItemModelTester>
#include <QDoubleSpinBox>
#include <QHeaderView>
#include <QLabel>
#include <QSignalSpy>
#include <QSlider>
#include <QTableView>
#include <cmath>
#include <limits>

#include "tests/views/grouped.h"
#include "tests/views/panel_stage.h"
#include "views/curves_view.h"
#include "views/massive_item_model.h"
#include "views/overview_painter.h"

namespace qkscope::test {

class TestPanels : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// The dock of a panel enables it when it is shown, after its first refresh(): which takes colours of what
  /// is enabled.
  void isEnabledAtItsFirstRefresh() {
    class Probe : public View {
     public:
      using View::View;
      bool enabled = false;

     protected:
      void refresh() override { enabled = isEnabled(); }
    };
    ViewState state;
    Probe probe(state, nullptr);
    probe.setEnabled(false);
    probe.show();
    QVERIFY(probe.enabled);
  }

  void lambdaIsLookOnly() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Stage stage(QStringLiteral("massive"), smollm2Data());
    QSignalSpy needs(stage.view, &View::needsChanged);
    auto* slider = stage.view->findChild<QSlider*>();
    auto* exact = stage.view->findChild<QDoubleSpinBox*>();
    auto* table = stage.view->findChild<QTableView*>();
    QCOMPARE(table->model()->rowCount(), 270 + 75 + 3);
    slider->setValue(40);
    QCOMPARE(stage.state.look().lambda, 4.0);
    QCOMPARE(exact->value(), 4.0);
    stage.settle();
    QCOMPARE(table->model()->rowCount(), 381 + 89 + 8);
    exact->setValue(6.0);
    QCOMPARE(slider->value(), 60);
    stage.settle();
    QCOMPARE(table->model()->rowCount(), 183 + 64 + 2);
    // Set from elsewhere, the controls follow.
    Look look = stage.state.look();
    look.lambda = 3;
    stage.state.setLook(look);
    stage.settle();
    QCOMPARE(exact->value(), 3.0);
    QCOMPARE(table->model()->rowCount(), 589 + 146 + 18);
    // Before RoPE: counted over QueryPreRope and KeyPreRope.
    look.lambda = 5;
    look.after_rope = false;
    stage.state.setLook(look);
    stage.settle();
    QCOMPARE(table->model()->rowCount(), 273 + 76 + 3);
    QCOMPARE(needs.count(), 0);
  }

  void tableSortsAndLeadsToTheCell() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Stage stage(QStringLiteral("massive"), smollm2Data());
    auto* table = stage.view->findChild<QTableView*>();
    const auto text = [&](int row, int column) {
      return table->model()->index(row, column).data().toString();
    };
    // Strongest ratio first: layer 4 [3], head 6 [5], dim 23.
    QCOMPARE(text(0, MassiveItemModel::SiteColumn), QStringLiteral("Q"));
    QCOMPARE(text(0, MassiveItemModel::LayerColumn), QStringLiteral("4"));
    QCOMPARE(text(0, MassiveItemModel::HeadColumn), QStringLiteral("6"));
    QCOMPARE(text(0, MassiveItemModel::DimColumn), QStringLiteral("23"));
    QCOMPARE(text(0, MassiveItemModel::MColumn), QStringLiteral("98.10"));
    QCOMPARE(text(0, MassiveItemModel::RatioColumn), QStringLiteral("13.4"));
    QCOMPARE(text(0, MassiveItemModel::WavelengthColumn), QStringLiteral("24,656"));
    const auto click = [&](int row) {
      QTest::mouseClick(table->viewport(), Qt::LeftButton, {},
                        table->visualRect(table->model()->index(row, MassiveItemModel::DimColumn)).center());
    };
    click(0);
    QCOMPARE(stage.state.selection(), (Selection{Site::Query, 3, 5, 23, -1}));
    table->sortByColumn(MassiveItemModel::MColumn, Qt::AscendingOrder);
    double before = 0;
    for (int row = 0; row < table->model()->rowCount(); ++row) {
      const double m =
          table->model()->index(row, MassiveItemModel::MColumn).data(MassiveItemModel::SortRole).toDouble();
      QVERIFY(m >= before);
      before = m;
    }
    // Sorting chose nothing; a selection made elsewhere is followed without one being made here.
    QCOMPARE(stage.state.selection(), (Selection{Site::Query, 3, 5, 23, -1}));
    stage.state.setSelection({Site::Key, 16, 1, 55, -1});
    View::refreshAllDue();
    QCOMPARE(table->currentIndex().siblingAtColumn(MassiveItemModel::LayerColumn).data().toInt(), 17);
    QCOMPARE(table->currentIndex().siblingAtColumn(MassiveItemModel::SiteColumn).data().toString(),
             QStringLiteral("K"));
    stage.state.setSelection({Site::Key, 16, 1, 2, -1});  // not massive
    View::refreshAllDue();
    QVERIFY(!table->currentIndex().isValid());
    QCOMPARE(stage.state.selection(), (Selection{Site::Key, 16, 1, 2, -1}));
  }

  // Tab comes by; a click, the arrows and Enter choose.
  void onlyAChoiceInTheTableSelects() {
    Stage stage(QStringLiteral("massive"), groupedData());
    stage.window.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&stage.window));
    auto* table = stage.view->findChild<QTableView*>();
    QCOMPARE(table->model()->rowCount(), 6);
    const Selection before{Site::Query, 0, 2, 1, 3};  // not massive: the table has no current row
    stage.state.setSelection(before);
    for (QWidget* first = stage.view; !table->hasFocus();) {
      QTest::keyClick(first, Qt::Key_Tab);
      first = stage.window.focusWidget();
    }
    stage.settle();
    QCOMPARE(stage.state.selection(), before);
    QTest::keyClick(table, Qt::Key_Tab);
    QCOMPARE(stage.state.selection(), before);

    const auto selects = [&](int row) {
      const auto number = [&](int column) { return table->model()->index(row, column).data().toInt(); };
      const Selection now = stage.state.selection();
      return now.layer == number(MassiveItemModel::LayerColumn) - 1 &&
             now.head == number(MassiveItemModel::HeadColumn) - 1 &&
             now.dim == number(MassiveItemModel::DimColumn) && now.position == before.position;
    };
    table->setFocus();
    QTest::keyClick(table, Qt::Key_Return);
    QVERIFY(selects(table->currentIndex().row()));
    QTest::keyClick(table, Qt::Key_Home, Qt::ControlModifier);
    QVERIFY(selects(0));
    QTest::keyClick(table, Qt::Key_Down);
    QVERIFY(selects(1));
    // Other numbers under the same selection choose nothing.
    Look look;
    look.lambda = 2;
    stage.state.setSelection(before);
    stage.state.setLook(look);
    stage.settle();
    QCOMPARE(stage.state.selection(), before);
  }

  void itemModelKeepsItsPromises() {
    MassiveItemModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    const ViewData data = tinyData();
    model.setValues(massive_values(data.comparison->baseline->capture.norms, Site::Query, 5), shownAxis(data),
                    layerLabels(data));
    QCOMPARE(model.rowCount(), 1);
    model.setLayer(0, Qt::blue);
    QCOMPARE(model.index(0, 0).data(Qt::BackgroundRole).value<QColor>(), QColor(Qt::blue));
    QCOMPARE(model.rowOf({Site::Query, 0, 1, 5, -1}), 0);
    QCOMPARE(model.rowOf({Site::Query, 1, 1, 5, -1}), -1);
    for (int column = 0; column < model.columnCount(); ++column) {
      QVERIFY(!model.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString().isEmpty());
      QVERIFY(!model.headerData(column, Qt::Horizontal, Qt::ToolTipRole).toString().isEmpty());
    }
    model.setValues({}, {}, {});
    QCOMPARE(model.rowCount(), 0);
  }

  void overviewFindsTheStrongest() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    const Overview overview = overviewOf(smollm2Data(), Look{}, false);
    QCOMPARE(overview.computed, 30);
    QVERIFY(std::abs(overview.bar.norm.high - 13.4) < 0.05);
    QCOMPARE(overview.maps[0].color(overview.maps[0].at(3, 5)), overview.bar.map.at(1.0));
    QVERIFY(std::abs(overview.maps[2].values().size() - 90.0) < 1);
  }

  void overviewSelectsByClickAndKey() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Stage stage(QStringLiteral("overview"), smollm2Data());
    stage.view->resize(220, 600);
    const QImage image = stage.view->grab().toImage();  // the layout is made by painting
    QVERIFY(!image.isNull());
    const PlotStyle style = PlotStyle::of(*stage.view);
    const OverviewLayout layout = layoutOverview(overviewOf(smollm2Data(), Look{}, false), style,
                                                 stage.view->rect(), stage.view->devicePixelRatioF());
    QTest::mouseClick(stage.view, Qt::LeftButton, {}, layout.grids[1].cell(19, 2).center().toPoint());
    QCOMPARE(stage.state.selection(), (Selection{Site::Key, 19, 2, -1, -1}));
    QTest::keyClick(stage.view, Qt::Key_Right);
    QCOMPARE(stage.state.selection(), (Selection{Site::Value, 19, 0, -1, -1}));
    QTest::keyClick(stage.view, Qt::Key_Left);
    QTest::keyClick(stage.view, Qt::Key_Up);
    QCOMPARE(stage.state.selection(), (Selection{Site::Key, 18, 2, -1, -1}));
    QVERIFY(stage.state.hover().contains(QStringLiteral("layer 19 · KV head 3")));
    QVERIFY(stage.view->accessibleDescription().contains(QStringLiteral("max M / mean")));
  }

  void overviewFillsAsLayersCome() {
    ViewData data = tinyData();
    auto run = std::make_shared<Run>(*data.comparison->baseline);
    std::erase_if(run->capture.norms, [](const auto& entry) { return entry.first.layer == 1; });
    auto comparison = std::make_shared<Comparison>(*data.comparison);
    comparison->baseline = run;
    data.comparison = comparison;
    const Overview overview = overviewOf(data, Look{}, false);
    QCOMPARE(overview.computed, 1);
    QVERIFY(std::isnan(overview.maps[0].at(1, 0)));
    QVERIFY(overview.maps[0].at(0, 1) > 5.9f);
    Stage stage(QStringLiteral("overview"), data);
    QVERIFY(!stage.view->grab().isNull());
  }

  void curvesHoldTheirNumbersAndLead() {
    Stage layers(QStringLiteral("layers"), groupedData());
    const auto& by_layer = qobject_cast<CurvesView*>(layers.view)->plot().charts();
    const auto curve = [](const Chart& chart, const QString& name) {
      const auto found = std::ranges::find(chart.curves, name, &Curve::name);
      return found == chart.curves.end() ? Curve{} : *found;
    };
    QCOMPARE(by_layer.at(0).id, QStringLiteral("massive"));
    QCOMPARE(curve(by_layer[0], QStringLiteral("Q")).y, (std::vector<double>{0, 1, 1}));
    QCOMPARE(curve(by_layer[0], QStringLiteral("K")).y, (std::vector<double>{0, 1, 1}));
    QCOMPARE(curve(by_layer[0], QStringLiteral("V disrupted")).y, (std::vector<double>{1, 1, 0}));
    QCOMPARE(curve(by_layer[0], QStringLiteral("Q")).x, (std::vector<double>{1, 2, 3}));
    const double strongest = ratioOf(Site::Query, 1, 4, 2);
    QVERIFY(std::abs(curve(by_layer[1], QStringLiteral("Q")).y.at(1) - strongest) < 1e-4 * strongest);
    QCOMPARE(*by_layer[1].selected, 1.0);
    // The arrows walk the layers, and stop at the last.
    for (int i = 0; i < 5; ++i) QTest::keyClick(layers.view, Qt::Key_Right);
    layers.settle();
    QCOMPARE(layers.state.selection().layer, 2);
    QCOMPARE(*by_layer[1].selected, 3.0);

    Stage entry(QStringLiteral("selection"), groupedData());
    entry.state.setSelection({Site::Key, 1, 1, 3, 2});
    entry.settle();
    const auto& of_entry = qobject_cast<CurvesView*>(entry.view)->plot().charts();
    for (const bool disrupted : {false, true}) {
      const QString run = shownWords(disrupted ? Shown::Disrupted : Shown::Baseline);
      for (int dim = 0; dim < 8; ++dim) {
        const double m = normOf(Site::Key, true, 1, 1, dim, disrupted);
        QVERIFY(std::abs(curve(of_entry[0], run).y.at(static_cast<std::size_t>(dim)) - m) < 1e-5 * m);
      }
      for (int head = 0; head < 2; ++head) {
        const double m = normOf(Site::Key, true, 1, head, 3, disrupted);
        QVERIFY(std::abs(curve(of_entry[1], run).y.at(static_cast<std::size_t>(head)) - m) < 1e-5 * m);
      }
      for (int position = 0; position < 5; ++position)
        QCOMPARE(curve(of_entry[2], run).y.at(static_cast<std::size_t>(position)),
                 static_cast<double>(groupedValue(Site::Key, true, 1, 1, 3, position, disrupted)));
    }
    QCOMPARE(*of_entry[2].selected, 2.0);
    // Values are asked for; without a dim there is nothing to show along heads and positions.
    QVERIFY(entry.view->needs().values.contains(Site::Key));
    entry.state.setSelection({Site::Key, 1, 1, -1, -1});
    entry.settle();
    QVERIFY(!of_entry[1].missing.isEmpty() && !of_entry[2].missing.isEmpty() &&
            of_entry[0].missing.isEmpty());
  }

  void verdictSaysTable3AndItsRule() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Stage stage(QStringLiteral("verdict"), smollm2Data());
    const auto words = [&] {
      QStringList all;
      for (const QLabel* label : stage.view->findChildren<QLabel*>()) all << label->text();
      return all.join(QLatin1Char('\n'));
    };
    QTRY_VERIFY(words().contains(QStringLiteral("RoPE yes")));
    for (const char* number : {"270", "75", "3", "100 %"})
      QVERIFY2(words().split(QLatin1Char('\n')).contains(QLatin1String(number)), number);
    QVERIFY(words().contains(QStringLiteral("M > 5 × mean")));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPanels)
#include "test_panels.moc"

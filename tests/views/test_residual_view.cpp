// The panels of the residual stream: the map, the curves, the table; and the attention of a head.
#include <QComboBox>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <cmath>

#include "core/analysis/logit_parts.h"
#include "core/analysis/rotary_pairs.h"
#include "tests/views/panel_stage.h"
#include "views/activation_pointing.h"
#include "views/arms.h"
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

  /// A button, a menu of the table and one of the map make an edit of the shown arm, or change the one that
  /// sets the same numbers.
  void numbersAreSetAtAClick() {
    Stage stage(QStringLiteral("activations"), residualData());
    Arms arms;
    arms.list = {{QStringLiteral("first"), {}}, {QString(), {parse_edit("site=q,pick=largest:1")}}};
    arms.chosen = 1;
    stage.view->setArms(arms);
    connect(stage.view, &View::armsEdited, stage.view, [&](const Arms& next) {
      arms = next;
      stage.view->setArms(next);
    });
    const auto click = [&](ActivationChange change) {
      const QString name = QStringLiteral("activationsSet%1").arg(static_cast<int>(change));
      QTest::mouseClick(stage.view->findChild<QPushButton*>(name), Qt::LeftButton);
      return QString::fromStdString(to_text(arms.shown().edits));
    };
    const QString before = QString::fromStdString(to_text(arms.shown().edits)) + u'\n';
    const auto text = [](const char* edit) { return QString::fromStdString(to_text(parse_edits(edit))); };
    QCOMPARE(click(ActivationChange::Zero), before + text("activations=first,set=zero"));
    QVERIFY(arms.on);
    QVERIFY(arms.list[0].edits.empty());
    QCOMPARE(click(ActivationChange::Mean), before + text("activations=first,set=mean"));
    QCOMPARE(click(ActivationChange::Control), before + text("activations=first,control=median"));
    arms.shown().edits.back().on = false;
    stage.view->setArms(arms);
    QCOMPARE(click(ActivationChange::Zero), before + text("activations=first,set=zero"));
    stage.view->findChild<QComboBox*>(QStringLiteral("activationsReach"))->setCurrentIndex(1);
    QCOMPARE(click(ActivationChange::Zero), before + text("activations=first;activations=each"));
    // The rule is the panel's.
    arms.shown().edits.clear();
    stage.view->setArms(arms);
    Look look;
    look.activations = {50, 20};
    stage.state.setLook(look);
    QCOMPARE(click(ActivationChange::Zero), text("activations=each,over=50,times=20"));

    arms.shown().edits.clear();
    stage.view->setArms(arms);
    const auto choose = [&](Stage& in, QWidget* widget, const QPoint& place, int action) {
      QTimer::singleShot(0, in.view, [action] {
        auto* menu = qobject_cast<QMenu*>(QApplication::activePopupWidget());
        QVERIFY(menu);
        QList<QAction*> real;
        for (QAction* each : menu->actions()) {
          if (!each->isSeparator()) real << each;
        }
        QCOMPARE(real.size(), 9);
        menu->setActiveAction(real.at(action));
        QTest::keyClick(menu, Qt::Key_Return);
      });
      QContextMenuEvent event(QContextMenuEvent::Mouse, place, widget->mapToGlobal(place));
      QApplication::sendEvent(widget, &event);
    };
    stage.state.setLook({});
    stage.settle();
    auto* table = stage.view->findChild<QTableView*>();
    choose(stage, table->viewport(), table->visualRect(table->model()->index(2, 0)).center(), 0);
    QCOMPARE(QString::fromStdString(to_text(arms.shown().edits)),
             text("activations=0:507,layers=14,set=zero"));
    Stage map(QStringLiteral("residual"), residualData(), {700, 400});
    map.view->setArms(arms);
    connect(map.view, &View::armsEdited, map.view, [&](const Arms& next) { arms = next; });
    QVERIFY(!map.view->grab().isNull());
    const PositionMapLayout layout =
        layoutPositionMap(residualMap(residualData(), {}, true), PlotStyle::of(*map.view), map.view->rect(),
                          whole_figure, map.view->devicePixelRatioF());
    choose(map, map.view, layout.grid.cell(4, 3).center().toPoint(), 2);
    QCOMPARE(QString::fromStdString(to_text(arms.shown().edits)),
             text("activations=0:507,layers=14,set=zero;activations=3:3,layers=5,control=median"));
    // Of what is not there nothing can be said.
    QVERIFY(!pointedActivation(residualData(3), {}, {Site::Query, 3, 0, -1, 0}));
    QVERIFY(!pointedActivation(residualData(), {}, {Site::Query, 3, 0, -1, -1}));
    QVERIFY(!pointedActivation(residualData(), {}, {Site::Query, 3, 0, -1, positions}));
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
    QCOMPARE(stage.state.selection().key, positions - 1);
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

  /// The parts of a logit by dim, pair and key, of both runs, and where a click leads.
  void logitTakenApart() {
    ViewData data = residualData();
    const AttentionSpec& spec = *data.spec()->attention(2);
    const auto values = [](std::int64_t heads, float of_position, float strong) {
      Array array{{positions, heads, 8}, {}};
      for (int t = 0; t < positions; ++t) {
        for (int i = 0; i < heads * 8; ++i)
          array.data.push_back(
              i % 8 == 5 ? strong : of_position * static_cast<float>(t + 1) * (i % 3 == 0 ? 1 : -0.5f));
      }
      return array;
    };
    const auto with = [&](const std::shared_ptr<const Run>& run, float strong) {
      auto made = std::make_shared<Run>(*run);
      made->capture.values[{2, Site::Query}] = values(4, 0.5f, strong);
      made->capture.values[{2, Site::Key}] = values(2, 1, 3);
      for (const Site site : {Site::Query, Site::Key})
        made->capture.norms[{2, site}] = norms_over_positions(*made->capture.value(2, site));
      return made;
    };
    auto comparison = std::make_shared<Comparison>();
    comparison->baseline = with(data.comparison->baseline, 40);
    comparison->disrupted = with(data.comparison->disrupted, 1);
    data.comparison = comparison;
    Stage stage(QStringLiteral("logit"), data, {1200, 260});
    stage.state.setSelection({Site::Key, 2, 1, -1, 4, 1});  // KV head 2: query head 3
    stage.settle();
    QVERIFY2(stage.view->whyNoFigure().isEmpty(), qPrintable(stage.view->whyNoFigure()));
    const Needs needs = stage.view->needs();
    QCOMPARE(needs.values, (std::set<Site>{Site::Query, Site::Key}));
    QCOMPARE(needs.value_layers, std::vector<int>{2});
    const auto parts = [&](const Run& run, int key) {
      return logit_parts(spec, *run.capture.value(2, Site::Query), *run.capture.value(2, Site::Key), 2, 4,
                         key);
    };
    const LogitParts before = parts(*comparison->baseline, 1), after = parts(*comparison->disrupted, 1);
    const auto charts = [&] { return qobject_cast<CurvesView*>(stage.view)->plot().charts(); };
    const std::vector<Chart> drawn = charts();
    QCOMPARE(drawn.size(), std::size_t(3));
    QCOMPARE(drawn[0].curves.at(0).y, before.dims);
    QCOMPARE(drawn[0].curves.at(1).x, std::vector<double>{5});  // massive
    QCOMPARE(drawn[0].curves.at(2).y, after.dims);
    const FrequencyAxis axis(*data.spec(), 2, positions);
    QCOMPARE(drawn[1].curves.at(0).y, before.by_pair(axis));
    QCOMPARE(drawn[1].curves.at(1).y, after.by_pair(axis));
    QCOMPARE(drawn[2].curves.at(0).x, (std::vector<double>{0, 1, 2, 3, 4}));
    for (int key = 0; key < 5; ++key) {
      QCOMPARE(drawn[2].curves.at(0).y.at(static_cast<std::size_t>(key)),
               parts(*comparison->baseline, key).logit());
      QCOMPARE(drawn[2].curves.at(1).y.at(static_cast<std::size_t>(key)),
               parts(*comparison->disrupted, key).logit());
    }
    QVERIFY(stage.view->accessibleDescription().contains(
        QStringLiteral("From 4 t4 to 1 t1: %1 → %2")
            .arg(numberWords(before.logit()), numberWords(after.logit()))));
    // Along the keys as far as the query sees.
    auto& plot = const_cast<CurvePlot&>(qobject_cast<CurvesView*>(stage.view)->plot());
    Q_EMIT plot.picked(2, 6.2);
    QCOMPARE(stage.state.selection().key, 4);
    Q_EMIT plot.picked(1, 2);
    QCOMPARE(stage.state.selection().dim, 2);
    Q_EMIT plot.picked(0, 5);
    QCOMPARE(stage.state.selection().dim, 5);
    stage.state.setSelection({Site::Query, 2, 1, -1, 2, 5});
    stage.settle();
    QVERIFY(stage.view->whyNoFigure().contains(QStringLiteral("does not see")));
    // The rotary pairs of the same head: the pair of the selected dim, and where a click leads.
    Stage pairs(QStringLiteral("pairs"), data, {1200, 260});
    pairs.state.setSelection({Site::Key, 2, 1, 5, 4, 1});
    pairs.settle();
    const auto& drawn_pairs = qobject_cast<CurvesView*>(pairs.view)->plot().charts();
    QCOMPARE(drawn_pairs.size(), std::size_t(4));
    QVERIFY(drawn_pairs[0].title.contains(QStringLiteral("Pair 1")));
    QCOMPARE(drawn_pairs[0].curves.at(1).x.size(), std::size_t(positions));
    QCOMPARE(drawn_pairs[3].curves.at(0).y,
             measured_logits(spec, *comparison->baseline->capture.value(2, Site::Query),
                             *comparison->baseline->capture.value(2, Site::Key), 2, {1, 5}));
    QCOMPARE(drawn_pairs[3].selected, std::optional<double>(3));
    Q_EMIT const_cast<CurvePlot&>(qobject_cast<CurvesView*>(pairs.view)->plot()).picked(1, 3);
    QCOMPARE(pairs.state.selection().dim, 3);
    // Nothing chosen: the last query, the first key.
    stage.state.setSelection({Site::Query, 2, 1, -1, -1});
    stage.settle();
    QCOMPARE(charts().at(2).curves.at(0).x.size(), std::size_t(positions));
    QVERIFY(stage.view->figureTitle().contains(QStringLiteral("from 6 t6 to 0 t0")));
    stage.state.setSelection({Site::Query, 3, 1, -1, -1});
    stage.settle();
    QVERIFY(stage.view->whyNoFigure().contains(QStringLiteral("not been computed")));
  }

  void filesHaveNone() {
    ViewData data = residualData();
    data.dump = std::make_shared<const ActivationDump>();
    for (const QString& id :
         {QStringLiteral("residual"), QStringLiteral("magnitudes"), QStringLiteral("attention"),
          QStringLiteral("logit"), QStringLiteral("pairs")}) {
      Stage stage(id, data, {500, 300});
      QVERIFY(stage.view->whyNoFigure().contains(QStringLiteral("open a model")));
      QVERIFY(stage.view->figureArrays().empty());
    }
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestResidualView)
#include "test_residual_view.moc"

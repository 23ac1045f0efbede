#include <QSignalSpy>

#include "tests/views/grouped.h"
#include "tests/views/picture_stage.h"

namespace qkscope::test {

class TestPositionsPicture : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void positionsAskForTheirLayer() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Look look;
    look.picture = Picture::PositionsDims;
    PictureStage stage(smollm2Data(), look);
    QSignalSpy needs(stage.view, &View::needsChanged);
    stage.state.setSelection({Site::Query, 16, 6, 23, -1});
    stage.settle();
    QCOMPARE(needs.count(), 1);
    QCOMPARE(stage.view->needs().value_layers, std::vector<int>{16});
    const MapModel& model = stage.view->model();
    QCOMPARE(model.panels[0].map.rows(), 109);
    QCOMPARE(model.panels[1].head, 2);  // the KV head that serves query head 7
    QCOMPARE(model.panels[0].massive_columns, (std::vector<int>{23, 28}));
    // Moving the cell within the layer asks for nothing new.
    stage.key(Qt::Key_Down);
    stage.settle();
    QCOMPARE(needs.count(), 1);
    QCOMPARE(stage.state.selection().position, 1);
  }

  // All layers' values are asked for while those of two passes fit into the budget, so that looking around
  // runs nothing.
  void valuesOfAllLayersAreAskedForWithinTheBudget() {
    ViewData data = groupedData();
    Look look;
    look.picture = Picture::PositionsDims;
    const std::int64_t bytes_a_token = 2 * 3 * (6 + 6 + 2 + 2 + 2) * 8 * 4;
    const Selection chosen{Site::Key, 2, 1, 3, -1};
    for (const std::int64_t tokens : {std::int64_t{1}, value_budget / bytes_a_token}) {
      data.prompt_tokens = static_cast<int>(tokens);
      QCOMPARE(mapNeeds(data, chosen, look).value_layers, std::vector<int>());
      QCOMPARE(mapNeeds(data, chosen, look).values.size(), std::size_t{5});
    }
    for (const std::int64_t tokens : {std::int64_t{0}, value_budget / bytes_a_token + 1}) {
      data.prompt_tokens = static_cast<int>(tokens);
      QCOMPARE(mapNeeds(data, chosen, look).value_layers, std::vector<int>{2});
    }
    data.prompt_tokens = 5;
    PictureStage stage(data, look);
    QSignalSpy needs(stage.view, &View::needsChanged);
    for (int layer = 0; layer < 3; ++layer) {
      for (const Selection& selection :
           {Selection{Site::Query, layer, 5, 1, 2}, Selection{Site::Key, layer, 1, 1, 2}}) {
        stage.state.setSelection(selection);
        stage.settle();
        QCOMPARE(stage.view->model().panels[1].layer, layer);
        QCOMPARE(stage.view->model().panels[1].map.at(2, 1), groupedValue(Site::Key, true, layer, 1, 1, 2));
      }
    }
    QCOMPARE(needs.count(), 0);
  }

  // A rule moves marks, not numbers: millions of them are neither copied nor coloured again.
  void mapsOfTheSameNumbersStay() {
    const ViewData data = groupedData();
    const Selection at{Site::Query, 1, 2, 0, 0};
    Look look;
    look.picture = Picture::PositionsDims;
    const MapModel shown = mapModel(data, at, look);
    const auto stays = [&](const ViewData& now, const Selection& selection, const Look& asked) {
      const MapModel next = mapModel(now, selection, asked, &shown);
      const MapModel judge = mapModel(now, selection, asked);
      std::size_t same = 0;
      for (std::size_t i = 0; i < next.panels.size(); ++i) {
        if (next.panels[i].map.values() != judge.panels[i].map.values()) return std::size_t{99};
        same += &next.panels[i].map.range() == &shown.panels[i].map.range();
      }
      return same;
    };
    Look other = look;
    other.lambda = 1.5;
    QCOMPARE(stays(data, at, other), std::size_t{3});
    QCOMPARE(stays(data, {Site::Query, 1, 2, 3, 1}, look), std::size_t{3});
    QCOMPARE(stays(data, {Site::Query, 1, 0, 0, 0}, look), std::size_t{2});  // its KV head is the same
    QCOMPARE(stays(data, {Site::Query, 0, 2, 0, 0}, look), std::size_t{0});
    other = look;
    other.color_map = QStringLiteral("RdBu_r");  // signs are shown
    QCOMPARE(stays(data, at, other), std::size_t{0});
    other = look;
    other.after_rope = !look.after_rope;
    QCOMPARE(stays(data, at, other), std::size_t{1});  // V is not rotated
    ViewData again = data;
    again.comparison = std::make_shared<const Comparison>(*data.comparison);
    QCOMPARE(stays(again, at, look), std::size_t{0});
  }

  // Above the budget a layer's values come with a run of their own; until then the picture before them stays.
  void oldPictureStaysUntilTheValuesCome() {
    ViewData full = groupedData();
    full.prompt_tokens = 1 << 20;
    ViewData first = full;
    auto run = std::make_shared<Run>(*full.comparison->baseline);
    std::erase_if(run->capture.values, [](const auto& entry) { return entry.first.layer != 0; });
    auto comparison = std::make_shared<Comparison>(*full.comparison);
    comparison->baseline = run;
    first.comparison = comparison;
    Look look;
    look.picture = Picture::PositionsDims;
    PictureStage stage(first, look);
    stage.state.setSelection({Site::Key, 0, 1, 2, 3});
    const QPoint at = stage.ground(1, 2, 2);
    const QRgb fresh = stage.image().pixel(at);
    QVERIFY(stage.view->awaited().isEmpty());

    QSignalSpy needs(stage.view, &View::needsChanged);
    stage.state.setSelection({Site::Key, 2, 1, 2, 3});
    const QImage waiting = stage.image();
    QCOMPARE(needs.count(), 1);
    QCOMPARE(stage.view->needs().value_layers, std::vector<int>{2});
    QVERIFY(stage.view->awaited().contains(QStringLiteral("layer 3")));
    QCOMPARE(stage.view->model().panels[1].layer, 0);
    QVERIFY(!stage.view->model().panels[1].map.empty());
    QVERIFY(QColor(waiting.pixel(at)).lightnessF() > QColor(fresh).lightnessF() + 0.2);
    // Walking on goes through the layer that is awaited.
    stage.key(Qt::Key_Right);
    stage.key(Qt::Key_Down);
    QCOMPARE(stage.state.selection(), (Selection{Site::Key, 2, 1, 3, 4}));

    stage.view->setData(full);
    stage.settle();
    QVERIFY(stage.view->awaited().isEmpty());
    QCOMPARE(stage.view->model().panels[1].layer, 2);
    QCOMPARE(stage.view->model().panels[1].map.at(4, 3), groupedValue(Site::Key, true, 2, 1, 3, 4));

    // Back, and the same layer again: nothing to wait for.
    stage.view->setData(first);
    stage.settle();
    QVERIFY(!stage.view->awaited().isEmpty());
    stage.state.setSelection({Site::Key, 0, 1, 2, 3});
    stage.settle();
    QVERIFY(stage.view->awaited().isEmpty());
    QCOMPARE(stage.view->model().panels[1].layer, 0);

    // Another prompt's picture is no stand-in.
    auto other = std::make_shared<Comparison>(*comparison);
    other->request.prompt = {7, 8, 9};
    first.comparison = other;
    stage.state.setSelection({Site::Key, 1, 1, 2, 3});
    stage.view->setData(first);
    stage.settle();
    QVERIFY(stage.view->awaited().isEmpty());
    QVERIFY(stage.view->model().panels[1].map.empty());
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPositionsPicture)
#include "test_positions_picture.moc"

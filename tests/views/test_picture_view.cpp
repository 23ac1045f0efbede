#include <QHelpEvent>
#include <QSignalSpy>
#include <QTextDocument>
#include <QToolTip>
#include <QWheelEvent>
#include <cmath>
#include <limits>

#include "tests/views/sample.h"
#include "views/picture_view.h"
#include "views/token_text.h"

namespace qkscope::test {

namespace {

/// A picture of the tiny model in a window.
struct Stage {
  explicit Stage(const ViewData& data, const Look& look = {}) {
    state.setLook(look);
    view = new PictureView(state, &window);
    lightPalette(*view);
    view->resize(700, 500);
    window.resize(700, 500);
    window.show();
    view->setData(data);
    settle();
  }
  void settle() {
    QCoreApplication::processEvents();
    QCoreApplication::processEvents();
  }
  QRectF cell(std::size_t panel, int row, int column) const {
    return view->layoutNow().cell({panel, row, column});
  }
  /// A point of the cell that neither its number nor its frame covers.
  QPoint ground(std::size_t panel, int row, int column) const {
    const QRectF r = cell(panel, row, column);
    return QPointF(r.center().x(), r.bottom() - 5).toPoint();
  }
  QImage image() {
    settle();
    return view->grab().toImage();
  }
  void key(Qt::Key key) { QTest::keyClick(view, key); }

  ViewState state;
  QWidget window;
  PictureView* view;
};

ViewData withCell(float value) {
  ViewData data = tinyData();
  auto run = std::make_shared<Run>(*data.comparison->baseline);
  run->capture.norms[{0, Site::Key}].data[3] = value;
  auto comparison = std::make_shared<Comparison>(*data.comparison);
  comparison->baseline = run;
  data.comparison = comparison;
  return data;
}

}  // namespace

class TestPictureView : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void massiveValueHasColorAndOutline() {
    Stage stage(tinyData());
    const QImage image = stage.image();
    const ColorMap& map = colorMap(QStringLiteral("viridis"));
    const QRectF cell = stage.cell(0, 1, 5);
    QCOMPARE(image.pixel(stage.ground(0, 1, 5)), map.at(1.0));
    // 1 of 20 is a twentieth up the map; this neighbour is not massive and has no frame.
    const QRectF plain = stage.cell(0, 2, 2);
    QCOMPARE(image.pixel(stage.ground(0, 2, 2)), map.at(1.0 / 20));
    const auto at = [&](const QRectF& r, double inset) {
      return image.pixelColor(QPointF(r.left() + inset, r.center().y() + 8).toPoint());
    };
    QCOMPARE(at(cell, 0.5), QColor(Qt::white));
    QCOMPARE(at(cell, -1.0), QColor(Qt::black));
    QVERIFY(at(plain, 0.5) != QColor(Qt::white));
  }

  void outlineFollowsLambdaWithoutARun() {
    Stage stage(tinyData());
    QSignalSpy needs(stage.view, &View::needsChanged);
    QCOMPARE(stage.view->model().panels[0].massive.size(), std::size_t{1});
    Look look;
    look.lambda = 7;  // 20 / mean(27 / 8) = 5.9
    stage.state.setLook(look);
    stage.settle();
    QVERIFY(stage.view->model().panels[0].massive.empty());
    QCOMPARE(needs.count(), 0);
  }

  void specialCellsHaveTheirColorsAndAreCounted() {
    const ColorMap& map = colorMap(QStringLiteral("viridis"));
    Stage nan(withCell(std::nanf("")));
    QCOMPARE(nan.image().pixel(nan.ground(1, 0, 3)), map.nan);
    QCOMPARE(nan.view->model().bars[0].counts.nan, std::int64_t{1});
    Stage infinite(withCell(std::numeric_limits<float>::infinity()));
    QCOMPARE(infinite.image().pixel(infinite.ground(1, 0, 3)), infinite_color);
    Look look;
    look.range = ColorRange::Exact;
    look.exact_low = 0.5;
    look.exact_high = 10;
    Stage clipped(withCell(0.25f), look);
    const QImage image = clipped.image();
    QCOMPARE(image.pixel(clipped.ground(1, 0, 3)), map.under);
    QCOMPARE(image.pixel(clipped.ground(0, 1, 5)), map.over);
    QCOMPARE(clipped.view->model().bars[0].counts, (Heatmap::Counts{0, 0, 1, 1}));
  }

  void hoverSaysEverything() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Stage stage(smollm2Data());
    stage.state.setSelection({Site::Query, 16, 0, -1, -1});
    stage.settle();
    QTest::mouseMove(stage.view, stage.cell(0, 6, 23).center().toPoint());
    stage.settle();
    const QString words = stage.state.hover();
    for (const char* part :
         {"Q", "layer 17", "head 7 (KV head 3)", "dim 23 ↔ 55", "inv_freq 0.000255",
          "wavelength 24,656 tokens", "0.0044 turns over this prompt", "M 133.6", "ratio 10.8"}) {
      QVERIFY2(words.contains(QString::fromUtf8(part)),
               qPrintable(words + QStringLiteral(" lacks ") + QString::fromUtf8(part)));
    }
    QTest::mouseMove(stage.view, QPoint(2, 2));
    stage.settle();
    QVERIFY(stage.state.hover().isEmpty());
  }

  // What is cut off at the end of a narrow status line must not be the number.
  void readOutBeginsWithTheNumber() {
    for (const Picture picture : {Picture::HeadsDims, Picture::PositionsDims, Picture::AllLayers}) {
      for (const Shown shown : {Shown::Baseline, Shown::Difference}) {
        Look look;
        look.picture = picture;
        look.shown = shown;
        Stage stage(groupedData(), look);
        QTest::mouseMove(stage.view, QPoint(2, 2));
        QTest::mouseMove(stage.view, stage.cell(0, 1, 2).center().toPoint());
        stage.settle();
        const QStringList words = stage.state.hover().split(QStringLiteral(" · "));
        const bool positions = picture == Picture::PositionsDims;
        const QString number = positions ? QStringLiteral("value ") : QStringLiteral("M ");
        const QString difference = positions ? QStringLiteral("Δ value ") : QStringLiteral("ΔM ");
        QVERIFY2(words[0].startsWith(shown == Shown::Baseline ? number : difference), qPrintable(words[0]));
        if (!positions) QVERIFY(words[1].contains(QStringLiteral("ratio")));
        QCOMPARE(words[positions ? 1 : 2], QStringLiteral("Q"));
        QCOMPARE(stage.state.hoverPosition(), positions ? 1 : -1);
      }
    }
  }

  void restingOnACellTellsIt() {
    ViewData data = groupedData();
    data.pieces[3] = QStringLiteral("<b>bold</b>");
    Look look;
    look.picture = Picture::PositionsDims;
    Stage stage(data, look);
    const auto rest = [&](const QPoint& at) {
      QHelpEvent event(QEvent::ToolTip, at, stage.view->mapToGlobal(at));
      QCoreApplication::sendEvent(stage.view, &event);
      return QToolTip::text();
    };
    const QString words = rest(stage.cell(1, 2, 3).center().toPoint());
    const QStringList lines = words.split(u'\n');
    QCOMPARE(lines[0],
             QStringLiteral("value %1").arg(numberWords(groupedValue(Site::Key, true, 0, 0, 3, 2))));
    QVERIFY(lines[1].contains(QStringLiteral("position 2 “·pass”")));
    QCOMPARE(lines.size(), 3);
    // Text of files stays text.
    const QString marked = rest(stage.cell(1, 3, 3).center().toPoint());
    QVERIFY(marked.contains(QStringLiteral("<b>bold</b>")));
    QVERIFY(!Qt::mightBeRichText(marked));
    QToolTip::hideText();
    QCOMPARE(toolTipText(QStringLiteral("<b>x</b>\n&amp;")),
             QStringLiteral("<p style='white-space:pre-wrap'>&lt;b&gt;x&lt;/b&gt;\n&amp;amp;</p>"));
    QCOMPARE(toolTipText(QStringLiteral("a < b & c")), QStringLiteral("a < b & c"));
  }

  void oneScaleShowsHowEmptyVIs() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Stage stage(smollm2Data());
    QCOMPARE(stage.view->model().bars.size(), std::size_t{1});
    Look look;
    look.one_scale = false;
    stage.state.setLook(look);
    stage.settle();
    const auto& bars = stage.view->model().bars;
    QCOMPARE(bars.size(), std::size_t{3});
    QVERIFY(bars[2].norm.high < bars[0].norm.high / 2);
  }

  void clickAndKeysSelect() {
    Stage stage(tinyData());
    QTest::mouseClick(stage.view, Qt::LeftButton, {}, stage.cell(0, 3, 2).center().toPoint());
    QCOMPARE(stage.state.selection(), (Selection{Site::Query, 0, 3, 2, -1}));
    stage.key(Qt::Key_Right);
    QCOMPARE(stage.state.selection().dim, 3);
    stage.key(Qt::Key_Down);  // below the last query head lies the first of K
    QCOMPARE(stage.state.selection(), (Selection{Site::Key, 0, 0, 3, -1}));
    stage.key(Qt::Key_Up);
    QCOMPARE(stage.state.selection(), (Selection{Site::Query, 0, 3, 3, -1}));
    stage.key(Qt::Key_PageDown);
    QCOMPARE(stage.state.selection().layer, 1);
    stage.key(Qt::Key_PageDown);
    QCOMPARE(stage.state.selection().layer, 1);
    stage.settle();
    QVERIFY(stage.view->model().title.contains(QStringLiteral("Layer 2 [1]")));
    QVERIFY(stage.view->accessibleDescription().contains(QStringLiteral("dim 3")));
  }

  void zoomsPansFitsAndGoesBack() {
    Stage stage(tinyData());
    const QRectF cell = stage.cell(0, 1, 5);
    const QPointF at = cell.center();
    QWheelEvent wheel(at, stage.view->mapToGlobal(at), {}, {0, 240}, Qt::NoButton, Qt::ControlModifier,
                      Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(stage.view, &wheel);
    QVERIFY(stage.view->zoom().width() < 0.7);
    QCOMPARE(stage.view->zoom().height(), 1.0);
    // The cell under the cursor stays under it.
    QCOMPARE(stage.view->layoutNow().cellAt(stage.view->model(), at), (std::optional<CellRef>{{0, 1, 5}}));
    const MapZoom close = stage.view->zoom();
    QTest::mousePress(stage.view, Qt::LeftButton, {}, at.toPoint());
    QTest::mouseMove(stage.view, at.toPoint() + QPoint(80, 0));
    QTest::mouseRelease(stage.view, Qt::LeftButton, {}, at.toPoint() + QPoint(80, 0));
    QVERIFY(stage.view->zoom().x() < close.x());
    QCOMPARE(stage.state.selection().dim, -1);  // a drag is no click
    stage.key(Qt::Key_Backspace);
    QCOMPARE(stage.view->zoom(), close);
    QTest::mouseDClick(stage.view, Qt::LeftButton, {}, at.toPoint());
    QCOMPARE(stage.view->zoom(), whole_map);
    stage.key(Qt::Key_Backspace);
    QCOMPARE(stage.view->zoom(), close);
    stage.key(Qt::Key_Backspace);
    QCOMPARE(stage.view->zoom(), whole_map);
    stage.key(Qt::Key_Backspace);  // nothing before the start
    QCOMPARE(stage.view->zoom(), whole_map);
  }

  void differenceIsSignedAndNamed() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Look look;
    look.shown = Shown::Difference;
    Stage stage(smollm2Data(), look);
    stage.state.setSelection({Site::Query, 16, 6, 23, -1});
    stage.settle();
    const MapModel& model = stage.view->model();
    QVERIFY(model.bars[0].map.diverging);
    QCOMPARE(model.bars[0].norm.low, -model.bars[0].norm.high);
    QVERIFY(model.panels[0].map.at(6, 23) < -100);
    QVERIFY(model.facts.join(u' ').contains(QStringLiteral("disrupted − baseline")));
    // Without a disrupted run it says what to do instead.
    stage.view->setData(smollm2Data(false));
    stage.settle();
    QVERIFY(stage.view->model().panels.empty());
    QVERIFY(stage.view->model().message.contains(u'D'));
  }

  // coolwarm about zero over norms, 0 to 50: the published figures' colours.
  void paperLook() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Look look;
    look.color_map = QStringLiteral("coolwarm");
    look.range = ColorRange::Exact;
    look.exact_low = 0;
    look.exact_high = 50;
    Stage stage(smollm2Data(), look);
    const MapModel& model = stage.view->model();
    QCOMPARE(model.bars[0].from, 0.0);
    QCOMPARE(model.bars[0].norm.high, 50.0);
    QCOMPARE(model.panels[0].map.color(0.0f), colorMap(look.color_map).at(0.5));
    QCOMPARE(model.panels[0].map.color(50.0f), colorMap(look.color_map).at(1.0));
    QVERIFY(model.facts.join(u' ').contains(QStringLiteral("linear 0 – 50")));
  }

  // The selection outlives the model it was made in.
  void selectionOfALargerModelIsBroughtInside() {
    Stage stage(tinyData());
    stage.state.setSelection({Site::Key, 40, 30, 100, 7000});
    stage.settle();
    QVERIFY(!cellWords(tinyData(), Look{}, {Site::Key, 40, 30, 100, 7000}).isEmpty());
    stage.view->setData(tinyData());
    stage.settle();
    QCOMPARE(stage.state.selection(), (Selection{Site::Key, 1, 1, 7, 5}));
  }

  void staleIsDimmed() {
    Stage stage(tinyData());
    const QPoint at = stage.cell(0, 2, 2).center().toPoint();
    const QColor fresh = stage.image().pixelColor(at);
    ViewData data = stage.view->data();
    data.stale = true;
    stage.view->setData(data);
    const QColor stale = stage.image().pixelColor(at);
    QVERIFY(stale.lightnessF() > fresh.lightnessF() + 0.2);
  }

  void layersComeOneByOne() {
    ViewData data = tinyData();
    auto run = std::make_shared<Run>(*data.comparison->baseline);
    std::erase_if(run->capture.norms, [](const auto& entry) { return entry.first.layer == 1; });
    auto comparison = std::make_shared<Comparison>(*data.comparison);
    comparison->baseline = run;
    data.comparison = comparison;
    Look look;
    look.picture = Picture::AllLayers;
    Stage stage(data, look);
    QCOMPARE(stage.view->model().panels[0].map.rows(), 8);
    QCOMPARE(stage.view->model().bars[0].counts.nan,
             std::int64_t{0});  // not computed is no NaN of the model's
    QVERIFY(stage.view->model().facts.join(u' ').contains(QStringLiteral("1 of 2 layers")));
    stage.state.setLook(Look{});
    stage.state.setSelection({Site::Query, 1, 0, -1, -1});
    stage.settle();
    QVERIFY(stage.view->model().panels[0].map.empty());
    QVERIFY(stage.view->model().panels[0].missing.contains(QStringLiteral("layer 2")));
  }

  void positionsAskForTheirLayer() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    Look look;
    look.picture = Picture::PositionsDims;
    Stage stage(smollm2Data(), look);
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
    Stage stage(data, look);
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
    Stage stage(first, look);
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

  void unrotatedDimsHaveNoPartner() {
    ViewData data = tinyData();
    ModelCard card = *data.card;
    card.spec.rope->rotary_dim = 4;
    data.card = std::make_shared<const ModelCard>(card);
    QVERIFY(cellWords(data, Look{}, {Site::Query, 0, 1, 1, -1}).contains(QStringLiteral("dim 1 ↔ 3")));
    QVERIFY(cellWords(data, Look{}, {Site::Query, 0, 1, 6, -1}).contains(QStringLiteral("not rotated")));
    card.spec.rope.reset();
    data.card = std::make_shared<const ModelCard>(card);
    Stage stage(data);
    QVERIFY(!stage.image().isNull());
    QVERIFY(stage.view->model().facts.contains(QStringLiteral("no RoPE")));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPictureView)
#include "test_picture_view.moc"

#include <QHelpEvent>
#include <QSignalSpy>
#include <QTextDocument>
#include <QToolTip>
#include <QWheelEvent>
#include <cmath>
#include <limits>

#include "tests/views/grouped.h"
#include "tests/views/picture_stage.h"
#include "tests/views/sample.h"
#include "views/token_text.h"

namespace qkscope::test {

namespace {

ViewData withCell(float value) {
  ViewData data = tinyData();
  auto run = std::make_shared<Run>(*data.comparison->baseline);
  setCell(run->capture, {0, Site::Key}, 3, value);
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
    PictureStage stage(tinyData());
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
    PictureStage stage(tinyData());
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
    PictureStage nan(withCell(std::nanf("")));
    QCOMPARE(nan.image().pixel(nan.ground(1, 0, 3)), map.nan);
    QCOMPARE(nan.view->model().bars[0].counts.nan, std::int64_t{1});
    PictureStage infinite(withCell(std::numeric_limits<float>::infinity()));
    QCOMPARE(infinite.image().pixel(infinite.ground(1, 0, 3)), infinite_color);
    Look look;
    look.range = ColorRange::Exact;
    look.exact_low = 0.5;
    look.exact_high = 10;
    PictureStage clipped(withCell(0.25f), look);
    const QImage image = clipped.image();
    QCOMPARE(image.pixel(clipped.ground(1, 0, 3)), map.under);
    QCOMPARE(image.pixel(clipped.ground(0, 1, 5)), map.over);
    QCOMPARE(clipped.view->model().bars[0].counts, (Heatmap::Counts{0, 0, 1, 1}));
  }

  void hoverSaysEverything() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    PictureStage stage(smollm2Data());
    stage.state.setSelection({Site::Query, 16, 0, -1, -1});
    stage.settle();
    QTest::mouseMove(stage.view, stage.cell(0, 6, 23).center().toPoint());
    stage.settle();
    const QString words = stage.state.hover();
    for (const char* part : {"Q", "layer 17", "head 7 (KV head 3)", "dim 23 ↔ 55", "inv_freq 0.000255",
                             "wavelength 24,656 tokens", "0.0044 turns over this prompt", "M 133.6",
                             "ratio 10.8", "rank 6 of 576 in its layer"}) {
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
        PictureStage stage(groupedData(), look);
        QTest::mouseMove(stage.view, QPoint(2, 2));
        QTest::mouseMove(stage.view, stage.cell(0, 1, 2).center().toPoint());
        stage.settle();
        const QStringList words = stage.state.hover().split(QStringLiteral(" · "));
        const bool positions = picture == Picture::PositionsDims;
        const QString number = positions ? QStringLiteral("value ") : QStringLiteral("M ");
        const QString difference = positions ? QStringLiteral("Δ value ") : QStringLiteral("ΔM ");
        QVERIFY2(words[0].startsWith(shown == Shown::Baseline ? number : difference), qPrintable(words[0]));
        if (!positions) QVERIFY(words[1].contains(QStringLiteral("ratio")));
        const bool ranked = !positions && shown == Shown::Baseline;
        if (ranked) QVERIFY(words[2].startsWith(QStringLiteral("rank ")));
        QCOMPARE(words[positions ? 1 : ranked ? 3 : 2], QStringLiteral("Q"));
        QCOMPARE(stage.state.hoverPosition(), positions ? 1 : -1);
      }
    }
  }

  void restingOnACellTellsIt() {
    ViewData data = groupedData();
    data.pieces[3] = QStringLiteral("<b>bold</b>");
    Look look;
    look.picture = Picture::PositionsDims;
    PictureStage stage(data, look);
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
    PictureStage stage(smollm2Data());
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
    PictureStage stage(tinyData());
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
    PictureStage stage(tinyData());
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
    PictureStage stage(smollm2Data(), look);
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
    PictureStage stage(smollm2Data(), look);
    const MapModel& model = stage.view->model();
    QCOMPARE(model.bars[0].from, 0.0);
    QCOMPARE(model.bars[0].norm.high, 50.0);
    QCOMPARE(model.panels[0].map.color(0.0f), colorMap(look.color_map).at(0.5));
    QCOMPARE(model.panels[0].map.color(50.0f), colorMap(look.color_map).at(1.0));
    QVERIFY(model.facts.join(u' ').contains(QStringLiteral("linear 0 – 50")));
  }

  // The selection outlives the model it was made in.
  void selectionOfALargerModelIsBroughtInside() {
    PictureStage stage(tinyData());
    stage.state.setSelection({Site::Key, 40, 30, 100, 7000});
    stage.settle();
    QVERIFY(!cellWords(tinyData(), Look{}, {Site::Key, 40, 30, 100, 7000}).isEmpty());
    stage.view->setData(tinyData());
    stage.settle();
    QCOMPARE(stage.state.selection(), (Selection{Site::Key, 1, 1, 7, 5}));
  }

  void staleIsDimmed() {
    PictureStage stage(tinyData());
    const QPoint at = stage.cell(0, 2, 2).center().toPoint();
    const QColor fresh = stage.image().pixelColor(at);
    ViewData data = stage.view->data();
    data.stale = true;
    stage.view->setData(data);
    const QColor stale = stage.image().pixelColor(at);
    QVERIFY(stale.lightnessF() > fresh.lightnessF() + 0.2);
  }

  /// That a run begins is no other picture; that what is seen is of an earlier question is one.
  void paintsWhatLooksDifferent() {
    struct Paints : QObject {
      bool eventFilter(QObject*, QEvent* event) override {
        count += event->type() == QEvent::Paint;
        return false;
      }
      int count = 0;
    } paints;
    PictureStage stage(tinyData());
    stage.image();
    stage.view->installEventFilter(&paints);
    ViewData data = stage.view->data();
    data.state = DataState::Running;
    stage.view->setData(data);
    QTest::qWait(20);
    QCOMPARE(paints.count, 0);
    data.stale = true;
    stage.view->setData(data);
    QTRY_VERIFY(paints.count > 0);
    paints.count = 0;
    data.comparison = std::make_shared<const Comparison>(*data.comparison);
    stage.view->setData(data);
    QTRY_VERIFY(paints.count > 0);
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
    PictureStage stage(data, look);
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

  void unrotatedDimsHaveNoPartner() {
    ViewData data = tinyData();
    ModelCard card = *data.card;
    for (LayerSpec& layer : card.spec.layers) std::get<AttentionSpec>(layer.mixer).rope->rotary_dim = 4;
    data.card = std::make_shared<const ModelCard>(card);
    QVERIFY(cellWords(data, Look{}, {Site::Query, 0, 1, 1, -1}).contains(QStringLiteral("dim 1 ↔ 3")));
    QVERIFY(cellWords(data, Look{}, {Site::Query, 0, 1, 6, -1}).contains(QStringLiteral("not rotated")));
    for (LayerSpec& layer : card.spec.layers) std::get<AttentionSpec>(layer.mixer).rope.reset();
    data.card = std::make_shared<const ModelCard>(card);
    PictureStage stage(data);
    QVERIFY(!stage.image().isNull());
    QVERIFY(stage.view->model().facts.contains(QStringLiteral("no RoPE")));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPictureView)
#include "test_picture_view.moc"

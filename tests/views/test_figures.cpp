#include <QDir>
#include <QFontInfo>
#include <QImage>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTemporaryDir>

#include "tests/views/panel_stage.h"
#include "views/curves_view.h"
#include "views/magnitude_files.h"
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

  /// Attention of one head times the length of each key's value, key by key, and the mean of that over the
  /// heads, which differ in their values.
  void attentionTimesTheValue() {
    constexpr int positions = 6;
    ViewData data = tinyData();
    const auto run_of = [&](float first, float value) {
      auto run = std::make_shared<Run>(*data.comparison->baseline);
      for (int head = 0; head < 4; ++head)
        run->capture.patterns[{1, head}] = patternSample(positions, head == 2 ? first : 0.125f);
      run->capture.patterns[{1, HeadId::mean}] = patternSample(positions, first);
      Array values{{positions, 2, 8}, {}};  // of the second KV head, which query head 2 reads
      for (int t = 0; t < positions; ++t) {
        values.data.insert(values.data.end(), 8, 100.0f);
        values.data.insert(values.data.end(), 8, t == 0 ? value : static_cast<float>(t));
      }
      run->capture.values[{1, Site::Value}] = std::move(values);
      return run;
    };
    auto comparison = std::make_shared<Comparison>();
    comparison->baseline = run_of(0.5f, 0.125f);
    comparison->disrupted = run_of(0.25f, 3.0f);
    data.comparison = comparison;
    Stage stage(QStringLiteral("attention"), data, {600, 500});
    stage.state.setSelection({Site::Query, 1, 2, -1, -1, -1});
    Look look;
    look.times_value = true;
    stage.state.setLook(look);
    stage.settle();
    QCOMPARE(stage.view->needs().values, std::set<Site>{Site::Value});
    QCOMPARE(stage.view->needs().value_layers, std::vector<int>{1});
    const auto number = [&](int query, int key) {
      const auto arrays = stage.view->figureArrays();
      return static_cast<double>(
          arrays.at(0).array.data.at(static_cast<std::size_t>(query * positions + key)));
    };
    const auto near = [](double found, double expected) { return std::abs(found - expected) < 1e-5; };
    const double unit = std::sqrt(8.0);
    QVERIFY(near(number(4, 0), 0.5 * 0.125 * unit));
    QVERIFY(near(number(4, 4), 0.5 * 4 * unit));
    QCOMPARE(number(4, 1), 0.0);
    QVERIFY(std::isnan(number(1, 4)));
    QVERIFY(stage.view->figureTitle().contains(QStringLiteral("value")));
    look.shown = Shown::Difference;
    stage.state.setLook(look);
    stage.settle();
    QVERIFY(near(number(4, 0), (0.25 * 3 - 0.5 * 0.125) * unit));
    look.head_mean = true;
    stage.state.setLook(look);
    stage.settle();
    QCOMPARE(stage.view->needs().values, std::set<Site>{Site::Value});
    QCOMPARE(stage.view->needs().patterns,
             (std::set<HeadId>{{1, HeadId::mean}, {1, 0}, {1, 1}, {1, 2}, {1, 3}}));
    // Heads 0 and 1 read values of length 100 units, 2 and 3 those of the second KV head.
    const double other = 2 * 0.125 * 100;
    QVERIFY(near(number(4, 0), ((0.25 + 0.125) * 3 - (0.5 + 0.125) * 0.125) * unit / 4));
    look.shown = Shown::Baseline;
    stage.state.setLook(look);
    stage.settle();
    QVERIFY(near(number(4, 0), (other + (0.5 + 0.125) * 0.125) * unit / 4));
    QVERIFY(near(number(4, 4), (2 * 0.875 * 100 + (0.5 + 0.875) * 4) * unit / 4));
    QVERIFY(stage.view->figureTitle().contains(QStringLiteral("mean over the heads")));
    look.times_value = false;
    stage.state.setLook(look);
    stage.settle();
    QVERIFY(stage.view->needs().values.empty());
    QVERIFY(near(number(4, 0), 0.5));
  }

  /// Curves of other runs stand beside the run's own, out of files that say what is wrong with them; the
  /// run's are kept in such a file, and the prompt is asked with the other beginning at a command.
  void curvesOfOtherRuns() {
    QStandardPaths::setTestModeEnabled(true);
    const QTemporaryDir folder;
    const QString gpt = folder.filePath(QStringLiteral("gpt2.json")),
                  bad = folder.filePath(QStringLiteral("b.json"));
    const auto write = [](const QString& path, const QByteArray& text) {
      QFile file(path);
      return file.open(QIODevice::WriteOnly) && file.write(text) == text.size();
    };
    QVERIFY(write(gpt, R"({"bos": false, "ids": [1], "layers": [
        {"layer": 1, "max": 616, "position": 0, "dim": 447, "median": 0.5, "top": [616, 3]},
        {"layer": 4, "max": 3040, "position": 0, "dim": 447, "median": 0.75, "top": [3040]}]})"));
    ViewData data = tinyData();
    auto run = std::make_shared<Run>(*data.comparison->baseline);
    for (const int layer : {0, 1})
      run->capture.activations[{layer, Site::ResidPost}] = residualSample(layer, 6);
    auto comparison = std::make_shared<Comparison>();
    comparison->baseline = run;
    comparison->request.prompt = {1, 5, 6, 7, 8, 9};
    data.comparison = comparison;
    data.bos = 1;
    Stage stage(QStringLiteral("magnitudes"), data, {700, 300});
    const auto curve = [&](const QString& name) {
      const auto& curves = qobject_cast<CurvesView*>(stage.view)->plot().charts().at(0).curves;
      const auto found = std::ranges::find(curves, name, &Curve::name);
      return found == curves.end() ? Curve() : *found;
    };
    QCOMPARE(curve(QStringLiteral("third")).y.size(), std::size_t(2));
    const auto show = [&](const QStringList& files) {
      Look look = stage.state.look();
      look.magnitudes = files;
      stage.state.setLook(look);
      stage.settle();
    };
    show({gpt});
    const Curve other = curve(QStringLiteral("gpt2 · no BOS"));
    QCOMPARE(other.x, (std::vector<double>{1, 4}));
    QCOMPARE(other.y, (std::vector<double>{616, 3040}));
    QCOMPARE(curve(QStringLiteral("gpt2 · no BOS, median")).y, (std::vector<double>{0.5, 0.75}));
    QCOMPARE(curve(QStringLiteral("largest")).y, (std::vector<double>{24, 25}));
    QVERIFY(curve(QStringLiteral("third")).y.empty());
    for (const char* text :
         {"", "[]", "{\"ids\":[],\"layers\":[]}", "{\"ids\":[1],\"layers\":[{\"layer\":0}]}",
          "{\"ids\":[1],\"layers\":[{\"layer\":1,\"max\":-2,\"median\":1,\"top\":[]}]}"}) {
      QVERIFY(write(bad, text));
      show({gpt, bad});
      QVERIFY2(stage.view->whyNoFigure().contains(bad), text);
      show({});
      QVERIFY(stage.view->whyNoFigure().isEmpty());
    }

    stage.view->setPrompts({{PromptKind::Free, QStringLiteral("a"), {}, true, Bos::On, 7}}, {}, 0);
    const auto commands = stage.view->commands().at(0).commands;
    const auto other_bos = std::ranges::find(commands, QStringLiteral("magnitudesOtherBos"), &Command::id);
    QVERIFY(other_bos->enabled());
    QSignalSpy edited(stage.view, &View::promptsEdited);
    other_bos->run();
    QCOMPARE(edited.count(), 1);
    const auto prompts = edited[0][0].value<std::vector<Prompt>>();
    QCOMPARE(prompts.size(), std::size_t(2));
    QVERIFY(prompts[1].bos == Bos::Off && prompts[1].text == QStringLiteral("a") && prompts[1].id == 0);
    QCOMPARE(edited[0][1].toInt(), 1);
    const QStringList kept = stage.state.look().magnitudes;
    QCOMPARE(kept.size(), 1);
    const Magnitudes read = read_magnitudes(kept[0].toStdString());
    QCOMPARE(read.bos, std::optional(true));
    QCOMPARE(read.ids, comparison->request.prompt);
    QCOMPARE(read.layers.at(1).top, (std::vector<double>{25, 26, 21}));
    QCOMPARE(read.layers.at(1).median, 2.0);
    QVERIFY(QFileInfo(kept[0]).dir().removeRecursively());
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestFigures)
#include "test_figures.moc"

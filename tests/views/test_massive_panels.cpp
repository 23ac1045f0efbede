// The panels of massive activations beside the residual stream's own: attention of all layers, output in two
// parts, lengths over layers, channels, the link to M, and what was published; and M without positions.
#include <QLabel>
#include <QSignalSpy>
#include <QTableView>
#include <cmath>

#include "tests/views/panel_stage.h"
#include "views/arms.h"
#include "views/channels.h"
#include "views/chart.h"
#include "views/curves_view.h"
#include "views/map_model.h"
#include "views/patterns.h"
#include "views/published_activations.h"
#include "views/residual.h"

namespace qkscope::test {

namespace {

constexpr int layers = 30, positions = 7;

/// Every number that the panels look at, known: see residualSample(), patternSample() and
/// addMassivePositions(). Heads of four dims' worth of values: 1 at position 0, else the position + 1.
ViewData massiveData() {
  ModelCard card;
  card.name = "tiny";
  card.dtype = "float32";
  card.spec = plain_spec({.layers = layers, .heads = 4, .kv_heads = 2});
  card.spec.architecture = "LlamaForCausalLM";
  auto run = std::make_shared<Run>();
  Capture& capture = run->capture;
  capture.positions = positions;
  for (int layer = 0; layer < layers; ++layer) {
    capture.activations[{layer, Site::ResidPost}] = residualSample(layer, positions);
    for (const Site site : {Site::Query, Site::QueryPreRope})
      capture.norms[{layer, site}] = Array{{4, 8}, std::vector<float>(32, 1.0f)};
    for (const Site site : {Site::Key, Site::KeyPreRope, Site::Value})
      capture.norms[{layer, site}] = Array{{2, 8}, std::vector<float>(16, 1.0f)};
  }
  setCell(capture, {3, Site::Query}, 5, 20);
  capture.patterns[{2, 1}] = patternSample(positions, 0.5f);
  Array values{{positions, 2, 8}, {}};
  for (int t = 0; t < positions; ++t) values.data.insert(values.data.end(), 16, static_cast<float>(t + 1));
  capture.values[{2, Site::Value}] = std::move(values);
  addMassivePositions(capture, layers, 2);
  auto comparison = std::make_shared<Comparison>();
  comparison->baseline = run;
  comparison->request.needs.left_out = {LeftOut::Which::Massive, {}, {}};
  ViewData data;
  data.card = std::make_shared<const ModelCard>(card);
  data.comparison = comparison;
  data.prompt_tokens = positions;
  for (int t = 0; t < positions; ++t) data.pieces << QStringLiteral("t%1").arg(t);
  return data;
}

/// The same with a disrupted run.
ViewData disruptedData() {
  ViewData data = massiveData();
  auto comparison = std::make_shared<Comparison>(*data.comparison);
  auto run = std::make_shared<Run>(*comparison->baseline);
  for (auto& [where, norm] : run->capture.norms) {
    Array more = *norm;
    for (float& m : more.data) m *= 1.5f;
    norm = std::move(more);
  }
  run->capture.patterns[{4, HeadId::mean}] = patternSample(positions, 0.25f);
  comparison->disrupted = run;
  data.comparison = comparison;
  return data;
}

const Chart& chartOf(const View& view, const char* id) {
  const auto& charts = dynamic_cast<const CurvesView&>(view).plot().charts();
  return *std::ranges::find(charts, QLatin1String(id), &Chart::id);
}
std::vector<double> curveOf(const View& view, const char* chart, const QString& name) {
  const auto& curves = chartOf(view, chart).curves;
  const auto found = std::ranges::find(curves, name, &Curve::name);
  return found == curves.end() ? std::vector<double>() : found->y;
}

}  // namespace

class TestMassivePanels : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void chartsStandWhereTheyReadBest() {
    QCOMPARE(chartColumns(4, {900, 210}), 4);  // a dock at the bottom
    QCOMPARE(chartColumns(4, {680, 450}), 2);  // a page
    QCOMPARE(chartColumns(4, {300, 900}), 1);
    QCOMPARE(chartColumns(1, {680, 450}), 1);
    QCOMPARE(chartColumns(0, {0, 0}), 1);
  }

  /// What M is told without: what the runs left out, and only where that is what the look asks for.
  void picturesAreWithoutPositions() {
    ViewData data = massiveData();
    Look look;
    QVERIFY(shownLeftOut(data, look).empty());
    QCOMPARE(shownNorm(data, look, 3, Site::Query)->data[5], 20.0f);
    QCOMPARE(overPositions(data, look), QStringLiteral("7 positions"));
    look.left_out.which = LeftOut::Which::Massive;
    QCOMPARE(shownLeftOut(data, look), std::vector<int>{0});
    QCOMPARE(overPositions(data, look), QStringLiteral("6 of 7 positions, without 0"));
    QCOMPARE(shownNorm(data, look, 3, Site::Query)->data[5], 10.0f);
    QCOMPARE(ruleNorm(data, look, 3, Site::Query)->data[5], 10.0f);
    QCOMPARE(ruleNorms(data, look), &data.comparison->baseline->capture.without);
    const Selection cell{Site::Query, 3, 0, 5, -1};
    QVERIFY(cellWords(data, look, cell).contains(QStringLiteral("M 10.00")));
    QVERIFY(cellWords(data, look, cell).contains(QStringLiteral("without 0")));
    QVERIFY(headsDimsModel(data, cell, look).facts.join(u' ').contains(QStringLiteral("6 of 7 positions")));
    QVERIFY(layersModel(data, cell, look).facts.join(u' ').contains(QStringLiteral("6 of 7 positions")));
    // Another question than the runs answered: over all positions, and said so.
    look.activations.least = 50;
    QVERIFY(shownLeftOut(data, look).empty());
    QCOMPARE(shownNorm(data, look, 3, Site::Query)->data[5], 20.0f);
    QVERIFY(!headsDimsModel(data, cell, look).facts.join(u' ').contains(QStringLiteral("without")));
    // A disrupted run that has not come as far: never one over all beside one without.
    look.activations = {};
    data = disruptedData();
    QCOMPARE(shownLeftOut(data, look), std::vector<int>{0});
    auto comparison = std::make_shared<Comparison>(*data.comparison);
    auto part = std::make_shared<Run>(*comparison->disrupted);
    part->capture.left_out.clear();
    part->capture.without.clear();
    comparison->disrupted = part;
    data.comparison = comparison;
    look.shown = Shown::Difference;
    QVERIFY(shownLeftOut(data, look).empty());
    QCOMPARE(shownNorm(data, look, 3, Site::Query)->data[5], 10.0f);  // 30 - 20
  }

  void gridShowsEveryLayer() {
    Stage stage(QStringLiteral("grid"), disruptedData(), {900, 400});
    QVERIFY(stage.view->whyNoFigure().isEmpty());
    QCOMPARE(stage.view->needs().patterns.size(), std::size_t(layers));
    const auto arrays = stage.view->figureArrays();
    QCOMPARE(arrays[0].array.shape, (std::vector<std::int64_t>{layers, positions, positions}));
    QCOMPARE(arrays[0].array.data[positions], 0.9f);  // query 1, key 0
    QVERIFY(std::isnan(arrays[0].array.data[1]));     // query 0 sees no key 1
    for (const float mass : arrays[2].array.data) QVERIFY(std::abs(mass - 0.9f) < 1e-6f);
    Look look;
    look.shown = Shown::Difference;
    stage.state.setLook(look);
    stage.settle();
    const auto change = stage.view->figureArrays();
    QCOMPARE(change[2].array.data[4], 0.25f - 0.9f);
    QCOMPARE(change[2].array.data[5], 0.0f);
    // A click chooses layer, query and key, and asks for the panel of the head.
    stage.state.setLook({});
    stage.settle();
    QVERIFY(!stage.view->grab().isNull());
    QSignalSpy asked(stage.view, &View::panelRequested);
    bool chosen = false;
    for (int x = 20; x < 880 && !chosen; x += 7) {
      QTest::mouseClick(stage.view, Qt::LeftButton, {}, QPoint(x, 95));
      chosen = stage.state.selection().layer > 0 && stage.state.selection().key >= 0;
    }
    QVERIFY(chosen);
    QVERIFY(stage.state.selection().key <= stage.state.selection().position);
    QVERIFY(!asked.isEmpty());
    QCOMPARE(asked.front().front().toString(), QStringLiteral("attention"));
    const int layer = stage.state.selection().layer;
    QTest::keyClick(stage.view, Qt::Key_Right);
    QCOMPARE(stage.state.selection().layer, layer + 1);
    ViewData longer = disruptedData();
    longer.prompt_tokens = longest_grid + 1;
    stage.view->setData(longer);
    stage.settle();
    QVERIFY(stage.view->needs().patterns.empty());
    QVERIFY(!stage.view->whyNoFigure().isEmpty());
  }

  void attentionMeanedOverHeads() {
    Stage stage(QStringLiteral("attention"), disruptedData(), {600, 500});
    stage.state.setSelection({Site::Query, 2, 1, -1, -1});
    stage.settle();
    QCOMPARE(stage.view->figureArrays()[0].array.data[positions], 0.5f);  // query 1, key 0
    QSignalSpy asked(stage.view, &View::needsChanged);
    Look look;
    look.head_mean = true;
    stage.state.setLook(look);
    stage.settle();
    QCOMPARE(asked.count(), 1);
    QCOMPARE(stage.view->needs().patterns, (std::set<HeadId>{{2, HeadId::mean}}));
    QCOMPARE(stage.view->figureArrays()[0].array.data[positions], 0.9f);
    QVERIFY(stage.view->figureTitle().contains(QStringLiteral("mean over the heads")));
    // Another head of the layer is the same picture.
    stage.state.setSelection({Site::Query, 2, 3, -1, -1});
    stage.settle();
    QVERIFY(stage.view->whyNoFigure().isEmpty());
    look.shown = Shown::Difference;
    stage.state.setLook(look);
    stage.state.setSelection({Site::Query, 4, 0, -1, -1});
    stage.settle();
    QCOMPARE(stage.view->figureArrays()[0].array.data[positions], 0.25f - 0.9f);
  }

  /// The colours of the screen have no say on paper.
  void paperIsLightInTheDark_data() {
    QTest::addColumn<QString>("id");
    for (const char* id : {"attention", "grid", "channels", "stems", "split", "trajectories", "link",
                           "residual", "magnitudes", "published"})
      QTest::newRow(id) << QString::fromLatin1(id);
  }
  void paperIsLightInTheDark() {
    QFETCH(QString, id);
    Stage stage(id, disruptedData(), {900, 400});
    stage.state.setSelection({Site::Query, 2, 1, 3, 0});
    stage.settle();
    QVERIFY2(stage.view->whyNoFigure().isEmpty(), qPrintable(stage.view->whyNoFigure()));
    const auto paper = [&stage] {
      QImage image(900, 400, QImage::Format_ARGB32_Premultiplied);
      QPainter painter(&image);
      stage.view->paintFigure(painter, image.rect());
      return image;
    };
    const QImage light = paper(), screen = stage.view->grab().toImage();
    QPalette dark(QColor(0x1e, 0x1f, 0x22));
    for (const auto role : {QPalette::Base, QPalette::Window}) dark.setColor(role, QColor(0x1e, 0x1f, 0x22));
    for (const auto role : {QPalette::Text, QPalette::WindowText}) dark.setColor(role, Qt::white);
    stage.view->setPalette(dark);
    stage.settle();
    QVERIFY(stage.view->grab().toImage() != screen);
    QCOMPARE(paper(), light);
  }

  void outputInTwoParts() {
    Stage stage(QStringLiteral("split"), massiveData(), {900, 300});
    QVERIFY(!stage.view->whyNoFigure().isEmpty());  // of another head there is no pattern
    stage.state.setSelection({Site::Query, 2, 1, -1, -1});
    stage.settle();
    QCOMPARE(stage.view->needs().patterns, (std::set<HeadId>{{2, 1}}));
    QCOMPARE(stage.view->needs().value_layers, std::vector<int>{2});
    // Query t gives half to position 0, whose value is 1 in 8 dims, and half to itself, whose value is t + 1.
    const auto massive = curveOf(*stage.view, "output_lengths", QStringLiteral("massive")),
               rest = curveOf(*stage.view, "output_lengths", QStringLiteral("rest")),
               whole = curveOf(*stage.view, "output_lengths", QStringLiteral("together"));
    const double root = std::sqrt(8.0);
    for (std::size_t t = 1; t < positions; ++t) {
      QVERIFY(std::abs(massive[t] - 0.5 * root) < 1e-6);
      QVERIFY(std::abs(rest[t] - 0.5 * root * static_cast<double>(t + 1)) < 1e-5);
      QVERIFY(std::abs(whole[t] - 0.5 * root * static_cast<double>(t + 2)) < 1e-5);
    }
    QCOMPARE(rest[0], 0.0);
    QVERIFY(std::abs(curveOf(*stage.view, "output_cosines", QStringLiteral("massive"))[3] - 1) < 1e-6);
    // A stricter rule leaves nothing to set apart.
    Look look;
    look.activations.least = 1e6;
    stage.state.setLook(look);
    stage.settle();
    QVERIFY(stage.view->whyNoFigure().contains(residualRule(look)));
  }

  void lengthsOverLayers() {
    Stage stage(QStringLiteral("trajectories"), disruptedData(), {900, 300});
    QVERIFY(stage.view->needs().row_norms.contains(Site::MlpOut));
    QVERIFY(stage.view->needs().patterns.contains(HeadId{3, HeadId::mean}));
    QVERIFY(std::abs(curveOf(*stage.view, "attention_mass", QStringLiteral("baseline")).at(4) - 0.9) < 1e-6);
    QVERIFY(std::abs(curveOf(*stage.view, "attention_mass", QStringLiteral("disrupted")).at(4) - 0.25) <
            1e-6);
    for (const auto& [chart, name] :
         {std::pair("norms", "before"), std::pair("mlp", "out"), std::pair("qkv", "K")}) {
      QCOMPARE(curveOf(*stage.view, chart, QLatin1String(name) + QStringLiteral(", massive")).at(7), 500.0);
      QCOMPARE(curveOf(*stage.view, chart, QLatin1String(name) + QStringLiteral(", others")).at(7), 10.0);
    }
    QTest::keyClick(stage.view, Qt::Key_Right);
    QCOMPARE(stage.state.selection().layer, 1);
  }

  void channelsAndStems() {
    for (const char* id : {"channels", "stems"}) {
      Stage stage(QLatin1String(id), massiveData(), {900, 400});
      QVERIFY(!stage.view->whyNoFigure().isEmpty());  // layer 1 is not there
      const QImage without = stage.view->grab().toImage();
      stage.state.setSelection({Site::Query, 2, 1, -1, -1});
      stage.settle();
      QVERIFY(stage.view->whyNoFigure().isEmpty());
      QVERIFY(stage.view->grab().toImage() != without);
      QCOMPARE(stage.view->needs().value_layers, std::vector<int>{2});
      const auto arrays = stage.view->figureArrays();
      QCOMPARE(arrays.front().array.shape, (std::vector<std::int64_t>{positions, 576}));
      QCOMPARE(arrays.front().array.data[507], -24000.0f);
    }
    Selection at{Site::Query, 2, 1, -1, -1};
    ViewData data = massiveData();
    QCOMPARE(shownChannels(data, {}, at)->data[507], -24000.0f);
    at.layer = 1;
    QVERIFY(!shownChannels(data, {}, at));
  }

  void linkOfTheTwoPapers() {
    // 20 among seven ones, which is of position 0 alone.
    ViewData data = disruptedData();
    auto baseline = std::make_shared<Run>(*data.comparison->baseline);
    Array without = *baseline->capture.norm(3, Site::Query);
    std::ranges::replace(without.data, 20.0f, 1.0f);
    baseline->capture.without[{3, Site::Query}] = std::move(without);
    data.comparison =
        std::make_shared<const Comparison>(data.comparison->request, baseline, data.comparison->disrupted);
    Stage stage(QStringLiteral("link"), data, {900, 300});
    QVERIFY(stage.view->needs().left_out.which == LeftOut::Which::Massive);
    const auto strongest = [&](const char* name) {
      return curveOf(*stage.view, "link_strongest", QString::fromLatin1(name)).at(3);
    };
    QVERIFY(std::abs(strongest("Q") - 20 / (27.0 / 8)) < 1e-5);
    QVERIFY(std::abs(strongest("Q without 0") - 1) < 1e-5);
    QCOMPARE(curveOf(*stage.view, "link_counts", QStringLiteral("Q")).at(3), 1.0);
    QCOMPARE(curveOf(*stage.view, "link_counts", QStringLiteral("Q without 0")).at(3), 0.0);
    QCOMPARE(curveOf(*stage.view, "link_counts", QStringLiteral("K")).at(3), 0.0);
    QVERIFY(std::abs(curveOf(*stage.view, "link_change", QStringLiteral("K")).at(5) - 0.5) < 1e-6);
    QCOMPARE(curveOf(*stage.view, "link_change", QStringLiteral("K without 0")).at(5), 0.0);
    Look look;
    look.activations.least = 1e6;
    stage.state.setLook(look);
    stage.settle();
    QVERIFY(!stage.view->whyNoFigure().isEmpty());
  }

  void publishedBesideHere() {
    QCOMPARE(publishedActivations().size(), std::size_t(36));
    QVERIFY(
        sameFamily(QStringLiteral("Gemma3ForCausalLM"), QStringLiteral("Gemma3ForConditionalGeneration")));
    QVERIFY(!sameFamily(QStringLiteral("Gemma2ForCausalLM"), QStringLiteral("GemmaForCausalLM")));
    Stage stage(QStringLiteral("published"), massiveData(), {1000, 500});
    auto* table = stage.view->findChild<QTableView*>();
    const auto text = [&](int row, int column) {
      return table->model()->index(row, column).data().toString();
    };
    QCOMPARE(table->model()->rowCount(), 37);
    QVERIFY(text(0, 0).contains(QStringLiteral("tiny")));
    QCOMPARE(text(0, 2), QStringLiteral("12 – 28, 17 of 30"));
    QCOMPARE(text(0, 3), QStringLiteral("24,000"));
    QVERIFY(text(1, 0).contains(QStringLiteral("lama")));  // its family first
    QCOMPARE(text(0, 4), QStringLiteral("–"));
    // The prompt's own perplexity, and under the arms that do nothing else.
    PromptResult result;
    const auto scores = [](double perplexity) {
      auto made = std::make_shared<TokenScores>();
      made->nll = {static_cast<float>(std::log(perplexity)), static_cast<float>(std::log(perplexity))};
      return made;
    };
    result.baseline.prompt_scores = scores(20);
    result.arms.resize(3);
    result.arms[0].prompt_scores = scores(7);
    result.arms[1].prompt_scores = scores(4000);
    result.arms[2].prompt_scores = scores(21);
    Arms arms;
    arms.list = {{{}, {parse_edit("activations=first,control=median")}, 1},
                 {{}, {parse_edit("massive activations to zero")}, 2},
                 {{}, {parse_edit("massive activations to their mean")}, 3}};
    stage.view->setArms(arms);
    stage.view->setPrompts({Prompt()}, {result}, 0);
    stage.settle();
    QCOMPARE(text(0, 4), QStringLiteral("20.00"));
    QCOMPARE(text(0, 5), QStringLiteral("4,000"));
    QCOMPARE(text(0, 6), QStringLiteral("21.00"));
    QCOMPARE(text(0, 7), QStringLiteral("high"));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestMassivePanels)
#include "test_massive_panels.moc"

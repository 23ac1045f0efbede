// A model whose layers differ: pictures say what each shows, and of a layer that has nothing to show why.
#include "core/analysis/massive_values.h"
#include "tests/support/test_case.h"
#include "views/map_model.h"
#include "views/overview_painter.h"
#include "views/ruler.h"

namespace qkscope::test {

namespace {

constexpr std::array sites{Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value};

AttentionSpec attentionOf(int heads, int dims, std::optional<double> theta) {
  AttentionSpec attention;
  attention.num_heads = heads;
  attention.num_kv_heads = 2;
  attention.head_dim = attention.value_dim = dims;
  if (theta) {
    attention.rope.emplace();
    attention.rope->theta = *theta;
    attention.rope->rotary_dim = dims;
  }
  return attention;
}

LayerSpec layerOf(const MixerSpec& mixer) {
  LayerSpec layer;
  layer.mixer = mixer;
  layer.ffn = MlpSpec{};
  return layer;
}

/// Layer 0 norms its Q and K and rotates them, layer 1 does neither, layer 2 is Mamba's, layer 3 is smaller,
/// rotates at another base and reads the keys of layer 0.
ModelSpec mixedSpec() {
  ModelSpec spec;
  spec.max_position_embeddings = 64;
  AttentionSpec normed = attentionOf(4, 8, 10000), small = attentionOf(2, 4, 100);
  normed.q_norm = normed.k_norm = NormSpec{};
  small.keys_of_layer = 0;
  for (const MixerSpec& mixer :
       {MixerSpec(normed), MixerSpec(attentionOf(4, 8, {})), MixerSpec(MambaSpec{}), MixerSpec(small)})
    spec.layers.push_back(layerOf(mixer));
  return spec;
}

/// All that a complete run captures of `spec`: M of 1 + layer, values of 2 + layer.
ViewData dataOf(const ModelSpec& spec) {
  constexpr int positions = 6;
  ModelCard card;
  card.spec = spec;
  auto run = std::make_shared<Run>();
  run->capture.positions = positions;
  for (int l = 0; l < spec.num_layers(); ++l) {
    for (const Site site : sites) {
      if (!spec.has_site({l, site})) continue;
      const AttentionSpec& attention = *spec.attention(l);
      const bool query = site == Site::Query || site == Site::QueryPreRope;
      const std::int64_t heads = query ? attention.num_heads : attention.num_kv_heads;
      const std::int64_t dims = attention.head_dim;
      Array m{{heads, dims}, std::vector<float>(static_cast<std::size_t>(heads * dims), 1.0f + l)};
      Array values{{positions, heads, dims},
                   std::vector<float>(static_cast<std::size_t>(positions * heads * dims), 2.0f + l)};
      run->capture.norms[{l, site}] = std::move(m);
      run->capture.values[{l, site}] = std::move(values);
    }
  }
  auto comparison = std::make_shared<Comparison>();
  comparison->baseline = run;
  ViewData data;
  data.card = std::make_shared<const ModelCard>(card);
  data.comparison = comparison;
  data.pieces = QStringList(positions, QStringLiteral("a"));
  return data;
}

Look lookAt(Picture picture, bool after_rope = true) {
  Look look;
  look.picture = picture;
  look.after_rope = after_rope;
  return look;
}

MapModel modelOf(const ViewData& data, Picture picture, Site site, int layer, bool after_rope = true) {
  return mapModel(data, {site, layer, 0, -1, -1}, lookAt(picture, after_rope));
}

}  // namespace

class TestLayerKinds : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  // What a complete run does not hold will not come: nothing is called not computed yet.
  void aCompleteRunLeavesNothingToWaitFor() {
    const ViewData data = dataOf(mixedSpec());
    for (int layer = 0; layer < 4; ++layer) {
      for (const Site site : {Site::Query, Site::Key, Site::Value}) {
        for (const Picture picture : {Picture::HeadsDims, Picture::PositionsDims, Picture::AllLayers}) {
          const MapModel model = modelOf(data, picture, site, layer);
          for (const MapPanel& panel : model.panels) {
            const bool there = picture == Picture::AllLayers || data.card->spec.has_site({layer, panel.site});
            QCOMPARE(panel.map.empty(), !there);
            QCOMPARE(panel.missing.isEmpty(), there);
            QVERIFY2(!panel.missing.contains(QStringLiteral("computed")), qPrintable(panel.missing));
          }
          QVERIFY(model.facts.filter(QStringLiteral("so far")).isEmpty());
          for (const MapColorBar& bar : model.bars) QCOMPARE(bar.counts.nan, 0);
        }
        const QString words = cellWords(data, {}, {site, layer, 0, 1, -1});
        QVERIFY2(!words.contains(QStringLiteral("not computed")), qPrintable(words));
      }
    }
    const Overview overview = overviewOf(data, {}, false);
    QCOMPARE(overview.computed, overview.with_attention);
    QCOMPARE(overview.with_attention, 3);
  }

  void aLayerSaysWhyItHasNothing() {
    const ModelSpec spec = mixedSpec();
    QCOMPARE(whyNoHeads(spec, 2, Site::Query),
             QStringLiteral("layer 3 has no attention: it is a Mamba layer"));
    QCOMPARE(whyNoHeads(spec, 3, Site::Key),
             QStringLiteral("layer 4 has no K of its own: it reads those of layer 1"));
    QVERIFY(whyNoHeads(spec, 3, Site::Query).isEmpty());
    const MapModel keys = modelOf(dataOf(spec), Picture::AllLayers, Site::Key, 0);
    QVERIFY(keys.facts.contains(QStringLiteral("2 of 4 layers have no K of their own")));
  }

  void picturesSayWhatTheyShow_data() {
    QTest::addColumn<int>("layer");
    QTest::addColumn<bool>("after_rope");
    QTest::addColumn<QString>("words");
    QTest::newRow("normed") << 0 << true << "normed, after RoPE";
    QTest::newRow("normed, before") << 0 << false << "normed, before RoPE";
    QTest::newRow("neither") << 1 << true << "no RoPE";
    QTest::newRow("rotated") << 3 << true << "after RoPE";
    QTest::newRow("not yet rotated") << 3 << false << "before RoPE";
  }
  void picturesSayWhatTheyShow() {
    QFETCH(int, layer);
    QFETCH(bool, after_rope);
    QFETCH(QString, words);
    for (const Picture picture : {Picture::HeadsDims, Picture::PositionsDims}) {
      const MapModel model = modelOf(dataOf(mixedSpec()), picture, Site::Query, layer, after_rope);
      QVERIFY2(model.facts.contains(words), qPrintable(model.facts.join(QStringLiteral(" | "))));
    }
  }
  void aNormAfterTheRotationIsNotThereBefore() {
    ModelSpec spec = mixedSpec();
    std::get<AttentionSpec>(spec.layers[0].mixer).norms_after_rotation = true;
    const ViewData data = dataOf(spec);
    QCOMPARE(ropeWords(data, Site::Query, true, 0), QStringLiteral("normed, after RoPE"));
    QCOMPARE(ropeWords(data, Site::Query, false, 0), QStringLiteral("before RoPE"));
    QCOMPARE(ropeWords(data, Site::Value, true, 0), QStringLiteral("no RoPE"));
  }

  // Every layer has its own ruler, or says why it has none.
  void theRulerIsTheLayersOwn() {
    const ViewData data = dataOf(mixedSpec());
    const auto ruler = [&](int layer) { return modelOf(data, Picture::HeadsDims, Site::Query, layer); };
    QCOMPARE(ruler(0).axis.inv_freq().size(), 4u);
    QVERIFY(ruler(0).no_ruler.isEmpty());
    QVERIFY(ruler(1).axis.inv_freq().empty());
    QCOMPARE(ruler(1).no_ruler, QStringLiteral("layer 2 does not rotate its Q and K"));
    QCOMPARE(ruler(2).no_ruler, QStringLiteral("layer 3 has no attention: it is a Mamba layer"));
    QCOMPARE(ruler(3).axis.inv_freq().size(), 2u);
    QCOMPARE(ruler(3).axis.inv_freq()[1], 0.1);
    QVERIFY(cellWords(data, {}, {Site::Query, 3, 0, 1, -1}).contains(QStringLiteral("wavelength 62.83")));
    QVERIFY(cellWords(data, {}, {Site::Query, 1, 0, 1, -1}).contains(QStringLiteral("not rotated")));
  }

  void aModelWithoutRopeIsANegativeControl() {
    ModelSpec spec;
    spec.layers.push_back(layerOf(attentionOf(4, 8, {})));
    const auto words = [&] { return modelOf(dataOf(spec), Picture::HeadsDims, Site::Query, 0).no_ruler; };
    QVERIFY(words().contains(QStringLiteral("order alone")));
    spec.embedding.positions = 64;
    QCOMPARE(
        words(),
        QStringLiteral("this model has no rotary embedding (it has learned positions): a negative control"));
    std::get<AttentionSpec>(spec.layers[0].mixer).alibi.emplace();
    QVERIFY(words().contains(QStringLiteral("ALiBi")));
  }

  // A smaller layer's rows stand in its own place, and what it has not is no number.
  void rowsOfASmallerLayer() {
    const MapModel model = modelOf(dataOf(mixedSpec()), Picture::AllLayers, Site::Query, 0);
    const MapPanel& panel = model.panels.front();
    QCOMPARE(panel.map.rows(), 16);
    for (int row = 0; row < 16; ++row) {
      const int layer = row / 4, head = row % 4;
      const bool there = layer != 2 && (layer != 3 || head < 2);
      QCOMPARE(panel.rows_missing[static_cast<std::size_t>(row)], !there);
      for (int dim = 0; dim < 8; ++dim) {
        const float value = panel.map.at(row, dim);
        if (there && (layer != 3 || dim < 4))
          QCOMPARE(value, 1.0f + static_cast<float>(layer));
        else
          QVERIFY(std::isnan(value));
      }
    }
  }

  // Dims that do not turn have no bar, wherever they stand: before those that do, among them, or after.
  void barsStandWhereDimsTurn_data() {
    QTest::addColumn<int>("start");
    QTest::addColumn<int>("rotary_dim");
    QTest::addColumn<double>("share");
    QTest::newRow("whole head") << 0 << 16 << 1.0;
    QTest::newRow("first dims") << 0 << 8 << 1.0;
    QTest::newRow("last dims") << 8 << 8 << 1.0;
    QTest::newRow("pairs that stand still") << 0 << 16 << 0.25;
  }
  void barsStandWhereDimsTurn() {
    QFETCH(int, start);
    QFETCH(int, rotary_dim);
    QFETCH(double, share);
    RopeSpec rope;
    rope.rotary_start = start;
    rope.rotary_dim = rotary_dim;
    rope.rotating_share = share;
    if (share < 1) rope.type = "proportional";
    const FrequencyAxis axis(&rope, 16, 64, 6);
    QImage image(160, 40, QImage::Format_RGB32);
    PlotStyle style = PlotStyle::paper(image, image.size());
    image.fill(style.background);
    QPainter painter(&image);
    const QRectF area(image.rect());
    paintRuler(painter, style, area, CellGrid{area, QRectF(0, 0, 16, 1), 1}, axis, 0, RulerText::None, {});
    painter.end();
    for (int dim = 0; dim < 16; ++dim) {
      const auto rotary = axis.at(dim);
      const bool turns = rotary && rotary->inv_freq > 0;
      const QRgb foot = image.pixel(10 * dim + 5, 39);
      QCOMPARE(foot, (turns ? pairColor(axis, dim, false) : style.surface).rgb());
    }
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestLayerKinds)
#include "test_layer_kinds.moc"

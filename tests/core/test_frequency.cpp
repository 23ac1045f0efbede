#include <QTemporaryDir>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/analysis/attention_sinks.h"
#include "core/analysis/attention_split.h"
#include "core/analysis/frequency.h"
#include "core/analysis/logit_parts.h"
#include "core/analysis/magnitudes.h"
#include "core/analysis/massive_impact.h"
#include "core/analysis/rotary_pairs.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;

namespace {

RopeSpec rope(int rotary_dim, double theta = 10000) {
  RopeSpec spec;
  spec.rotary_dim = rotary_dim;
  spec.theta = theta;
  return spec;
}

FrequencyAxis axis_of(int head_dim, const RopeSpec& rope) {
  return {&rope, head_dim, 2048, 1};
}

bool near(double found, double expected) {
  return std::abs(found - expected) <= 1e-6 * std::abs(expected);
}

}  // namespace

class TestFrequency : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void partners() {
    const FrequencyAxis axis = axis_of(128, rope(128));
    QCOMPARE(axis.head_dim(), 128);
    for (int dim = 0; dim < 128; ++dim) {
      const auto rotary = axis.at(dim);
      QVERIFY(rotary);
      QCOMPARE(std::abs(rotary->partner - dim), 64);
      QCOMPARE(axis.at(rotary->partner)->partner, dim);
      QCOMPARE(axis.at(rotary->partner)->pair, rotary->pair);
      QCOMPARE(axis.low_frequency(dim), dim % 64 >= 32);
    }
    QVERIFY(!axis.at(-1));
    QVERIFY(!axis.at(128));
  }

  void wavelengths() {
    // Published for head_dim 128: theta 10000 gives 6.3, 628, 6283 and 54410 positions for pairs 0, 32, 48,
    // 63; theta 500000 gives 4443, 28124 and 118143 for pairs 32, 41, 48.
    const FrequencyAxis slow = axis_of(128, rope(128, 500000)), axis = axis_of(128, rope(128));
    const auto rounded = [](const FrequencyAxis& a, int dim) { return std::lround(a.at(dim)->wavelength); };
    QCOMPARE(axis.at(0)->wavelength, 2 * std::numbers::pi);
    QCOMPARE(rounded(axis, 32), 628);
    QCOMPARE(rounded(axis, 48), 6283);
    QCOMPARE(rounded(axis, 63), 54410);
    QCOMPARE(rounded(slow, 32), 4443);
    QCOMPARE(rounded(slow, 41), 28124);
    QCOMPARE(rounded(slow, 48), 118143);
  }

  /// GPT-NeoX rotates the first 24 of 96 dims.
  void partialRotary() {
    const FrequencyAxis axis = axis_of(96, rope(24));
    QCOMPARE(axis.inv_freq().size(), 12u);
    QCOMPARE(axis.at(8)->partner, 20);
    QVERIFY(axis.low_frequency(8) && axis.low_frequency(20));
    QVERIFY(!axis.low_frequency(5));
    QVERIFY(!axis.at(24));
    QVERIFY(!axis.low_frequency(90));
  }

  /// GPT-J's pairs are neighbours; the rotary dims of latent attention come last.
  void interleavedAndLate() {
    RopeSpec s = rope(8);
    s.interleaved = true;
    s.rotary_start = 4;
    const FrequencyAxis axis = axis_of(12, s);
    QVERIFY(!axis.at(3));
    QVERIFY(!axis.at(12));
    QCOMPARE(axis.at(6)->partner, 7);
    QCOMPARE(axis.at(7)->partner, 6);
    QCOMPARE(axis.at(7)->pair, 1);
    QVERIFY(!axis.low_frequency(7));
    QVERIFY(axis.low_frequency(8));
    QCOMPARE(axis.dims_of(3), std::pair(10, 11));
  }

  void withoutRope() {
    const FrequencyAxis axis(nullptr, 64, 2048, 1);
    QVERIFY(!axis.at(0));
    QVERIFY(!axis.low_frequency(63));
    Capture capture;
    capture.norms[{0, Site::Query}] = Array{{1, 4}, {1, 1, 1, 9}};
    QVERIFY(band_shares(capture.norms, Site::Query, 2, axis).empty());
    QCOMPARE(count_massive(capture.norms, Site::Query, 2, axis).massive, 1);
  }

  void undoing() {
    const FrequencyAxis axis = axis_of(6, rope(4));
    const double angle = 3 * axis.inv_freq()[1];
    // Row of position 3 made by rotating (0, 2, 0, 1, 7, 8): pair 1 are dims 1 and 3; dims 4 and 5 do not
    // rotate.
    Array rotated{{1, 1, 6}, {0, 0, 0, 0, 7, 8}};
    rotated.data[1] = static_cast<float>(2 * std::cos(angle) - 1 * std::sin(angle));
    rotated.data[3] = static_cast<float>(1 * std::cos(angle) + 2 * std::sin(angle));
    const Array before = before_rope(rotated, axis, 3);
    const std::vector<float> expected = {0, 2, 0, 1, 7, 8};
    for (std::size_t i = 0; i < 6; ++i) QVERIFY(std::abs(before.data[i] - expected[i]) < 1e-6f);
    QKSCOPE_EXPECT_ERROR(before_rope(Array{{1, 1, 2}, {1, 2}}, axis), "(1, 1, 2)", "4");
  }

  void yarnFactorIsTakenOut() {
    RopeSpec s = rope(4);
    s.type = "yarn";
    s.factor = 4;
    s.attention_factor = 2;
    const Array before = before_rope(Array{{1, 1, 4}, {2, 4, 6, 8}}, axis_of(4, s), 0);
    QCOMPARE(before.data, (std::vector<float>{1, 2, 3, 4}));
  }

  void bands() {
    const FrequencyAxis axis = axis_of(10, rope(10));  // 5 pairs in 2 bands: 2 and 3
    Capture capture;
    // Massive at lambda 2: dim 9 (pair 4) of head 0, dim 0 (pair 0) of head 1.
    capture.norms[{0, Site::Key}] =
        Array{{2, 10}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    capture.norms[{0, Site::Value}] = Array{{1, 10}, std::vector<float>(10, 1.0f)};
    const auto shares = band_shares(capture.norms, Site::Key, 2, axis, 2);
    QCOMPARE(shares.size(), 2u);
    QCOMPARE(shares[0].massive, 1);
    QCOMPARE(shares[1].massive, 1);
    QCOMPARE(shares[0].entries, 8);
    QCOMPARE(shares[1].entries, 12);
    QCOMPARE(shares[0].from_wavelength, axis.at(0)->wavelength);
    QCOMPARE(shares[0].to_wavelength, axis.at(1)->wavelength);
    QCOMPARE(shares[1].to_wavelength, axis.at(4)->wavelength);
    QCOMPARE(band_shares(capture.norms, Site::Key, 2, axis, 99).size(), 5u);
    QVERIFY(band_shares(capture.norms, Site::Key, 2, axis, 0).empty());
  }

  // Layers may rotate at other bases, or not at all: each is looked at by its own.
  void layersThatDiffer() {
    ModelSpec spec;
    spec.max_position_embeddings = 64;
    for (const auto& its : {std::optional<RopeSpec>(), std::optional(rope(4)), std::optional(rope(4, 100)),
                            std::optional(rope(4))}) {
      AttentionSpec attention;
      attention.num_heads = attention.num_kv_heads = 1;
      attention.head_dim = 4;
      attention.rope = its;
      LayerSpec& layer = spec.layers.emplace_back();
      layer.mixer = attention;
      layer.ffn = MlpSpec{};
    }
    const LayerAxes axes(spec, 1);
    QVERIFY(!axes.of(0).at(1));
    QCOMPARE(axes.of(1).at(1)->inv_freq, 0.01);
    QCOMPARE(axes.of(2).at(1)->inv_freq, 0.1);
    QCOMPARE(axes.first().inv_freq(), axes.of(1).inv_freq());
    QVERIFY(!axes.as_first(0) && axes.as_first(1) && !axes.as_first(2) && axes.as_first(3));
    Capture capture;
    for (int layer = 0; layer < 4; ++layer)
      capture.norms[{layer, Site::Query}] = Array{{1, 4}, {1, 9, 1, 1}};  // dim 1: the slower pair
    const MassiveCount count = count_massive(capture.norms, Site::Query, 2, axes);
    QCOMPARE(count.massive, 4);
    QCOMPARE(count.low_frequency_half, 3);
    const auto shares = band_shares(capture.norms, Site::Query, 2, axes, 2);  // of layers 1 and 3
    QCOMPARE(shares[1].massive, 2);
    QCOMPARE(shares[1].entries, 4);
    QCOMPARE(shares[1].from_wavelength, axes.of(1).at(1)->wavelength);
  }

  /// By hand: two query heads on one KV head, the second read.
  void partsOfALogit() {
    AttentionSpec spec;
    spec.num_heads = 2;
    spec.num_kv_heads = 1;
    spec.head_dim = 4;
    spec.scale = 0.5;
    const Array q{{2, 2, 4}, {9, 9, 9, 9, 9, 9, 9, 9, 8, 8, 8, 8, 1, 2, 3, -4}},
        k{{2, 1, 4}, {2, 3, 5, 7, 6, 6, 6, 6}};
    const LogitParts parts = logit_parts(spec, q, k, 1, 1, 0);
    QCOMPARE(parts.dims, (std::vector<double>{1, 3, 7.5, -14}));
    QCOMPARE(parts.logit(), -2.5);
    QCOMPARE(parts.by_pair(axis_of(4, rope(2))), (std::vector<double>{4}));  // dims 2 and 3 stand still
    QCOMPARE(parts.by_pair(axis_of(4, rope(4))), (std::vector<double>{8.5, -11}));
    QCOMPARE(parts.by_pair({}), std::vector<double>());
    QCOMPARE(parts.of(std::vector<std::uint8_t>{1, 0, 0, 1}), -13.0);
    spec.softcap = 2;
    spec.alibi = AlibiSpec{{0.25f, 0.5f}};
    const LogitParts capped = logit_parts(spec, q, k, 1, 1, 1);
    QCOMPARE(capped.product(), 6.0);  // 3 + 6 + 9 - 12
    QCOMPARE(capped.softcap, 2 * std::tanh(3.0) - 6);
    QCOMPARE(capped.bias, 0.5);
    QCOMPARE(capped.logit(), 2 * std::tanh(3.0) + 0.5);
    spec.window = 1;
    QVERIFY(sees(spec, 1, 1) && !sees(spec, 1, 0) && !sees(spec, 0, 1));
    QKSCOPE_EXPECT_ERROR(logit_parts(spec, q, k, 1, 1, 0), "position 1", "position 0");
    spec.window = 0;
    spec.chunk = 1;
    QVERIFY(sees(spec, 1, 1) && !sees(spec, 1, 0));
    QKSCOPE_EXPECT_ERROR(logit_parts(spec, q, k, 2, 1, 1), "head 3", "2");
    QKSCOPE_EXPECT_ERROR(logit_parts(spec, q, k, 0, 2, 1), "position 2", "of Q");
    QKSCOPE_EXPECT_ERROR(logit_parts(spec, q, k, 0, 1, -1), "position -1", "of K");
    QKSCOPE_EXPECT_ERROR(logit_parts(spec, k, k, 0, 1, 1), "(positions, 2, 4)", "(2, 1, 4)");
    QKSCOPE_EXPECT_ERROR(logit_parts(spec, q, {{2, 1, 4}, {1}}, 0, 1, 1), "(positions, 1, 4)");
  }

  /// How much of the attention every key draws, what it adds, and over how much attention is spread.
  void sinks() {
    // Two heads over three positions.
    const Array pattern{{2, 3, 3},
                        {1, 0, 0, 0.25f, 0.75f, 0, 0.25f, 0.25f, 0.5f,  //
                         1, 0, 0, 0, 1, 0, 0, 0, 1}};
    const std::vector<SinkScore> scores = sink_scores(pattern);
    QCOMPARE(scores.size(), 3u);
    QVERIFY(near(scores[0].mass, (0.5 + 1.0 / 3) / 2) && near(scores[0].share, 1));
    QVERIFY(near(scores[1].mass, 0.5) && near(scores[1].share, 1));
    QVERIFY(near(scores[2].mass, 0.75) && near(scores[2].share, 1));
    QKSCOPE_EXPECT_ERROR(sink_scores({{2, 3}, {0, 0, 0, 0, 0, 0}}), "(2, 3)");
    // Of both heads the values are one KV head's, of lengths 5, 1 and 2; of three heads they cannot be.
    const Array values{{3, 1, 2}, {3, 4, 0, 1, 2, 0}};
    const std::vector<SinkScore> weighed = sink_scores(pattern, &values);
    QVERIFY(near(weighed[0].added, 5 * scores[0].mass) && near(weighed[1].added, scores[1].mass) &&
            near(weighed[2].added, 2 * scores[2].mass) && near(weighed[0].mass, scores[0].mass));
    const Array two{{3, 2, 1}, {1, 10, 1, 10, 1, 10}};  // a value head for each
    QVERIFY(near(sink_scores(pattern, &two)[2].added, (0.5 * 1 + 1.0 * 10) / 2));
    Array four{{4, 3, 3}, pattern.data};  // neighbours share a value head
    four.data.insert(four.data.end(), 18, 0.0f);
    QVERIFY(near(sink_scores(four, &two)[2].added, (0.5 * 1 + 1.0 * 1) / 4));
    const Array three{{3, 3, 1}, std::vector<float>(9)};
    QKSCOPE_EXPECT_ERROR(sink_scores(pattern, &three), "(3, 3, 1)");
    const double log2 = std::log(2), first = 0.5 * log2 - 0.75 * std::log(0.75);
    QVERIFY(near(mean_entropy(pattern), (first + 1.5 * log2) / 6));
    QVERIFY(near(mean_entropy({{1, 1, 1}, {0.5f}}), log2));  // the other half on a learned sink
    QKSCOPE_EXPECT_ERROR(mean_entropy(values), "(3, 1, 2)");
  }

  /// What is told of one site is read back from its file; a number that is not finite comes back as NaN.
  void magnitudesOfOneSite() {
    Capture capture;
    const float infinite = std::numeric_limits<float>::infinity();
    for (const int layer : {0, 3}) {
      capture.activations[{layer, Site::ResidPost}] = {{{2, 7, -5}, {1, 1, 4}}, 0.5f, {}, {}, {}};
      capture.activations[{layer, Site::MlpOut}] = {{{0, 1, layer == 0 ? infinite : 9}}, 0.25f, {}, {}, {}};
    }
    const Magnitudes found = magnitudes_of(capture, Site::MlpOut, false, {3, 4});
    QCOMPARE(found.layers.size(), 2u);
    QCOMPARE(found.layers[1].layer, 3);
    QCOMPARE(found.layers[1].top, std::vector<double>{9});
    const QTemporaryDir folder;
    const std::filesystem::path path = folder.filePath(QStringLiteral("m.json")).toStdString();
    std::ofstream(path) << to_json(found);
    const Magnitudes read = read_magnitudes(path);
    QVERIFY(read.layers[1] == found.layers[1] && read.ids == found.ids && read.bos == found.bos);
    QVERIFY(std::isnan(read.layers[0].largest.value) && std::isnan(read.layers[0].top[0]));
    std::ofstream(path) << to_json(magnitudes_of(capture, Site::ResidPost, {}, {1}));
    const Magnitudes other = read_magnitudes(path);
    QVERIFY(!other.bos && other.layers[0].largest == (ActivationAt{2, 7, 5}));
    QCOMPARE(other.layers[0].top, (std::vector<double>{5, 4}));
  }

  void splitOfAnOutput() {
    const Array pattern{{3, 3}, {1, 0, 0, 0.75f, 0.25f, 0, 0.5f, 0.25f, 0.25f}};
    // Two KV heads of two dims; the second is another one's.
    const Array values{{3, 2, 2}, {1, 2, 9, 9, 4, 8, 9, 9, -4, 0, 9, 9}};
    const OutputSplit split = split_output(pattern, values, 0, {1});
    QCOMPARE(split.part.data, (std::vector<float>{0, 0, 1, 2, 1, 2}));
    QCOMPARE(split.rest.data, (std::vector<float>{1, 2, 0.75f, 1.5f, -0.5f, 1}));
    QCOMPARE(row_lengths(split.part), (std::vector<double>{0, std::sqrt(5.0), std::sqrt(5.0)}));
    const std::vector<double> cosines = cosines_with_mean(split.rest);  // their sum is (1.25, 4.5)
    QVERIFY(std::abs(cosines[0] - (1.25 + 9) / (std::sqrt(5.0) * std::hypot(1.25, 4.5))) < 1e-12);
    QVERIFY(std::isnan(cosines_with_mean(split.part)[0]));
    QVERIFY(std::abs(cosines_with_mean(split.part)[1] - 1) < 1e-12);
    // Over the queries that see one of them and are none of them.
    QCOMPARE(mass_on(pattern, {0}), (0.75 + 0.5) / 2);
    QCOMPARE(mass_on(pattern, {0, 1}), 0.75);
    QCOMPARE(mass_on(pattern, {1}), 0.25);
    QVERIFY(std::isnan(mass_on(pattern, {2})));
    QVERIFY(std::isnan(mass_on(pattern, {})));
    QKSCOPE_EXPECT_ERROR(split_output(pattern, values, 2, {0}), "values", "(3, 2, 2)");
    QKSCOPE_EXPECT_ERROR(split_output(values, values, 0, {0}), "pattern", "(3, 2, 2)");
  }

  /// No cut-off is published; these give every published model its class.
  void impactOfZeros() {
    QCOMPARE(impact_of(1), MassiveImpact::None);
    QCOMPARE(impact_of(1.99), MassiveImpact::None);
    QCOMPARE(impact_of(2), MassiveImpact::Medium);
    QCOMPARE(impact_of(99.9), MassiveImpact::Medium);
    QCOMPARE(impact_of(100), MassiveImpact::High);
    std::ifstream file(test::source_dir() / "datasets/published/massive_activations.json");
    const nlohmann::json published = nlohmann::json::parse(file).at("models");
    QCOMPARE(published.size(), std::size_t(36));
    int classes = 0;
    for (const auto& row : published) {
      if (!row.contains("class")) continue;
      ++classes;
      double times = 1;
      for (std::size_t i = 0; i < 3; ++i)
        times = std::max(times, row.at("zero").at(i).get<double>() / row.at("original").at(i).get<double>());
      QCOMPARE(std::string(impact_name(impact_of(times))), row.at("class").get<std::string>());
    }
    QCOMPARE(classes, 18);
  }

  /// Where all positions are one vector before RoPE, a pair points one way and its mean tells what it gives
  /// at every distance; where they point every way it tells nothing.
  void meansOfPairs() {
    AttentionSpec spec;
    spec.num_heads = 2;
    spec.num_kv_heads = 1;
    spec.head_dim = 4;
    spec.scale = 0.5;
    constexpr int positions = 9;
    const FrequencyAxis axis = axis_of(4, rope(4, 100));
    const std::vector<double>& turns = axis.inv_freq();  // of dims 0 and 2, and of 1 and 3
    // Rotated by hand.
    const auto turned = [&](int heads, const std::array<double, 4>& x) {
      Array values{{positions, heads, 4}, {}};
      for (int t = 0; t < positions; ++t) {
        for (int h = 0; h < heads; ++h) {
          for (const int dim : {0, 1, 2, 3}) {
            const auto pair = static_cast<std::size_t>(dim % 2);
            const double c = std::cos(t * turns[pair]), s = std::sin(t * turns[pair]);
            const double a = x[pair] * (h + 1), b = x[pair + 2] * (h + 1);
            values.data.push_back(static_cast<float>(dim < 2 ? a * c - b * s : a * s + b * c));
          }
        }
      }
      return values;
    };
    const Array q = turned(2, {1, 2, 3, -1}), k = turned(1, {0.5, -1, 2, 4});
    const auto q_means = pair_means(before_rope(q, axis), axis, 1),
               k_means = pair_means(before_rope(k, axis), axis, 0);
    const auto near = [](double a, double b) { return std::abs(a - b) < 1e-5; };
    QVERIFY(near(q_means[1].x, 4) && near(q_means[1].y, -2) && near(q_means[1].length, std::sqrt(20.0)));
    QVERIFY(near(q_means[0].agreement, 1) && near(k_means[1].agreement, 1));
    for (const std::size_t pair : {0u, 1u}) {
      const auto measured = measured_logits(spec, q, k, 1, axis.dims_of(static_cast<int>(pair)));
      const auto predicted = predicted_logits(q_means[pair], k_means[pair], turns[pair], 0.5, positions);
      QCOMPARE(measured.size(), predicted.size());
      for (std::size_t distance = 0; distance < measured.size(); ++distance)
        QVERIFY(near(measured[distance], predicted[distance]));
      // After RoPE the same vectors point apart.
      QVERIFY(pair_means(q, axis, 1)[pair].agreement < 0.99);
      QVERIFY(near(pair_means(q, axis, 1)[pair].length, q_means[pair].length));
    }
    spec.window = 2;
    const auto seen = measured_logits(spec, q, k, 1, {0, 2});
    QVERIFY(!std::isnan(seen[1]) && std::isnan(seen[2]));
    const Array both{{2, 1, 4}, {1, 0, 1, 0, -1, 0, -1, 0}};
    QCOMPARE(pair_means(both, axis, 0)[0].agreement, 0.0);
    QCOMPARE(pair_means(both, axis, 0)[1].agreement, 0.0);  // all zero
    QKSCOPE_EXPECT_ERROR(pair_means(both, axis, 1), "head 2", "(2, 1, 4)");
    QKSCOPE_EXPECT_ERROR(pair_means({{2, 1, 3}, {1, 2, 3, 4, 5, 6}}, axis, 0), "(2, 1, 3)");
  }
};

QTEST_GUILESS_MAIN(TestFrequency)
#include "test_frequency.moc"

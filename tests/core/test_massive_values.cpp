#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/analysis/partner_links.h"
#include "core/analysis/verdict.h"
#include "core/tasks/model_verdict.h"
#include "tests/support/activation_dumps.h"
#include "tests/support/errors.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();

std::vector<int> taken(const Array& m, const Pick& pick, SiteId where = {}) {
  const auto flags = select(m, pick, where);
  std::vector<int> indices;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i]) indices.push_back(static_cast<int>(i));
  }
  return indices;
}

Pick pick(PickKind kind, int n, std::uint64_t seed = 0) {
  Pick p;
  p.kind = kind;
  p.n = n;
  p.seed = seed;
  return p;
}

Pick matched(PickKind kind, double lambda) {
  Pick p = pick(kind, 1);
  p.as_many_as_lambda = true;
  p.lambda = lambda;
  return p;
}

Pick over(double lambda) {
  Pick p;
  p.lambda = lambda;
  return p;
}

using Indices = std::vector<int>;

}  // namespace

class TestMassiveValues : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void norms() {
    const Array values{{2, 1, 3}, {3, 0, 1, 4, 0, -1}};
    QCOMPARE(norms_over_positions(values), (Array{{1, 3}, {5, 0, std::sqrt(2.0f)}}));
    QCOMPARE(norms_over_positions(Array{{0, 1, 3}, {}}), (Array{{1, 3}, {0, 0, 0}}));
    QKSCOPE_EXPECT_ERROR(norms_over_positions(Array{{2, 3}, std::vector<float>(6)}), "(2, 3)");
    QKSCOPE_EXPECT_ERROR(norms_over_positions(Array{{2, 3, 4}, std::vector<float>(6)}), "(2, 3, 4)");
  }

  void meansAndRatios() {
    const Array m{{3, 4}, {1, 1, 1, 5, 2, 2, 2, 2, 1, not_a_number, 1, 1}};
    const auto means = head_means(m);
    QCOMPARE(means[0], 2.0f);
    QCOMPARE(means[1], 2.0f);
    QVERIFY(std::isnan(means[2]));
    const auto ratios = strongest_ratios(m);
    QCOMPARE(ratios[0], 2.5f);
    QCOMPARE(ratios[1], 1.0f);
    QVERIFY(std::isnan(ratios[2]));
    QKSCOPE_EXPECT_ERROR(head_means(Array{{4}, std::vector<float>(4)}), "(heads, head_dim)");
  }

  void lambdaIsPerHeadAndStrict() {
    // Means 2 and 20: the 5 is massive in its head, the 21 is not.
    const Array m{{2, 4}, {1, 1, 1, 5, 20, 19, 20, 21}};
    QCOMPARE(taken(m, over(2)), Indices{3});
    QCOMPARE(taken(m, over(2.5)), Indices{});  // equal is not over
    QCOMPARE(taken(m, over(1.04)), (Indices{3, 7}));
  }

  void tiesGoToTheLowerDim() {
    const Array m{{1, 6}, {2, 3, 3, 1, 1, 3}};
    QCOMPARE(taken(m, pick(PickKind::Largest, 1)), Indices{1});
    QCOMPARE(taken(m, pick(PickKind::Largest, 2)), (Indices{1, 2}));
    QCOMPARE(taken(m, pick(PickKind::Smallest, 1)), Indices{3});
    QCOMPARE(taken(m, pick(PickKind::Smallest, 3)), (Indices{0, 3, 4}));
  }

  void countsBeyondTheHead() {
    const Array m{{2, 3}, {1, 2, 3, 4, 5, 6}};
    for (const PickKind kind : {PickKind::Largest, PickKind::Smallest, PickKind::Random}) {
      QCOMPARE(taken(m, pick(kind, 0)), Indices{});
      QCOMPARE(taken(m, pick(kind, -1)), Indices{});
      QCOMPARE(taken(m, pick(kind, 99)).size(), 6u);
    }
  }

  void nanIsNeverTaken() {
    const Array m{{1, 4}, {not_a_number, 1, inf, 2}};
    QCOMPARE(taken(m, over(0)), Indices{});  // no mean to compare with
    QCOMPARE(taken(m, pick(PickKind::Largest, 2)), (Indices{2, 3}));
    QCOMPARE(taken(m, pick(PickKind::Smallest, 4)), (Indices{1, 2, 3}));
    QCOMPARE(taken(m, pick(PickKind::Random, 4)), (Indices{1, 2, 3}));
  }

  void matchedControls() {
    const Array m{{2, 8}, {1, 1, 1, 9, 1, 1, 1, 9, 3, 2, 1, 4, 5, 6, 7, 8}};
    QCOMPARE(taken(m, over(2)), (Indices{3, 7}));
    QCOMPARE(taken(m, matched(PickKind::Smallest, 2)), (Indices{0, 1}));
    QCOMPARE(taken(m, matched(PickKind::Largest, 2)), (Indices{3, 7}));
    QCOMPARE(taken(m, matched(PickKind::Random, 2)).size(), 2u);
  }

  /// std::mt19937_64, std::seed_seq and the draw are all specified to the bit: the same dims on every
  /// machine.
  void randomIsReproducible() {
    const Array m{{2, 64}, std::vector<float>(128, 1.0f)};
    const SiteId where{3, Site::Query};
    const auto first = taken(m, pick(PickKind::Random, 5, 7), where);
    QCOMPARE(first, taken(m, pick(PickKind::Random, 5, 7), where));
    QCOMPARE(first, (Indices{12, 23, 29, 52, 63, 71, 92, 107, 110, 111}));
    QVERIFY(first != taken(m, pick(PickKind::Random, 5, 8), where));
    QVERIFY(first != taken(m, pick(PickKind::Random, 5, 7), {4, Site::Query}));
    QVERIFY(first != taken(m, pick(PickKind::Random, 5, 7), {3, Site::Key}));
    QVERIFY(first != taken(m, pick(PickKind::Random, 5, 7 + (std::uint64_t{1} << 32)), where));
    Indices heads[2];
    for (const int i : first) heads[i / 64].push_back(i % 64);
    QCOMPARE(heads[0].size(), 5u);
    QVERIFY(heads[0] != heads[1]);
  }

  void randomIsFair() {
    std::vector<int> hits(16, 0);
    const Array m{{1, 16}, std::vector<float>(16, 1.0f)};
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
      for (const int d : taken(m, pick(PickKind::Random, 4, seed))) ++hits[static_cast<std::size_t>(d)];
    }
    for (const int n : hits) QVERIFY2(std::abs(n - 1000) < 150, qPrintable(QString::number(n)));  // 5.5 sigma
  }

  void strongestFirst() {
    Capture capture;
    capture.norms[{1, Site::Query}] = Array{{1, 4}, {1, 1, 1, 5}};
    capture.norms[{0, Site::Query}] = Array{{2, 4}, {1, 1, 1, 9, 2, 2, 2, 10}};
    capture.norms[{0, Site::Key}] = Array{{1, 4}, {0, 0, 0, 100}};
    const auto values = massive_values(capture.norms, Site::Query, 2);
    QCOMPARE(values.size(), 3u);
    QCOMPARE(values[0], (MassiveValue{{0, Site::Query}, 0, 3, 9, 3}));
    QCOMPARE(values[1], (MassiveValue{{0, Site::Query}, 1, 3, 10, 2.5}));
    QCOMPARE(values[2], (MassiveValue{{1, Site::Query}, 0, 3, 5, 2.5}));
  }

  void realActivations_data() {
    QTest::addColumn<QString>("letter");
    for (const char* letter : {"q", "k", "v"}) QTest::newRow(letter) << letter;
  }
  void realActivations() {
    QFETCH(QString, letter);
    const auto path = shared_data() / "goldens" / "qkv_llama2_layer10.json";
    QKSCOPE_REQUIRE_DATA(path);
    const auto golden = read_json(path).at("Llama-2-7b-chat-hf/" + letter.toStdString());
    const Array values = llama2_dump(letter.toStdString());
    QCOMPARE(values.shape, (std::vector<std::int64_t>{66, 32, 128}));
    const Array m = norms_over_positions(values);

    const double sum = std::accumulate(m.data.begin(), m.data.end(), 0.0);
    QVERIFY(std::abs(sum / golden.at("sum_M").get<double>() - 1) < 1e-6);
    const auto largest = std::ranges::max_element(m.data);
    QVERIFY(std::abs(static_cast<double>(*largest) / golden.at("max_M").get<double>() - 1) < 1e-6);
    const auto place = static_cast<int>(largest - m.data.begin());
    QCOMPARE((Indices{place / 128, place % 128}), golden.at("argmax_M").get<Indices>());

    for (const auto& [lambda, count] : golden.at("count_per_head_rule").items()) {
      QCOMPARE(taken(m, over(std::stod(lambda))).size(), count.get<std::size_t>());
    }
    const auto dims = [&](PickKind kind) {
      Indices result;
      for (const int i : taken(m, pick(kind, 1))) result.push_back(i % 128);
      return result;
    };
    QCOMPARE(dims(PickKind::Largest), golden.at("top1_dim_per_head").get<Indices>());
    QCOMPARE(dims(PickKind::Smallest), golden.at("bottom1_dim_per_head").get<Indices>());

    const auto ratios = strongest_ratios(m);
    for (std::size_t h = 0; h < ratios.size(); ++h) {
      QVERIFY(std::abs(static_cast<double>(ratios[h]) -
                       golden.at("max_over_mean_per_head")[h].get<double>()) < 1e-4);
    }

    Capture capture;
    capture.norms[{9, Site::Query}] = m;
    auto entries = massive_values(capture.norms, Site::Query, 5);
    std::ranges::sort(entries, {}, [](const MassiveValue& v) { return std::pair(v.head, v.dim); });
    const auto& expected = golden.at("lambda5");
    QCOMPARE(entries.size(), expected.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      QCOMPARE(entries[i].head, expected[i][0].get<int>());
      QCOMPARE(entries[i].dim, expected[i][1].get<int>());
      QVERIFY(std::abs(static_cast<double>(entries[i].m) - expected[i][2].get<double>()) < 1e-4);
      QVERIFY(std::abs(static_cast<double>(entries[i].ratio) - expected[i][3].get<double>()) < 1e-4);
    }
    if (!entries.empty()) {
      const auto count = count_massive(capture.norms, Site::Query, 5, llama2_axis());
      QCOMPARE(count.massive, static_cast<std::int64_t>(entries.size()));
      QCOMPARE(count.low_frequency_half, count.massive);  // every one of them, as published
      QCOMPARE(count.entries, 32 * 128);
    }
  }

  /// Heads that agree on a dim share beyond chance, heads that differ do not; the counts by hand.
  void verdicts() {
    RopeSpec rope;
    rope.rotary_dim = 16;
    const LayerAxes axes(FrequencyAxis(&rope, 16, 64, 8));
    const auto head_with = [](std::vector<int> dims) {
      std::vector<float> m(16, 1.0f);
      for (const int dim : dims) m[static_cast<std::size_t>(dim)] = 100;
      return m;
    };
    const auto of_heads = [&](const std::vector<std::vector<int>>& heads) {
      Array m{{static_cast<std::int64_t>(heads.size()), 16}, {}};
      for (const auto& dims : heads) {
        const auto row = head_with(dims);
        m.data.insert(m.data.end(), row.begin(), row.end());
      }
      return m;
    };
    Capture capture;
    // Pairs (i, i + 8): dims 4..7 and 12..15 are the low-frequency half.
    capture.norms[{0, Site::Query}] = of_heads({{7, 15}, {7}, {7}, {7}});
    capture.norms[{1, Site::Query}] = of_heads({{6}, {6}, {6}, {1}});
    capture.norms[{0, Site::Key}] = of_heads({{15}, {15}});
    capture.norms[{1, Site::Key}] = of_heads({{14}, {13}});
    capture.norms[{0, Site::Value}] = of_heads({{}, {3}});
    capture.norms[{1, Site::Value}] = of_heads({{}, {}});
    const std::array<Site, 3> sites{Site::Query, Site::Key, Site::Value};
    const Verdict found = verdict(capture.norms, sites, 5, axes);
    QCOMPARE(found.query.count.massive, 9);
    QCOMPARE(found.query.count.low_frequency_half, 8);
    QCOMPARE(found.query.heads_with, 8);
    QCOMPARE(found.query.shared, 6 + 3);
    // Layer 0: 2, 1, 1, 1 values on 16 dims: (25 - 7) / 2 / 16; layer 1: (16 - 4) / 2 / 16.
    QCOMPARE(found.query.expected_shared, 9.0 / 16 + 6.0 / 16);
    QCOMPARE(found.query.stripes, (std::vector<Stripe>{{0, 7, 4, 4}, {1, 6, 3, 4}}));
    QCOMPARE(*found.query.p, 0.001);
    QCOMPARE(found.key.shared, 1);
    // One of two independent pairs meets with probability 1 - (15/16)^2 = 0.12.
    QVERIFY(std::abs(*found.key.p - 0.1211) < 0.03);
    QVERIFY(!found.value.p);
    QCOMPARE(found.heads_share, 1.0);
    QCOMPARE(found.low_share, 12.0 / 13);
    QVERIFY(found.rope && found.concentrated);
    QCOMPARE(*verdict(capture.norms, sites, 5, axes).key.p, *found.key.p);

    // Two query heads read each KV head; a pair is (i, i + 8).
    const PartnerLinks links = partner_links(capture.norms, Site::Query, Site::Key, 5, axes);
    QCOMPARE(links.links, (std::vector<PartnerLink>{{0, 0, 15, 0, 7},
                                                    {0, 0, 15, 0, 15},
                                                    {0, 0, 15, 1, 7},
                                                    {0, 1, 15, 2, 7},
                                                    {0, 1, 15, 3, 7},
                                                    {1, 0, 14, 0, 6},
                                                    {1, 0, 14, 1, 6}}));
    QCOMPARE(links.key_values, 4);
    QCOMPARE(links.linked, 3);
    // One value misses both dims of a pair with 14/16, two with 14/16 x 13/15.
    QVERIFY(std::abs(links.expected_linked - (1 - 14.0 / 16 * 13 / 15 * 14 / 16) - 3 * (1 - 196.0 / 256)) <
            1e-9);
    const PartnerLinks same = partner_links(capture.norms, Site::Query, Site::Key, 5, LayerAxes());
    QCOMPARE(same.links, (std::vector<PartnerLink>{{0, 0, 15, 0, 15}}));

    // Without RoPE the test on shared dims decides; where every head stands alone there is nothing shared.
    QVERIFY(verdict(capture.norms, sites, 5, LayerAxes()).concentrated);
    capture.norms[{0, Site::Query}] = of_heads({{0}, {1}, {2}, {3}});
    capture.norms[{1, Site::Query}] = of_heads({{4}, {5}, {6}, {7}});
    const Verdict apart = verdict(capture.norms, sites, 5, LayerAxes());
    QCOMPARE(*apart.query.p, 1.0);
    QVERIFY(!apart.concentrated);
    // Fewer than 80 % of the heads.
    capture.norms[{1, Site::Query}] = of_heads({{}, {}, {}, {7}});
    QVERIFY(!verdict(capture.norms, sites, 5, axes).concentrated);
  }

  /// A row of Table 3 over prompts, by hand: of what is no number on a prompt that prompt has no part.
  void verdictsOverPrompts() {
    const auto prompt = [](std::int64_t massive, std::int64_t low, bool concentrated,
                           std::vector<PartnerLink> links) {
      PromptVerdict p;
      p.verdict.rope = true;
      p.verdict.concentrated = concentrated;
      p.verdict.key.count.massive = massive;
      p.verdict.key.count.low_frequency_half = low;
      p.verdict.key.heads = 4;
      p.verdict.key.heads_with = massive > 0 ? 1 : 0;
      p.links.key_values = massive;
      p.links.linked = links.empty() ? 0 : 1;
      p.links.links = std::move(links);
      return p;
    };
    const PartnerLink often{0, 1, 7, 2, 7}, once{0, 0, 3, 1, 3};
    const std::vector<PromptVerdict> prompts{prompt(4, 4, true, {once, often}), prompt(2, 1, false, {often}),
                                             prompt(0, 0, true, {})};
    const ModelVerdict found = summarize("a, b", prompts);
    QCOMPARE(found.prompts, std::size_t(3));
    QCOMPARE(found.concentrated, std::size_t(2));
    QCOMPARE(found.key.massive.mean, 2.0);
    QCOMPARE(found.key.massive.deviation, std::sqrt(8.0 / 3));
    QCOMPARE(found.key.low_frequency_half.of, std::size_t(2));
    QCOMPARE(found.key.low_frequency_half.mean, 0.75);
    QCOMPARE(found.key.low_frequency_half.deviation, 0.25);
    QCOMPARE(found.key.heads.mean, 1.0 / 6);
    QCOMPARE(found.linked.mean, (0.25 + 0.5) / 2);
    QCOMPARE(found.linked.least, 0.25);
    QCOMPARE(found.query.heads.of, std::size_t(0));  // 0 of 0 heads
    const std::vector<CommonLink> links = common_links(prompts);
    QCOMPARE(links.size(), std::size_t(2));
    QCOMPARE(links[0].link, often);
    QCOMPARE(links[0].prompts, std::size_t(2));
    QCOMPARE(links[1].link, once);
    const std::string table = to_csv(std::vector{found});
    QVERIFY2(table.find("\r\n\"a, b\",3,true,2,k,2,") != std::string::npos, table.c_str());
    QVERIFY(table.find(",0.75,0.25,0.5,1,") != std::string::npos);
    QVERIFY(table.find(",q,0,0,0,0,,,,,,,,,0,0,0,0,,,,,,,,\r\n") != std::string::npos);
    QVERIFY(to_csv("m", 3, links).find("\r\nm,0,1,7,2,7,2,3\r\n") != std::string::npos);
    // Without RoPE there is no low-frequency half.
    std::vector<PromptVerdict> none(1);
    none[0].verdict.key.count = {4, 16, 4};
    QCOMPARE(summarize("m", none).key.low_frequency_half.of, std::size_t(0));
  }
};

QTEST_GUILESS_MAIN(TestMassiveValues)
#include "test_massive_values.moc"

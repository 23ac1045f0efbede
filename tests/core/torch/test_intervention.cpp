// What a disruption does to Q, K and V inside one pass: which columns it takes, what it puts there, what
// later steps read.
#include <c10/core/InferenceMode.h>

#include "core/analysis/massive_values.h"
#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/run/operators.h"
#include "core/run/request_tap.h"
#include "core/run/tensor_array.h"
#include "tests/support/errors.h"
#include "tests/support/interventions.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

const c10::InferenceMode inference;

Disruption live(const std::string& settings) {
  Disruption d = parse_disruption(settings);
  d.mask = Mask::Live;
  return d;
}

at::Tensor flags(const Array& m, const Pick& pick, SiteId where) {
  return at::tensor(select(m, pick, where), at::kByte).view(m.shape).to(at::kBool);
}

/// Every kind of pick with several counts and both ways of counting.
std::vector<Pick> picks() {
  std::vector<Pick> all;
  for (const PickKind kind : {PickKind::Lambda, PickKind::Largest, PickKind::Smallest, PickKind::Random}) {
    for (const bool matched : {false, true}) {
      for (const double lambda : {0.5, 1.0, 1.7, 3.0, 100.0}) {
        for (const int n : {0, 1, 3, 15, 99}) {
          Pick pick;
          pick.kind = kind;
          pick.as_many_as_lambda = matched;
          pick.lambda = lambda;
          pick.n = n;
          pick.seed = 41;
          all.push_back(pick);
        }
      }
    }
  }
  return all;
}

std::string words(const Pick& pick) {
  Disruption d;
  d.pick = pick;
  return to_option(d);
}

/// Keys and values (G, positions, D) of a layer that later steps will read.
std::pair<at::Tensor, at::Tensor> cached(const State& cache, int layer, const ModelSpec& spec) {
  State copy = cache.fork();
  const at::Tensor more = at::zeros({1, spec.num_kv_heads(), spec.head_dim()}, test::device());
  const auto [keys, values] = copy.append(layer, more, more);
  return {keys.narrow(1, 0, cache.length()), values.narrow(1, 0, cache.length())};
}

/// A prefill of `ids` and a step with `next`, everything of Q, K and V of the prefill kept.
struct Passes {
  Passes(const Decoder& decoder, const TokenIds& ids, int next, const Edits& edits)
      : cache(decoder.spec().num_layers()), after_step(0) {
    const int layers = decoder.spec().num_layers();
    Needs needs;
    needs.norms = needs.values = {Site::Query, Site::Key, Site::Value};
    Capture clean;
    if (!edits.empty()) clean = Passes(decoder, ids, next, {}).capture;
    Intervention intervention(edits, decoder.spec(), clean, test::device());
    RequestTap tap(&needs, &intervention, /*prefill=*/true);
    decoder.run_layers(decoder.embed(ids, cache), 0, layers, cache, tap);
    cache.advance(static_cast<int>(ids.size()));
    tap.take(capture);
    after_step = cache.fork();
    RequestTap step_tap(&needs, &intervention, /*prefill=*/false);
    decoder.step(next, after_step, step_tap);
    step_tap.take(step);
  }

  Capture capture, step;
  State cache, after_step;
};

}  // namespace

class TestIntervention : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// The live mask is found with tensor operations; select() is the plain form of the same rule.
  void liveMaskIsSelect() {
    for (const SiteId where : {query, key, SiteId{2, Site::Value}}) {
      const std::int64_t heads = where.site == Site::Query ? 4 : 2;
      for (const std::uint64_t seed : {3u, 4u}) {
        const at::Tensor x = example(heads, seed);
        const Array m = to_array(ops::column_norms(x));
        for (const Pick& pick : picks()) {
          Disruption d = live("site=qkv,replace=zero");
          d.pick = pick;
          QVERIFY2(at::equal(changed(x, applied(d, where, x)), flags(m, pick, where)), words(pick).c_str());
        }
      }
    }
  }

  /// Equal entries: both forms take the lower dim.
  void liveMaskBreaksTiesLikeSelect() {
    const at::Tensor x =
        at::tensor({1.0, 2.0, 2.0, 1.0, 3.0, 2.0, 3.0, 1.0}).to(at::kFloat).repeat({5, 2, 2});
    const Array m = to_array(ops::column_norms(x));
    for (const Pick& pick : picks()) {
      Disruption d = live("site=k,replace=zero");
      d.pick = pick;
      QVERIFY2(at::equal(changed(x, applied(d, key, x)), flags(m, pick, key)), words(pick).c_str());
    }
  }

  void liveMaskNeverTakesNan() {
    at::Tensor x = example(2).clone();
    x[4][1][7] = std::numeric_limits<float>::quiet_NaN();
    const Array m = to_array(ops::column_norms(x));
    for (const char* pick : {"lambda:1.5", "largest:3", "smallest:16", "largest:lambda:1.5"}) {
      const Disruption d = live(std::string("site=k,replace=zero,pick=") + pick);
      const at::Tensor result = applied(d, key, x);
      QVERIFY2(at::equal((result == 0).all(0), flags(m, d.pick, key)), pick);
      QVERIFY(result[4][1][7].isnan().item<bool>());
    }
  }

  /// Clean: the columns M of the baseline points at, whatever the pass itself would choose.
  void cleanMaskIsTheBaselines() {
    const at::Tensor clean = example(2, 8), x = example(2, 9);
    Capture baseline;
    baseline.norms[key] = to_array(ops::column_norms(clean));
    for (const Pick& pick : picks()) {
      Disruption d = parse_disruption("site=k,replace=zero,mask=clean,layers=2");
      d.pick = pick;
      QVERIFY2(
          at::equal(changed(x, applied(d, key, x, baseline)), flags(*baseline.norm(1, Site::Key), pick, key)),
          words(pick).c_str());
    }
    QKSCOPE_EXPECT_ERROR(Intervention({parse_disruption("site=k")}, spec(), {}, at::kCPU), "layer 1", "M");
  }

  /// What takes the place of the columns, against loops over plain numbers.
  void replacementsAreWhatTheirNamesSay() {
    const at::Tensor x = example(2);
    // The largest columns hold the extremes of their head, too: only small ones tell the pools apart.
    for (const std::string settings :
         {"largest:3,replace=mean", "largest:3,replace=zero", "smallest:3,replace=mean",
          "smallest:3,replace=max", "smallest:3,replace=min", "smallest:1,replace=max",
          "largest:3,replace=max", "largest:3,replace=min"}) {
      const std::string replace = settings.substr(settings.find('=') + 1);
      const at::Tensor mask = flags(to_array(ops::column_norms(x)),
                                    live("pick=" + settings.substr(0, settings.find(','))).pick, key);
      for (const std::string pool : {"chosen", "head", "own"}) {
        const at::Tensor result = applied(live("site=k,pick=" + settings + ",pool=" + pool), key, x);
        for (std::int64_t h = 0; h < 2; ++h) {
          for (std::int64_t d = 0; d < 16; ++d) {
            const at::Tensor column = x.select(1, h).select(1, d);
            const at::Tensor found = result.select(1, h).select(1, d);
            if (!mask[h][d].item<bool>()) {
              QVERIFY(at::equal(found, column));
              continue;
            }
            std::vector<double> values;
            for (std::int64_t other = 0; other < 16; ++other) {
              if (pool == "own" ? other != d : pool == "chosen" && !mask[h][other].item<bool>()) continue;
              for (std::int64_t t = 0; t < 20; ++t) values.push_back(x[t][h][other].item<double>());
            }
            double expected = 0;
            if (replace == "mean") {
              for (const double v : values) expected += v / static_cast<double>(values.size());
            }
            if (replace == "max") expected = *std::ranges::max_element(values);
            if (replace == "min") expected = *std::ranges::min_element(values);
            QVERIFY2((found - expected).abs().max().item<double>() < 1e-5, (replace + " of " + pool).c_str());
            QVERIFY(at::equal(found, found[0].expand_as(found)));  // every position the same
          }
        }
      }
    }
  }

  void nothingChosenIsTheVeryTensor() {
    const at::Tensor x = example(4);
    QVERIFY(applied(live("site=k"), query, x).is_same(x));             // another site
    QVERIFY(applied(live("site=q,layers=1,3"), query, x).is_same(x));  // another layer
    QVERIFY(applied(live("site=none"), query, x).is_same(x));          // no site
    QVERIFY(at::equal(applied(live("site=q,pick=largest:0"), query, x), x));
    QVERIFY(at::equal(applied(live("site=q,pick=lambda:100"), query, x), x));
  }

  void theInputIsNeverWrittenTo() {
    const at::Tensor x = example(4), before = x.clone();
    const at::Tensor result = applied(live("site=q,pick=largest:16,replace=zero"), query, x);
    QVERIFY(at::equal(x, before));
    QCOMPARE(result.abs().max().item<double>(), 0.0);
  }

  /// A query head stands for the KV head that serves it.
  void headsMapToTheirKvHead() {
    const at::Tensor q = example(4), kv = example(2);
    const auto heads_changed = [](const at::Tensor& before, const at::Tensor& after) {
      std::vector<int> heads;
      for (std::int64_t h = 0; h < before.size(1); ++h) {
        if (changed(before, after)[h].any().item<bool>()) heads.push_back(static_cast<int>(h));
      }
      return heads;
    };
    using Heads = std::vector<int>;
    struct Case {
      const char* heads;
      Heads query, kv;
    };
    for (const Case& c :
         {Case{"1", {0}, {0}}, Case{"2", {1}, {0}}, Case{"3", {2}, {1}}, Case{"4", {3}, {1}},
          Case{"1,2", {0, 1}, {0}}, Case{"2-3", {1, 2}, {0, 1}}, Case{"all", {0, 1, 2, 3}, {0, 1}}}) {
      for (const char* pick : {"largest:2", "lambda:0.5", "smallest:lambda:1", "random:3"}) {
        const Disruption d = live(std::string("site=qkv,replace=zero,pick=") + pick + ",heads=" + c.heads);
        QCOMPARE(heads_changed(q, applied(d, query, q)), c.query);
        QCOMPARE(heads_changed(kv, applied(d, key, kv)), c.kv);
        QCOMPARE(heads_changed(kv, applied(d, {1, Site::Value}, kv)), c.kv);
      }
    }
  }

  void countsWhatItReplaced() {
    Intervention intervention(
        {live("site=qk,pick=largest:3"), live("site=v,pick=smallest:2,phase=every,heads=1")}, spec(), {},
        at::kCPU);
    intervention.apply(query, example(4), true);
    QCOMPARE(intervention.replaced(), std::int64_t(3 * 4));
    intervention.apply(key, example(2), true);
    intervention.apply({1, Site::Value}, example(2), true);
    QCOMPARE(intervention.replaced(), std::int64_t(3 * 4 + 3 * 2 + 2));
    intervention.apply({1, Site::Value}, example(2), false);  // a decode step is not counted
    QCOMPARE(intervention.replaced(), std::int64_t(3 * 4 + 3 * 2 + 2));
  }

  /// The second finds what the first left.
  void disruptionsFollowOneAnother() {
    const at::Tensor x = example(2);
    const Disruption first = live("site=k,pick=largest:2,replace=zero"),
                     second = live("site=k,pick=largest:1,replace=max");
    Intervention both({first, second}, spec(), {}, at::kCPU);
    QVERIFY(at::equal(both.apply(key, x, true), applied(second, key, applied(first, key, x))));
    QCOMPARE(both.replaced(), std::int64_t(2 * 3));
  }

  /// What is switched off is as if it were not there, and named all the same.
  void switchedOff() {
    Edit off(live("site=k,pick=largest:2,replace=zero"));
    off.on = false;
    Intervention intervention({off, live("site=k,layers=3")}, spec(), {}, at::kCPU);
    QCOMPARE(intervention.first_layer(), 2);
    const at::Tensor x = example(2);
    QVERIFY(intervention.apply(key, x, true).is_same(x));
    Edit needy(parse_disruption("site=k"));
    QVERIFY(!Intervention::needs_of({needy}).norms.empty());
    needy.on = false;
    QVERIFY(Intervention::needs_of({needy}) == Needs());
    QKSCOPE_EXPECT_ERROR(Intervention({parse_edit("off layers=4")}, spec(), {}, at::kCPU), "layer 4");
  }

  void firstLayers() {
    const auto first = [](const Edits& edits) {
      return Intervention(edits, spec(), {}, at::kCPU).first_layer();
    };
    QCOMPARE(first({}), 3);
    QCOMPARE(first({live("site=none")}), 3);
    QCOMPARE(first({live("site=k")}), 0);
    QCOMPARE(first({live("site=k,layers=2-3")}), 1);
    QCOMPARE(first({live("site=k,layers=3"), live("site=v,layers=2")}), 1);
  }

  void refusesPlacesTheModelHasNot() {
    QKSCOPE_EXPECT_ERROR(Intervention({live("site=q,layers=2,4")}, spec(), {}, at::kCPU), "layer 4",
                         "3 layers");
    QKSCOPE_EXPECT_ERROR(Intervention({live("site=k,heads=5")}, spec(), {}, at::kCPU), "head 5",
                         "4 query heads");
  }

  /// cache=clean: attention reads the disrupted keys and values, later steps the undisrupted ones.
  void cachePolicy_data() {
    QTest::addColumn<QString>("site");
    for (const char* site : {"q", "k", "v", "kv"}) QTest::newRow(site) << site;
  }
  void cachePolicy() {
    QFETCH(QString, site);
    const test::TinyModel model("mistral-full");
    const auto loaded = model.load();
    const Decoder& decoder = loaded->decoder();
    const TokenIds ids = test::golden_prompt("mistral-full");
    const auto passes = [&](const char* cache) {
      return Passes(decoder, ids, 7,
                    {parse_disruption("site=" + site.toStdString() +
                                      ",pick=largest:4,replace=zero,layers=2,cache=" + cache)});
    };
    const Passes baseline(decoder, ids, 7, {}), clean = passes("clean"), disrupted = passes("disrupted");
    const bool k = site.contains(QLatin1Char('k')), v = site.contains(QLatin1Char('v'));
    const auto [keys, values] = cached(baseline.cache, 1, decoder.spec());
    const auto [clean_keys, clean_values] = cached(clean.cache, 1, decoder.spec());
    const auto [disrupted_keys, disrupted_values] = cached(disrupted.cache, 1, decoder.spec());
    QVERIFY(at::equal(clean_keys, keys));
    QVERIFY(at::equal(clean_values, values));
    QCOMPARE(at::equal(disrupted_keys, keys), !k);
    QCOMPARE(at::equal(disrupted_values, values), !v);
    // The prefill itself is the same under both, to the last bit, and not the baseline.
    QVERIFY(clean.capture == disrupted.capture);
    QVERIFY(!(*clean.capture.value(2, Site::Query) == *baseline.capture.value(2, Site::Query)));
    // The step that follows tells them apart where it reads what was disrupted.
    const bool same_step = *clean.step.value(2, Site::Query) == *disrupted.step.value(2, Site::Query);
    QCOMPARE(same_step, !k && !v);
    // Layers below are untouched.
    QVERIFY(at::equal(cached(disrupted.cache, 0, decoder.spec()).first,
                      cached(baseline.cache, 0, decoder.spec()).first));
  }

  /// What a step adds to layer 1, which lies under every other change, is its own key and value under
  /// phase=prefill and disrupted ones under phase=every.
  void phaseDecidesAboutDecode() {
    const test::TinyModel model;
    const auto loaded = model.load();
    const Decoder& decoder = loaded->decoder();
    const TokenIds ids = test::golden_prompt("llama-default");
    const auto passes = [&](const char* phase) {
      return Passes(
          decoder, ids, 7,
          {parse_disruption(std::string("site=qkv,pick=largest:4,replace=zero,layers=1,phase=") + phase)});
    };
    const Passes baseline(decoder, ids, 7, {}), prefill = passes("prefill"), every = passes("every");
    QVERIFY(prefill.capture == every.capture);
    for (const Site site : {Site::Query, Site::Key, Site::Value}) {
      QVERIFY(*prefill.step.value(0, site) == *baseline.step.value(0, site));
      const Array& m = *baseline.capture.norm(0, site);
      const at::Tensor chosen = flags(m, parse_disruption("pick=largest:4").pick, {0, site});
      const at::Tensor undisturbed = to_tensor(*baseline.step.value(0, site), at::kCPU);
      QVERIFY(
          at::equal(to_tensor(*every.step.value(0, site), at::kCPU), undisturbed.masked_fill(chosen, 0.0)));
    }
    const auto new_key = [&](const Passes& p) {
      return cached(p.after_step, 0, decoder.spec()).first.select(1, static_cast<std::int64_t>(ids.size()));
    };
    QVERIFY(at::equal(new_key(prefill), new_key(baseline)));
    QVERIFY(!at::equal(new_key(every), new_key(baseline)));
  }
};

QTEST_GUILESS_MAIN(TestIntervention)
#include "test_intervention.moc"

#include <cmath>
#include <set>

#include "core/run/disruption.h"
#include "core/run/run.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;

namespace {

using Layers = std::vector<int>;

Disruption preset(const char* name) {
  return parse_disruption(name);
}

Needs norms(std::set<Site> sites, Layers layers) {
  return {std::move(sites), {}, std::move(layers), {}};
}

Needs joined(Needs a, const Needs& b) {
  return a |= b;
}

}  // namespace

class TestDisruption : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Names and settings are an interface: documents and command lines hold them.
  void presetsAreStable_data() {
    QTest::addColumn<QString>("option");
    const auto row = [](const char* name, const char* option) {
      QTest::newRow(name) << QString::fromLatin1(option);
    };
    row("lambda 5 on Q",
        "site=q,pick=lambda:5,replace=mean,pool=head,mask=clean,phase=prefill,cache=disrupted,layers=all,"
        "heads=all");
    row("same number of smallest on Q",
        "site=q,pick=smallest:lambda:5,replace=mean,pool=head,mask=clean,phase=prefill,cache=disrupted,"
        "layers=all,"
        "heads=all");
    row("same number at random on Q",
        "site=q,pick=random:lambda:5,seed=0,replace=mean,pool=head,mask=clean,phase=prefill,cache=disrupted,"
        "layers=all,heads=all");
    row("lambda 5 on K",
        "site=k,pick=lambda:5,replace=mean,pool=head,mask=clean,phase=prefill,cache=disrupted,layers=all,"
        "heads=all");
    row("lambda 5 on Q and K",
        "site=qk,pick=lambda:5,replace=mean,pool=head,mask=clean,phase=prefill,cache=disrupted,layers=all,"
        "heads=all");
    row("top 2 on Q",
        "site=q,pick=largest:2,replace=mean,pool=chosen,mask=live,phase=prefill,cache=disrupted,layers=all,"
        "heads=all");
    row("published",
        "site=qk,pick=largest:1,replace=mean,pool=chosen,mask=live,phase=prefill,cache=disrupted,layers=all,"
        "heads=all");
    row("published control",
        "site=qk,pick=smallest:1,replace=mean,pool=chosen,mask=live,phase=prefill,cache=disrupted,layers=all,"
        "heads=all");
    row("published at first",
        "site=qk,pick=largest:1,replace=max,pool=chosen,mask=live,phase=prefill,cache=disrupted,layers=all,"
        "heads=all");
    row("published for Qwen",
        "site=qk,pick=largest:3,replace=mean,pool=chosen,mask=live,phase=prefill,cache=clean,layers=all,"
        "heads=all");
    row("published control for Qwen",
        "site=qk,pick=smallest:3,replace=mean,pool=chosen,mask=live,phase=prefill,cache=clean,layers=all,"
        "heads=all");
    row("published control for Mistral",
        "site=qk,pick=random:1,seed=0,replace=mean,pool=chosen,mask=live,phase=prefill,cache=clean,layers="
        "all,"
        "heads=all");
    row("published for Gemma 2",
        "site=qk,pick=largest:22,replace=zero,pool=chosen,mask=position,phase=prefill,cache=disrupted,"
        "layers=all,heads=all");
    row("published control for Gemma 2",
        "site=qk,pick=smallest:22,replace=mean,pool=chosen,mask=position,phase=prefill,cache=disrupted,"
        "layers=all,heads=all");
    row("published for Mistral",
        "site=qk,pick=largest:1,replace=mean,pool=chosen,mask=live,phase=prefill,cache=clean,layers=all,"
        "heads=all");
  }
  void presetsAreStable() {
    QFETCH(QString, option);
    QCOMPARE(QString::fromStdString(to_option(preset(QTest::currentDataTag()))), option);
  }

  void presetsAreDistinctAndReadBack() {
    std::set<std::string> options;
    for (const auto& p : presets()) {
      QVERIFY(options.insert(to_option(p.disruption)).second);
      QCOMPARE(parse_disruption(to_option(p.disruption)), p.disruption);
      QCOMPARE(parse_disruption(p.name), p.disruption);
      QVERIFY(!p.about.empty());
    }
    QCOMPARE(presets().size(), 15u);
  }

  void everyFieldReadsBack() {
    Disruption d;
    d.query = false;
    d.key = d.value = true;
    d.layers = {0, 1, 2, 6};
    d.heads = {0, 2};
    d.pick.kind = PickKind::Random;
    d.pick.n = 12;
    d.pick.seed = 18446744073709551615u;
    d.replace = Replace::Min;
    d.pool = Pool::Own;
    d.mask = Mask::Live;
    d.phase = Phase::EveryStep;
    d.reaches_kv_cache = false;
    const std::string option = to_option(d);
    QCOMPARE(option,
             std::string("site=kv,pick=random:12,seed=18446744073709551615,replace=min,pool=own,mask=live,"
                         "phase=every,cache=clean,layers=1-3,7,heads=1,3"));
    QCOMPARE(parse_disruption(option), d);
    d.key = d.value = false;
    QCOMPARE(parse_disruption(to_option(d)), d);
    d.pick = {};
    d.pick.lambda = 3.3;
    QCOMPARE(parse_disruption(to_option(d)).pick.lambda, 3.3);
  }

  void defaultsAreKept() {
    QCOMPARE(parse_disruption("site=q"), Disruption{});
    QCOMPARE(parse_disruption("layers=2,heads=all,pick=largest:2").layers, Layers{1});
    QCOMPARE(parse_disruption("layers=1-4,7,replace=zero").layers, (Layers{0, 1, 2, 3, 6}));
    QCOMPARE(parse_disruption("site=kq"), parse_disruption("site=qk"));
  }

  /// Fields that a kind does not look at do not make two picks different.
  void equalPicks() {
    Pick a, b;
    b.n = 7;
    b.seed = 9;
    QCOMPARE(a, b);
    b.lambda = 4;
    QVERIFY(a != b);
    a.kind = b.kind = PickKind::Largest;
    b.n = a.n;
    QCOMPARE(a, b);
    b.n = 7;
    QVERIFY(a != b);
    a.as_many_as_lambda = b.as_many_as_lambda = true;
    QVERIFY(a != b);  // 5 and 4
    a.lambda = 4;
    QCOMPARE(a, b);
    a.kind = b.kind = PickKind::Random;
    QVERIFY(a != b);  // seeds 0 and 9
  }

  void refusals() {
    QKSCOPE_EXPECT_ERROR(parse_disruption("lambda 7 on Q"), "'lambda 7 on Q'", "'published control'",
                         "site=q");
    QKSCOPE_EXPECT_ERROR(parse_disruption(""), "preset");
    QKSCOPE_EXPECT_ERROR(parse_disruption("sight=q"), "'sight'", "site, pick, seed");
    QKSCOPE_EXPECT_ERROR(parse_disruption("site=x"), "site", "'x'", "qkv");
    QKSCOPE_EXPECT_ERROR(parse_disruption("site=qq"), "'qq'");
    QKSCOPE_EXPECT_ERROR(parse_disruption("site="), "site");
    QKSCOPE_EXPECT_ERROR(parse_disruption("q,site=q"), "'q'", "key=value");
    QKSCOPE_EXPECT_ERROR(parse_disruption("site=q,site=k"), "'site'", "twice");
    for (const char* pick :
         {"5", "lambda", "lambda:", "lambda:x", "lambda:-1", "lambda:nan", "lambda:inf", "lambda:5x",
          "largest", "largest:-1", "largest:1.5", "largest:lambda", "largest:99999999999", "top:1"}) {
      QKSCOPE_EXPECT_ERROR(parse_disruption(std::string("pick=") + pick), "expected");
    }
    QKSCOPE_EXPECT_ERROR(parse_disruption("replace=median"), "replace", "'median'", "mean, zero, max, min");
    QKSCOPE_EXPECT_ERROR(parse_disruption("pool=all"), "chosen, head, own");
    QKSCOPE_EXPECT_ERROR(parse_disruption("mask=Live"), "clean, live");
    QKSCOPE_EXPECT_ERROR(parse_disruption("phase=decode"), "prefill, every");
    QKSCOPE_EXPECT_ERROR(parse_disruption("cache=dirty"), "disrupted, clean");
    QKSCOPE_EXPECT_ERROR(parse_disruption("seed=-1"), "seed");
    QKSCOPE_EXPECT_ERROR(parse_disruption("layers=0"), "layers", "'0'", "from 1");
  }

  void ranges() {
    QCOMPARE(parse_ranges("all", "layers"), Layers{});
    QCOMPARE(parse_ranges("7,1-3,2", "layers"), (Layers{0, 1, 2, 6}));
    QCOMPARE(parse_ranges(" 1 - 3, 7 ", "layers"), (Layers{0, 1, 2, 6}));
    for (const char* text : {"all", "1", "1,2", "1-3,7", "2,4,6", "30"}) {
      QCOMPARE(format_ranges(parse_ranges(text, "layers")), std::string(text));
    }
    QKSCOPE_EXPECT_ERROR(parse_ranges("4-2", "--layers"), "--layers", "'4-2'", "backwards");
    for (const char* text :
         {"", ",", "1,", "-1", "1-", "a", "1-2-3", "0-3", "1 2", "1-2000000000", "99999999999"}) {
      QKSCOPE_EXPECT_ERROR(parse_ranges(text, "--layers"), "--layers");
    }
  }

  void layersCovered() {
    Disruption d;
    QVERIFY(d.covers_layer(0) && d.covers_layer(99));
    d.layers = {2, 5};
    QVERIFY(d.covers_layer(2) && d.covers_layer(5));
    QVERIFY(!d.covers_layer(0) && !d.covers_layer(3) && !d.covers_layer(6));
    d.query = false;
    QVERIFY(!d.covers_layer(2));  // no site, nothing to cover
  }

  void descriptions() {
    QCOMPARE(describe(preset("lambda 5 on Q")),
             std::string("lambda 5 on Q, all layers, head mean, clean mask, prefill"));
    QCOMPARE(describe(preset("published")),
             std::string("largest 1 on Q and K, all layers, chosen mean, live mask, prefill"));
    QCOMPARE(
        describe(preset("same number at random on Q")),
        std::string("random as many as lambda 5 (seed 0) on Q, all layers, head mean, clean mask, prefill"));
    QCOMPARE(describe(parse_disruption("site=v,replace=zero,phase=every,cache=clean,layers=1-3,heads=2")),
             std::string("lambda 5 on V, layers 1-3, heads 2, zero, clean mask, every step, clean cache"));
  }

  /// No layers means all of them: the union must not lose that, nor widen what nobody asked for.
  void unionOfNeeds() {
    const Needs some = norms({Site::Query}, {1, 3}), all = norms({Site::Key}, {});
    QCOMPARE(joined(some, all), norms({Site::Query, Site::Key}, {}));
    QCOMPARE(joined(all, some), norms({Site::Query, Site::Key}, {}));
    QCOMPARE(joined(some, norms({Site::Key}, {0, 3})), norms({Site::Query, Site::Key}, {0, 1, 3}));
    QCOMPARE(joined(some, Needs{}), some);
    QCOMPARE(joined(Needs{}, some), some);
    Needs values;
    values.values = {Site::Value};
    values.value_layers = {4};
    const Needs both = joined(some, values);
    QCOMPARE(both.layers, (Layers{1, 3}));
    QCOMPARE(both.value_layers, Layers{4});
    QCOMPARE(both, joined(values, some));
    QCOMPARE(joined(both, both), both);
  }

  void perplexityOfLosses() {
    Perplexity perplexity;
    QVERIFY(!perplexity.value());
    perplexity.nll = {std::log(2.0f), std::log(8.0f)};
    QVERIFY(std::abs(*perplexity.value() - 4) < 1e-6);
  }
};

QTEST_GUILESS_MAIN(TestDisruption)
#include "test_disruption.moc"

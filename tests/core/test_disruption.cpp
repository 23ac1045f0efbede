#include <cmath>
#include <set>

#include "core/run/edit.h"
#include "core/run/run.h"
#include "tests/support/errors.h"
#include "tests/support/plain_spec.h"
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

  /// Lists in all three places, stars, sites in any order: one text for one value.
  void entriesReadBack_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("written");
    const auto row = [](const char* text, const char* written = nullptr) {
      QTest::newRow(text) << QString::fromLatin1(text) << QString::fromLatin1(written ? written : text);
    };
    row("q 3:1:17,18");
    row("q 3:1:17,18 k 4:*:7");
    row("k *:2:0-7,12");
    row("v *:*:* 1:1:3", "v *:*:* 1:1:3");
    row(" K 4:*:7  Q 3:1:18,17,17 ", "q 3:1:17,18 k 4:*:7");
    row("q 1,2:3-4:0", "q 1:3:0 1:4:0 2:3:0 2:4:0");
    row("q 2:1:5 v 1:1:0 q 1:1:5", "q 1:1:5 2:1:5 v 1:1:0");
    row("q 1:1:0 1:1:*", "q 1:1:* 1:1:0");
  }
  void entriesReadBack() {
    QFETCH(QString, text);
    QFETCH(QString, written);
    const Disruption d = parse_disruption("entries=" + text.toStdString());
    QCOMPARE(QString::fromStdString(format_entries(d.entries)), written);
    QCOMPARE(parse_disruption(to_option(d)), d);
    QCOMPARE(parse_disruption(to_option(d)).entries, d.entries);
    QVERIFY(parse_entries("q 9:9:99") != d.entries);
  }

  void entriesAreWhatTheyName() {
    const std::vector<ColumnEntry> entries = parse_entries("q 3:1:17,18 k 4:*:7");
    const std::vector<ColumnEntry> expected = {
        {Site::Query, 2, 0, 17}, {Site::Query, 2, 0, 18}, {Site::Key, 3, ColumnEntry::every, 7}};
    QCOMPARE(entries, expected);
    const Disruption d = parse_disruption("entries=q 3:1:17,18 k 4:*:7,replace=zero,phase=every,cache=clean");
    QCOMPARE(d.entries, expected);
    QVERIFY(d.replace == Replace::Zero && d.phase == Phase::EveryStep && !d.reaches_kv_cache);
    QVERIFY(d.covers_layer(2) && d.covers_layer(3) && !d.covers_layer(1));
    QVERIFY(d.covers_site(Site::Query) && d.covers_site(Site::Key) && !d.covers_site(Site::Value));
    QVERIFY(parse_disruption("entries=v *:1:0").covers_layer(99));
    QVERIFY(!d.reads_baseline());
    QVERIFY(parse_disruption("entries=q 1:1:1,pick=smallest:entries").reads_baseline());
    QVERIFY(!parse_disruption("entries=q 1:1:1,pick=random:entries").reads_baseline());
    QVERIFY(parse_disruption("lambda 5 on Q").reads_baseline());
    QVERIFY(!parse_disruption("published").reads_baseline());
  }

  /// What has no say beside entries makes no difference, and everything else does.
  void equalEntries() {
    const Disruption d = parse_disruption("entries=q 3:1:17 k 4:*:7");
    Disruption other = d;
    other.query = false;
    other.value = true;
    other.layers = other.heads = {5};
    other.mask = Mask::Live;
    other.pick.kind = PickKind::Random;
    other.pick.seed = 7;
    QCOMPARE(other, d);
    QCOMPARE(to_option(other), to_option(d));
    for (const char* text :
         {"entries=q 3:1:17", "entries=q 3:1:17 k 4:*:8", "entries=q 3:1:17 k 4:*:7,replace=zero",
          "entries=q 3:1:17 k 4:*:7,pool=own", "entries=q 3:1:17 k 4:*:7,phase=every",
          "entries=q 3:1:17 k 4:*:7,cache=clean", "entries=q 3:1:17 k 4:*:7,pick=random:entries", "site=q"}) {
      QVERIFY2(parse_disruption(text) != d, text);
    }
    const auto control = [](const std::string& settings) {
      return parse_disruption("entries=q 3:1:17,pick=" + settings);
    };
    QVERIFY(control("random:entries,seed=1") != control("random:entries,seed=2"));
    QVERIFY(control("smallest:entries,seed=1") == control("smallest:entries,seed=2"));
    QVERIFY(control("smallest:entries") != control("largest:entries"));
    for (const char* settings : {"random:entries,seed=4", "smallest:entries", "largest:entries"})
      QCOMPARE(parse_disruption(to_option(control(settings))), control(settings));
  }

  void entriesRefused() {
    for (const char* text : {"",          "3:1:17",  "q",         "q k 1:1:1", "q 1:1:1 k",
                             "q 1:1",     "q 1",     "q 0:1:1",   "q 1:0:1",   "q 1:1:-1",
                             "q 1:1:1:1", "q 1:1:x", "q x:1:1",   "q all:1:1", "q 1::1",
                             "q 1:1:3-1", "w 1:1:1", "q 1:1:1;2", "q1:1:1",    "q 1-99999:1-99999:1"}) {
      QKSCOPE_EXPECT_ERROR(parse_disruption(std::string("entries=") + text), "entries");
    }
    for (const char* text :
         {"site=k", "layers=3", "heads=2", "mask=clean", "pick=lambda:5", "pick=smallest:3"})
      QKSCOPE_EXPECT_ERROR(parse_disruption(std::string("entries=q 1:1:1,") + text), text, "entries=...");
    QKSCOPE_EXPECT_ERROR(parse_disruption("pick=smallest:entries"), "entries=... beside");
    QKSCOPE_EXPECT_ERROR(parse_disruption("entries=q 1:1:1,pick=lambda:entries"), "lambda");
  }

  /// Edits are a list with switches, one a line or with ; between.
  void editsReadBack() {
    const Edits edits = parse_edits("lambda 5 on Q; off published\n\n  entries=k 1:*:3,replace=zero ;");
    QCOMPARE(edits.size(), 3u);
    QVERIFY(edits[0] == Edit(preset("lambda 5 on Q")) && edits[0].on);
    QVERIFY(!edits[1].on && *edits[1].disruption() == preset("published"));
    QVERIFY(edits[1] != Edit(preset("published")));
    QCOMPARE(parse_edits(to_text(edits)), edits);
    QCOMPARE(switched_on(edits), (Edits{edits[0], edits[2]}));
    QVERIFY(parse_edits(" \n; ").empty());
    QCOMPARE(to_text(Edits()), std::string());
    QCOMPARE(parse_edit("  off   published "), edits[1]);
    QKSCOPE_EXPECT_ERROR(parse_edits("published; offpublished"), "'offpublished'");
    QKSCOPE_EXPECT_ERROR(parse_edit("off"), "'off'");
  }

  void seedsOfTheirOwn() {
    for (const char* text : {"same number at random on Q", "entries=q 1:1:1,pick=random:entries"}) {
      Edit edit = parse_edit(text);
      seed_unless_named(edit, text, 9);
      QCOMPARE(edit.disruption()->pick.seed, std::uint64_t(9));
    }
    Edit named = parse_edit("pick=random:3,seed=4");
    seed_unless_named(named, "pick=random:3,seed=4", 9);
    QCOMPARE(named.disruption()->pick.seed, std::uint64_t(4));
  }

  /// 3 layers, 4 query heads, 2 KV heads of 16 dims.
  void placesTheModelHasNot() {
    const ModelSpec spec = test::plain_spec({.layers = 3, .heads = 4, .kv_heads = 2, .head_dim = 16});
    for (const char* text : {"entries=q 3:4:15", "entries=k *:2:0", "entries=v 1:*:*", "layers=3", "heads=4",
                             "entries=q *:*:*"}) {
      check_edit(parse_edit(text), spec);
    }
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("entries=q 4:1:0"), spec), "layer 4", "3 layers");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("entries=q 1:5:0"), spec), "head 5 of Q in layer 1",
                         "4 heads");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("entries=k *:3:0"), spec), "head 3 of K", "2 KV heads");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("entries=v 1:1:16"), spec), "dim 16 of V", "0 to 15");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("layers=4"), spec), "layer 4", "3 layers");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("off heads=5"), spec), "head 5", "4 query heads");
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
    QCOMPARE(describe(parse_edit("entries=k 4:*:7 q 3:1:17,18,replace=zero")),
             std::string("entries q 3:1:17,18 k 4:*:7, zero, prefill"));
    QCOMPARE(describe(parse_edit("entries=k 4:*:7,pick=random:entries,seed=3")),
             std::string("random as many as entries k 4:*:7 (seed 3), head mean, prefill"));
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

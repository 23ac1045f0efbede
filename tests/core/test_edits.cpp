// The text of edits of activations, and when two of them are equal.
#include "core/run/edit.h"
#include "tests/support/errors.h"
#include "tests/support/plain_spec.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using namespace qkscope::test;

class TestEdits : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void texts_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("written");
    const auto row = [](const char* text, const char* written) {
      QTest::newRow(text) << QString::fromLatin1(text) << QString::fromLatin1(written);
    };
    row("massive activations to zero",
        "activations=first,site=resid_post,layers=all,over=100,times=1000,set=zero,control=none");
    row("activations = each , layers = 2-4, set=-1.5",
        "activations=each,site=resid_post,layers=2-4,over=100,times=1000,set=-1.5,control=none");
    row("activations=published,layers=12,dims=507,247,set=mean,means=*:507:24926.2:- 12:247:1:-2",
        "activations=published,site=resid_post,layers=12,over=100,times=1000,dims=247,507,set=mean,"
        "means=*:507:24926.2:- 12:247:1:-2,control=none");
    row("activations=*:3,1 0:507 0:506,site=mlp_out,control=median",
        "activations=*:1,3 0:506,507,site=mlp_out,layers=all,set=zero,control=median");
    row("off activations=first,over=0,times=2.5,set=mean",
        "off activations=first,site=resid_post,layers=all,over=0,times=2.5,set=mean,control=none");
  }
  void texts() {
    QFETCH(QString, text);
    QFETCH(QString, written);
    const Edit edit = parse_edit(text.toStdString());
    QVERIFY(edit.activations());
    // Floats are written as the doubles that they are.
    if (!written.contains(QStringLiteral("24926.2")))
      QCOMPARE(QString::fromStdString(to_text(edit)), written);
    QCOMPARE(parse_edit(to_text(edit)), edit);
    QCOMPARE(parse_edit(written.toStdString()), edit);
  }

  void rotations() {
    const auto written = [](const char* text) { return to_text(parse_edit(text)); };
    QCOMPARE(written("rotation=off"),
             std::string("rotation=off,site=qk,pairs=all,wavelengths=all,layers=all,instead=none"));
    const std::string whole =
        "rotation=off,site=k,pairs=0,24-31,wavelengths=6.5:100,layers=2-4,instead=random,seed=7";
    QCOMPARE(written(("off " + whole).c_str()), "off " + whole);
    QCOMPARE(written("rotation = off , pairs = 3 ,wavelengths=:100"),
             std::string("rotation=off,site=qk,pairs=3,wavelengths=0:100,layers=all,instead=none"));
    const char* different[] = {"rotation=off",
                               "rotation=off,site=q",
                               "rotation=off,site=k",
                               "rotation=off,pairs=0",
                               "rotation=off,pairs=1",
                               "rotation=off,wavelengths=10:",
                               "rotation=off,wavelengths=:10",
                               "rotation=off,layers=1",
                               "rotation=off,instead=fastest",
                               "rotation=off,instead=random",
                               "rotation=off,instead=random,seed=1"};
    for (const char* a : different) {
      QCOMPARE(parse_edit(to_text(parse_edit(a))), parse_edit(a));
      QVERIFY(parse_edit(a).rotation() && !describe(parse_edit(a)).empty());
      for (const char* b : different) QCOMPARE(parse_edit(a) == parse_edit(b), a == b);
    }
    QCOMPARE(control_of(parse_edit("off rotation=off,pairs=3"), PickKind::Random, 5),
             parse_edit("off rotation=off,pairs=3,instead=random,seed=5"));
    QCOMPARE(control_of(parse_edit("rotation=off,pairs=3"), PickKind::Smallest, 5),
             parse_edit("rotation=off,pairs=3,instead=fastest"));
    Edit seeded = parse_edit("rotation=off,instead=random");
    seed_unless_named(seeded, "rotation=off,instead=random", 9);
    QCOMPARE(seeded.rotation()->seed, std::uint64_t(9));
    const auto refused = [](const std::string& text, const std::vector<std::string>& words) {
      return has_all(error_of([&] { parse_edit(text); }), words);
    };
    QVERIFY(refused("rotation=on", {"rotation", "'on'", "off"}));
    QVERIFY(refused("rotation=off,site=v", {"site", "'v'", "qk"}));
    QVERIFY(refused("rotation=off,pairs=-1", {"pairs", "'-1'", "from 0"}));
    for (const char* bad : {"10", ":", "x:", ":inf", "-1:3", "5:5", "7:2", "nan:"})
      QVERIFY2(refused(std::string("rotation=off,wavelengths=") + bad, {"wavelengths", "FROM:TO"}), bad);
    QVERIFY(refused("rotation=off,instead=slowest", {"instead", "fastest"}));
    QVERIFY(refused("rotation=off,seed=3", {"'seed=3'", "instead=random"}));
    QVERIFY(refused("rotation=off,heads=3", {"unknown key 'heads'", "pairs"}));
    ModelSpec spec = plain_spec({.layers = 3, .heads = 2, .kv_heads = 2, .head_dim = 8});
    check_edit(parse_edit("rotation=off,pairs=3,layers=3"), spec);
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("rotation=off,pairs=4"), spec), "pair 4", "4, counted from 0");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("rotation=off,layers=4"), spec), "layer 4", "3 layers");
    std::get<AttentionSpec>(spec.layers[1].mixer).rope.reset();
    check_edit(parse_edit("rotation=off"), spec);
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("rotation=off,layers=2"), spec), "layer 2");
    // By pairs, by wavelengths from the lower bound on and below the upper, as many others, none where the
    // layer does not turn. Wavelengths of theta 10000 and 8 dims: 6.28, 62.8, 628 and 6283.
    const auto pairs = [&](const std::string& settings, SiteId where = {2, Site::Query}) {
      return stopped_pairs(*parse_edit("rotation=off" + settings).rotation(), spec, where);
    };
    using Pairs = std::vector<int>;
    QCOMPARE(pairs(""), (Pairs{0, 1, 2, 3}));
    QCOMPARE(pairs("", {1, Site::Query}), Pairs());
    QCOMPARE(pairs(",layers=1"), Pairs());
    QCOMPARE(pairs(",site=k"), Pairs());
    QCOMPARE(pairs(",site=k", {2, Site::Key}), (Pairs{0, 1, 2, 3}));
    QCOMPARE(pairs(",wavelengths=60:700"), (Pairs{1, 2}));
    QCOMPARE(pairs(",wavelengths=60:700,pairs=2,3"), (Pairs{2}));
    QCOMPARE(pairs(",pairs=0,instead=fastest"), (Pairs{1}));
    QCOMPARE(pairs(",pairs=1-3,instead=fastest"), (Pairs{0}));
    QCOMPARE(pairs(",pairs=1,2,instead=random"), (Pairs{0, 3}));
    QCOMPARE(pairs(",pairs=1,instead=random,seed=4"),
             pairs(",pairs=1,instead=random,seed=4", {2, Site::Key}));
    QCOMPARE(pairs(",instead=random"), Pairs());
  }

  void presetsReadBack() {
    for (const ActivationPreset& preset : activation_presets()) {
      QCOMPARE(parse_edit(preset.name), Edit(preset.edit));
      QCOMPARE(parse_edit(to_text(Edit(preset.edit))), Edit(preset.edit));
      QVERIFY(!preset.about.empty() && !describe(preset.edit).empty());
    }
    const Edits mixed = parse_edits("lambda 5 on Q; massive activations to zero; activations=0:1,set=mean");
    QCOMPARE(mixed.size(), 3u);
    QCOMPARE(parse_edits(to_text(mixed)), mixed);
  }

  /// Each setting that has a say makes an edit another one; those that have none do not.
  void equality() {
    const char* different[] = {"activations=first",
                               "activations=each",
                               "activations=published",
                               "activations=published,dims=3",
                               "activations=published,dims=4",
                               "activations=first,layers=2",
                               "activations=first,site=mlp_out",
                               "activations=first,over=99",
                               "activations=first,times=999",
                               "activations=first,set=1",
                               "activations=first,set=2",
                               "activations=first,set=mean",
                               "activations=first,set=mean,means=*:3:1:2",
                               "activations=first,set=mean,means=*:3:1:-",
                               "activations=first,set=mean,means=4:3:1:2",
                               "activations=first,control=median",
                               "activations=0:3",
                               "activations=*:3"};
    for (const char* a : different) {
      for (const char* b : different) QCOMPARE(parse_edit(a) == parse_edit(b), a == b);
    }
    ActivationEdit listed = *parse_edit("activations=0:3").activations(), other = listed;
    other.rule = {1, 2};
    other.scope = ActivationEdit::Scope::Each;
    other.dims = {4};
    other.value = 7;
    other.means = {{0, 1, 2.0f, {}}};
    QCOMPARE(other, listed);
  }

  void refusals() {
    for (const char* text :
         {"activations=", "activations=last", "activations=3", "activations=1:x", "activations=x:1",
          "activations=1:all", "activations=-1:2", "activations=0-99999:0-99999"}) {
      QKSCOPE_EXPECT_ERROR(parse_edit(text), "Activations");
    }
    const auto refused = [](const std::string& text, const std::vector<std::string>& words) {
      return has_all(error_of([&] { parse_edit(text); }), words);
    };
    QVERIFY(refused("activations=first,site=query", {"site", "'query'", "mlp_out"}));
    QVERIFY(refused("activations=first,layers=0", {"layers", "'0'", "from 1"}));
    QVERIFY(refused("activations=first,over=-1", {"over", "'-1'", "from 0"}));
    QVERIFY(refused("activations=first,times=nan", {"times", "'nan'"}));
    QVERIFY(refused("activations=first,set=nought", {"set", "'nought'", "zero, mean or a number"}));
    QVERIFY(refused("activations=first,set=inf", {"set", "'inf'"}));
    QVERIFY(refused("activations=first,control=smallest", {"control", "median"}));
    QVERIFY(refused("activations=first,set=mean,control=median", {"control=median"}));
    QVERIFY(refused("activations=first,dims=3", {"'dims=3'", "published"}));
    QVERIFY(refused("activations=0:3,over=7", {"'over=7'", "rule"}));
    QVERIFY(refused("activations=first,means=1:2:3:4", {"means", "set=mean"}));
    QVERIFY(refused("activations=published,layers=3,4", {"one layer", "2"}));
    QVERIFY(refused("activations=first,pick=lambda:5", {"unknown key 'pick'", "over"}));
    QVERIFY(refused("activations=first,activations=each", {"twice"}));
    for (const char* means :
         {"", "1:2:3", "1:2:3:4:5", "0:2:3:4", "x:2:3:4", "1:-2:3:4", "1:2:x:4", "1:2:inf:4"})
      QVERIFY2(refused(std::string("activations=first,set=mean,means=") + means, {"means"}), means);
    const ModelSpec spec = plain_spec({.layers = 3, .heads = 2, .kv_heads = 2, .head_dim = 8});
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("activations=first,layers=4"), spec), "layer 4", "3 layers");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("activations=0:16"), spec), "dim 16", "16 dims");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("activations=published,dims=16"), spec), "dim 16");
    QKSCOPE_EXPECT_ERROR(check_edit(parse_edit("activations=first,set=mean,means=1:16:1:1"), spec), "dim 16");
    check_edit(parse_edit("activations=0:15,layers=3"), spec);
  }
};

QTEST_GUILESS_MAIN(TestEdits)
#include "test_edits.moc"

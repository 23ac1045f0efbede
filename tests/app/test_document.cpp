#include <QFile>
#include <QTemporaryDir>

#include "app/document.h"
#include "core/base/error.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

class TestDocument : public TestCase {
  Q_OBJECT

  /// Every field off its default, so that a forgotten one shows.
  static Document unusual() {
    Document d = defaultDocument();
    d.model = QStringLiteral("/models/übung.gguf");
    d.prompts.push_back(
        {PromptKind::Free, QStringLiteral("\"quoted\"\n日本語 \\ tab\t"), QStringLiteral("é"), true});
    d.selected_prompt = 2;
    Disruption control = parse_disruption(
        "site=kv,pick=random:3,seed=7,replace=max,pool=own,mask=live,phase=every,cache=clean,layers=2-4,"
        "heads=1,3");
    d.arms.list.push_back({QStringLiteral("\"Kontrolle\" 7"),
                           {control, parse_edit("off massive activations to zero"), control}});
    d.arms.list.push_back({QString(), {}});
    d.arms.chosen = 1;
    d.arms.on = true;
    d.selection = {Site::Key, 3, 1, 12, 5};
    d.look.picture = Picture::AllLayers;
    d.look.after_rope = false;
    d.look.shown = Shown::Difference;
    d.look.lambda = 3.25;
    d.look.color_map = QStringLiteral("cividis");
    d.look.scale = ColorScale::SymLog;
    d.look.range = ColorRange::Exact;
    d.look.percentile = 97.5;
    d.look.exact_low = -1.5;
    d.look.exact_high = 33;
    d.look.one_scale = false;
    return d;
  }

 private Q_SLOTS:
  void roundTrip() {
    Document bare;
    bare.arms.shown().edits = {Disruption{}};
    for (const Document& d : {defaultDocument(), unusual(), bare}) {
      const Document back = documentFromJson(toJson(d), QStringLiteral("memory"));
      QCOMPARE(back.model, d.model);
      QVERIFY(back.prompts == d.prompts);
      QVERIFY(back.arms == d.arms);
      QVERIFY(back.selection == d.selection);
      QVERIFY(back.look == d.look);
      QVERIFY(back == d);
    }
  }

  void fileRoundTrip() {
    QTemporaryDir dir;
    const QString path = dir.filePath(QStringLiteral("a b.qkscope"));
    saveDocument(unusual(), path);
    QVERIFY(openDocument(path) == unusual());
  }

  void defaultAsksContextAndMemory() {
    const Document d = defaultDocument();
    QCOMPARE(d.prompts.size(), std::size_t(2));
    QCOMPARE(d.prompts[0].kind, PromptKind::Context);
    QCOMPARE(d.prompts[1].kind, PromptKind::Memory);
    QVERIFY(!d.arms.on);
    QCOMPARE(d.arms.count(), 1);
    QVERIFY(d.arms.shown().edits == Edits{parse_disruption("lambda 5 on Q")});
  }

  /// Before there were arms a document held one disruption, and those before it.
  void versionOneOpens() {
    const QByteArray json =
        R"({"format": "qkscope-document", "version": 1,
            "disruption": {"on": true, "history": ["lambda 5 on Q", "site=k,pick=lambda:3", "lambda 5 on K"],
                           "position": 1}})";
    const Document d = documentFromJson(json, QStringLiteral("x"));
    QCOMPARE(d.arms.count(), 1);
    QVERIFY(d.arms.on);
    QVERIFY(d.arms.shown().edits == Edits{parse_disruption("site=k,pick=lambda:3")});
    QVERIFY(documentFromJson(toJson(d), QStringLiteral("x")) == d);
    // Without a position the last was the one of then.
    const QByteArray last =
        R"({"format": "qkscope-document", "version": 1, "disruption": {"history": ["lambda 5 on K"]}})";
    QVERIFY(documentFromJson(last, QStringLiteral("x")).arms.shown().edits ==
            Edits{parse_disruption("lambda 5 on K")});
  }

  void errorsNameFileAndKey_data() {
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QString>("words");
    const auto row = [](const char* name, const char* json, const char* words) {
      QTest::newRow(name) << QByteArray(json) << QString::fromLatin1(words);
    };
    row("empty", "", "not a QKScope document");
    row("binary", "\x89PNG\r\n", "not a QKScope document");
    row("list", "[]", "not a QKScope document");
    row("other format", R"({"format": "png"})", "qkscope-document");
    row("no version", R"({"format": "qkscope-document"})", "\"version\"");
    row("newer", R"({"format": "qkscope-document", "version": 99})", "newer QKScope");
    row("wrong type", R"({"format": "qkscope-document", "version": 1, "model": 7})", "\"model\" is \"7\"");
    row("look", R"({"format": "qkscope-document", "version": 1, "look": {"scale": "cubic"}})",
        "linear, log or symlog");
    const auto look = [&row](const char* name, const char* json, const char* words) {
      row(name,
          QByteArray(R"({"format": "qkscope-document", "version": 1, "look": {)")
              .append(json)
              .append("}}")
              .constData(),
          words);
    };
    look("color map", R"("color_map": "jet")", "\"color_map\" is \"jet\", but must be viridis");
    look("lambda", R"("lambda": -1)", "\"lambda\" is \"-1\"");
    look("percentile", R"("percentile": 12)", "from 50 to 100");
    look("limits", R"("exact_low": 2, "exact_high": 1)", "below \"exact_high\"");
    row("site", R"({"format": "qkscope-document", "version": 1, "selection": {"site": "mlp_out"}})",
        "query, key or value");
    row("fraction", R"({"format": "qkscope-document", "version": 1, "selected_prompt": 0.5})",
        "whole number");
    row("beyond int", R"({"format": "qkscope-document", "version": 1, "selected_prompt": 1e101})",
        "whole number");
    row("edit", R"({"format": "qkscope-document", "version": 2, "arms": {"list": [{"edits": ["site=z"]}]}})",
        "site");
    row("arms", R"({"format": "qkscope-document", "version": 2, "arms": {"list": [0, 0, 0, 0, 0, 0, 0]}})",
        "at most 6 arms");
    row("disruption",
        R"({"format": "qkscope-document", "version": 1, "disruption": {"history": ["site=z"]}})", "site");
  }
  void errorsNameFileAndKey() {
    QFETCH(QByteArray, json);
    QFETCH(QString, words);
    try {
      documentFromJson(json, QStringLiteral("talk.qkscope"));
      QFAIL("no error");
    } catch (const Error& error) {
      const QString said = QString::fromUtf8(error.what());
      QVERIFY2(said.contains(QStringLiteral("talk.qkscope")), qPrintable(said));
      QVERIFY2(said.contains(words), qPrintable(said));
    }
  }

  void indicesAreKeptInside() {
    const QByteArray arms =
        R"({"format": "qkscope-document", "version": 2, "arms": {"chosen": 7, "list": [{"name": "a"}, {}]}})";
    QCOMPARE(documentFromJson(arms, QStringLiteral("x")).arms.chosen, 1);
    const QByteArray json =
        R"({"format": "qkscope-document", "version": 1, "selected_prompt": 50, "disruption": {"position": 9},
            "selection": {"layer": -4, "dim": -9}})";
    const Document d = documentFromJson(json, QStringLiteral("x"));
    QCOMPARE(d.selected_prompt, 0);
    QVERIFY(d.arms == defaultDocument().arms);
    QCOMPARE(d.selection.layer, 0);
    QCOMPARE(d.selection.dim, -1);
  }

  void unwritablePlace() {
    QVERIFY_EXCEPTION_THROWN(saveDocument(defaultDocument(), QStringLiteral("/no/such/folder/x.qkscope")),
                             Error);
    QVERIFY_EXCEPTION_THROWN(openDocument(QStringLiteral("/no/such/file.qkscope")), Error);
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestDocument)
#include "test_document.moc"

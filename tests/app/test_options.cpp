#include <QFile>
#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <map>

#include "app/names.h"
#include "app/options.h"
#include "app/property.h"
#include "app/usage_error.h"
#include "tests/support/plain_spec.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

class TestOptions : public TestCase {
  Q_OBJECT

  static QString s(const char* text) { return QString::fromUtf8(text); }

  /// Every option that takes a value: texts it must not take, and words of what it does take.
  struct Bad {
    QStringList values;
    QString allowed;
    QStringList with;  // what has to be given, too
  };
  static std::map<QString, Bad> badValues() {
    const auto list = [](const char* text) { return QString::fromUtf8(text).split(u'|'); };
    const auto from_one = list("|0|-1|1.5|1e3|two|3x| 3|3 |nan|2000001|99999999999999999999|0x3|none|1-4");
    const auto from_zero = list("|-1|1.5|two|3x| 3|nan|99999999999999999999|NONE");
    const auto reals = list("|-1|nan|inf|-inf|1e400|x|3x| 3|1,5|0x5");
    const auto mm = list("|0|-1|19.9|2000.1|nan|inf|1e400|x|30mm| 30|30,5");
    const auto names = list("|jet|LINEAR|linear |0|query,key");
    const QStringList exported = list("--export|x.pdf");
    return {
        {s("layout"),
         {list("|BSHD|sbhd|flat|flat:0|flat:-1|flat:64x|bshd "), s("bshd, bhsd or flat:N"), {s("q.npy")}}},
        {s("rope-theta"), {list("|0|-1|0.5|nan|inf|1e400|x"), s("from 1 to"), {s("q.npy")}}},
        {s("prompt"), {{s("")}, s("not empty"), {}}},
        {s("prompt-file"), {{s(""), s(" ")}, s("text file"), {}}},
        {s("expect"), {{s(""), s(" ")}, s("the answer"), list("--prompt|x")}},
        {s("bos"), {list("|yes|On|1|on "), s("auto, on or off"), list("--prompt|x")}},
        {s("max-new"), {list("|0|-1|1.5|4097|many|99999999999| 5|nan"), s("1 to 4096"), {}}},
        {s("disrupt"),
         {list("|nonsense|site=z|site=|pick=largest|pick=lambda:nan|pick=lambda:-1|layers=0"
               "|layers=4-1|layers=1-4x|seed=-1|seed=99999999999999999999|q|site=q,site=k"),
          s("expected|twice|backwards"),
          {}}},
        {s("site"), {list("|mlp|q|Query|query,key|query_pre"), s("query, key or value"), {}}},
        {s("layer"), {from_one, s("from 1 to"), {}}},
        {s("head"), {from_one, s("from 1 to"), {}}},
        {s("dim"), {from_zero, s("from 0 to"), {}}},
        {s("position"), {from_zero, s("from 0 to"), {}}},
        {s("key"), {from_zero, s("from 0 to"), {}}},
        {s("picture"), {names, s("heads-dims, positions-dims or all-layers"), {}}},
        {s("shown"), {names, s("baseline, disrupted or difference"), {}}},
        {s("lambda"), {reals, s("from 0 to"), {}}},
        {s("activations-over"), {reals, s("from 0 to"), {}}},
        {s("activations-times"), {reals, s("from 0 to"), {}}},
        {s("left-out"), {list("|all|First|-1|2-1|1-|1,,2|1.5|99999999999|first,2"), s("none, first"), {}}},
        {s("magnitudes"), {list("| |\n|a.json\n "), s("activations magnitude wrote, or none"), {}}},
        {s("results"), {list("| |\n|a\n "), s("experiment wrote, or none"), {}}},
        {s("paper-part"), {names, s("table-1, figure-3a"), {}}},
        {s("paper-layout"), {names, s("published or by-task"), {}}},
        {s("color-map"), {list("|jet|Viridis|viridis |rdbu_r"), s("viridis, cividis, magma"), {}}},
        {s("scale"), {list("|cubic|LINEAR|log "), s("linear, log or symlog"), {}}},
        {s("token-colors"), {names, s("none, baseline, disrupted or change"), {}}},
        {s("range"),
         {list("|5|fulll|full:|full:1|percentile|percentile:|percentile:49|percentile:101|percentile:nan"
               "|percentile:99.5.5|percentile:99,1|exact|exact:1|exact:5,1|exact:1,1|exact:nan,1|exact:0,inf"
               "|exact:0,1,2|exact:,1|exact:0, 1|exact:0,1x|exact:1e-5,e"),
          s("percentile:|exact:LOW,HIGH"),
          {}}},
        {s("export"), {list("|x|x.jpg|pdf|x.pdf.txt|dir/"), s(".pdf, .svg or .png"), {}}},
        {s("width"), {mm, s("from 20 to 2000"), exported}},
        {s("height"), {mm, s("from 20 to 2000"), exported}},
        {s("dpi"), {list("|35|2401|-300|300.5|nan| 300|99999999999"), s("36 to 2400"), exported}},
        {s("zoom"),
         {list("|1|0,0,1|0,0,1,1,1|0,0,0,1|0,0,1,0|-0.1,0,1,1|0.5,0,0.6,1|0,0.5,1,0.6|nan,0,1,1"
               "|0,0,inf,1|a,b,c,d|0,0,1,1 "),
          s("LEFT,TOP,WIDTH,HEIGHT"), exported}},
        {s("screenshot"), {list("|x|x.jpg|png"), s(".png"), {}}},
        {s("size"),
         {list("|big|1280|1280x|1280x800x2|199x800|1280x99999|-1280x800|1280x800 |1280X800"),
          s("1280x800"),
          {}}},
        {s("theme"), {list("|pink|Dark|dark "), s("light, dark, high-contrast or system"), {}}},
        {s("device"),
         {list("|gpu|cuda:|cuda:x|cuda:-1|CPU|cpu |cuda:99999"), s("auto, cpu, cuda or cuda:N"), {}}},
        {s("dtype"), {list("|int4|Float32|float|auto "), s("float32, bfloat16 or float16"), {}}},
        {s("weights"), {list("|Stored|both|auto "), s("auto, float or stored"), {}}},
        {s("threads"), {list("|-1|1025|1.5|x|nan|99999999999"), s("0 to 1024"), {}}},
    };
  }

 private Q_SLOTS:
  void figureArgumentsAreReadBack() {
    Document d = defaultDocument();
    d.model = QStringLiteral("/models/a model.gguf");
    d.prompts[0].text = QStringLiteral("--It's \"odd\"\nwith $HOME and 日本");
    d.prompts[0].kind = PromptKind::Free;
    d.prompts.resize(1);
    d.arms.on = true;
    d.arms.shown().edits = {
        parse_disruption("site=qk,pick=largest:1,replace=mean,pool=chosen,mask=live,layers=2-5"),
        parse_edit("massive activations to zero")};
    d.selection = {Site::Key, 4, 2, 17, -1};
    d.look.picture = Picture::PositionsDims;
    d.look.shown = Shown::Difference;
    d.look.after_rope = false;
    d.look.lambda = 3.0000000000000004;
    d.look.color_map = QStringLiteral("magma");
    d.look.scale = ColorScale::Log;
    d.look.range = ColorRange::Exact;
    d.look.exact_low = -2.5;
    d.look.exact_high = 1e6;
    d.look.one_scale = false;
    FigureOptions figure{QStringLiteral("out dir/x.svg"), 84.5, 60, 600};
    figure.zoom = {0.1, 1.0 / 3, 0.7, 0.5};
    const LoadOptions load{"cpu", "float32", "stored", 3};

    const Options options = parseOptions(figureArguments(d, QStringLiteral("overview"), figure, load));
    Document back = defaultDocument();
    back.model = options.model;
    applyOptions(options, back);
    QVERIFY(back.selection == d.selection && back.look == d.look);
    QVERIFY(back == d);
    QVERIFY(options.figure == figure);
    QCOMPARE(options.view, QStringLiteral("overview"));
    QVERIFY(options.load.device == load.device && options.load.dtype == load.dtype &&
            options.load.weights == load.weights && options.load.threads == load.threads);
  }

  static QStringList samples(const Property& property) {
    QStringList texts = property.samples;
    for (const Property::Value& value : property.values) texts << value.text;
    return texts;
  }
  /// A document whose properties all stand at the first of their samples, or at the last.
  static Document at(bool last) {
    Document document = defaultDocument();
    Sight sight;
    for (const Property& property : properties())
      property.set(sight, last ? samples(property).back() : samples(property).front());
    document.selection = sight.selection;
    document.look = sight.look;
    return document;
  }

  /// Whatever a property is, a document keeps it and its options say it, whatever stood there before.
  void everyPropertyIsSaid_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("text");
    for (const Property& property : properties()) {
      QVERIFY2(samples(property).size() > 1, qPrintable(property.name));
      for (const QString& text : samples(property))
        QTest::newRow(qPrintable(property.name + u' ' + text)) << property.name << text;
    }
  }
  void everyPropertyIsSaid() {
    QFETCH(QString, name);
    QFETCH(QString, text);
    const Property& row = *propertyNamed(name);
    FigureOptions figure;
    figure.path = QStringLiteral("x.pdf");
    for (const bool last : {false, true}) {
      Document document = at(last);
      Sight sight{document.selection, document.look};
      row.set(sight, text);
      document.selection = sight.selection;
      document.look = sight.look;
      QCOMPARE(row.text(sight), text);
      QVERIFY(!row.valueWords(sight).isEmpty());

      const Document kept = documentFromJson(toJson(document), QStringLiteral("memory"));
      QCOMPARE(kept.selection, document.selection);
      QCOMPARE(kept.look, document.look);

      Document back = at(!last);
      applyOptions(parseOptions(figureArguments(document, QStringLiteral("picture"), figure, {})), back);
      for (const Property& property : properties())
        QCOMPARE(property.text({back.selection, back.look}), property.text(sight));
    }
  }

  /// A member that no row speaks of would be lost.
  void propertiesAreAllOfASight() {
    const Document first = at(false), last = at(true);
    Sight copy{last.selection, last.look};
    for (const Property& property : properties())
      property.set(copy, property.text({first.selection, first.look}));
    // What only another kind of limits has is kept for when it is chosen again.
    copy.look.percentile = first.look.percentile;
    copy.look.exact_low = first.look.exact_low;
    copy.look.exact_high = first.look.exact_high;
    QCOMPARE(copy.selection, first.selection);
    QCOMPARE(copy.look, first.look);
    const Selection &a = first.selection, &b = last.selection;
    QVERIFY(a.site != b.site && a.layer != b.layer && a.head != b.head && a.dim != b.dim &&
            a.position != b.position);
    const Look &c = first.look, &d = last.look;
    QVERIFY(c.picture != d.picture && c.after_rope != d.after_rope && c.shown != d.shown &&
            c.lambda != d.lambda && c.color_map != d.color_map && c.scale != d.scale && c.range != d.range &&
            c.one_scale != d.one_scale && c.head_mean != d.head_mean && c.times_value != d.times_value &&
            c.magnitudes != d.magnitudes && c.results != d.results && c.paper_part != d.paper_part &&
            c.paper_layout != d.paper_layout && c.token_colors != d.token_colors &&
            c.activations.least != d.activations.least &&
            c.activations.times_median != d.activations.times_median);
  }

  /// A flag that says the default says so: it is the other one that changes something.
  void flagsMeanWhatTheySay() {
    for (const Property& property : properties()) {
      for (const Property::Option& option : property.options) {
        if (!option.value.isEmpty()) continue;
        Document document;
        applyOptions(parseOptions({u"--" + option.name}), document);
        QCOMPARE(document.look == Look(), option.about.contains(QStringLiteral("(the default)")));
      }
    }
  }

  void optionsChangeOnlyWhatTheySay() {
    Document d = defaultDocument();
    d.look.color_map = QStringLiteral("cividis");
    Document expected = d;
    expected.selection.layer = 2;
    applyOptions(parseOptions({QStringLiteral("--layer"), QStringLiteral("3")}), d);
    QVERIFY(d == expected);
    applyOptions(parseOptions({QStringLiteral("--disrupt"), QStringLiteral("lambda 5 on Q")}), d);
    QVERIFY(d.arms.on);
    QCOMPARE(d.look.shown, Shown::Disrupted);
    QCOMPARE(d.look.color_map, QStringLiteral("cividis"));
  }

  // The judge is a shell: it takes the line apart into what went in, whatever that is.
  void aShellReadsTheLineBack() {
    QStringList arguments{QStringLiteral("plain.gguf"), QString(),
                          QStringLiteral("-n"),         QStringLiteral("~"),
                          QStringLiteral("a\\nb"),      QStringLiteral("日本 😀")};
    for (char16_t code = 1; code < 128; ++code) {
      arguments << QString(QChar(code)) << QStringLiteral("in") + QChar(code) + QStringLiteral("side")
                << QStringLiteral("end") + QChar(code) << QChar(code) + QStringLiteral("start");
    }
    QProcess shell;
    shell.start(QStringLiteral("sh"),
                {QStringLiteral("-c"),
                 QStringLiteral("qkscope() { printf '%s\\0' \"$@\"; }\n") + shellLine(arguments)});
    QVERIFY(shell.waitForFinished());
    QCOMPARE(shell.exitCode(), 0);
    QStringList back = QString::fromUtf8(shell.readAllStandardOutput()).split(QChar(0));
    QVERIFY(back.takeLast().isEmpty());
    QCOMPARE(back, arguments);
  }

  /// Options that go together, or not.
  void errors_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("words");
    const auto row = [](const char* line, const char* words) {
      QTest::newRow(line) << QString::fromLatin1(line).split(u' ') << QString::fromLatin1(words);
    };
    row("--prompt x --raw --chat", "not both");
    row("--prompt x --prompt-file y", "not both");
    row("--before-rope --after-rope", "not both");
    row("--one-scale --separate-scales", "not both");
    row("--export x.pdf --screenshot x.png", "not both");
    row("--raw", "--raw means nothing without --prompt");
    row("--expect x", "--expect means nothing without --prompt");
    for (const char* line : {"--width 80", "--height 80", "--dpi 80", "--zoom 0,0,1,1", "--no-data",
                             "--force", "--view picture"})
      row(line, "means nothing without --export");
    row("a b", "One MODEL");
    row("--frobnicate", "frobnicate");
    row("--raw=1 --prompt x", "raw");
    row("--layer", "layer");
  }
  void errors() {
    QFETCH(QStringList, arguments);
    QFETCH(QString, words);
    try {
      parseOptions(arguments);
      QFAIL("no error");
    } catch (const UsageError& error) {
      QVERIFY2(QString::fromUtf8(error.what()).contains(words), error.what());
    }
  }

  /// Files of activations stand in place of a model, as many as there are; nothing is known of their reading
  /// without them.
  void filesOfActivations() {
    const Options options = parseOptions(
        {s("/x/q.npy"), s("/x/k.pt"), s("--layout"), s("flat:64"), s("--rope-theta"), s("10000")});
    QVERIFY(options.model.isEmpty());
    QCOMPARE(options.dump.files.size(), 2u);
    QCOMPARE(options.dump.files[1].string(), "/x/k.pt");
    QVERIFY(options.dump.layout == DumpLayout({AxisOrder::Flat, 64}));
    QVERIFY(options.dump.rope_theta == 10000.0);
    QVERIFY_EXCEPTION_THROWN(parseOptions({s("/x/q.npy"), s("model.gguf")}), UsageError);
    QVERIFY_EXCEPTION_THROWN(parseOptions({s("model.gguf"), s("--layout"), s("bshd")}), UsageError);

    Document document = defaultDocument();
    document.arms.on = true;
    applyOptions(options, document);
    QVERIFY(!document.arms.on && document.dump == options.dump);
    const Options again = parseOptions(figureArguments(document, s("picture"), {s("f.pdf")}, LoadOptions()));
    QVERIFY(again.dump == options.dump);
    QVERIFY(!again.prompt);
    QVERIFY(documentFromJson(toJson(document), s("x")).dump == document.dump);
  }

  void badValuesAreRefused() {
    for (const auto& [option, bad] : badValues()) {
      for (const QString& value : bad.values) {
        const QString line = u"--" + option + u'=' + value;
        QString words;
        try {
          parseOptions(QStringList(bad.with) << line);
        } catch (const UsageError& error) {
          words = QString::fromUtf8(error.what());
        }
        QVERIFY2(words.contains(u"--" + option) && words.contains(value.left(12)), qPrintable(line + words));
        const QStringList allowed = bad.allowed.split(u'|');
        QVERIFY2(std::any_of(allowed.begin(), allowed.end(),
                             [&words](const QString& some) { return words.contains(some); }),
                 qPrintable(line + u": " + words));
      }
    }
  }
  /// So that a new option comes with its bad values. The view's name is checked where views are made.
  void everyOptionHasBadValues() {
    QStringList known{s("view")};
    for (const auto& [option, bad] : badValues()) known << option;
    static const QRegularExpression pattern(QStringLiteral("--([a-z-]+) <"));
    int seen = 0;
    for (auto all = pattern.globalMatch(optionsHelp()); all.hasNext(); ++seen) {
      const QString name = all.next().captured(1);
      QVERIFY2(known.contains(name), qPrintable(name));
    }
    QCOMPARE(seen, known.size());
  }

  void promptsOfFiles() {
    QTemporaryDir folder;
    const auto write = [&folder](const QByteArray& bytes) {
      QFile file(folder.filePath(QStringLiteral("p.txt")));
      return file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() ? file.fileName()
                                                                                  : QString();
    };
    const auto prompt = [&](const QByteArray& bytes) {
      return *parseOptions({QStringLiteral("--prompt-file"), write(bytes)}).prompt;
    };
    QCOMPARE(prompt("one\ntwo\n"), QStringLiteral("one\ntwo"));
    QCOMPARE(prompt("one\n\n"), QStringLiteral("one\n"));
    QVERIFY_EXCEPTION_THROWN(prompt("\n"), Error);
    QVERIFY_EXCEPTION_THROWN(prompt("\xff\xfe"), Error);
    QVERIFY_EXCEPTION_THROWN(parseOptions({QStringLiteral("--prompt-file"), QStringLiteral("/no/such")}),
                             Error);
  }

  void selectionsBesideTheModel_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("words");  // empty: there is such a thing
    const auto row = [](const char* line, const char* words) {
      QTest::newRow(line) << QString::fromLatin1(line).split(u' ') << QString::fromLatin1(words);
    };
    row("--layer 3", "");
    row("--layer 4", "--layer is \"4\", but must be from 1 to 3");
    row("--head 4", "");
    row("--head 5", "--head is \"5\", but must be from 1 to 4");
    row("--site key --head 2", "");
    row("--site key --head 3", "--head is \"3\", but must be from 1 to 2");
    row("--site value --head 3", "from 1 to 2");
    row("--dim 7", "");
    row("--dim none", "");
    row("--dim 8", "--dim is \"8\", but must be from 0 to 7");
    row("--position 5", "");
    row("--position 6", "--position is \"6\", but must be from 0 to 5");
  }
  void selectionsBesideTheModel() {
    QFETCH(QStringList, arguments);
    QFETCH(QString, words);
    const ModelSpec spec = test::plain_spec({.layers = 3, .heads = 4, .kv_heads = 2});
    const Options options = parseOptions(arguments);
    Document d = defaultDocument();
    applyOptions(options, d);
    QString found;
    try {
      checkSelection(options, d, spec, 6);
    } catch (const UsageError& error) {
      found = QString::fromUtf8(error.what());
    }
    QVERIFY2(words.isEmpty() ? found.isEmpty() : found.contains(words), qPrintable(found));
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestOptions)
#include "test_options.moc"

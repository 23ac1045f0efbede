#include <QProcess>

#include "app/options.h"
#include "core/error.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

class TestOptions : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void figureArgumentsAreReadBack() {
    Document d = defaultDocument();
    d.model = QStringLiteral("/models/a model.gguf");
    d.prompts[0].text = QStringLiteral("--It's \"odd\"\nwith $HOME and 日本");
    d.prompts[0].kind = PromptKind::Free;
    d.prompts.resize(1);
    d.disrupted = true;
    d.disruptions = {
        parse_disruption("site=qk,pick=largest:1,replace=mean,pool=chosen,mask=live,layers=2-5")};
    d.selection = {Site::Key, 4, 2, 17, 3};
    d.look.picture = Picture::PositionsDims;
    d.look.shown = Shown::Difference;
    d.look.after_rope = false;
    d.look.lambda = 3.5;
    d.look.color_map = QStringLiteral("magma");
    d.look.scale = ColorScale::Log;
    d.look.range = ColorRange::Exact;
    d.look.exact_low = -2.5;
    d.look.exact_high = 1e6;
    d.look.one_scale = false;
    FigureOptions figure{QStringLiteral("out dir/x.svg"), 84.5, 60, 600, true};
    LoadOptions load;
    load.device = "cpu";
    load.dtype = "float32";

    const Options options = parseOptions(figureArguments(d, QStringLiteral("overview"), figure, load));
    Document back = defaultDocument();
    back.model = options.model;
    applyOptions(options, back);
    QVERIFY(back.prompts == d.prompts);
    QVERIFY(back.disruptions == d.disruptions);
    QVERIFY(back.selection == d.selection);
    QVERIFY(back.look == d.look);
    QVERIFY(back == d);
    QVERIFY(options.figure == figure);
    QCOMPARE(options.view, QStringLiteral("overview"));
    QCOMPARE(options.load.device, load.device);
    QCOMPARE(options.load.dtype, load.dtype);
  }

  void optionsChangeOnlyWhatTheySay() {
    Document d = defaultDocument();
    d.look.color_map = QStringLiteral("cividis");
    const Document before = d;
    applyOptions(parseOptions({QStringLiteral("--layer"), QStringLiteral("3")}), d);
    QCOMPARE(d.selection.layer, 2);
    d.selection.layer = before.selection.layer;
    QVERIFY(d == before);
    applyOptions(parseOptions({QStringLiteral("--disrupt"), QStringLiteral("lambda 5 on Q")}), d);
    QVERIFY(d.disrupted);
    QCOMPARE(d.look.shown, Shown::Disrupted);
    QCOMPARE(d.look.color_map, QStringLiteral("cividis"));
  }

  void shellLineQuotes() {
    QCOMPARE(shellLine({QStringLiteral("a.gguf"), QStringLiteral("it's here")}),
             QStringLiteral("qkscope a.gguf 'it'\\''s here'"));
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

  void errors_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("words");
    const auto row = [](const char* line, const char* words) {
      QTest::newRow(line) << QString::fromLatin1(line).split(u' ') << QString::fromLatin1(words);
    };
    row("--layer 0", "--layer is \"0\"");
    row("--layer two", "whole number");
    row("--export x.jpg", ".pdf, .svg or .png");
    row("--export x.pdf --width 3", "--width");
    row("--theme pink", "light, dark or system");
    row("--size big", "1280x800");
    row("--scale cubic", "linear, log or symlog");
    row("--range 5", "percentile:99");
    row("--site mlp", "query, key or value");
    row("--raw --chat", "not both");
    row("a b", "One MODEL");
    row("--frobnicate", "frobnicate");
    row("--prompt-file /no/such", "/no/such");
    row("--disrupt site=z", "site");
  }
  void errors() {
    QFETCH(QStringList, arguments);
    QFETCH(QString, words);
    try {
      parseOptions(arguments);
      QFAIL("no error");
    } catch (const Error& error) {
      QVERIFY2(QString::fromUtf8(error.what()).contains(words), error.what());
    }
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestOptions)
#include "test_options.moc"

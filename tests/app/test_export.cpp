#include <QImage>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSvgRenderer>

#include "app/export.h"
#include "app/figure_run.h"
#include "core/error.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

class TestExport : public AppTestCase {
  Q_OBJECT

  static QByteArray read(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
  }

  Options options(const QString& file) const {
    return parseOptions(
        {QString::fromStdString(smallModel().string()), QStringLiteral("--raw"), QStringLiteral("--prompt"),
         QStringLiteral("Once upon a time, there was a 'big' red dog."), QStringLiteral("--disrupt"),
         QStringLiteral("site=qk,pick=largest:1,replace=mean,pool=chosen,mask=live"),
         QStringLiteral("--layer"), QStringLiteral("3"), QStringLiteral("--lambda"), QStringLiteral("2.5"),
         QStringLiteral("--device"), QStringLiteral("cpu"), QStringLiteral("--export"),
         folder_.filePath(file)});
  }

 private Q_SLOTS:
  void filesOfEveryKind_data() {
    QTest::addColumn<QString>("kind");
    for (const char* kind : {"pdf", "svg", "png"}) QTest::newRow(kind) << QString::fromLatin1(kind);
  }
  void filesOfEveryKind() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    QFETCH(QString, kind);
    const QStringList files = runFigure(options(u"figure_" + kind + u'.' + kind));
    QCOMPARE(files.size(), 4);
    for (const QString& file : files) QVERIFY2(QFileInfo(file).size() > 100, qPrintable(file));
    const QByteArray bytes = read(files[0]);
    if (kind == QStringLiteral("pdf")) {
      QVERIFY(bytes.startsWith("%PDF"));
      QVERIFY(bytes.contains("/FontFile2") || bytes.contains("/FontFile3"));  // fonts are embedded
    } else if (kind == QStringLiteral("svg")) {
      QVERIFY(QSvgRenderer(bytes).isValid());
      QVERIFY(bytes.contains("width=\"170"));
    } else {
      const QImage image(files[0]);
      QCOMPARE(image.size(), QSize(2008, 1417));
      QCOMPARE(image.dotsPerMeterX(), 11811);
      QCOMPARE(image.pixel(2, 2), qRgb(255, 255, 255));
    }
  }

  void commandLineMakesTheSameNumbers() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    const QStringList first = runFigure(options(QStringLiteral("first.png")));
    const QJsonObject sidecar = QJsonDocument::fromJson(read(first[3])).object();
    QStringList arguments;
    for (const QJsonValue& value : sidecar[QStringLiteral("arguments")].toArray())
      arguments << value.toString();
    QCOMPARE(shellLine(arguments), sidecar[QStringLiteral("command_line")].toString());
    arguments.replaceInStrings(QStringLiteral("first.png"), QStringLiteral("second.png"));
    const QStringList second = runFigure(parseOptions(arguments));
    QCOMPARE(read(second[0]), read(first[0]));  // the picture, the table, the arrays
    QCOMPARE(read(second[1]), read(first[1]));
    QCOMPARE(read(second[2]), read(first[2]));
    QVERIFY(!read(first[1]).isEmpty());
    const QJsonObject again = QJsonDocument::fromJson(read(second[3])).object();
    QCOMPARE(again[QStringLiteral("run")], sidecar[QStringLiteral("run")]);
    QCOMPARE(again[QStringLiteral("model")], sidecar[QStringLiteral("model")]);
  }

  void sidecarSaysEverything() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    const QStringList files = runFigure(options(QStringLiteral("said.svg")));
    const QJsonObject sidecar = QJsonDocument::fromJson(read(files[3])).object();
    const QJsonObject run = sidecar[QStringLiteral("run")].toObject();
    QVERIFY(run[QStringLiteral("tokens")].toArray().size() > 5);
    QCOMPARE(run[QStringLiteral("tokens")].toArray().size(), run[QStringLiteral("pieces")].toArray().size());
    QCOMPARE(run[QStringLiteral("disruptions")].toArray().size(), 1);
    QVERIFY(run[QStringLiteral("replaced_columns")].toInt() > 0);
    QCOMPARE(sidecar[QStringLiteral("model")].toObject()[QStringLiteral("architecture")].toString(),
             QStringLiteral("LlamaForCausalLM"));
    QVERIFY(!sidecar[QStringLiteral("arrays")].toArray().isEmpty());
    QVERIFY(sidecar[QStringLiteral("program")].toString().contains(QStringLiteral(QKSCOPE_VERSION)));
  }

  void csvIsTidy() {
    const std::vector<FigureArray> arrays{{QStringLiteral("Q"),
                                           {QStringLiteral("head"), QStringLiteral("dim")},
                                           {{2, 2}, {1.5F, 0.1F, -3e-20F, 4}}},
                                          {QStringLiteral("ruler"), {QStringLiteral("dim")}, {{2}, {7, 8}}}};
    QCOMPARE(figureCsv(arrays), QByteArray("array,head,dim,value\n"
                                           "Q,0,0,1.5\nQ,0,1,0.1\nQ,1,0,-3e-20\nQ,1,1,4\n"
                                           "ruler,,0,7\nruler,,1,8\n"));
    QCOMPARE(figureCsv({}), QByteArray("array,value\n"));
  }

  void errors() {
    QKSCOPE_REQUIRE_DATA(smallModel());
    Options wrong = options(QStringLiteral("x.pdf"));
    wrong.layer = 500;
    QVERIFY_EXCEPTION_THROWN(runFigure(wrong), Error);
    wrong = options(QStringLiteral("x.pdf"));
    wrong.view = QStringLiteral("prompts");
    QVERIFY_EXCEPTION_THROWN(runFigure(wrong), Error);
    wrong = options(QStringLiteral("no/such/folder/x.pdf"));
    QVERIFY_EXCEPTION_THROWN(runFigure(wrong), Error);
    wrong = options(QStringLiteral("x.pdf"));
    wrong.model = folder_.filePath(QStringLiteral("none.gguf"));
    QVERIFY_EXCEPTION_THROWN(runFigure(wrong), Error);
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestExport)
#include "test_export.moc"

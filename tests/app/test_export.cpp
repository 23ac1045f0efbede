#include <sys/resource.h>

#include <QDir>
#include <QImage>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QSvgRenderer>
#include <csignal>

#include "app/export.h"
#include "app/figure_file.h"
#include "app/figure_run.h"
#include "app/mainwindow.h"
#include "app/usage_error.h"
#include "core/tasks/experiment_run.h"
#include "core/tasks/identity.h"
#include "tests/app/app_test.h"
#include "tests/support/file_bytes.h"
#include "tests/support/tiny_model.h"
#include "tests/views/sample.h"
#include "views/picture_view.h"

namespace qkscope::test {

class TestExport : public AppTestCase {
  Q_OBJECT

  TinyModel model_;  // 2 layers, 4 query and 2 KV heads of 16 dims

  static QByteArray read(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
  }
  static QJsonObject readJson(const QString& path) { return QJsonDocument::fromJson(read(path)).object(); }
  QStringList filesThere() const { return QDir(folder_.path()).entryList(QDir::Files | QDir::Hidden); }

  QStringList command(const QString& file, const QStringList& more = {}) const {
    return QStringList{QString::fromStdString(model_.folder().string()),
                       QStringLiteral("--raw"),
                       QStringLiteral("--prompt"),
                       QStringLiteral("Once upon a time, there was a 'big' red dog."),
                       QStringLiteral("--device"),
                       QStringLiteral("cpu"),
                       QStringLiteral("--threads"),
                       QStringLiteral("1"),
                       QStringLiteral("--export"),
                       folder_.filePath(file)} +
           more;
  }
  QStringList disrupted() const {
    return QStringLiteral(
               "--disrupt site=qk,pick=largest:1,replace=mean,pool=chosen,mask=live --layer 2 "
               "--lambda 2.5")
        .split(u' ');
  }
  QStringList run(const QString& file, const QStringList& more = {}) const {
    return runFigure(parseOptions(command(file, more)));
  }
  static QString errorOf(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return QString::fromUtf8(error.what());
    }
    return {};
  }
  /// The same command for another file.
  static QStringList again(const QJsonObject& sidecar, const QString& from, const QString& to) {
    QStringList arguments;
    for (const QJsonValue& value : sidecar[QStringLiteral("arguments")].toArray())
      arguments << value.toString();
    return arguments.replaceInStrings(from, to);
  }

 private Q_SLOTS:
  void cleanup() {
    for (const QString& name : filesThere()) QFile::remove(folder_.filePath(name));
  }

  void filesOfEveryKind_data() {
    QTest::addColumn<QString>("kind");
    QTest::addColumn<double>("width");
    for (const char* kind : {"pdf", "svg", "png"}) {
      for (const double width : {82.0, 84.5, 170.0})
        QTest::addRow("%s %g", kind, width) << QString::fromLatin1(kind) << width;
    }
  }
  /// Four files, and the figure of exactly the size asked for.
  void filesOfEveryKind() {
    QFETCH(QString, kind);
    QFETCH(double, width);
    const QStringList files = run(u"figure." + kind, {QStringLiteral("--width"), QString::number(width),
                                                      QStringLiteral("--height"), QStringLiteral("57.3")});
    QCOMPARE(files.size(), 4);
    for (const QString& file : files) QVERIFY2(QFileInfo(file).size() > 100, qPrintable(file));
    const QByteArray bytes = read(files[0]);
    if (kind == QStringLiteral("pdf")) {
      QVERIFY(bytes.startsWith("%PDF"));
      QVERIFY(bytes.contains("/FontFile2") || bytes.contains("/FontFile3"));  // fonts are embedded
      static const QRegularExpression box(
          QStringLiteral("/MediaBox \\[([0-9.]+) ([0-9.]+) ([0-9.]+) ([0-9.]+)\\]"));
      const auto match = box.match(QString::fromLatin1(bytes));
      const auto corner = [&](int i) { return match.captured(i).toDouble() / 72 * 25.4; };
      QVERIFY(match.hasMatch());
      QVERIFY(std::abs(corner(3) - corner(1) - width) < 0.001);
      QVERIFY(std::abs(corner(4) - corner(2) - 57.3) < 0.001);
      // What Qt wrote after the box is still where the file's index says.
      const qsizetype index =
          bytes.mid(bytes.lastIndexOf("startxref") + 10).trimmed().split('\n')[0].toLongLong();
      QVERIFY(bytes.mid(index).startsWith("xref"));
    } else if (kind == QStringLiteral("svg")) {
      QVERIFY(QSvgRenderer(bytes).isValid());
      QVERIFY(bytes.contains(QByteArray("width=\"" + QByteArray::number(width) + "mm\" height=\"57.3mm\"")));
      QVERIFY(!bytes.contains("<text") && !bytes.contains("font"));  // another machine has other fonts
    } else {
      const QImage image(files[0]);
      QCOMPARE(image.size(), QSize(qRound(width / 25.4 * 300), qRound(57.3 / 25.4 * 300)));
      QCOMPARE(image.dotsPerMeterX(), 11811);
      QCOMPARE(image.pixel(2, 2), qRgb(255, 255, 255));
    }
  }

  /// The text of a PDF is copied by its fonts' ToUnicode maps: no glyph may be missing there.
  void textOfAPdfIsWhole() {
    const QByteArray pdf = read(run(QStringLiteral("text.pdf"), disrupted())[0]);
    QString known;
    static const QRegularExpression lists(QStringLiteral("\\[((?:<[0-9A-F]{4}> ?)+)\\]")),
        one(QStringLiteral("<([0-9A-F]{4})>"));
    for (auto list = lists.globalMatch(QString::fromLatin1(pdf)); list.hasNext();) {
      for (auto code = one.globalMatch(list.next().captured(1)); code.hasNext();)
        known += QChar(code.next().captured(1).toUShort(nullptr, 16));
    }
    for (const QChar needed : QStringLiteral("Layer[]()×–>‖·=,:0123456789QKV"))
      QVERIFY2(known.contains(needed), qPrintable(QString(needed)));
  }

  void commandLineMakesTheSame_data() {
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QStringList>("more");
    int rows = 0;
    for (const char* more :
         {"--zoom 0.25,0.25,0.5,0.5 --lambda 1.5", "--picture positions-dims --site key --head 2 --dim none",
          "--picture all-layers --site value --scale symlog --color-map magma",
          "--picture positions-dims --head 3 --color-map coolwarm --shown difference --before-rope",
          "--range exact:0.1,3.25 --separate-scales --shown baseline",
          "--view overview --range percentile:97.5", "--view massive --lambda 1.1"}) {
      const char* kinds[] = {"png", "pdf", "svg"};
      QTest::newRow(more) << QString::fromLatin1(kinds[rows++ % 3]) << QString::fromLatin1(more).split(u' ');
    }
  }
  /// The picture, the table, the arrays: byte for byte.
  void commandLineMakesTheSame() {
    QFETCH(QString, kind);
    QFETCH(QStringList, more);
    QStringList all = disrupted();
    if (more.contains(QStringLiteral("--lambda"))) all = all.mid(0, 4);
    const QStringList first = run(u"first." + kind, all + more);
    const QJsonObject sidecar = readJson(first[3]);
    const QStringList arguments = again(sidecar, QStringLiteral("first."), QStringLiteral("second."));
    QCOMPARE(shellLine(again(sidecar, {}, {})), sidecar[QStringLiteral("command_line")].toString());
    const QStringList second = runFigure(parseOptions(arguments));
    for (int i = 0; i < 3; ++i) {
      QVERIFY(!read(first[i]).isEmpty());
      QVERIFY2(read(second[i]) == read(first[i]), qPrintable(first[i]));
    }
    for (const char* key : {"run", "model", "arrays", "size", "zoom", "document"})
      QCOMPARE(readJson(second[3])[QLatin1String(key)], sidecar[QLatin1String(key)]);
  }

  /// What the window shows, zoomed, is what its command line draws.
  void windowIsMadeAgain() {
    MainWindow window;
    window.resize(1200, 800);
    window.show();
    window.session().setMaxNewTokens(0);
    const Options asked = parseOptions(command(QStringLiteral("w.pdf"), disrupted()));
    Document document = defaultDocument();
    applyOptions(asked, document);
    window.setDocument(document);
    window.loadModel(asked.model, asked.load);
    QVERIFY(QTest::qWaitFor([&] { return window.session().showsWhatIsAsked(); }, 60000));
    auto* picture = window.findChild<PictureView*>();
    window.state().setSelection({Site::Key, 1, 1, 5, 3});
    Look look = window.state().look();
    look.picture = Picture::PositionsDims;
    look.shown = Shown::Difference;
    look.lambda = 1.7;
    window.state().setLook(look);
    QVERIFY(QTest::qWaitFor([&] { return window.session().showsWhatIsAsked(); }, 60000));
    QTest::qWait(50);
    picture->zoomAt(picture->layoutNow().grids[0].target.center(), 1.7, true, true);
    QVERIFY(picture->figureZoom() != whole_figure);
    const QStringList first =
        exportFigure(*picture, QStringLiteral("picture"), window.document(), asked.load, *asked.figure);
    const QStringList second = runFigure(
        parseOptions(again(readJson(first[3]), QStringLiteral("w.pdf"), QStringLiteral("again.pdf"))));
    for (int i = 0; i < 3; ++i) QVERIFY2(read(second[i]) == read(first[i]), qPrintable(first[i]));
  }

  void sidecarSaysEverything() {
    const QStringList files = run(QStringLiteral("said.svg"), disrupted());
    const QJsonObject sidecar = readJson(files[3]);
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

  void nothingIsReplacedUnasked() {
    const QString figure = folder_.filePath(QStringLiteral("kept.svg"));
    QCOMPARE(run(QStringLiteral("kept.svg")).size(), 4);
    const QByteArray before = read(figure);
    const QString words = errorOf([&] { run(QStringLiteral("kept.svg"), disrupted()); });
    for (const char* suffix : {".svg", ".csv", ".safetensors", ".json"})
      QVERIFY2(words.contains(folder_.filePath(u"kept" + QLatin1String(suffix))), qPrintable(words));
    QVERIFY2(words.contains(QStringLiteral("--force")), qPrintable(words));
    QCOMPARE(read(figure), before);
    // One of them is enough.
    QFile::remove(figure);
    QVERIFY(!errorOf([&] { run(QStringLiteral("kept.svg")); }).isEmpty());
    QVERIFY(!QFile::exists(figure));
    QCOMPARE(run(QStringLiteral("kept.svg"), disrupted() << QStringLiteral("--force")).size(), 4);
    QVERIFY(read(figure) != before);
  }

  void foreignFilesAreNeverReplaced_data() {
    QTest::addColumn<QString>("name");
    for (const char* name : {"config.json", "config.csv", "config.safetensors"})
      QTest::newRow(name) << QString::fromLatin1(name);
  }
  void foreignFilesAreNeverReplaced() {
    QFETCH(QString, name);
    const QByteArray bytes = R"({"format": "other", "files": ["config.json"], "program": "QKScope"})";
    writeFile(name, bytes);
    for (const QStringList& more : {QStringList(), QStringList{QStringLiteral("--force")}}) {
      const QString words = errorOf([&] { run(QStringLiteral("config.pdf"), more); });
      QVERIFY2(words.contains(name) && words.contains(QStringLiteral("another name")), qPrintable(words));
      QCOMPARE(read(folder_.filePath(name)), bytes);
      QCOMPARE(filesThere(), QStringList{name});
    }
    QCOMPARE(run(QStringLiteral("config.pdf"), {QStringLiteral("--no-data")}).size(), 1);
  }

  /// A disk that is full while the numbers are written leaves no picture without them.
  void allFilesOrNone() {
    const QStringList files =
        run(QStringLiteral("big.svg"), {QStringLiteral("--picture"), QStringLiteral("positions-dims")});
    const qint64 csv = QFileInfo(files[1]).size(), svg = QFileInfo(files[0]).size();
    cleanup();
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = static_cast<rlim_t>(std::max(csv, svg) - 1);
    setrlimit(RLIMIT_FSIZE, &small);
    const QString words = errorOf([&] {
      run(QStringLiteral("big.svg"), {QStringLiteral("--picture"), QStringLiteral("positions-dims")});
    });
    setrlimit(RLIMIT_FSIZE, &before);
    QVERIFY2(words.contains(QStringLiteral("big.")) && words.contains(QStringLiteral("space")),
             qPrintable(words));
    QCOMPARE(filesThere(), QStringList());
  }

  /// Present settings never stand beside an older picture.
  void earlierPicturesAreNotExported() {
    ViewState state;
    PictureView view(state, nullptr);
    ViewData data = tinyData();
    view.setData(data);
    Document document = defaultDocument();
    FigureOptions options;
    options.path = folder_.filePath(QStringLiteral("old.pdf"));
    const auto save = [&] { exportFigure(view, QStringLiteral("picture"), document, {}, options); };
    document.arms.on = true;
    QVERIFY(errorOf(save).contains(QStringLiteral("earlier question")));
    // Both arms are there, but of another disruption.
    auto other = std::make_shared<Comparison>(*data.comparison);
    other->disrupted = other->baseline;
    other->request.edits = {parse_disruption("site=k,pick=largest:3")};
    ViewData disrupted = data;
    disrupted.comparison = other;
    view.setData(disrupted);
    QVERIFY(errorOf(save).contains(QStringLiteral("earlier question")));
    document.arms.on = false;
    QVERIFY(errorOf(save).contains(QStringLiteral("earlier question")));
    data.stale = true;
    view.setData(data);
    QVERIFY(errorOf(save).contains(QStringLiteral("earlier question")));
    data = {};
    data.card = tinyData().card;
    view.setData(data);
    QVERIFY(errorOf(save).contains(QStringLiteral("Run a prompt")));
    QCOMPARE(filesThere(), QStringList());
    view.setData(tinyData());
    QCOMPARE(errorOf(save), QString());
    QCOMPARE(filesThere().size(), 4);
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
    const auto usage = [&](const QStringList& more, const char* words) {
      try {
        run(QStringLiteral("x.pdf"), more);
      } catch (const UsageError& error) {
        return QString::fromUtf8(error.what()).contains(QLatin1String(words));
      }
      return false;
    };
    QVERIFY(usage({QStringLiteral("--layer"), QStringLiteral("3")}, "from 1 to 2"));
    QVERIFY(usage({QStringLiteral("--head"), QStringLiteral("5")}, "from 1 to 4"));
    QVERIFY(usage({QStringLiteral("--dim"), QStringLiteral("16")}, "from 0 to 15"));
    QVERIFY(usage({QStringLiteral("--position"), QStringLiteral("9999")}, "--position"));
    QVERIFY(usage({QStringLiteral("--view"), QStringLiteral("prompts")}, "prompts"));
    QVERIFY(usage({QStringLiteral("--view"), QStringLiteral("nowhere")}, "nowhere"));
    QVERIFY(usage({QStringLiteral("--shown"), QStringLiteral("difference")}, "--disrupt"));
    QVERIFY(usage({QStringLiteral("--zoom"), QStringLiteral("0,0,0.001,1")}, "--zoom"));
    QVERIFY(usage({QStringLiteral("--view"), QStringLiteral("overview"), QStringLiteral("--zoom"),
                   QStringLiteral("0,0,0.5,1")},
                  "--zoom"));
    QVERIFY(errorOf([&] {
              run(QStringLiteral("no/such/folder/x.pdf"));
            }).contains(QStringLiteral("no/such/folder")));
    Options wrong = parseOptions(command(QStringLiteral("x.pdf")));
    wrong.model = folder_.filePath(QStringLiteral("none.gguf"));
    QVERIFY(!errorOf([&] { runFigure(wrong); }).isEmpty());
    QDir(folder_.path()).mkdir(QStringLiteral("y.pdf"));
    QVERIFY(errorOf([&] { run(QStringLiteral("y.pdf")); }).contains(QStringLiteral("folder")));
    QCOMPARE(filesThere(), QStringList());
  }

  /// What the paper published, with an experiment beside it, is drawn without any model, and is drawn again
  /// by the command line of its sidecar.
  void tablesOfThePaperNeedNoModel() {
    const auto path = [this](const char* name) {
      return folder_.filePath(QLatin1String(name)).toStdString();
    };
    write_file(path("gsm8k.json"), R"({"kind": "context", "prompt": "{p}", "answers": "x", "rule": "contains",
      "max_new_tokens": 4, "fields": ["p"], "items": [["ab c"], ["d, e"]]})");
    write_file(path("e.json"), R"({"tasks": ["gsm8k"], "arms": ["site=q,pick=largest:1"]})");
    const auto model = model_.load();
    const PlannedRuns runs =
        plan_experiment(read_experiment(path("e.json")), *model, model_identity(model_.folder()));
    {
      ResultStore store = ResultStore::open(path("results"));
      write_plan(runs.plan, path("results"));
      run_experiment(runs, model, store);
    }
    const QString results = folder_.filePath(QStringLiteral("results"));
    for (const char* part : {"table-1", "figure-3a", "table-3"}) {
      for (const char* layout : {"published", "by-task"}) {
        const QString name = QLatin1String(part) + u'-' + QLatin1String(layout);
        const QStringList files = runFigure(
            parseOptions({QStringLiteral("--view"), QStringLiteral("paper"), QStringLiteral("--paper-part"),
                          QLatin1String(part), QStringLiteral("--paper-layout"), QLatin1String(layout),
                          QStringLiteral("--results"), results, QStringLiteral("--export"),
                          folder_.filePath(name + QStringLiteral(".svg"))}));
        QCOMPARE(files.size(), qsizetype(4));
        const QByteArray csv = read(files[1]);
        const bool measured = std::string_view(part) != "table-3";
        QCOMPARE(csv.count("here: "), measured ? 2 : 0);
        const QByteArray here =
            "here: " + QByteArray::fromStdString(model->card().name) + " / baseline / GSM8K,";
        QVERIFY2(!measured || csv.contains(here), csv);
        const QStringList second = runFigure(parseOptions(again(readJson(files[3]), name, name + u'2')));
        QCOMPARE(read(second[0]), read(files[0]));
        QCOMPARE(read(second[1]), csv);
      }
    }
    QVERIFY(read(folder_.filePath(QStringLiteral("table-1-published.svg"))) !=
            read(folder_.filePath(QStringLiteral("table-1-by-task.svg"))));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestExport)
#include "test_export.moc"

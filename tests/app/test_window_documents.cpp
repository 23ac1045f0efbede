#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QDialog>
#include <QImage>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QMessageBox>
#include <QProcess>
#include <QRandomGenerator>
#include <QTimer>
#include <csignal>
#include <cstdio>

#include "app/export.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/recording_saver.h"
#include "app/theme.h"
#include "core/base/error.h"
#include "core/io/safetensors.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

constexpr int kTickMs = 20;

/// Long enough that no single write of a disk would hold it.
QString editedText(int tick) {
  return QStringLiteral("tick %1 ").arg(tick).append(QString::number(tick % 10).repeated(20000));
}

/// Where the window of editForever() leaves what it writes.
struct Written {
  QString document, runs, figure, numbers;
  explicit Written(const QString& folder)
      : document(folder + QStringLiteral("/mine.qkscope")),
        runs(folder + QStringLiteral("/runs.qkscope")),
        figure(folder + QStringLiteral("/figure.png")),
        numbers(folder + QStringLiteral("/figure.safetensors")) {}
};

/// What the window of editForever() has at first: prompts and an arm that its model answers in no time.
Document quickDocument() {
  Document document = defaultDocument();
  document.prompts = {{PromptKind::Context, QStringLiteral("Her name was"), QString(), true},
                      {PromptKind::Memory, QStringLiteral("The sun is"), QString(), true}};
  document.arms.shown().edits = {parse_disruption("site=q,pick=largest:2,replace=zero")};
  return document;
}

/// Every kind of work, one after the other, on a window whose prompts are typed and run meanwhile.
class Worker {
 public:
  Worker(MainWindow& window, const QString& folder, const QString& model)
      : window_(window), written_(folder), model_(model), saver_(window.session()) {}

  void work(int tick) {
    switch (tick % 24) {
      case 2:
      case 12:
        return window_.commands().run(QStringLiteral("disrupt"));
      case 5:
      case 17:
        return window_.commands().run(QStringLiteral("save"));
      case 8:
      case 21:
        return exportPicture();
      case 11:
        if (!saver_.isRunning()) saver_.start(quickDocument(), written_.runs);
        return;
      case 14:
      case 20:
        return window_.commands().run(QStringLiteral("toggleRope"));
      case 23:
        if (tick % 48 == 47) window_.loadModel(model_, {});
        return;
      default:
        return;
    }
  }

 private:
  void exportPicture() {
    FigureOptions options;
    options.path = written_.figure;
    options.dpi = 72;
    options.force = true;
    try {
      exportFigure(*window_.findChild<View*>(QStringLiteral("picture")), QStringLiteral("picture"),
                   window_.document(), {}, options);
    } catch (const Error&) {  // the picture is not there yet
    }
  }

  MainWindow& window_;
  const Written written_;
  const QString model_;
  RecordingSaver saver_;
};

/// A window that does all this all the time, going on from what was kept; tells each change.
int editForever(const QString& folder, const QString& model) {
  MainWindow window;
  auto file = std::make_unique<SessionFile>(folder);
  const auto kept = file->kept();
  window.session().setMaxNewTokens(6);
  window.resume(kept.value_or(SessionFile::Kept{quickDocument(), Written(folder).document}));
  window.keepIn(std::move(file));
  window.show();
  window.loadModel(model, {});
  Worker worker(window, folder, model);
  int tick = kept ? kept->document.prompts[1].text.section(u' ', 1, 1).toInt() : 0;
  QTimer timer;
  QObject::connect(&timer, &QTimer::timeout, &window, [&] {
    std::vector<Prompt> prompts = window.session().prompts();
    prompts[1].text = editedText(++tick);
    window.session().setPrompts(prompts, 0);
    worker.work(tick);
    std::printf("%d\n", tick);
    std::fflush(stdout);
  });
  timer.start(kTickMs);
  return QApplication::exec();
}

/// What a person has made is not lost: the mark of a modified document, the question at the end, and the
/// session on disk.
class TestWindowDocuments : public AppTestCase {
  Q_OBJECT

  static Document small() {
    Document document = defaultDocument();
    document.prompts = smallPrompts();
    return document;
  }
  QString sessionFolder() const { return folder_.filePath(QStringLiteral("sessions")); }

 private Q_SLOTS:
  void modifiedIsMarkedAndAskedFor() {
    const QString path = folder_.filePath(QStringLiteral("talk.qkscope"));
    saveDocument(small(), path);
    MainWindow window;
    window.show();
    window.openPath(path, true);
    QCOMPARE(window.documentPath(), path);
    QVERIFY(!window.isWindowModified());
    window.state().setSelection({Site::Key, 0, 0, 1, -1});  // looking changes nothing
    QVERIFY(!window.isWindowModified());
    setEdits(window.session(), {parse_disruption("site=k,pick=lambda:3")});
    QVERIFY(window.isWindowModified());
    QVERIFY(window.windowTitle().startsWith(QStringLiteral("talk.qkscope[*]")));

    const auto answer = [&](QMessageBox::StandardButton button) {
      QVERIFY(!window.close());
      auto* box = window.findChild<QMessageBox*>(QStringLiteral("closeQuestion"));
      QVERIFY(box && box->isVisible());
      box->button(button)->click();
      QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    };
    answer(QMessageBox::Cancel);
    QVERIFY(window.isVisible());
    answer(QMessageBox::Save);
    QVERIFY(!window.isVisible());
    QVERIFY(!window.isWindowModified());
    QVERIFY(openDocument(path).arms.shown().edits == Edits{parse_disruption("site=k,pick=lambda:3")});
    window.show();
    setEdits(window.session(), {parse_disruption("site=k,pick=lambda:4")});
    answer(QMessageBox::Discard);
    QVERIFY(!window.isVisible());
    QVERIFY(openDocument(path).arms.shown().edits == Edits{parse_disruption("site=k,pick=lambda:3")});
  }

  /// A document comes back as it was set, not as some window says it is.
  void documentIsRestored() {
    Document saved = small();
    saved.model = QString::fromStdString(smallModel().string());
    saved.prompts.push_back({PromptKind::Free, QStringLiteral("third"), QString(), true});
    saved.selected_prompt = 2;
    saved.arms.list = {
        {QStringLiteral("K"), {parse_disruption("site=k,pick=lambda:2")}},
        {QString(), {parse_disruption("site=q,pick=largest:2"), parse_edit("off lambda 5 on K")}}};
    saved.arms.chosen = 1;
    saved.arms.on = true;
    saved.selection = {Site::Key, 1, 1, 5, 2};
    saved.look.picture = Picture::PositionsDims;
    saved.look.shown = Shown::Disrupted;
    saved.look.lambda = 4.5;
    const QString path = folder_.filePath(QStringLiteral("whole.qkscope"));
    saveDocument(saved, path);
    MainWindow window;
    window.session().setMaxNewTokens(4);
    window.show();
    window.openPath(path, true);
    // The card of the model that it names comes first.
    QTRY_VERIFY(window.findChild<QDialog*>(QStringLiteral("modelDialog")));
    QVERIFY(!window.session().model() && !window.session().isLoading());
    window.findChild<QDialog*>(QStringLiteral("modelDialog"))
        ->findChild<QAbstractButton*>(QStringLiteral("loadButton"))
        ->click();
    QVERIFY(finish(window.session()));
    QVERIFY2(window.findChild<MessageBar*>()->text().isEmpty(),
             qPrintable(window.findChild<MessageBar*>()->text()));
    QTRY_COMPARE(window.state().look().shown, Shown::Disrupted);
    QVERIFY(window.document() == saved);
    QCOMPARE(window.session().selectedPrompt(), 2);
    QCOMPARE(static_cast<std::size_t>(window.session().data().pieces.size()),
             window.session().data().comparison->request.prompt.size());
    QVERIFY(!window.isWindowModified());
  }

  void sessionsHaveTheirOwnPlaces() {
    auto one = std::make_unique<SessionFile>(sessionFolder());
    SessionFile two(sessionFolder());
    QVERIFY(!one->kept() && !two.kept());
    Document document = small();
    document.prompts[0].text = QStringLiteral("first");
    one->keep([&] { return SessionFile::Kept{document, QStringLiteral("/a/b.qkscope")}; });
    one->write();
    QVERIFY(!two.kept());
    one.reset();
    SessionFile next(sessionFolder());
    QVERIFY(next.kept());
    QVERIFY(next.kept()->document == document);
    QCOMPARE(next.kept()->path, QStringLiteral("/a/b.qkscope"));
  }

  void unwritableSessionIsSaidOnce() {
    SessionFile file(writeFile(QStringLiteral("no folder"), "x"));
    QSignalSpy failed(&file, &SessionFile::failed);
    file.keep([] { return SessionFile::Kept{small(), QString()}; });
    file.write();
    file.write();
    QCOMPARE(failed.count(), 1);
  }

  /// Killed at any moment of any work, and what was kept is a whole document, at most a second old; whatever
  /// else was being written is whole, or is not there.
  void keptIsWholeWheneverItIsKilled() {
    constexpr int second = 1000 / kTickMs;
    bool is_told = false;
    const int told_kills = qEnvironmentVariableIntValue("QKSCOPE_KILLS", &is_told);
    const int kills = is_told ? told_kills : 12;
    const QString folder = folder_.filePath(QStringLiteral("killed"));
    const Written written(folder);
    QRandomGenerator random(7);
    int kept_last = 0;
    for (int i = 0; i < kills; ++i) {
      QProcess child;
      child.start(QCoreApplication::applicationFilePath(),
                  {QStringLiteral("--edit"), folder, QString::fromStdString(smallModel().string())});
      QVERIFY(child.waitForStarted());
      // From the first change on, for up to one and a half seconds.
      QVERIFY(child.waitForReadyRead(60000));
      QTest::qWait(random.bounded(1500));
      ::kill(static_cast<pid_t>(child.processId()), SIGKILL);
      QVERIFY(child.waitForFinished());
      const QList<QByteArray> told = child.readAllStandardOutput().trimmed().split('\n');
      // The last line may be cut off.
      const int last = told.size() > 1 ? told[told.size() - 2].toInt() : 0;
      if (QFile::exists(written.document))
        QCOMPARE(openDocument(written.document).prompts.size(), std::size_t(2));
      if (QFile::exists(written.runs))
        QCOMPARE(read_recorded(written.runs.toStdString()).recording->prompts.size(), std::size_t(2));
      if (QFile::exists(written.figure)) QVERIFY(!QImage(written.figure).isNull());
      if (QFile::exists(written.numbers))
        QVERIFY(!read_safetensors(written.numbers.toStdString()).arrays.empty());
      SessionFile next(folder);
      const std::optional<SessionFile::Kept> kept = next.kept();
      if (!kept) {
        QVERIFY2(last < second, qPrintable(QString::number(last)));
        continue;
      }
      QCOMPARE(kept->path, written.document);
      QCOMPARE(kept->document.prompts.size(), std::size_t(2));
      const int tick = kept->document.prompts[1].text.section(u' ', 1, 1).toInt();
      QVERIFY(kept->document.prompts[1].text == editedText(tick));
      QVERIFY2(tick >= last - second, qPrintable(QStringLiteral("%1 of %2").arg(tick).arg(last)));
      kept_last = std::max(kept_last, tick);
    }
    QVERIFY(kept_last > second);  // it goes on from where the one before was killed
    for (const QString& file : {written.document, written.runs, written.figure, written.numbers})
      QVERIFY2(QFile::exists(file), qPrintable(file));
  }

  /// The program itself, ended without a word: the next one starts where it was.
  void killedProgramLosesNothing() {
    const QProcessEnvironment environment = ownEnvironment();
    const QString kept = folder_.filePath(QStringLiteral("XDG_DATA_HOME/qkscope/qkscope/session-1.json"));
    const auto start = [&](QProcess& program, const QStringList& arguments) {
      program.setProcessEnvironment(environment);
      program.start(test::program("qkscope"), arguments);
      QVERIFY(program.waitForStarted());
    };
    Document document = small();
    document.model = QString::fromStdString(smallModel().string());
    document.prompts[1].text = QStringLiteral("What I have typed");
    const QString path = folder_.filePath(QStringLiteral("mine.qkscope"));
    saveDocument(document, path);
    const auto has = [&](const QByteArray& words) {
      QFile file(kept);
      return file.open(QIODevice::ReadOnly) && file.readAll().contains(words);
    };
    {
      QProcess program;
      start(program, {path});
      QTRY_VERIFY_WITH_TIMEOUT(has("What I have typed"), 60000);
      ::kill(static_cast<pid_t>(program.processId()), SIGKILL);
      QVERIFY(program.waitForFinished());
      QCOMPARE(program.exitStatus(), QProcess::CrashExit);
    }
    QVERIFY(has("What I have typed"));
    QProcess next;
    start(next, {QStringLiteral("--lambda"), QStringLiteral("3.5")});
    QTRY_VERIFY_WITH_TIMEOUT(has("3.5"), 60000);
    QVERIFY(has("What I have typed"));
    QVERIFY(has("mine.qkscope"));
    next.kill();
    QVERIFY(next.waitForFinished());
  }

  /// The panels that a document names stand in its screenshot, as those of a lesson.
  void screenshotOfALesson() {
    Document document = small();
    document.model = QString::fromStdString(smallModel().string());
    const auto shot = [&](const char* name, const QJsonArray& panels) {
      QJsonObject root = QJsonDocument::fromJson(toJson(document)).object();
      root[QStringLiteral("panels")] = panels;
      const QString path = writeFile(QLatin1String(name) + QStringLiteral(".qkscope"),
                                     QJsonDocument(root).toJson()),
                    picture = folder_.filePath(QLatin1String(name) + QStringLiteral(".png"));
      QProcess program;
      program.setProcessEnvironment(ownEnvironment());
      program.start(test::program("qkscope"), {path, QStringLiteral("--theme"), QStringLiteral("light"),
                                               QStringLiteral("--screenshot"), picture});
      if (!program.waitForFinished(60000) || program.exitCode() != 0)
        qWarning("%s", program.readAllStandardError().constData());
      return QImage(picture);
    };
    const QImage plain = shot("plain", {}), again = shot("again", {}),
                 lesson = shot("lesson", {QStringLiteral("magnitudes"), QStringLiteral("residual")});
    const auto differs = [&](const QImage& other) {  // in so many of 1000 pixels
      qint64 count = 0;
      for (int y = 0; y < plain.height(); ++y) {
        for (int x = 0; x < plain.width(); ++x) count += plain.pixel(x, y) != other.pixel(x, y);
      }
      return 1000 * count / (plain.width() * plain.height());
    };
    QVERIFY(!plain.isNull() && plain.size() == lesson.size());
    QVERIFY2(differs(again) < 20, qPrintable(QString::number(differs(again))));
    QVERIFY2(differs(lesson) > 50, qPrintable(QString::number(differs(lesson))));
  }

 private:
  /// What the program is started in, away from the user's settings and files.
  QProcessEnvironment ownEnvironment() const {
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("QT_QPA_PLATFORM"), QStringLiteral("offscreen"));
    for (const char* name : {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"})
      environment.insert(QString::fromLatin1(name), folder_.filePath(QString::fromLatin1(name)));
    return environment;
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  if (argc == 4 && qstrcmp(argv[1], "--edit") == 0)
    return qkscope::test::editForever(QString::fromLocal8Bit(argv[2]), QString::fromLocal8Bit(argv[3]));
  qkscope::test::TestWindowDocuments test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_window_documents.moc"

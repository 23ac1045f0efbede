// Documents with recorded runs in the window: what they show without the model is what the model showed.
#include <QDialog>
#include <QElapsedTimer>
#include <QLabel>
#include <QPlainTextEdit>
#include <QThread>

#include "app/effect_runner.h"
#include "app/message_bar.h"
#include "app/recording_saver.h"
#include "app/theme.h"
#include "tests/app/view_pictures.h"
#include "tests/support/file_bytes.h"
#include "views/prompt_editor.h"

namespace qkscope::test {

class TestRecorded : public WindowTestCase {
  Q_OBJECT

  static QString s(const char* text) { return QString::fromUtf8(text); }
  QString path(const char* name = "talk.qkscope") const { return folder_.filePath(s(name)); }
  static QString message(const MainWindow& window) { return window.findChild<MessageBar*>()->text(); }
  static void trigger(MainWindow& window, const char* command) {
    window.findChild<QAction*>(s(command))->trigger();
  }

  /// Two arms, of which the second leaves the first layer as it is.
  Document twoArms() const {
    Document document = WindowTestCase::document();
    document.arms.list.push_back({s("second"), {parse_disruption("site=k,pick=largest:1,layers=2")}});
    return document;
  }
  /// Writes the window's document with its runs.
  void record(MainWindow& window, const QString& path) const {
    RecordingSaver saver(window.session());
    QSignalSpy saved(&saver, &RecordingSaver::saved), failed(&saver, &RecordingSaver::failed);
    saver.start(window.document(), path);
    QVERIFY(saver.isRunning());
    QTRY_COMPARE_WITH_TIMEOUT(saved.count() + failed.count(), 1, 30000);
    QVERIFY2(failed.isEmpty(), failed.isEmpty() ? "" : qPrintable(failed[0][0].toString()));
    QVERIFY(!saver.isRunning());
  }
  static bool shows(MainWindow& window) {
    const bool shown =
        QTest::qWaitFor([&] { return window.session().recording() && !window.session().isBusy(); }, 10000);
    settle();
    return shown;
  }
  /// Its views, without the frame of what has the focus, which one window alone can have.
  static Pictures inFront(MainWindow& window) {
    window.activateWindow();
    settle();
    if (QWidget* focus = window.focusWidget()) focus->clearFocus();
    QTest::qWait(200);  // the verdict waits for a slider to rest
    settle();
    return viewPictures(window);
  }
  /// Lines are smoothed: a number that another pass over the same prompt gives in its last digit differently
  /// may be another shade of a few pixels along them, which nobody sees. Where the smallest of all numbers is
  /// the end of a log scale, all cells may be another shade, and the scale says another digit.
  static bool areAlike(const QImage& a, const QImage& b, bool down_to_the_smallest) {
    if (a.size() != b.size()) return false;
    int different = 0, far = 0;
    for (int y = 0; y < a.height(); ++y) {
      for (int x = 0; x < a.width(); ++x) {
        const QColor one = a.pixelColor(x, y), other = b.pixelColor(x, y);
        const int most = std::max({std::abs(one.red() - other.red()), std::abs(one.green() - other.green()),
                                   std::abs(one.blue() - other.blue())});
        different += most > 0;
        far += most > 4;
      }
    }
    constexpr int digits = 200;  // pixels of a few figures
    constexpr int shades = 60;
    return down_to_the_smallest ? far <= digits : far == 0 && different <= shades;
  }
  std::unique_ptr<MainWindow> open(const QString& path) const {
    auto window = std::make_unique<MainWindow>();
    window->session().setMaxNewTokens(6);
    window->resize(1280, 800);
    window->show();
    window->openPath(path, true);
    return shows(*window) ? std::move(window) : nullptr;
  }

 private Q_SLOTS:
  /// Every view and picture of both arms.
  void everyViewShowsTheSame() {
    const Document document = twoArms();
    auto live = makeWindow(document);
    QVERIFY(live);
    record(*live, path());
    auto recorded = open(path());
    QVERIFY(recorded);
    QVERIFY2(message(*recorded).contains(s("need the model")), qPrintable(message(*recorded)));
    QVERIFY(!recorded->session().model());
    QVERIFY(recorded->document() == live->document());
    QCOMPARE(recorded->documentPath(), path());
    QVERIFY(!recorded->isWindowModified());
    // The bar over the pictures has the same height.
    recorded->showError(message(*live));
    for (const int arm : {0, 1}) {
      for (const Shown shown : {Shown::Disrupted, Shown::Difference, Shown::Baseline}) {
        for (MainWindow* window : {live.get(), recorded.get()}) {
          Arms arms = window->session().arms();
          arms.chosen = arm;
          window->session().setArms(arms);
          Look look = document.look;
          look.shown = shown;
          window->state().setLook(look);
          window->state().setSelection({Site::Query, 1, 2, 4, 3});
          QVERIFY(finish(window->session()));
        }
        QVERIFY(live->session().data().state == DataState::Current);
        QVERIFY(recorded->session().data().state == DataState::Current);
        Pictures seen = inFront(*recorded);
        const Pictures wanted = inFront(*live);
        for (auto& [name, image] : seen) {
          if (areAlike(image, wanted.at(name), name == s("channels"))) image = wanted.at(name);
        }
        // Its button of undo says what was done in the window.
        seen[s("disruption")] = wanted.at(s("disruption"));
        comparePictures(seen, wanted,
                        QStringLiteral("arm %1, shown %2").arg(arm).arg(static_cast<int>(shown)));
        if (QTest::currentTestFailed()) return;
      }
    }
  }

  /// What was not recorded says what it needs, and what was is still there.
  void whatIsNewNeedsTheModel() {
    auto live = makeWindow(twoArms());
    QVERIFY(live);
    record(*live, path());
    auto window = open(path());
    QVERIFY(window);
    Session& session = window->session();
    QVERIFY(live->session().plainQuestion() && !session.plainQuestion());
    setEdits(session, {parse_disruption("site=q,pick=largest:3,replace=zero")});
    QVERIFY(finish(session));
    const PromptResult& result = session.results().front();
    QCOMPARE(result.arms[0].status.state, ArmState::Failed);
    QVERIFY2(result.arms[0].problem.contains(s("new edits need the model")),
             qPrintable(result.arms[0].problem));
    QCOMPARE(result.baseline.status.state, ArmState::Done);
    QVERIFY(!result.baseline.run->answer.isEmpty());
    QCOMPARE(result.arms[1].status.state, ArmState::Done);
    trigger(*window, "undo");
    QVERIFY(finish(session));
    QCOMPARE(session.results().front().arms[0].status.state, ArmState::Done);

    std::vector<Prompt> prompts = session.prompts();
    prompts[0].text += s(" more");
    session.setPrompts(prompts, 0);
    QVERIFY(finish(session));
    const PromptResult& asked = session.results().front();
    QVERIFY2(asked.baseline.problem.contains(s("this prompt is not among them")),
             qPrintable(asked.baseline.problem));
    QCOMPARE(session.results()[1].baseline.status.state, ArmState::Done);
    // The editor counts the tokens of those that were.
    session.setPrompts(live->session().prompts(), 0);
    QVERIFY(finish(session));
    trigger(*window, "editPrompt");
    auto* editor = window->findChild<PromptEditor*>();
    QVERIFY(editor);
    auto* size = editor->findChild<QLabel*>(s("promptSize"));
    QVERIFY(size);
    QVERIFY2(size->text().contains(s("11 tokens")), qPrintable(size->text()));
    editor->findChild<QPlainTextEdit*>()->setPlainText(s("another"));
    QVERIFY2(size->text().contains(s("needs the model")), qPrintable(size->text()));
    editor->reject();

    // With the model, all of it is answered.
    window->loadModel(window->document().model, onOneThread());
    QVERIFY(finish(session));
    QVERIFY(session.model() && !session.recording());
    setEdits(session, {parse_disruption("site=q,pick=largest:3,replace=zero")});
    QVERIFY(finish(session));
    QCOMPARE(session.results().front().arms[0].status.state, ArmState::Done);
    QVERIFY(session.data().recorded.isEmpty());
  }

  /// Saved again it keeps its runs, also after a change; another name, too.
  void savedAgainItKeepsItsRuns() {
    auto live = makeWindow(twoArms());
    QVERIFY(live);
    record(*live, path());
    {
      auto window = open(path());
      QVERIFY(window);
      Arms arms = window->session().arms();
      arms.list[0].name = s("first");
      window->session().setArms(arms);
      QVERIFY(window->isWindowModified());
      trigger(*window, "save");
      QTRY_VERIFY_WITH_TIMEOUT(!window->isWindowModified(), 10000);
    }
    auto window = open(path());
    QVERIFY(window);
    trigger(*window, "modelCard");
    auto* card = window->findChild<QDialog*>(s("modelDialog"));
    QVERIFY(card && card->findChild<QLabel*>(s("modelVerdict"))->text().contains(s("recorded runs")));
    card->reject();
    QCOMPARE(window->session().arms().list[0].name, s("first"));
    QCOMPARE(window->session().recording()->prompts.size(), std::size_t(2));
    QCOMPARE(window->session().results().front().baseline.run->answer,
             live->session().results().front().baseline.run->answer);
    // Nothing to record, nothing written.
    MainWindow empty;
    RecordingSaver saver(empty.session());
    QSignalSpy failed(&saver, &RecordingSaver::failed);
    saver.start(twoArms(), path("none.qkscope"));
    QCOMPARE(failed.count(), 1);
    QVERIFY(failed[0][0].toString().contains(s("Ctrl+O")));
    QVERIFY(!QFile::exists(path("none.qkscope")));
  }

  /// What is told of the runs when another model comes, at whatever moment, is so.
  void anotherModelIsToldTruly() {
    auto window = makeWindow(twoArms());
    QVERIFY(window);
    Session& session = window->session();
    const ModelId mine = session.store().shown();
    const TinyModel other("llama-bias");
    session.load(other.folder(), onOneThread());
    QVERIFY(finish(session));
    const ModelId another = session.store().shown();
    RecordingSaver saver(session);
    QSignalSpy saved(&saver, &RecordingSaver::saved), failed(&saver, &RecordingSaver::failed);
    QElapsedTimer whole;
    double longest = 0;
    for (int i = -1; i < 30; ++i) {
      QFile::remove(path("truly.qkscope"));
      session.showModel(mine);
      QVERIFY(finish(session));
      saved.clear();
      failed.clear();
      whole.start();
      saver.start(window->document(), path("truly.qkscope"));
      QVERIFY(saver.isRunning() && !session.background().isEmpty());
      if (i >= 0) {
        // Some moments lie where it is being written.
        QThread::usleep(static_cast<unsigned long>(1e3 * longest * 0.035 * i));
        session.showModel(another);
      }
      QTRY_COMPARE_WITH_TIMEOUT(failed.count() + saved.count(), 1, 30000);
      if (i < 0) longest = static_cast<double>(whole.elapsed());
      QVERIFY(!saver.isRunning());
      QVERIFY(finish(session));
      QCOMPARE(failed.count() + saved.count(), 1);
      QCOMPARE(QFile::exists(path("truly.qkscope")), saved.count() == 1);
    }
  }

  /// One thing at a time is done in the background, and another one says what it is.
  void whatIsUnderWayIsSaid() {
    auto window = makeWindow(twoArms());
    QVERIFY(window);
    RecordingSaver saver(window->session());
    EffectRunner effects(window->session());
    QSignalSpy failed(&effects, &EffectRunner::failed), not_saved(&saver, &RecordingSaver::failed);
    saver.start(window->document(), path("way.qkscope"));
    effects.start({parse_disruption("lambda 5 on Q"), false, 0, {}});
    QVERIFY(!effects.isRunning() && saver.isRunning());
    QCOMPARE(failed.count(), 1);
    QVERIFY(failed[0][0].toString().startsWith(s("A recording of runs")));
    saver.stop();
    effects.start({parse_disruption("lambda 5 on Q"), false, 0, {}});
    saver.start(window->document(), path("way.qkscope"));
    QVERIFY(effects.isRunning() && !saver.isRunning());
    QVERIFY(not_saved[0][0].toString().startsWith(s("An effect map")));
    effects.stop();
    QVERIFY(window->session().background().isEmpty());
  }

  /// A window may be closed while its runs are written.
  void closedWhileItRecords() {
    auto live = makeWindow(twoArms());
    QVERIFY(live);
    record(*live, path());
    for (const int ms : {0, 1, 10}) {
      auto window = open(path());
      QVERIFY(window);
      window->loadModel(window->document().model, onOneThread());
      QVERIFY(finish(window->session()));
      trigger(*window, "save");
      QVERIFY(window->findChild<RecordingSaver*>()->isRunning());
      QTest::qWait(ms);
      window.reset();
      QVERIFY(open(path()));  // as it was, or whole
    }
  }

  /// Stopped, or under a new model, it writes nothing; what is asked meanwhile comes first.
  void stoppedItWritesNothing() {
    auto window = makeWindow(twoArms());
    QVERIFY(window);
    RecordingSaver saver(window->session());
    QSignalSpy saved(&saver, &RecordingSaver::saved), failed(&saver, &RecordingSaver::failed);
    saver.start(window->document(), path("stopped.qkscope"));
    saver.stop();
    saver.start(window->document(), path("stopped.qkscope"));
    const TinyModel other("llama-bias");
    window->loadModel(QString::fromStdString(other.folder().string()), onOneThread());
    QTRY_COMPARE_WITH_TIMEOUT(failed.count() + saved.count(), 1, 30000);
    QVERIFY(finish(window->session()));
    // Asked while it runs.
    saver.start(window->document(), path("asked.qkscope"));
    setEdits(window->session(), {parse_disruption("site=q,pick=largest:1")});
    QTRY_COMPARE_WITH_TIMEOUT(QFile::exists(path("asked.qkscope")), true, 30000);
    QVERIFY(finish(window->session()));
    QCOMPARE(window->session().results().front().arms[0].status.state, ArmState::Done);
  }

  /// A file that is none leaves what is there, with a sentence.
  void brokenFiles() {
    auto live = makeWindow(twoArms());
    QVERIFY(live);
    record(*live, path());
    auto window = open(path());
    QVERIFY(window);
    const auto before = window->session().recording();
    const std::string bytes = read_file(path().toStdString());
    write_file(path("cut.qkscope").toStdString(), bytes.substr(0, bytes.size() / 2));
    window->openPath(path("cut.qkscope"), true);
    QTRY_VERIFY_WITH_TIMEOUT(message(*window).contains(s("cut.qkscope")), 10000);
    QVERIFY2(message(*window).contains(s("truncated")), qPrintable(message(*window)));
    QVERIFY(window->session().recording() == before);
    QCOMPARE(window->documentPath(), path());
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestRecorded test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_recorded.moc"

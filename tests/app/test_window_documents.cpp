#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QDialog>
#include <QMessageBox>
#include <QProcess>
#include <csignal>

#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/theme.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

/// What a person has made is not lost: undo, the mark of a modified document, the question at the end, and
/// the session on disk.
class TestWindowDocuments : public AppTestCase {
  Q_OBJECT

  static QStringList texts(MainWindow& window) {
    QStringList texts;
    for (const Prompt& prompt : window.session().prompts()) texts << prompt.text;
    return texts;
  }
  static QAction* action(MainWindow& window, const char* id) {
    return window.findChild<QAction*>(QString::fromLatin1(id));
  }
  static Document small() {
    Document document = defaultDocument();
    document.prompts = smallPrompts();
    return document;
  }
  QString sessionFolder() const { return folder_.filePath(QStringLiteral("sessions")); }

 private Q_SLOTS:
  void newDocumentIsUndone() {
    MainWindow window;
    window.setDocument(small());
    const QStringList mine = texts(window);
    window.session().stack().push(parse_disruption("site=k,pick=lambda:3"));
    action(window, "newDocument")->trigger();
    QVERIFY(texts(window) != mine);
    QVERIFY(action(window, "undo")->isEnabled());
    action(window, "undo")->trigger();
    QCOMPARE(texts(window), mine);
    QCOMPARE(window.session().stack().current(), parse_disruption("site=k,pick=lambda:3"));
    action(window, "undo")->trigger();
    QCOMPARE(window.session().stack().current(), parse_disruption("lambda 5 on Q"));
    QVERIFY(!action(window, "undo")->isEnabled());
    action(window, "redo")->trigger();
    QCOMPARE(texts(window), mine);
    QCOMPARE(window.session().stack().current(), parse_disruption("site=k,pick=lambda:3"));
    action(window, "redo")->trigger();
    QCOMPARE(texts(window).size(), 2);
    QVERIFY(texts(window) != mine);
    QVERIFY(!action(window, "redo")->isEnabled());
  }

  /// Steps of prompts and of disruptions are taken back in the order in which they were taken.
  void undoKeepsTheOrder() {
    MainWindow window;
    window.setDocument(small());
    auto* prompts = window.findChild<View*>(QStringLiteral("prompts"));
    const auto edit = [&](std::vector<Prompt> next) {
      QMetaObject::invokeMethod(prompts, "promptsEdited", Qt::DirectConnection,
                                Q_ARG(std::vector<qkscope::Prompt>, next), Q_ARG(int, 0));
    };
    DisruptionStack& stack = window.session().stack();
    const auto push = [&](const char* text) { stack.push(parse_disruption(text)); };
    const auto now = [&]() -> QString {
      return texts(window).join(u',') + u'|' + QString::fromStdString(to_option(stack.current()));
    };
    QStringList states{now()};
    push("site=k,pick=lambda:3");
    states << now();
    edit({window.session().prompts()[1]});
    states << now();
    edit({});
    states << now();
    push("site=v,pick=lambda:7");
    states << now();
    edit({smallPrompts()[0]});
    states << now();
    for (qsizetype i = states.size() - 1; i-- > 0;) {
      action(window, "undo")->trigger();
      QCOMPARE(now(), states[i]);
    }
    for (qsizetype i = 1; i < states.size(); ++i) {
      action(window, "redo")->trigger();
      QCOMPARE(now(), states[i]);
    }
    action(window, "undo")->trigger();
    push("site=q,pick=lambda:2");  // what was undone is gone
    QVERIFY(!action(window, "redo")->isEnabled());
  }

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
    window.session().stack().push(parse_disruption("site=k,pick=lambda:3"));
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
    QVERIFY(openDocument(path).disruptions.back() == parse_disruption("site=k,pick=lambda:3"));
    window.show();
    window.session().stack().push(parse_disruption("site=k,pick=lambda:4"));
    answer(QMessageBox::Discard);
    QVERIFY(!window.isVisible());
    QVERIFY(openDocument(path).disruptions.back() == parse_disruption("site=k,pick=lambda:3"));
  }

  /// A document comes back as it was set, not as some window says it is.
  void documentIsRestored() {
    Document saved = small();
    saved.model = QString::fromStdString(smallModel().string());
    saved.prompts.push_back({PromptKind::Free, QStringLiteral("third"), QString(), true});
    saved.selected_prompt = 2;
    saved.disruptions = {parse_disruption("site=k,pick=lambda:2"), parse_disruption("site=q,pick=largest:2")};
    saved.disruption_position = 1;
    saved.disrupted = true;
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

  /// The program itself, ended without a word: the next one starts where it was.
  void killedProgramLosesNothing() {
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("QT_QPA_PLATFORM"), QStringLiteral("offscreen"));
    for (const char* name : {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"})
      environment.insert(QString::fromLatin1(name), folder_.filePath(QString::fromLatin1(name)));
    const QString kept = folder_.filePath(QStringLiteral("XDG_DATA_HOME/qkscope/qkscope/session-1.json"));
    const auto start = [&](QProcess& program, const QStringList& arguments) {
      program.setProcessEnvironment(environment);
      program.start(QStringLiteral(QKSCOPE_PROGRAM), arguments);
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
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestWindowDocuments test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_window_documents.moc"

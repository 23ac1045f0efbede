#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDialog>
#include <QDockWidget>
#include <QLabel>
#include <QMenu>
#include <QPlainTextEdit>
#include <QUrl>

#include "app/theme.h"
#include "tests/app/loaded_window_test.h"
#include "views/prompt_card.h"

namespace qkscope::test {

class TestMainWindow : public LoadedWindowTestCase {
  Q_OBJECT

 private Q_SLOTS:
  void everyViewHasItsPlace() {
    MainWindow window;
    for (const ViewEntry& entry : viewRegistry()) {
      View* view = window.findChild<View*>(entry.id);
      QVERIFY2(view, qPrintable(entry.id));
      if (entry.place != Place::Centre) QVERIFY(qobject_cast<QDockWidget*>(view->parentWidget()));
    }
    for (const char* id : {"picture", "overview", "massive", "prompts", "disruption"}) {
      QVERIFY2(window.findChild<View*>(QString::fromLatin1(id)), id);
    }
  }

  void takesADocumentBeforeItIsShown() {
    MainWindow window;
    Document document = window.document();
    document.selection = {Site::Key, 4, 1, 7, 3};
    window.setDocument(document);
    QCOMPARE(window.state().selection(), document.selection);
  }

  void keyDDisrupts() {
    Ready ready;
    QVERIFY(ready.there);
    MainWindow& window = ready.window;
    auto* button = window.findChild<QAbstractButton*>(QStringLiteral("disruptButton"));
    QVERIFY(button && !button->isChecked());
    window.activateWindow();
    QTest::keyClick(&window, Qt::Key_D);
    QVERIFY(window.session().arms().on);
    QVERIFY(button->isChecked());
    QVERIFY(finish(window.session()));
    QTRY_COMPARE(window.state().look().shown, Shown::Disrupted);
    QVERIFY(window.findChild<View*>(QStringLiteral("picture"))->data().comparison->disrupted);
    const auto cards = window.findChildren<PromptCard*>();
    QCOMPARE(cards.size(), 2);
    for (const PromptCard* card : cards) {
      QVERIFY(!card->findChild<QLabel*>(QStringLiteral("disruptedAnswer"))->text().isEmpty());
    }
    QTest::keyClick(&window, Qt::Key_D);
    QVERIFY(!window.session().arms().on);
    QCOMPARE(window.state().look().shown, Shown::Baseline);
    QTest::mouseClick(button, Qt::LeftButton);
    QVERIFY(window.session().arms().on);
    QVERIFY(finish(window.session()));
  }

  void longWordsDoNotWidenTheWindow() {
    applyTheme(Theme::Light, 1.0);
    MainWindow window;
    window.resize(1280, 800);
    window.show();
    const int width = window.minimumSizeHint().width();
    setEdits(window.session(), {parse_disruption("same number of smallest on Q")});
    QCoreApplication::processEvents();
    QVERIFY2(window.minimumSizeHint().width() <= std::max(width, 1280),
             qPrintable(QString::number(window.minimumSizeHint().width())));
    QCOMPARE(window.width(), 1280);
  }

  void pickingDisruptedTurnsItOn() {
    Ready ready;
    QVERIFY(ready.there);
    ready.window.findChild<QAction*>(QStringLiteral("shown_difference"))->trigger();
    QVERIFY(ready.window.session().arms().on);
    QVERIFY(finish(ready.window.session()));
    QTRY_COMPARE(ready.window.state().look().shown, Shown::Difference);
  }

  void keysMoveThroughLayersHeadsSites() {
    Ready ready;
    QVERIFY(ready.there);
    ViewState& state = ready.window.state();
    state.setSelection({Site::Query, 0, 2, 1, -1});
    ready.window.activateWindow();
    QTest::keyClick(&ready.window, Qt::Key_PageDown);
    QCOMPARE(state.selection().layer, 1);
    for (int i = 0; i < 9; ++i) QTest::keyClick(&ready.window, Qt::Key_PageDown);
    QCOMPARE(state.selection().layer, 1);  // the last of two
    QTest::keyClick(&ready.window, Qt::Key_BracketRight);
    QCOMPARE(state.selection().head, 3);
    QTest::keyClick(&ready.window, Qt::Key_K);
    QCOMPARE(state.selection().site, Site::Key);
    QCOMPARE(state.selection().head, 1);  // the KV head that serves query head 3
    QTest::keyClick(&ready.window, Qt::Key_2);
    QCOMPARE(state.look().picture, Picture::PositionsDims);
    QTest::keyClick(&ready.window, Qt::Key_R);
    QVERIFY(!state.look().after_rope);
    QVERIFY(finish(ready.window.session()));
    QVERIFY(ready.window.session().data().comparison->baseline->capture.value(1, Site::KeyPreRope));
  }

  void badDropsAreOneSentence_data() {
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("words");
    const auto row = [this](const char* name, const QByteArray& bytes, const QString& words) {
      QTest::newRow(name) << writeFile(QString::fromLatin1(name), bytes) << words;
    };
    row("note.txt", "hello", QStringLiteral("neither a model nor a document"));
    row("picture.png", "\x89PNG", QStringLiteral("neither a model nor a document"));
    row("empty.gguf", {}, QStringLiteral("empty"));
    row("text.gguf", "no model at all", QStringLiteral("text.gguf"));
    row("cut.gguf", QByteArray("GGUF\3\0\0\0", 8), QStringLiteral("cut.gguf"));
    row("huge.gguf", QByteArray("GGUF\3\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f\1\0\0\0\0\0\0\0", 24),
        QStringLiteral("huge.gguf"));
    row("bad.qkscope", "{]", QStringLiteral("bad.qkscope"));
    row("wrong.qkscope", R"({"format": "qkscope-document", "version": 1, "model": 7})",
        QStringLiteral("model"));
    QDir(folder_.path()).mkdir(QStringLiteral("alone"));
    QDir(folder_.path()).mkdir(QStringLiteral("nothing"));
    row("alone/lonely.safetensors", "not a header", QStringLiteral("alone"));
    QTest::newRow("empty folder") << folder_.filePath(QStringLiteral("nothing")) << QStringLiteral("nothing");
    QTest::newRow("gone") << folder_.filePath(QStringLiteral("gone.gguf"))
                          << QStringLiteral("There is no file");
  }
  void badDropsAreOneSentence() {
    QFETCH(QString, path);
    QFETCH(QString, words);
    MainWindow window;
    window.show();
    drop(window, {QUrl::fromLocalFile(path)});
    QVERIFY(finish(window.session()));
    const QString said = message(window);
    QVERIFY(!words.isEmpty());
    QVERIFY2(said.contains(words), qPrintable(said));
    QVERIFY2(!said.contains(u'\n'), qPrintable(said));
    // One sentence: it ends once, where it ends.
    QCOMPARE(said.count(QStringLiteral(". ")), 0);
    QVERIFY2(!said.contains(QStringLiteral("frame #")), qPrintable(said));
    QVERIFY(!window.session().model());
  }

  void severalOrRemoteDrops() {
    MainWindow window;
    drop(window, {QUrl(QStringLiteral("file:///a")), QUrl(QStringLiteral("file:///b"))});
    QVERIFY(message(window).contains(QStringLiteral("one model")));
    drop(window, {QUrl(QStringLiteral("https://example.org/model.gguf"))});
    QVERIFY(message(window).contains(QStringLiteral("example.org")));
  }

  void panelSettingsReachTheStack() {
    Ready ready;
    QVERIFY(ready.there);
    ready.window.findChild<QAction*>(QStringLiteral("disruptionSettings"))->trigger();
    auto* panel = ready.window.findChild<View*>(QStringLiteral("disruption"));
    auto* key = panel->findChild<QAbstractButton*>(QStringLiteral("disruptKey"));
    key->click();
    QVERIFY(firstEdit(ready.window.session()).disruption()->key);
    QVERIFY(!ready.window.session().arms().on);  // a setting alone does not disrupt
    auto* preset = panel->findChild<QComboBox*>(QStringLiteral("disruptionPreset"));
    for (int i = 0; i < static_cast<int>(presets().size()); ++i) {
      preset->setCurrentIndex(i);
      Q_EMIT preset->activated(i);
      QVERIFY(firstEdit(ready.window.session()) == presets()[static_cast<std::size_t>(i)].disruption);
      QCOMPARE(preset->currentIndex(), i);
    }
    ready.window.findChild<QAction*>(QStringLiteral("undo"))->trigger();
    QVERIFY(ready.window.findChild<QAction*>(QStringLiteral("redo"))->isEnabled());
  }

  /// What is pointed at is disrupted at once, exactly it, and undone in one step.
  void pointingDisrupts() {
    Ready ready;
    QVERIFY(ready.there);
    MainWindow& window = ready.window;
    Session& session = window.session();
    window.state().setSelection({Site::Key, 1, 1, 3, -1});
    window.activateWindow();
    QTest::keyClick(&window, Qt::Key_X);
    QVERIFY((firstEdit(session).disruption()->entries == std::vector<ColumnEntry>{{Site::Key, 1, 1, 3}}));
    QVERIFY(session.arms().on);
    QVERIFY(finish(session));
    QCOMPARE(session.data().comparison->disrupted->replaced, 1);
    window.state().setSelection({Site::Query, 0, 2, 1, -1});
    QTest::keyClick(&window, Qt::Key_X, Qt::ShiftModifier);
    QCOMPARE(firstEdit(session).disruption()->entries.size(), std::size_t{2});
    QVERIFY(finish(session));
    QCOMPARE(session.data().comparison->disrupted->replaced, 2);
    window.commands().run(QStringLiteral("undo"));
    QCOMPARE(firstEdit(session).disruption()->entries.size(), std::size_t{1});
    // The last that is taken away switches it off.
    window.state().setSelection({Site::Key, 1, 1, 3, -1});
    QTest::keyClick(&window, Qt::Key_X, Qt::ControlModifier | Qt::ShiftModifier);
    QVERIFY(!session.arms().on);
    // The menu of a cell acts on the cell, not on the selection.
    auto* picture = window.findChild<View*>(QStringLiteral("picture"));
    Q_EMIT picture->menuRequested({Site::Value, 0, 1, 5, -1}, {10, 10});
    auto* menu = window.findChild<QMenu*>(QStringLiteral("pointingMenu"));
    QVERIFY(menu && menu->isVisible());
    menu->findChildren<QMenu*>().front()->actions().front()->trigger();
    menu->close();
    QVERIFY((firstEdit(session).disruption()->entries == std::vector<ColumnEntry>{{Site::Value, 0, 1, 5}}));
    // A pair of the ruler stands still beside it, in the layer or in all.
    window.state().setSelection({Site::Key, 1, 1, 11, -1});
    const auto last = [&] { return session.arms().shown().edits.back(); };
    window.commands().run(QStringLiteral("stop0_0"));
    QCOMPARE(last(), parse_edit("rotation=off,pairs=3,layers=2"));
    window.commands().run(QStringLiteral("stop2_1"));
    QCOMPARE(last(), parse_edit("rotation=off,pairs=4-7"));
    window.commands().run(QStringLiteral("stop3_1"));
    QCOMPARE(last(), parse_edit("rotation=off"));
    QCOMPARE(session.arms().shown().edits.size(), std::size_t{4});
    QVERIFY(session.arms().on && finish(session));
    QCOMPARE(session.data().comparison->disrupted->first_layer, 0);
  }

  void promptIsEdited() {
    Ready ready;
    QVERIFY(ready.there);
    ready.window.findChild<QAction*>(QStringLiteral("editPrompt"))->trigger();
    auto* text = ready.window.findChild<QPlainTextEdit*>(QStringLiteral("promptText"));
    QVERIFY(text);
    text->setPlainText(QStringLiteral("The dog saw a cat."));
    qobject_cast<QDialog*>(text->window())->accept();
    QCOMPARE(ready.window.session().prompts()[0].text, QStringLiteral("The dog saw a cat."));
    QVERIFY(finish(ready.window.session()));
    QVERIFY(ready.window.session().results()[0].baseline.run->complete);
    QCOMPARE(ready.window.session().results()[0].pieces.join(QString()).remove(u'·').remove(u' '),
             QStringLiteral("Thedogsawacat."));
  }

  /// A sentence of a failed question goes when every question has its answer; Esc takes any away.
  void messagesGo() {
    Ready ready;
    QVERIFY(ready.there);
    MainWindow& window = ready.window;
    Session& session = window.session();
    setEdits(session, {parse_disruption("site=q,pick=largest:2,layers=40")});
    disrupt(session);
    QVERIFY(finish(session));
    QVERIFY2(message(window).contains(QStringLiteral("layer")), qPrintable(message(window)));
    const auto card = window.findChildren<PromptCard*>().front();
    QVERIFY(card->findChild<QLabel*>(QStringLiteral("disruptedAnswer"))->text().contains(message(window)));
    window.findChild<QAction*>(QStringLiteral("undo"))->trigger();
    QVERIFY(finish(session));
    QVERIFY2(message(window).isEmpty(), qPrintable(message(window)));
    window.showError(QStringLiteral("Something went wrong."));
    window.findChild<QAction*>(QStringLiteral("stop"))->trigger();
    QVERIFY(message(window).isEmpty());
  }

  void nothingIsCopiedWithoutAPicture() {
    MainWindow window;
    window.show();
    QApplication::clipboard()->setText(QStringLiteral("mine"));
    for (const char* id : {"copyImage", "copyValues", "copyCommandLine"}) {
      window.findChild<QAction*>(QString::fromLatin1(id))->trigger();
      QVERIFY2(message(window).contains(QStringLiteral("nothing to copy")), id);
      QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("mine"));
    }
  }

  /// "reading weights, 1 of 3 MB"
  void loadingTellsBytes() {
    Session session;
    QStringList stages;
    connect(&session, &Session::progress, &session, [&](const QString& stage) { stages << stage; });
    session.load(smallModel(), onOneThread());
    QVERIFY(finish(session));
    const QRegularExpression words(QStringLiteral("^reading weights, \\d+ of \\d+ MB$"));
    QVERIFY2(std::ranges::any_of(stages, [&](const QString& s) { return words.match(s).hasMatch(); }),
             qPrintable(stages.join(u'|')));
  }

  void everyShortcutIsItsOwn() {
    MainWindow window;
    QHash<QKeySequence, QString> owner;
    for (const QAction* action : window.findChildren<QAction*>()) {
      for (const QKeySequence& key : action->shortcuts()) {
        QVERIFY2(!owner.contains(key),
                 qPrintable(
                     QStringLiteral("%1: %2 and %3").arg(key.toString(), owner.value(key), action->text())));
        owner.insert(key, action->text());
      }
    }
    QVERIFY(owner.size() > 30);
  }

  void layoutIsKept() {
    {
      MainWindow window;
      window.show();
      window.resize(1200, 790);
      window.findChild<QDockWidget*>(QStringLiteral("dockOverview"))->hide();
      window.close();
    }
    {
      MainWindow window;
      window.show();
      window.restoreLayout(QSize(1111, 777));  // asked for, so it wins over what was kept
      QCOMPARE(window.size(), QSize(1111, 777));
    }
    MainWindow window;
    window.show();
    window.restoreLayout();
    QCOMPARE(window.size(), QSize(1200, 790));
    QVERIFY(window.findChild<QDockWidget*>(QStringLiteral("dockOverview"))->isHidden());
    window.findChild<QAction*>(QStringLiteral("resetLayout"))->trigger();
    QVERIFY(!window.findChild<QDockWidget*>(QStringLiteral("dockOverview"))->isHidden());
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestMainWindow test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_mainwindow.moc"

#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QDialog>
#include <QElapsedTimer>
#include <QLabel>
#include <QMenu>

#include "app/theme.h"
#include "tests/app/loaded_window_test.h"
#include "tests/support/runs.h"

namespace qkscope::test {

/// Several models in one session and one window: opened, gone back to, closed, listed.
class TestModels : public LoadedWindowTestCase {
  Q_OBJECT

 private Q_SLOTS:
  /// The same question to another model is another question.
  void anotherModelIsAskedAnew() {
    ReadySession ready;
    QVERIFY(ready.there);
    const TinyModel other("llama-bias");
    ready.session.load(other.folder(), onOneThread());
    QVERIFY(finish(ready.session));
    QCOMPARE(ready.session.model()->card().path, other.folder());
    QVERIFY(same_numbers(*ready.session.data().comparison, fresh(ready.session)));
  }

  /// What goes on behind the window may come to its end, or begin, while a model is read, which goes on.
  void aLoadOutlastsWhatIsBehindIt() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    const TinyModel other("llama-bias");
    session.load(other.folder(), onOneThread());
    QElapsedTimer clock;
    clock.start();
    bool begins = false;
    while (session.isBusy() && clock.elapsed() < 30000) {
      begins = !begins;
      session.setBackground(begins ? QStringLiteral("x") : QString(),
                            begins ? [](std::stop_token) {} : std::function<void(std::stop_token)>());
      QCoreApplication::processEvents();
    }
    QVERIFY(!session.isBusy());
    QCOMPARE(session.model()->card().path, other.folder());
  }

  /// An open model is gone back to at once, without a file being looked at or a layer being run, and with all
  /// that it has answered; what was changed meanwhile is asked anew.
  void goingBackToAModel() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setPromptLoss(true);
    disrupt(session);
    QVERIFY(finish(session));
    const std::filesystem::path first = session.model()->card().path;
    const std::weak_ptr<const LanguageModel> model = session.model();
    const std::vector<PromptResult> before = session.results();
    const auto pictures = session.data().comparison;
    const TinyModel other("llama-bias");
    session.load(other.folder(), onOneThread());
    QVERIFY(finish(session) && session.model()->card().path == other.folder());
    QVERIFY(session.results() != before);
    QCOMPARE(session.store().models().size(), std::size_t(2));

    int layers = 0;
    connect(&session, &Session::progress, &session, [&layers] { ++layers; });
    QSignalSpy changed(&session, &Session::modelChanged);
    session.showModel(session.store().models()[1].id);
    QVERIFY(session.model() && session.model() == model.lock());
    QCOMPARE(changed.count(), 1);
    QCOMPARE(session.data().card->path, first);
    QCOMPARE(session.results(), before);  // at once
    QVERIFY(finish(session));
    QCOMPARE(session.results(), before);
    QCOMPARE(session.data().state, DataState::Current);
    QCOMPARE(session.data().comparison->baseline, pictures->baseline);
    QCOMPARE(session.data().comparison->disrupted, pictures->disrupted);
    QCOMPARE(layers, 0);

    // By its path, too: nothing of it is loaded a second time.
    session.load(other.folder(), onOneThread());
    QVERIFY(finish(session) && session.model()->card().path == other.folder());
    session.inspect(first, onOneThread());
    QVERIFY(finish(session));
    QCOMPARE(session.model(), model.lock());
    QCOMPARE(session.store().models().size(), std::size_t(2));

    // A prompt that is another one by then, and an arm that is, are asked of the model that is gone back to.
    const ModelId mine = session.store().shown();
    session.showModel(session.store().models()[1].id);
    std::vector<Prompt> prompts = session.prompts();
    prompts[0].text += QStringLiteral(" more");
    session.setPrompts(prompts, 0);
    setEdits(session, {parse_disruption("site=k,pick=largest:3,replace=zero")});
    QVERIFY(finish(session));
    session.showModel(mine);
    QVERIFY(finish(session));
    QVERIFY(same_numbers(*session.data().comparison, fresh(session)));
    QCOMPARE(session.results()[1].baseline.run->continuation, before[1].baseline.run->continuation);
    QVERIFY(session.results()[0].baseline.run->continuation != before[0].baseline.run->continuation);
    QVERIFY(session.results()[1].arms[0].run->continuation != before[1].arms[0].run->continuation);
    for (const PromptResult& result : session.results()) {
      QCOMPARE(result.baseline.status, (ArmStatus{ArmState::Done, false}));
      QCOMPARE(result.arms[0].status, (ArmStatus{ArmState::Done, false}));
    }
  }

  /// Closing a model, whatever is being done, leaves the one before it with its answers, or none, and holds
  /// nothing of it.
  void closingAModel_data() {
    QTest::addColumn<int>("wait");
    for (const int ms : {0, 1, 5, 20, 60}) QTest::addRow("%d", ms) << ms;
  }
  void closingAModel() {
    QFETCH(int, wait);
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    disrupt(session);
    QVERIFY(finish(session));
    const std::vector<PromptResult> before = session.results();
    const TinyModel other("llama-bias");
    const auto open = [&] {
      session.load(other.folder(), onOneThread());
      return finish(session) && session.model()->card().path == other.folder();
    };
    QVERIFY(open());
    // At work on an answer.
    setEdits(session, {parse_disruption("site=k,pick=largest:3,replace=zero")});
    QTest::qWait(wait);
    std::weak_ptr<const LanguageModel> gone = session.model();
    session.closeModel(session.store().shown());
    QCOMPARE(session.model()->card().path, smallModel());
    QVERIFY(finish(session));
    QTRY_VERIFY(gone.expired());
    QVERIFY(same_numbers(*session.data().comparison, fresh(session)));
    QCOMPARE(session.results()[0].baseline.run->continuation, before[0].baseline.run->continuation);

    // While another one is being opened: that goes on, and the one that is left for it can be closed.
    QVERIFY(open());
    session.closeModel(session.store().shown());
    QVERIFY(finish(session));
    gone = session.model();
    session.load(other.folder(), onOneThread());
    QTest::qWait(wait / 10);
    session.closeModel(session.store().models().back().id);
    QVERIFY(finish(session));
    QVERIFY(session.model() && session.model()->card().path == other.folder());
    QTRY_VERIFY(gone.expired());
    QVERIFY(same_numbers(*session.data().comparison, fresh(session)));

    // While its weights are about to be read.
    session.load({LanguageModel::inspect(smallModel(), onOneThread()), {}});
    QVERIFY(session.isLoading());
    session.closeModel(session.store().shown());
    QVERIFY(session.isLoading() && finish(session));
    QVERIFY(session.model() && session.model()->card().path == smallModel());

    session.closeModel(session.store().shown());
    QVERIFY(!session.model() && session.data().state == DataState::NoModel);
    QVERIFY(finish(session));
    QVERIFY(session.store().models().empty() && !session.data().comparison);
    QVERIFY(open());
    QCOMPARE(session.data().state, DataState::Current);
  }

  void droppedModelShowsItsCardFirst() {
    MainWindow window;
    window.show();
    drop(window, {QUrl::fromLocalFile(QString::fromStdString(smallModel().string()))});
    QVERIFY(window.session().isBusy());  // looked at on a thread of its own
    QTRY_VERIFY(window.findChild<QDialog*>(QStringLiteral("modelDialog")));
    auto* dialog = window.findChild<QDialog*>(QStringLiteral("modelDialog"));
    QVERIFY(dialog->isVisible());
    QVERIFY(!window.session().isLoading());
    auto* load = dialog->findChild<QAbstractButton*>(QStringLiteral("loadButton"));
    QVERIFY(load->isEnabled());
    QTest::mouseClick(load, Qt::LeftButton);
    QVERIFY(finish(window.session()));
    QVERIFY(window.session().model());
    QVERIFY(window.windowTitle().contains(QString::fromStdString(window.session().model()->card().name)));
  }

  /// Models that are open stand in a menu; one is chosen there, by its key or by its path, and closed, and
  /// the window tells of the one that is shown.
  void openModelsAreListed() {
    Ready ready;
    QVERIFY(ready.there);
    MainWindow& window = ready.window;
    Session& session = window.session();
    QMenu* menu = nullptr;
    for (QMenu* one : window.findChildren<QMenu*>()) {
      if (plainText(one->title()) == QStringLiteral("Open models")) menu = one;
    }
    QVERIFY(menu);
    const auto listed = [&] {
      QCoreApplication::processEvents();
      QStringList all;
      for (const QAction* action : menu->actions())
        all << action->toolTip() + (action->isChecked() ? QStringLiteral("*") : QString());
      return all;
    };
    const TinyModel other("llama-bias");
    const QString first = QString::fromStdString(smallModel().string()),
                  second = QString::fromStdString(other.folder().string()), shown = QStringLiteral("*");
    QCOMPARE(listed(), QStringList{first + shown});
    QAction* next = window.commands().action(QStringLiteral("nextModel"));
    QVERIFY(!next->isEnabled());
    window.loadModel(second, onOneThread());
    QVERIFY(finish(session));
    QCOMPARE(listed(), (QStringList{second + shown, first}));
    QVERIFY(next->isEnabled() && window.document().model == second);
    menu->actions()[1]->trigger();
    QCOMPARE(listed(), (QStringList{first + shown, second}));
    QVERIFY(window.document().model == first);
    QVERIFY(window.windowTitle().contains(QString::fromStdString(session.model()->card().name)));
    QVERIFY(finish(session));
    next->trigger();
    QCOMPARE(listed(), (QStringList{second + shown, first}));
    QVERIFY(finish(session));
    // What is open needs no card.
    drop(window, {QUrl::fromLocalFile(first)});
    QVERIFY(finish(session));
    QCOMPARE(listed(), (QStringList{first + shown, second}));
    QVERIFY(!window.findChild<QDialog*>(QStringLiteral("modelDialog")));

    window.commands().run(QStringLiteral("modelCard"));
    auto* card = window.findChild<QDialog*>(QStringLiteral("modelDialog"));
    const QString words = card->findChild<QLabel*>(QStringLiteral("openModels"))->text();
    QVERIFY2(words.startsWith(QStringLiteral("2 models")), qPrintable(words));
    card->reject();
    window.commands().run(QStringLiteral("closeModel"));
    QCOMPARE(listed(), QStringList{second + shown});
    window.commands().run(QStringLiteral("closeModel"));
    QCOMPARE(listed(), QStringList());
    QVERIFY(!session.model() && window.document().model == second);  // what a document names, it names
    QVERIFY(!window.commands().action(QStringLiteral("closeModel"))->isEnabled());

    // How much they may hold is remembered.
    window.commands().run(QStringLiteral("modelShare0"));
    MainWindow again;
    QCOMPARE(again.session().store().share(), 0);
    window.commands().run(QStringLiteral("modelShare50"));
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestModels test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_models.moc"

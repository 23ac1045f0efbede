#include <QApplication>
#include <QDialog>
#include <QDropEvent>
#include <QElapsedTimer>
#include <QMimeData>
#include <QPointer>
#include <QPushButton>
#include <QTimer>
#include <QWheelEvent>
#include <random>

#include "app/effect_window.h"
#include "app/recording_saver.h"
#include "app/theme.h"
#include "tests/app/loaded_window_test.h"

namespace qkscope::test {

/// Does whatever a person could do, without sense, at random moments of running work; the same for the same
/// seed. Files are never written: dialogs are turned down.
class Monkey {
 public:
  Monkey(MainWindow& window, std::vector<QString> files, unsigned seed)
      : window_(window), files_(std::move(files)), random_(seed) {
    // A dialog for files runs an event loop of its own until it is closed.
    QObject::connect(&closer_, &QTimer::timeout, &window, [] {
      if (auto* dialog = qobject_cast<QDialog*>(QApplication::activeModalWidget())) dialog->reject();
      if (QWidget* menu = QApplication::activePopupWidget()) menu->close();
    });
    closer_.start(15);
  }

  void act() {
    using Act = void (Monkey::*)();
    static constexpr Act acts[] = {&Monkey::click,   &Monkey::click,  &Monkey::drag,    &Monkey::wheel,
                                   &Monkey::press,   &Monkey::press,  &Monkey::command, &Monkey::command,
                                   &Monkey::prompts, &Monkey::arms,   &Monkey::drop,    &Monkey::resize,
                                   &Monkey::load,    &Monkey::cancel, &Monkey::select,  &Monkey::hide};
    const std::size_t which = below(std::size(acts));
    last_ = QStringLiteral("act %1").arg(which);
    (this->*acts[which])();
    // Sometimes at once, sometimes while the work of before runs.
    QTest::qWait(static_cast<int>(below(4) == 0 ? below(30) : 0));
  }
  const QString& last() const { return last_; }

 private:
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  bool either() { return below(2) == 0; }

  Qt::KeyboardModifiers modifiers() {
    static constexpr Qt::KeyboardModifier each[] = {Qt::NoModifier, Qt::NoModifier, Qt::ShiftModifier,
                                                    Qt::ControlModifier};
    return each[below(std::size(each))];
  }
  QWidget* target() {
    QList<QWidget*> all;
    for (QWidget* top : QApplication::topLevelWidgets()) {
      if (!top->isVisible()) continue;
      for (QWidget* widget : top->findChildren<QWidget*>()) {
        if (widget->isVisible() && widget->width() > 1 && widget->height() > 1) all << widget;
      }
    }
    return all.isEmpty() ? &window_
                         : all[static_cast<qsizetype>(below(static_cast<std::size_t>(all.size())))];
  }
  QPoint place(const QWidget& widget) {
    return {static_cast<int>(below(static_cast<std::size_t>(std::max(1, widget.width())))),
            static_cast<int>(below(static_cast<std::size_t>(std::max(1, widget.height()))))};
  }
  static void send(QWidget* to, QEvent::Type type, const QPoint& at, Qt::MouseButton button,
                   Qt::MouseButtons buttons, Qt::KeyboardModifiers modifiers) {
    QMouseEvent event(type, at, to->mapToGlobal(at), button, buttons, modifiers);
    QCoreApplication::sendEvent(to, &event);
  }

  void click() {
    QPointer<QWidget> widget = target();
    const QPoint at = place(*widget);
    const Qt::KeyboardModifiers held = modifiers();
    const Qt::MouseButton button = below(5) == 0 ? Qt::RightButton : Qt::LeftButton;
    last_ += QStringLiteral(": ") + QLatin1String(widget->metaObject()->className()) + widget->objectName();
    send(widget, QEvent::MouseButtonPress, at, button, button, held);
    if (widget) send(widget, QEvent::MouseButtonRelease, at, button, Qt::NoButton, held);
    if (widget && button == Qt::RightButton) {
      QContextMenuEvent menu(QContextMenuEvent::Mouse, at, widget->mapToGlobal(at), held);
      QCoreApplication::sendEvent(widget, &menu);
    }
    if (widget && below(6) == 0) {
      send(widget, QEvent::MouseButtonDblClick, at, button, button, held);
      if (widget) send(widget, QEvent::MouseButtonRelease, at, button, Qt::NoButton, held);
    }
  }
  void drag() {
    QPointer<QWidget> widget = target();
    const Qt::KeyboardModifiers held = modifiers();
    send(widget, QEvent::MouseButtonPress, place(*widget), Qt::LeftButton, Qt::LeftButton, held);
    for (int i = 0; widget && i < 4; ++i) {
      send(widget, QEvent::MouseMove, place(*widget), Qt::NoButton, Qt::LeftButton, held);
      if (either()) QCoreApplication::processEvents();
    }
    if (widget) send(widget, QEvent::MouseButtonRelease, place(*widget), Qt::LeftButton, Qt::NoButton, held);
  }
  void wheel() {
    QWidget* widget = target();
    const QPoint at = place(*widget);
    QWheelEvent event(at, widget->mapToGlobal(at), {}, {0, either() ? 120 : -120}, Qt::NoButton, modifiers(),
                      Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(widget, &event);
  }
  void press() {
    static constexpr Qt::Key keys[] = {Qt::Key_Left,   Qt::Key_Right,  Qt::Key_Up,           Qt::Key_Down,
                                       Qt::Key_Home,   Qt::Key_End,    Qt::Key_PageUp,       Qt::Key_PageDown,
                                       Qt::Key_Tab,    Qt::Key_Return, Qt::Key_Space,        Qt::Key_Escape,
                                       Qt::Key_Delete, Qt::Key_F2,     Qt::Key_F5,           Qt::Key_D,
                                       Qt::Key_X,      Qt::Key_B,      Qt::Key_Comma,        Qt::Key_Period,
                                       Qt::Key_T,      Qt::Key_N,      Qt::Key_BracketRight, Qt::Key_5};
    QWidget* widget = QApplication::focusWidget() ? QApplication::focusWidget() : &window_;
    const Qt::Key key = keys[below(std::size(keys))];
    QTest::keyClick(widget, key, below(3) == 0 ? Qt::ShiftModifier : Qt::NoModifier);
  }
  void command() {
    const auto& rows = window_.commands().rows();
    const CommandTable::Row& row = rows[below(rows.size())];
    // Experiments and questions write files.
    static const QStringList never{QStringLiteral("quit"), QStringLiteral("experiments"),
                                   QStringLiteral("questions")};
    if (never.contains(row.command.id)) return;
    last_ += QStringLiteral(": ") + row.command.id;
    if (row.action->isEnabled()) row.action->trigger();
  }
  void prompts() {
    static const QStringList texts{QStringLiteral("a"), QString(), QStringLiteral("The sun is"),
                                   QStringLiteral("x ").repeated(700), QStringLiteral("日本 😀 \n\t~")};
    std::vector<Prompt> prompts = window_.session().prompts();
    const std::size_t at = prompts.empty() ? 0 : below(prompts.size());
    if (prompts.size() > 3 || (!prompts.empty() && below(3) == 0)) {
      prompts.erase(prompts.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (either() || prompts.empty()) {
      Prompt made{static_cast<PromptKind>(below(3)), texts[static_cast<qsizetype>(below(5))], {}, either()};
      if (either()) made.expected = QStringLiteral(" yes");
      prompts.push_back(made);
    } else {
      prompts[at].text = texts[static_cast<qsizetype>(below(5))];
    }
    window_.session().setPrompts(prompts, static_cast<int>(below(4)));
  }
  void arms() {
    static constexpr const char* edits[] = {"lambda 5 on Q",
                                            "site=q,pick=largest:2,replace=zero",
                                            "entries=k 1:1:3,replace=zero",
                                            "off lambda 5 on K",
                                            "entries=q 99:1:3",  // no such layer
                                            "massive activations to zero",
                                            "published for Gemma 2",
                                            "site=qkv,pick=random:3,phase=every"};
    Arms arms = window_.session().arms();
    const Edit edit = parse_edit(edits[below(std::size(edits))]);
    switch (below(5)) {
      case 0:
        arms = withArm(arms, {QString(), {edit}});
        break;
      case 1:
        arms = withoutShown(arms);
        break;
      case 2:
        arms = moved(arms, 1);
        break;
      case 3:
        arms.on = !arms.on;
        break;
      default:
        arms.shown().edits.push_back(edit);
        if (arms.shown().edits.size() > 4) arms.shown().edits.clear();
    }
    window_.session().setArms(arms);
  }
  void drop() {
    QMimeData data;
    QList<QUrl> urls;
    for (std::size_t i = 0; i <= below(2); ++i) urls << QUrl::fromLocalFile(files_[below(files_.size())]);
    if (below(5) == 0) urls << QUrl(QStringLiteral("https://example.com/x.gguf"));
    data.setUrls(urls);
    QDropEvent event({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&window_, &event);
  }
  void resize() { window_.resize(500 + static_cast<int>(below(1200)), 400 + static_cast<int>(below(600))); }
  void load() {
    if (below(3) == 0) window_.loadModel(files_[below(files_.size())], {});
  }
  void cancel() {
    if (either()) window_.session().cancel();
    if (either()) window_.session().resume();
  }
  void select() {
    const Selection any{static_cast<Site>(either() ? Site::Query : Site::Key), static_cast<int>(below(3)),
                        static_cast<int>(below(5)), static_cast<int>(below(20)) - 1,
                        static_cast<int>(below(20)) - 1};
    window_.state().setSelection(any);
  }
  void hide() {
    window_.hide();
    if (either()) QCoreApplication::processEvents();
    window_.show();
  }

  MainWindow& window_;
  std::vector<QString> files_;
  std::mt19937 random_;
  QTimer closer_;
  QString last_;
};

class TestMonkey : public LoadedWindowTestCase {
  Q_OBJECT

  static void closeDialogs() {
    for (QWidget* widget : QApplication::topLevelWidgets()) {
      if (auto* dialog = qobject_cast<QDialog*>(widget); dialog && dialog->isVisible()) dialog->reject();
    }
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
  }

  /// Every question has its answer or a sentence that says why not, and the pictures are of what is asked.
  static void isAnswered(Session& session, const QString& after) {
    QVERIFY2(finish(session), qPrintable(after));
    session.resume();  // what was stopped is asked again
    QVERIFY2(finish(session), qPrintable(after));
    for (const PromptResult& result : session.results()) {
      QCOMPARE(result.arms.size(), session.arms().list.size());
      std::vector<ArmResult> all = result.arms;
      all.push_back(result.baseline);
      for (const ArmResult& arm : all) {
        const ArmState state = arm.status.state;
        const bool told = state == ArmState::Done || state == ArmState::Off || state == ArmState::Empty ||
                          state == ArmState::NotRun || (state == ArmState::Failed && !arm.problem.isEmpty());
        QVERIFY2(told,
                 qPrintable(QStringLiteral("state %1 after %2").arg(static_cast<int>(state)).arg(after)));
        QVERIFY2(state != ArmState::NotRun || !session.model(), qPrintable(after));
      }
    }
    const DataState state = session.data().state;
    QVERIFY2(state != DataState::Running && state != DataState::Loading && state != DataState::Stopped,
             qPrintable(after));
    if (state == DataState::Current && !session.dump()) {
      const Comparison judge = fresh(session);
      const auto& shown = session.data().comparison;
      QVERIFY2(shown->baseline->next_tokens == judge.baseline->next_tokens, qPrintable(after));
      QCOMPARE(static_cast<bool>(shown->disrupted), static_cast<bool>(judge.disrupted));
    }
  }

  /// A document with the runs of a window.
  QString recordedFile() {
    const QString path = folder_.filePath(QStringLiteral("runs.qkscope"));
    if (QFile::exists(path)) return path;
    Ready ready;
    RecordingSaver saver(ready.window.session());
    QSignalSpy saved(&saver, &RecordingSaver::saved);
    saver.start(ready.window.document(), path);
    [&] { QTRY_COMPARE_WITH_TIMEOUT(saved.count(), 1, 30000); }();
    return path;
  }

 private Q_SLOTS:
  /// Some seconds; QKSCOPE_MONKEY_SECONDS and QKSCOPE_MONKEY_SEED are for longer and for other ones.
  void whateverIsDoneIsAnswered() {
    bool is_set = false;
    const int seconds = qEnvironmentVariableIntValue("QKSCOPE_MONKEY_SECONDS", &is_set);
    const qint64 time = is_set ? seconds * qint64{1000} : 3000;
    const int named = qEnvironmentVariableIntValue("QKSCOPE_MONKEY_SEED", &is_set);
    const unsigned first_seed = is_set ? static_cast<unsigned>(named) : 1;
    const TinyModel other("qwen2");
    const QString document = writeFile(QStringLiteral("a.qkscope"), toJson(defaultDocument()));
    const std::vector<QString> files{
        QString::fromStdString(smallModel().string()), QString::fromStdString(other.folder().string()),
        document, writeFile(QStringLiteral("no.gguf"), "GGUF?"), folder_.filePath(QStringLiteral("absent"))};
    QElapsedTimer clock;
    clock.start();
    for (unsigned seed = first_seed; seed == first_seed || clock.elapsed() < time; ++seed) {
      MainWindow window;
      window.session().setMaxNewTokens(6);
      Document begun = window.document();
      begun.prompts = smallPrompts();
      window.setDocument(begun);
      window.show();
      window.loadModel(files[0], onOneThread());
      Monkey monkey(window, files, seed);
      QStringList acts;
      for (int i = 0; i < 150 && (clock.elapsed() < time || i < 60); ++i) {
        monkey.act();
        acts << monkey.last();
        if (acts.size() > 12) acts.removeFirst();
        const Document now = window.document();
        QVERIFY2(documentFromJson(toJson(now), QStringLiteral("memory")) == now,
                 qPrintable(acts.join(u'\n')));
      }
      closeDialogs();
      isAnswered(window.session(), QStringLiteral("seed %1:\n").arg(seed) + acts.join(u'\n'));
      if (QTest::currentTestFailed()) return;
      // Closed in the midst of work.
      window.session().setPrompts({{PromptKind::Free, QStringLiteral("y ").repeated(900), {}, true}}, 0);
      QCoreApplication::processEvents();
    }
  }

  void closedDuringEveryKindOfWork_data() {
    QTest::addColumn<int>("work");
    const char* all[] = {
        "looking at a model", "loading", "reading a prompt", "a pass",         "an answer",
        "the losses",         "a trial", "recording",        "the effect map", "reading activations"};
    for (int i = 0; i < static_cast<int>(std::size(all)); ++i) QTest::newRow(all[i]) << i;
  }
  /// The window goes, whatever is being done, in no time.
  void closedDuringEveryKindOfWork() {
    QFETCH(const int, work);
    constexpr int endless = 12000;  // seconds of work
    const QString model = QString::fromStdString(smallModel().string());
    const QString document = QStringLiteral("x ").repeated(3000);
    for (const int moment : {0, 5, 60}) {
      const TinyModel other("qwen2");
      auto ready = std::make_unique<Ready>();
      QVERIFY(ready->there);
      MainWindow& window = ready->window;
      Session& session = window.session();
      const auto ask = [&](const QString& text) {
        session.setPrompts({{PromptKind::Free, text, QStringLiteral(" yes"), true}}, 0);
      };
      switch (work) {
        case 0:
          window.openPath(model, true);
          break;
        case 1:
          window.loadModel(QString::fromStdString(other.folder().string()), {});
          break;
        case 2:
          ask(QStringLiteral("x ").repeated(400000));
          break;
        case 3:
          ask(document);
          break;
        case 4:
          session.setMaxNewTokens(endless);
          break;
        case 5:
          ask(document);
          session.setPromptLoss(true);
          break;
        case 6:
          session.setMaxNewTokens(endless);
          session.tryEdits({parse_disruption("lambda 5 on Q")});
          break;
        case 7:
          // Saved again by the model of now, with a prompt that takes its time.
          window.openRecorded(recordedFile(), false);
          QVERIFY(finish(session) && session.recording());
          window.loadModel(model, {});
          QVERIFY(finish(session) && session.model());
          session.setMaxNewTokens(endless);
          session.cancel();
          window.commands().run(QStringLiteral("save"));
          break;
        case 8:
          window.commands().run(QStringLiteral("effectMap"));
          window.findChild<QPushButton*>(QStringLiteral("effectStart"))->click();
          break;
        case 9:
          window.openDump({{model.toStdString() + "/model.safetensors"}, {}, {}}, false);
          break;
      }
      QVERIFY(session.isBusy() || !session.background().isEmpty());
      QTest::qWait(moment);
      QElapsedTimer clock;
      clock.start();
      window.close();
      ready.reset();
      QVERIFY2(clock.elapsed() < 5000, qPrintable(QString::number(clock.elapsed())));
    }
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  // Qt Test ends a function after five minutes.
  if (const int seconds = qEnvironmentVariableIntValue("QKSCOPE_MONKEY_SECONDS"); seconds > 0)
    qputenv("QTEST_FUNCTION_TIMEOUT", QByteArray::number(2000 * seconds + 300000));
  qkscope::test::TestMonkey test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_monkey.moc"

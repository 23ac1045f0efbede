#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDialog>
#include <QDockWidget>
#include <QTimer>

#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/theme.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

/// Every action of every menu is found by itself and has to do something that can be seen.
class TestWindowActions : public AppTestCase {
  Q_OBJECT

  /// All of the window that an action can change, as text.
  static QString seen(MainWindow& window, int runs) {
    const Settings settings;
    QStringList all{QString::fromUtf8(toJson(window.document())),
                    window.documentPath(),
                    window.findChild<MessageBar*>()->text(),
                    QString::number(window.session().maxNewTokens()),
                    QString::number(static_cast<int>(settings.theme())),
                    QString::number(settings.uiScale()),
                    QString::number(settings.promptLoss()),
                    QString::number(window.isFullScreen()),
                    QString::number(runs),
                    QApplication::clipboard()->text(),
                    QString::number(QApplication::clipboard()->image().width())};
    for (const QDockWidget* dock : window.findChildren<QDockWidget*>())
      all << dock->objectName() + QString::number(dock->isHidden());
    for (const QWidget* widget : QApplication::topLevelWidgets()) {
      const bool dialog = qobject_cast<const QDialog*>(widget) != nullptr;
      if (dialog && widget->isVisible())
        all << widget->windowTitle() + QLatin1String(widget->metaObject()->className());
    }
    return all.join(u'\n');
  }

  static void closeDialogs() {
    for (QWidget* widget : QApplication::topLevelWidgets()) {
      if (auto* dialog = qobject_cast<QDialog*>(widget); dialog && dialog->isVisible()) dialog->reject();
    }
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
  }

  /// Two states that differ in all that could make an action do nothing: at the first and at the last layer,
  /// head and value of everything.
  static void prepare(MainWindow& window, bool other) {
    Settings settings;
    settings.setUiScale(other ? 1.1 : 1.0);
    settings.setTheme(other ? Theme::Dark : Theme::System);
    QApplication::clipboard()->setText(QStringLiteral("before"));
    window.findChild<MessageBar*>()->hide();
    Document document = defaultDocument();
    document.prompts = smallPrompts();
    document.selection = {other ? Site::Key : Site::Query, other ? 1 : 0, other ? 1 : 0, 3, 1};
    document.disruptions = {parse_disruption("lambda 5 on Q"),
                            parse_disruption("site=v,pick=largest:1,layers=2"),
                            parse_disruption("site=k,pick=largest:2")};
    document.disruption_position = 1;
    document.disrupted = other;
    document.look.shown = other ? Shown::Disrupted : Shown::Baseline;
    document.look.after_rope = !other;
    document.look.one_scale = !other;
    document.look.picture = other ? Picture::AllLayers : Picture::HeadsDims;
    document.look.scale = other ? ColorScale::Log : ColorScale::Linear;
    document.look.range = other ? ColorRange::Percentile : ColorRange::Full;
    document.look.color_map = other ? QStringLiteral("magma") : QStringLiteral("viridis");
    window.setDocument(document);
    for (QDockWidget* dock : window.findChildren<QDockWidget*>()) dock->setHidden(other);
  }

 private Q_SLOTS:
  void everyActionDoesSomething() {
    MainWindow window;
    window.session().setMaxNewTokens(2);
    window.show();
    window.loadModel(QString::fromStdString(smallModel().string()), onOneThread());
    QVERIFY(finish(window.session()) && window.session().model());
    int runs = 0;
    connect(&window.session(), &Session::busyChanged, &window, [&runs] { ++runs; });

    QStringList idle;
    int tried = 0;
    for (QAction* action : window.findChildren<QAction*>()) {
      const QString name = action->objectName();
      if (name.isEmpty() || name == QStringLiteral("quit") || name.startsWith(QStringLiteral("_q_")))
        continue;
      bool did = false;
      for (const bool other : {false, true}) {
        prepare(window, other);
        QVERIFY(finish(window.session()));
        QCoreApplication::processEvents();
        if (!action->isEnabled()) continue;
        const QString before = seen(window, runs);
        // A file dialog runs an event loop of its own until it is closed.
        bool asked = false;
        QTimer closer;
        connect(&closer, &QTimer::timeout, &window, [&asked] {
          if (auto* dialog = qobject_cast<QDialog*>(QApplication::activeModalWidget())) {
            asked = true;
            dialog->reject();
          }
        });
        closer.start(20);
        action->trigger();
        closer.stop();
        did = did || asked || seen(window, runs) != before;
        closeDialogs();
      }
      ++tried;
      if (!did) idle << name;
    }
    QVERIFY2(idle.isEmpty(), qPrintable(idle.join(QStringLiteral(", "))));
    QVERIFY(tried > 60);
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestWindowActions test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_window_actions.moc"

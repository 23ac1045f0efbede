#include <QAction>
#include <QApplication>
#include <QTableView>
#include <QTextBrowser>
#include <set>

#include "app/theme.h"
#include "tests/app/window_test.h"
#include "views/prompt_card.h"

namespace qkscope::test {

namespace {

/// Pixels around `widget` that its having the focus changes.
int seenBy(QWidget& window, QWidget* widget) {
  const QRect place(widget->mapTo(&window, QPoint()), widget->size());
  const QRect around = place.adjusted(-4, -4, 4, 4).intersected(window.rect());
  const QImage with = window.grab(around).toImage();
  widget->clearFocus();
  const QImage without = window.grab(around).toImage();
  widget->setFocus(Qt::TabFocusReason);
  int different = 0;
  for (int y = 0; y < with.height(); ++y) {
    for (int x = 0; x < with.width(); ++x) different += with.pixel(x, y) != without.pixel(x, y);
  }
  return different;
}

}  // namespace

class TestFocus : public WindowTestCase {
  Q_OBJECT
 private Q_SLOTS:
  // Tab reaches every control; each is in view and marked; reaching it changes nothing.
  void tabShowsItsWayAndChangesNothing() {
    const auto window = makeWindow();
    QVERIFY(window);
    window->activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(window.get()));
    const Selection selection = window->state().selection();
    const Look look = window->state().look();
    const Arms arms = window->session().arms();
    std::set<QWidget*> reached;
    QStringList names;
    for (int i = 0; i < 200; ++i) {
      QWidget* before = QApplication::focusWidget();
      QVERIFY(before);
      QTest::keyClick(before, Qt::Key_Tab);
      settle();
      QWidget* now = QApplication::focusWidget();
      QVERIFY(now);
      if (!reached.insert(now).second) break;
      const QString name = QStringLiteral("%1 %2 after %3")
                               .arg(QLatin1String(now->metaObject()->className()), now->objectName())
                               .arg(names.join(QStringLiteral(", ")));
      names << now->objectName();
      QVERIFY2(!now->visibleRegion().isEmpty(), qPrintable(name));
      QVERIFY2(seenBy(*window, now) > 40, qPrintable(name));
      QVERIFY2(window->state().selection() == selection, qPrintable(name));
      QVERIFY2(window->state().look() == look, qPrintable(name));
      QVERIFY2(window->session().arms() == arms, qPrintable(name));
    }
    const auto reaches = [&reached](const QWidget* widget) {
      return widget && reached.contains(const_cast<QWidget*>(widget));
    };
    for (const PromptCard* card : window->findChildren<PromptCard*>()) QVERIFY(reaches(card));
    QVERIFY(reaches(window->findChild<QTableView*>(QStringLiteral("massiveTable"))));
    QVERIFY(reaches(window->findChild<View*>(QStringLiteral("picture"))));
    QVERIFY(reaches(window->findChild<QWidget*>(QStringLiteral("disruptButton"))));
    QVERIFY(reached.size() > 20);
  }

  void aChosenRowLeadsToItsCell() {
    const auto window = makeWindow();
    QVERIFY(window);
    auto* table = window->findChild<QTableView*>(QStringLiteral("massiveTable"));
    QVERIFY(table->model()->rowCount() > 3);
    const Selection before = window->state().selection();
    table->setFocus(Qt::TabFocusReason);
    QVERIFY(window->state().selection() == before);
    QTest::keyClick(table, Qt::Key_Down);
    QVERIFY(window->state().selection() != before);
    QCOMPARE(table->selectionModel()->selectedRows().size(), 1);
  }

  void helpListsEveryKey() {
    MainWindow window;
    window.findChild<QAction*>(QStringLiteral("keyboard"))->trigger();
    const QString words = window.findChild<QTextBrowser*>()->toPlainText();
    int keys = 0;
    for (const QAction* action : window.findChildren<QAction*>()) {
      for (const QKeySequence& key : action->shortcuts()) {
        QVERIFY2(words.contains(key.toString(QKeySequence::NativeText)), qPrintable(action->text()));
        QVERIFY2(words.contains(action->text().remove(u'&')), qPrintable(action->text()));
        ++keys;
      }
    }
    QVERIFY(keys > 30);
    QVERIFY(words.contains(QStringLiteral("Ctrl+4")));
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestFocus test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_focus.moc"

#include <QAction>
#include <QApplication>
#include <QDialog>
#include <QDockWidget>
#include <QLabel>
#include <QTextBrowser>
#include <QToolButton>

#include "app/labels.h"
#include "app/names.h"
#include "app/segmented.h"
#include "app/theme.h"
#include "tests/app/view_pictures.h"

namespace qkscope::test {

namespace {

struct State {
  Theme theme;
  int larger;  // presses of Ctrl++
  QString name() const { return QStringLiteral("%1 larger %2").arg(nameOf(theme)).arg(larger); }
};

constexpr State kStates[] = {
    {Theme::Light, 0}, {Theme::Dark, 0}, {Theme::Light, 4}, {Theme::Dark, 2}, {Theme::HighContrast, 0}};

}  // namespace

class TestTheme : public WindowTestCase {
  Q_OBJECT

  static void turn(MainWindow& window, const State& state) {
    const auto trigger = [&window](const char* name) {
      window.findChild<QAction*>(QString::fromLatin1(name))->trigger();
    };
    trigger(state.theme == Theme::Dark           ? "themeDark"
            : state.theme == Theme::HighContrast ? "themeHighContrast"
                                                 : "themeLight");
    trigger("normalType");
    for (int i = 0; i < state.larger; ++i) trigger("larger");
    settle();
  }

  /// Every view, every dialog, and the window as a whole.
  static Pictures look(MainWindow& window) {
    // Milliseconds differ from run to run.
    window.findChild<ElidedLabel*>(QStringLiteral("timesWords"))->setText({});
    settle();
    const QImage whole = window.grab().toImage();
    Pictures pictures = viewPictures(window);
    pictures[QStringLiteral("window")] = whole;
    for (QDialog* dialog : window.findChildren<QDialog*>()) {
      // So does the memory that is free.
      if (auto* memory = dialog->findChild<QLabel*>(QStringLiteral("modelMemory"))) memory->setText({});
      // Qt keeps the length of the scroll bar from before a page was widened and its lines no longer break.
      if (auto* page = dialog->findChild<QTextBrowser*>())
        page->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
      dialog->resize(900, 800);
      settle();
      pictures[u"dialog " + dialog->windowTitle()] = dialog->grab().toImage();
    }
    return pictures;
  }

  static void openDialogs(MainWindow& window) {
    for (const char* name : {"modelCard", "editPrompt", "keyboard", "limits", "glossary", "about", "export"})
      window.findChild<QAction*>(QString::fromLatin1(name))->trigger();
    settle();
  }

 private Q_SLOTS:
  // A window whose theme and type changed looks like one that was started that way, whatever came before.
  void changesLookLikeAFreshStart() {
    std::vector<Pictures> fresh;
    for (const State& state : kStates) {
      Settings settings;
      settings.setTheme(state.theme);
      settings.setUiScale(1.0);
      double scale = 1.0;
      for (int i = 0; i < state.larger; ++i) scale *= 1.1;
      settings.setUiScale(scale);
      applyTheme(state.theme, settings.uiScale());
      const auto window = makeWindow();
      QVERIFY(window);
      openDialogs(*window);
      fresh.push_back(look(*window));
    }
    // What is compared differs at all.
    for (std::size_t i = 1; i < fresh.size(); ++i) {
      for (const auto& [name, image] : fresh[0]) QVERIFY2(fresh[i].at(name) != image, qPrintable(name));
    }
    Settings().setTheme(Theme::Light);
    Settings().setUiScale(1.0);
    applyTheme(Theme::Light, 1.0);
    const auto window = makeWindow();
    QVERIFY(window);
    openDialogs(*window);
    comparePictures(look(*window), fresh[0], QStringLiteral("at the start"));
    // A walk along every arrow between two of them.
    int from = 0;
    for (const int to : {1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3, 0}) {
      const auto state = [](int i) { return kStates[static_cast<std::size_t>(i)]; };
      turn(*window, state(to));
      QCOMPARE(window->width(), 1280);
      comparePictures(look(*window), fresh[static_cast<std::size_t>(to)],
                      QStringLiteral("%1 after %2").arg(state(to).name(), state(from).name()));
      if (QTest::currentTestFailed()) return;
      from = to;
    }
  }

  void noTypeIsTooWideForTheScreen_data() {
    QTest::addColumn<double>("scale");
    QTest::addColumn<int>("most");
    QTest::newRow("100 %") << 1.0 << 1024;
    QTest::newRow("125 %") << 1.25 << 1280;
    QTest::newRow("150 %") << 1.5 << 1280;
    QTest::newRow("200 %") << 2.0 << 1280;
  }
  void noTypeIsTooWideForTheScreen() {
    QFETCH(double, scale);
    QFETCH(int, most);
    applyTheme(Theme::Light, scale);
    const auto window = makeWindow();
    QVERIFY(window);
    setEdits(window->session(), {parse_disruption("same number of smallest on Q")});
    window->findChild<QDockWidget*>(QStringLiteral("dockDisruption"))->raise();
    settle();
    const QSize least = window->minimumSizeHint();
    QVERIFY2(least.width() <= most, qPrintable(QString::number(least.width())));
    QVERIFY2(least.height() <= 800, qPrintable(QString::number(least.height())));
    window->resize(most, 800);
    settle();
    QCOMPARE(window->size(), QSize(most, 800));
    for (const QToolButton* button : window->findChild<ToolRow*>()->findChildren<QToolButton*>()) {
      if (button->isVisible())
        QVERIFY2(button->width() >= button->minimumSizeHint().width(), qPrintable(button->text()));
    }
    // Nor does the panel in front give up the room it needs.
    QVERIFY(window->findChild<QDockWidget*>(QStringLiteral("dockDisruption"))->width() >= 300);
    const QString folder = qEnvironmentVariable("QKSCOPE_SNAPSHOTS");
    if (!folder.isEmpty()) window->grab().save(folder + QStringLiteral("/scale%1.png").arg(scale));
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestTheme test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_theme.moc"

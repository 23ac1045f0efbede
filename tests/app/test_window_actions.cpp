#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDialog>
#include <QDockWidget>
#include <QLineEdit>
#include <QTimer>
#include <QTreeWidget>
#include <set>

#include "app/fuzzy.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/theme.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

/// Every command of the table is run and has to do something that can be seen; menus, palette and page of
/// keys show the table.
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
                    QString::number(window.session().store().share()),
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
    window.session().setModelShare(other ? 60 : 40);
    Document document = defaultDocument();
    document.prompts = smallPrompts();
    document.selection = {other ? Site::Key : Site::Query, other ? 1 : 0, other ? 1 : 0, 3, 1};
    document.arms.list = {{QString(), {parse_disruption("site=v,pick=largest:1,layers=2")}},
                          {QString(), {parse_disruption("site=k,pick=largest:2")}}};
    document.arms.on = other;
    document.look.shown = other ? Shown::Disrupted : Shown::Baseline;
    document.look.after_rope = !other;
    document.look.left_out.which = other ? LeftOut::Which::First : LeftOut::Which::None;
    document.look.one_scale = !other;
    document.look.head_mean = other;
    if (other) document.look.magnitudes << QStringLiteral("/no/such.json");
    document.look.token_colors = other ? TokenColors::None : TokenColors::Change;
    document.look.picture = other ? Picture::AllLayers : Picture::HeadsDims;
    document.look.scale = other ? ColorScale::Log : ColorScale::Linear;
    document.look.range = other ? ColorRange::Percentile : ColorRange::Full;
    document.look.color_map = other ? QStringLiteral("magma") : QStringLiteral("viridis");
    window.setDocument(document);
    if (other) {  // now there is something to redo
      setEdits(window.session(), {parse_disruption("site=q,pick=largest:3")});
      setEdits(window.session(), {parse_disruption("site=v,pick=smallest:3")});
      window.commands().run(QStringLiteral("undo"));
    }
    for (QDockWidget* dock : window.findChildren<QDockWidget*>()) dock->setHidden(other);
  }

 private Q_SLOTS:
  void everyActionDoesSomething() {
    MainWindow window;
    window.session().setMaxNewTokens(2);
    window.show();
    const TinyModel second("llama-bias");
    const auto openBoth = [&] {
      for (const auto& folder : {second.folder(), smallModel()}) {
        window.loadModel(QString::fromStdString(folder.string()), onOneThread());
        if (!finish(window.session())) return false;
      }
      return window.session().store().models().size() == 2;
    };
    int runs = 0;
    connect(&window.session(), &Session::busyChanged, &window, [&runs] { ++runs; });

    QStringList idle;
    int tried = 0;
    for (const CommandTable::Row& row : window.commands().rows()) {
      QAction* action = row.action;
      const QString name = row.command.id;
      if (name == QStringLiteral("quit")) continue;
      bool did = false;
      for (const bool other : {false, true}) {
        prepare(window, other);
        // Whatever was closed is there again.
        QVERIFY(window.session().store().models().size() == 2 || openBoth());
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

  /// What switches something shows afterwards what it switched, and of a group exactly one holds.
  void switchesShowWhatHolds() {
    MainWindow window;
    window.setDocument(defaultDocument());
    int switches = 0;
    for (const CommandTable::Row& row : window.commands().rows()) {
      const Command& command = row.command;
      // Panels of a window that is not shown, and what needs a run, cannot be switched here.
      const bool can = command.checked && !command.id.startsWith(QStringLiteral("panel_")) &&
                       command.group != QStringLiteral("shown");
      if (!can) continue;
      const bool before = command.checked();
      row.action->trigger();
      QVERIFY2(command.checked() == (command.group.isEmpty() ? !before : true), qPrintable(command.id));
      QCOMPARE(row.action->isChecked(), command.checked());
      int holding = 0;
      for (const CommandTable::Row& other : window.commands().rows()) {
        if (other.command.group != command.group || command.group.isEmpty()) continue;
        QCOMPARE(other.action->isChecked(), other.command.checked());
        holding += other.command.checked();
      }
      if (!command.group.isEmpty()) QCOMPARE(holding, 1);
      ++switches;
    }
    QVERIFY(switches > 15);
  }

  void menusAreTheTable() {
    MainWindow window;
    std::set<QString> ids;
    for (const CommandTable::Row& row : window.commands().rows()) {
      QVERIFY2(ids.insert(row.command.id).second, qPrintable(row.command.id));
      QVERIFY2(row.command.run, qPrintable(row.command.id));
      QVERIFY2(!row.menu.isEmpty() && !row.menu.front().contains(u'&'), qPrintable(row.command.id));
      QVERIFY(window.commands().action(row.command.id) == row.action);
    }
    for (const QAction* action : window.findChildren<QAction*>()) {
      const bool has_keys = !action->shortcuts().isEmpty();
      QVERIFY2(!has_keys || ids.contains(action->objectName()), qPrintable(action->text()));
    }
    QVERIFY(window.commands().action(QStringLiteral("nothing")) == nullptr);
  }

  /// Every command is found by its own words and is run from there.
  void paletteFindsEveryCommand() {
    MainWindow window;
    window.setDocument(defaultDocument());
    window.show();
    window.commands().run(QStringLiteral("palette"));
    auto* palette = window.findChild<QDialog*>(QStringLiteral("commandPalette"));
    QVERIFY(palette && palette->isVisible());
    auto* typed = palette->findChild<QLineEdit*>(QStringLiteral("paletteText"));
    const auto* list = palette->findChild<QTreeWidget*>(QStringLiteral("paletteList"));
    QCOMPARE(list->topLevelItemCount(), static_cast<int>(window.commands().rows().size()));
    for (const CommandTable::Row& row : window.commands().rows()) {
      const QString words = plainText(row.action->text());
      typed->setText(words);
      QVERIFY2(list->topLevelItemCount() > 0, qPrintable(words));
      QCOMPARE(list->topLevelItem(0)->text(0), words);
      // Of several of these words, each is told by its place in the menus.
      int at = 0;
      while (at < list->topLevelItemCount() &&
             list->topLevelItem(at)->data(0, Qt::UserRole).toString() != row.command.id)
        ++at;
      QVERIFY2(at < list->topLevelItemCount(), qPrintable(row.command.id));
      const QTreeWidgetItem* item = list->topLevelItem(at);
      QCOMPARE(item->text(1), row.menu.join(QStringLiteral(" › ")));
      for (const QKeySequence& key : row.command.keys)
        QVERIFY(item->text(2).contains(key.toString(QKeySequence::NativeText)));
      const bool can = item->flags() & Qt::ItemIsEnabled;
      QCOMPARE(can, row.action->isEnabled());
    }
    typed->setText(QStringLiteral("qxzw"));
    QCOMPARE(list->topLevelItemCount(), 0);
    QTest::keyClick(typed, Qt::Key_Return);
    QVERIFY(palette->isVisible());  // nothing to run
    typed->setText(QStringLiteral("undo"));
    QTest::keyClick(typed, Qt::Key_Return);
    QVERIFY(palette->isVisible());  // nothing to undo
    typed->setText(QStringLiteral("mgm"));
    QTest::keyClick(typed, Qt::Key_Return);
    QVERIFY(!palette->isVisible());
    QTRY_COMPARE(window.state().look().color_map, QStringLiteral("magma"));
  }

  void paletteWalksByKeys() {
    MainWindow window;
    window.show();
    window.commands().run(QStringLiteral("palette"));
    auto* palette = window.findChild<QDialog*>(QStringLiteral("commandPalette"));
    auto* typed = palette->findChild<QLineEdit*>(QStringLiteral("paletteText"));
    const auto* list = palette->findChild<QTreeWidget*>(QStringLiteral("paletteList"));
    typed->setText(QStringLiteral("color scale"));
    const QString first = list->currentItem()->text(0);
    QTest::keyClick(typed, Qt::Key_Down);
    QVERIFY(list->currentItem()->text(0) != first);
    QTest::keyClick(typed, Qt::Key_Up);
    QCOMPARE(list->currentItem()->text(0), first);
    QTest::keyClick(typed, Qt::Key_Escape);
    QVERIFY(!palette->isVisible());
  }

  void fuzzyWords() {
    const auto score = [](const char* typed, const char* text) {
      return fuzzyScore(QString::fromLatin1(typed), QString::fromLatin1(text));
    };
    QVERIFY(score("", "Export"));
    for (const char* typed : {"e", "EXP", "xprt", "export fig", "fig exp", "ef"})
      QVERIFY2(score(typed, "Export Figure"), typed);
    for (const char* typed : {"z", "pxe", "exportt", "ee x", "figures"})
      QVERIFY2(!score(typed, "Export Figur"), typed);
    QVERIFY(!score("a", ""));
    // Beginnings of words and letters side by side come first.
    QVERIFY(score("co", "Copy") > score("co", "scales to"));
    QVERIFY(score("sd", "Save document") > score("sd", "as dim"));
    QVERIFY(score("lay", "Layer after") > score("lay", "All any"));
    // The best of all ways to find them counts, not the first.
    QVERIFY(score("bc", "ab cd bcd") > score("bc", "ab cd"));
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

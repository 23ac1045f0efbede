#include <QAction>
#include <QApplication>
#include <QDialog>
#include <QDirIterator>
#include <QHelpEvent>
#include <QLabel>
#include <QMessageBox>
#include <QToolTip>

#include "app/theme.h"
#include "tests/app/window_test.h"
#include "views/disruption_words.h"

namespace qkscope::test {

/// Names and texts of files that would be markup, mnemonics or placeholders if anybody read them as such.
class TestPlainWords : public WindowTestCase {
  Q_OBJECT

  const QString words_ = QStringLiteral("<b>x<b> &amp; &File");

  static QLabel* tip() {
    for (QWidget* widget : QApplication::topLevelWidgets()) {
      if (widget->inherits("QTipLabel") && widget->isVisible()) return qobject_cast<QLabel*>(widget);
    }
    return nullptr;
  }

  static void allArePlain(const QWidget& window) {
    for (const QLabel* label : window.findChildren<QLabel*>())
      QVERIFY2(label->textFormat() == Qt::PlainText, qPrintable(label->text()));
  }

 private Q_SLOTS:
  void namesOfFilesAreShownAsTheyAre() {
    const std::filesystem::path folder = folder_.filePath(words_).toStdString();
    std::filesystem::copy(model_.folder(), folder, std::filesystem::copy_options::recursive);
    Document named = document(words_);
    named.model = QString::fromStdString(folder.string());
    const auto window = makeWindow(named);
    QVERIFY(window);
    QVERIFY2(window->windowTitle().contains(words_), qPrintable(window->windowTitle()));
    window->showError(words_);
    for (const char* name : {"modelCard", "editPrompt", "export", "keyboard"})
      window->findChild<QAction*>(QString::fromLatin1(name))->trigger();
    QMessageBox box(QMessageBox::Question, words_, words_, QMessageBox::Ok, window.get());
    box.setInformativeText(words_);
    box.open();
    settle();
    allArePlain(*window);
    if (QTest::currentTestFailed()) return;
    bool said = false;
    for (const QLabel* label : window->findChildren<QLabel*>()) said = said || label->text() == words_;
    QVERIFY(said);

    // As a menu shows it: a single & is a mnemonic, two are one.
    bool listed = false;
    for (const QAction* action : window->findChildren<QAction*>()) {
      if (!action->text().contains(QStringLiteral("<b>"))) continue;
      const QChar doubled(0xe000);
      QString shown = action->text();
      shown.replace(QStringLiteral("&&"), doubled).remove(u'&').replace(doubled, u'&');
      QVERIFY2(shown.contains(words_), qPrintable(shown));
      listed = true;
    }
    QVERIFY(listed);

    int tips = 0;
    for (QWidget* widget : window->findChildren<QWidget*>()) {
      if (!widget->toolTip().contains(QStringLiteral("<b>"))) continue;
      QToolTip::hideText();
      QHelpEvent help(QEvent::ToolTip, widget->rect().center(), widget->mapToGlobal(QPoint(1, 1)));
      QCoreApplication::sendEvent(widget, &help);
      const QLabel* shown = tip();
      QVERIFY(shown);
      QCOMPARE(shown->textFormat(), Qt::PlainText);
      QCOMPARE(shown->text(), widget->toolTip());
      ++tips;
    }
    QVERIFY(tips > 0);
  }

  /// Qt's own plural forms are a translation file's, and there is none of English: "1 entries".
  void countsAreWordedWithoutATranslation() {
    int files = 0;
    for (const char* folder : {"app", "views"}) {
      QDirIterator file(QString::fromStdString((source_dir() / folder).string()),
                        {QStringLiteral("*.cpp"), QStringLiteral("*.h")}, QDir::Files,
                        QDirIterator::Subdirectories);
      while (file.hasNext()) {
        QFile source(file.next());
        QVERIFY(source.open(QIODevice::ReadOnly));
        QVERIFY2(!source.readAll().contains("%n"), qPrintable(file.filePath()));
        ++files;
      }
    }
    QVERIFY(files > 100);
    QCOMPARE(shortWords(parse_edit("entries=q 3:1:17,replace=zero")), QStringLiteral("1 entry of Q"));
    QCOMPARE(shortWords(parse_edit("entries=q 3:1:17 k 3:1:4,replace=zero")),
             QStringLiteral("2 entries of Q and K"));
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestPlainWords test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_plain_words.moc"

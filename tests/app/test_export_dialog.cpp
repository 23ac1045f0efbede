#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>

#include "app/export_dialog.h"
#include "core/base/error.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

class TestExportDialog : public AppTestCase {
  Q_OBJECT
 private Q_SLOTS:
  void dialogStaysUntilItIsWritten() {
    const std::vector<ExportDialog::Figure> figures{
        {QStringLiteral("picture"), QStringLiteral("P"), QStringLiteral("p")},
        {QStringLiteral("overview"), QStringLiteral("O"), QStringLiteral("o")}};
    QString problem = QStringLiteral("There <b>is</b> no room.");
    std::vector<FigureOptions> saved;
    const auto save = [&](const QString&, const FigureOptions& options) {
      if (!problem.isEmpty()) throw Error(problem.toStdString());
      saved.push_back(options);
    };
    writeFile(QStringLiteral("p.svg"), "old");
    {
      ExportDialog dialog(figures, folder_.path(), save, nullptr);
      dialog.show();
      auto* path = dialog.findChild<QLineEdit*>(QStringLiteral("exportPath"));
      auto* words = dialog.findChild<QLabel*>(QStringLiteral("exportProblem"));
      QCOMPARE(path->text(), folder_.filePath(QStringLiteral("p.pdf")));
      dialog.findChild<QDoubleSpinBox*>(QStringLiteral("exportWidth"))->setValue(82.5);
      dialog.findChild<QCheckBox*>()->setChecked(false);
      dialog.accept();
      QVERIFY(dialog.isVisible());
      QVERIFY(words->isVisible());
      QCOMPARE(words->text(), problem);
      QCOMPARE(words->textFormat(), Qt::PlainText);
      QCOMPARE(dialog.options().width_mm, 82.5);
      problem.clear();
      path->setText(folder_.filePath(QStringLiteral("p.svg")));
      QVERIFY(!words->isVisible());
      dialog.accept();
      QVERIFY(dialog.isVisible());
      QVERIFY2(words->text().contains(QStringLiteral("p.svg")), qPrintable(words->text()));
      QVERIFY(saved.empty());
      // Another name is another question.
      path->setText(folder_.filePath(QStringLiteral("p.png")));
      path->setText(folder_.filePath(QStringLiteral("p.svg")));
      dialog.accept();
      QVERIFY(saved.empty());
      dialog.resize(777, dialog.height());
      dialog.accept();
      QVERIFY(!dialog.isVisible());
      QCOMPARE(saved.size(), std::size_t{1});
      QVERIFY(saved[0].force && !saved[0].data);
    }
    ExportDialog dialog(figures, folder_.path(), save, nullptr);
    dialog.show();
    QCOMPARE(dialog.options().width_mm, 82.5);
    QVERIFY(!dialog.options().data);
    QCOMPARE(dialog.options().path, folder_.filePath(QStringLiteral("p.svg")));
    QCOMPARE(dialog.width(), 777);
    dialog.findChild<QComboBox*>(QStringLiteral("exportFigure"))->setCurrentIndex(1);
    QCOMPARE(dialog.options().path, folder_.filePath(QStringLiteral("o.svg")));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestExportDialog)
#include "test_export_dialog.moc"

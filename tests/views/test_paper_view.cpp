#include <QApplication>
#include <QComboBox>
#include <QImage>
#include <QPainter>
#include <QTemporaryDir>

#include "core/base/error.h"
#include "tests/views/panel_stage.h"
#include "views/curve_plot.h"
#include "views/paper_picture.h"
#include "views/paper_tables.h"

namespace qkscope::test {

/// What the first paper published, beside what is measured here.
class TestPaperView : public TestCase {
  Q_OBJECT

  /// Two arms on GSM8K and cities, three of four and one of four right.
  static ExperimentTable measured() {
    const auto score = [](const char* task, int correct) {
      TaskScore one;
      one.task = task;
      one.items = 4;
      one.correct = correct;
      one.diversity = 0.25 * correct;
      one.interval = wilson(correct, 4);
      return one;
    };
    ExperimentTable table{"e", "mine", {}, 16, 16};
    table.arms = {{"baseline", {}, "", "", {score("gsm8k", 3), score("cities", 4)}},
                  {"massive disrupted", {}, "", "", {score("gsm8k", 1), score("cities", 3)}}};
    return table;
  }
  static PaperTable part(PaperPart part, bool here = true) {
    PaperTable table = paperTable(paper_tables(), part);
    if (here) add_measured(table, measured());
    return table;
  }

 private Q_SLOTS:
  void everyPartIsThere() {
    for (const PaperPart which : {PaperPart::Table1, PaperPart::Figure3a, PaperPart::Figure3b,
                                  PaperPart::Figure3c, PaperPart::Figure5, PaperPart::Table3})
      QVERIFY(!part(which).rows.empty());
    QVERIFY_THROWS_EXCEPTION(Error, paperTable({}, PaperPart::Table1));
  }

  /// A chart a model over the tasks, as published; a chart a task over the arms. Every bar is a number of the
  /// table, and what is not known has none.
  void chartsAreTheTable() {
    const PaperTable table = part(PaperPart::Figure3a);
    const std::vector<Chart> published = paperCharts(table, PaperLayout::Published);
    QCOMPARE(published.size(), std::size_t(2));
    QCOMPARE(published[0].title, QStringLiteral("Llama3-8B"));
    QCOMPARE(published[1].title, QStringLiteral("here: mine"));
    QCOMPARE(published[0].x_words,
             (QStringList{QStringLiteral("GSM8K"), QStringLiteral("AQUA"), QStringLiteral("IMDB")}));
    QCOMPARE(published[0].curves.size(), std::size_t(3));
    QCOMPARE(published[0].curves[2].y, (std::vector<double>{0.56, 0.4, 0.11}));
    QCOMPARE(published[1].curves.size(), std::size_t(2));
    QCOMPARE(published[1].curves[1].y[0], 0.25);
    QVERIFY(std::isnan(published[1].curves[1].y[1]));
    // An arm has one colour, published and here; the baseline has the published name for one.
    QCOMPARE(published[1].curves[0].name, published[0].curves[0].name);
    QCOMPARE(published[1].curves[1].ink, published[0].curves[2].ink);

    const std::vector<Chart> tasks = paperCharts(part(PaperPart::Table1), PaperLayout::ByTask);
    QCOMPARE(tasks.size(), std::size_t(11));
    QCOMPARE(tasks[0].title, QStringLiteral("GSM8K"));
    QCOMPARE(tasks[0].x_words.size(), qsizetype(3));
    QCOMPARE(tasks[0].curves.size(), std::size_t(4));
    QCOMPARE(tasks[0].curves[0].y, (std::vector<double>{81.3, 81.6, 15.1}));
    const std::vector<double>& here = tasks[0].curves[3].y;
    QVERIFY(here[0] == 75 && std::isnan(here[1]) && here[2] == 25);
  }

  /// In print a model is named once; each of its arms follows, under the groups of the paper.
  void tablesAreAsInPrint() {
    const PlotStyle style;
    const TextTable print = paperText(part(PaperPart::Table1), style, true),
                    panel = paperText(part(PaperPart::Table1), style, false);
    QCOMPARE(print.columns.size() + 1, panel.columns.size());
    QCOMPARE(print.columns[1].group, QStringLiteral("contextual knowledge"));
    QCOMPARE(print.rows.size(), std::size_t(11));
    QCOMPARE(print.rows[0].cells[0].words, QStringLiteral("Gemma2-9B"));
    QCOMPARE(print.rows[2].cells[0].words, QStringLiteral("  + massive disrupted"));
    QCOMPARE(print.rows[2].cells[3].words, QLocale().toString(2.0, 'f', 1));
    QVERIFY(print.rows[3].begins && !print.rows[4].begins && print.rows[9].begins);
    QCOMPARE(print.rows[9].cells[0].words, QStringLiteral("here: mine"));
    QCOMPARE(print.rows[9].cells[2].words, QStringLiteral("–"));
    QVERIFY(print.rows[9].strong && !print.rows[8].strong);
    const TextTable verdicts = paperText(part(PaperPart::Table3), style, true);
    QCOMPARE(verdicts.rows[0].cells[1].words, QStringLiteral("yes"));
    QCOMPARE(verdicts.rows[9].cells[2].words, QStringLiteral("no"));
  }

  void tablesFitThePage_data() {
    QTest::addColumn<double>("width");
    for (const double width : {82.0, 120.0, 170.0}) QTest::addRow("%g mm", width) << width;
  }
  /// Nothing is painted beside the place that a table has, and it fills its width.
  void tablesFitThePage() {
    QFETCH(double, width);
    QImage image(qRound(width / 25.4 * 300), qRound(width * 0.7 / 25.4 * 300), QImage::Format_RGB32);
    image.setDotsPerMeterX(11811);
    image.setDotsPerMeterY(11811);
    image.fill(Qt::white);
    const PlotStyle style = PlotStyle::paper(image, image.size());
    const QRectF area = QRectF(image.rect()).adjusted(60, 40, -60, -40);
    double height = 0;
    {
      QPainter painter(&image);
      height = paintTable(painter, style, area, paperText(part(PaperPart::Table1), style, true));
    }
    QVERIFY(height <= area.height());
    QRect inked;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) {
        if (image.pixel(x, y) != qRgb(255, 255, 255)) inked |= QRect(x, y, 1, 1);
      }
    }
    QVERIFY(area.toAlignedRect().adjusted(-4, -4, 4, 4).contains(inked));
    QVERIFY(inked.width() > 0.98 * area.width());
  }

  /// The panel is chosen by the look, and choosing there is a change of the look.
  void thePanelFollowsTheLook() {
    Stage stage(QStringLiteral("paper"), {}, {900, 500});
    auto* part = stage.view->findChild<QComboBox*>(QStringLiteral("paperChoice"));
    QCOMPARE(part->currentIndex(), 0);
    Look look;
    look.paper_part = PaperPart::Figure3c;
    stage.state.setLook(look);
    QCOMPARE(part->currentIndex(), 3);
    QVERIFY(stage.view->figureTitle().startsWith(QStringLiteral("Figure 3c")));
    auto* charts = stage.view->findChild<CurvePlot*>(QStringLiteral("paperCharts"));
    QVERIFY(charts->isVisible());
    part->setCurrentIndex(5);
    QCOMPARE(stage.state.look().paper_part, PaperPart::Table3);
    QVERIFY(!charts->isVisible());
    // A folder without results is said, and nothing is exported.
    QTemporaryDir folder;
    look.results = {folder.path()};
    stage.state.setLook(look);
    QVERIFY2(stage.view->whyNoFigure().contains(folder.path()), qPrintable(stage.view->whyNoFigure()));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPaperView)
#include "test_paper_view.moc"

#include <QBuffer>
#include <QPainter>
#include <QPdfWriter>
#include <QSvgGenerator>

#include "tests/views/sample.h"
#include "views/view_registry.h"

namespace qkscope::test {

namespace {

/// A picture of `widget`, kept where QKSCOPE_SNAPSHOTS names a folder, for a person to look at.
QImage snapshot(QWidget& widget, const QString& name) {
  QCoreApplication::processEvents();
  QCoreApplication::processEvents();
  const QImage image = widget.grab().toImage();
  const QString folder = qEnvironmentVariable("QKSCOPE_SNAPSHOTS");
  if (!folder.isEmpty()) image.save(folder + QLatin1Char('/') + name + QStringLiteral(".png"));
  return image;
}

/// Takes longer over every picture than a turn of the event loop may.
class SlowView : public View {
 public:
  SlowView(ViewState& state, QWidget* parent, const QString& name, QStringList& shown)
      : View(state, parent), shown_(shown) {
    setObjectName(name);
  }
  void ask() { scheduleRefresh(); }
  bool changing = false;  // all the time

 protected:
  void refresh() override {
    shown_ << objectName();
    QTest::qSleep(6);
    QMetaObject::invokeMethod(
        this, [this] { shown_ << QStringLiteral("key"); }, Qt::QueuedConnection);
    if (changing) scheduleRefresh();
  }

 private:
  QStringList& shown_;
};

}  // namespace

class TestViewsPaint : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void everyViewPaints_data() {
    QTest::addColumn<QString>("id");
    QTest::addColumn<bool>("dark");
    for (const ViewEntry& entry : viewRegistry()) {
      QTest::newRow(qPrintable(entry.id + QStringLiteral(" light"))) << entry.id << false;
      QTest::newRow(qPrintable(entry.id + QStringLiteral(" dark"))) << entry.id << true;
    }
  }
  void everyViewPaints() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    QFETCH(QString, id);
    QFETCH(bool, dark);
    for (const ViewEntry& entry : viewRegistry()) {
      if (entry.id != id) continue;
      ViewState state;
      state.setSelection({Site::Query, 16, 6, 23, -1});
      // In a window of its own the offscreen platform would warn of the view's size hints.
      QWidget window;
      View* view = entry.make(state, &window);
      dark ? darkPalette(*view) : lightPalette(*view);
      QFont font(QStringLiteral("Inter"));
      font.setPointSizeF(10);
      view->setFont(font);
      switch (entry.place) {
        case Place::Centre:
          view->resize(1052, 640);
          break;
        case Place::Left:
          view->resize(220, 640);
          break;
        case Place::Right:
          view->resize(330, 640);
          break;
        case Place::Bottom:
          view->resize(1280, 260);
          break;
      }
      window.resize(view->size());
      window.show();
      const QString name = id + (dark ? QStringLiteral("_dark") : QStringLiteral("_light"));
      const QImage empty = snapshot(*view, name + QStringLiteral("_empty"));
      QVERIFY(!empty.isNull());
      const ViewData data = smollm2Data();
      view->setData(data);
      const QImage full = snapshot(*view, name);
      if (view->isFigure() && view->showsRuns()) QVERIFY2(full != empty, "data must be seen");
      // Every way to look at the same numbers is a picture of its own.
      std::vector<std::pair<QString, QImage>> seen{{QStringLiteral("empty"), empty}, {name, full}};
      const auto look_at = [&](const Look& look, const QString& what) {
        state.setLook(look);
        const QImage image = snapshot(*view, name + u'_' + what);
        for (const auto& [other, picture] : seen)
          QVERIFY2(image != picture, qPrintable(QStringLiteral("%1 and %2").arg(what, other)));
        seen.emplace_back(what, image);
      };
      if (entry.place == Place::Centre) {
        Look look;
        look.picture = Picture::PositionsDims;
        look_at(look, QStringLiteral("positions"));
        look.color_map = QStringLiteral("RdBu_r");
        look_at(look, QStringLiteral("positions_signed"));
        look = Look{};
        look.picture = Picture::AllLayers;
        look_at(look, QStringLiteral("layers"));
        look = Look{};
        look.shown = Shown::Difference;
        look.one_scale = false;
        look_at(look, QStringLiteral("difference"));
        look = Look{};
        look.range = ColorRange::Percentile;
        look.scale = ColorScale::Log;
        look_at(look, QStringLiteral("log"));
        look = Look{};
        look.lambda = 3;
        look_at(look, QStringLiteral("lambda"));
        state.setLook(Look{});
        QCOMPARE(snapshot(*view, name + QStringLiteral("_again")), full);
      }
    }
  }
  void everyFigurePaintsOnPaper_data() {
    QTest::addColumn<QString>("id");
    QTest::addColumn<int>("picture");
    for (const ViewEntry& entry : viewRegistry()) {
      ViewState state;
      const std::unique_ptr<View> view(entry.make(state, nullptr));
      if (!view->isFigure()) continue;
      const int pictures = entry.place == Place::Centre ? 3 : 1;
      for (int picture = 0; picture < pictures; ++picture) {
        QTest::newRow(qPrintable(entry.id + QString::number(picture))) << entry.id << picture;
      }
    }
  }
  // Without ever having been shown, as an export from the command line does it.
  void everyFigurePaintsOnPaper() {
    QKSCOPE_REQUIRE_DATA(smollm2Norms());
    QFETCH(QString, id);
    QFETCH(int, picture);
    ViewState state;
    state.setSelection({Site::Query, 16, 6, 23, -1});
    Look look;
    look.picture = static_cast<Picture>(picture);
    state.setLook(look);
    for (const ViewEntry& entry : viewRegistry()) {
      if (entry.id != id) continue;
      const std::unique_ptr<View> view(entry.make(state, nullptr));
      view->setData(smollm2Data());
      QVERIFY(!view->figureTitle().isEmpty());
      const auto arrays = view->figureArrays();
      QVERIFY(!arrays.empty());
      for (const FigureArray& array : arrays) {
        std::int64_t size = 1;
        for (const std::int64_t extent : array.array.shape) size *= extent;
        QCOMPARE(size, static_cast<std::int64_t>(array.array.data.size()));
        QCOMPARE(array.axes.size(), static_cast<qsizetype>(array.array.shape.size()));
      }

      const auto paper = [](const View& shown) {
        QImage image(2008, 1417, QImage::Format_ARGB32_Premultiplied);  // 170 x 120 mm at 300 dpi
        image.setDotsPerMeterX(11811);
        image.setDotsPerMeterY(11811);
        QPainter painter(&image);
        painter.setRenderHint(QPainter::Antialiasing);
        shown.paintFigure(painter, image.rect());
        return image;
      };
      const QImage image = paper(*view);
      QCOMPARE(image.pixelColor(0, 0), QColor(Qt::white));
      // It shows these numbers: none, or others, give another figure; the same, the same.
      QCOMPARE(paper(*view), image);
      const std::unique_ptr<View> other(entry.make(state, nullptr));
      QCOMPARE(paper(*other) != image, view->showsRuns());
      Look stricter = look;
      stricter.lambda = 8;
      stricter.activations.least = 30000;
      // Those that outline nothing massive.
      if (QStringList{QStringLiteral("attention"), QStringLiteral("pairs"), QStringLiteral("stems")}.contains(
              id))
        stricter.shown = Shown::Disrupted;
      stricter.paper_layout = PaperLayout::ByTask;
      state.setLook(stricter);
      QVERIFY(paper(*view) != image);
      state.setLook(look);
      const QString folder = qEnvironmentVariable("QKSCOPE_SNAPSHOTS");
      const QString name = folder + QStringLiteral("/figure_%1_%2").arg(id).arg(picture);
      if (!folder.isEmpty()) image.save(name + QStringLiteral(".png"));

      QPainter painter;
      QBuffer svg;
      QSvgGenerator generator;
      generator.setOutputDevice(&svg);
      generator.setResolution(96);
      generator.setSize({643, 454});
      generator.setViewBox(QRect(0, 0, 643, 454));
      painter.begin(&generator);
      view->paintFigure(painter, QRectF(0, 0, 643, 454));
      painter.end();
      QVERIFY(svg.data().contains("<text"));  // words stay words
      if (!folder.isEmpty()) {
        QFile file(name + QStringLiteral(".svg"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(svg.data());
        QPdfWriter pdf(name + QStringLiteral(".pdf"));
        pdf.setResolution(1200);
        pdf.setPageSize(QPageSize(QSizeF(170, 120), QPageSize::Millimeter));
        pdf.setPageMargins({});
        painter.begin(&pdf);
        view->paintFigure(painter, QRectF(0, 0, pdf.width(), pdf.height()));
        painter.end();
      }
    }
  }

  /// What is due is shown with the largest first; what happens meanwhile is heard before the next; and nobody
  /// waits for a view that changes all the time.
  void dueViewsTakeTurns() {
    ViewState state;
    QWidget window;
    QStringList shown;
    SlowView small(state, &window, QStringLiteral("small"), shown),
        middle(state, &window, QStringLiteral("middle"), shown),
        large(state, &window, QStringLiteral("large"), shown);
    small.resize(50, 50);
    middle.resize(100, 100);
    large.resize(200, 200);
    window.show();
    QCoreApplication::processEvents();
    shown.clear();
    for (SlowView* view : {&small, &middle, &large}) view->ask();
    const QStringList expected = {QStringLiteral("large"), QStringLiteral("key"),    QStringLiteral("small"),
                                  QStringLiteral("key"),   QStringLiteral("middle"), QStringLiteral("key")};
    QTRY_COMPARE(shown, expected);
    shown.clear();
    large.changing = middle.changing = true;
    for (SlowView* view : {&small, &middle, &large}) view->ask();
    QTRY_VERIFY(shown.contains(QStringLiteral("small")) && shown.contains(QStringLiteral("middle")));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestViewsPaint)
#include "test_views_paint.moc"

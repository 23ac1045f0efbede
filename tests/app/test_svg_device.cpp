#include <QImage>
#include <QPainter>
#include <QSvgRenderer>
#include <functional>

#include "app/svg_device.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

class TestSvgDevice : public TestCase {
  Q_OBJECT

  /// A page of an inch by half an inch.
  static QByteArray drawn(const std::function<void(QPainter&)>& draw) {
    SvgDevice svg(25.4, 12.7);
    svg.setTitle(QStringLiteral("a < b"));
    {
      QPainter painter(&svg);
      draw(painter);
    }
    return svg.file();
  }
  /// The file as a judge of its own draws it, 120 pixels by 60.
  static QImage shown(const QByteArray& svg) {
    QImage image(120, 60, QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    QSvgRenderer(svg).render(&painter);
    return image;
  }

 private Q_SLOTS:
  void pageAndTitle() {
    const QByteArray svg = drawn([](QPainter&) {});
    QVERIFY(QSvgRenderer(svg).isValid());
    QVERIFY(svg.contains("width=\"25.4mm\" height=\"12.7mm\" viewBox=\"0 0 1200 600\""));
    QVERIFY(svg.contains("<title>a &lt; b</title>"));
  }

  void shapesAndTransforms() {
    const QImage image = shown(drawn([](QPainter& painter) {
      painter.fillRect(QRectF(100, 100, 200, 200), QColor(0xff0000));
      painter.translate(600, 300);
      painter.rotate(90);
      painter.fillRect(QRectF(0, 0, 200, 100), QColor(0x0000ff));  // right and down becomes down and left
      painter.resetTransform();
      painter.setOpacity(0.5);
      painter.fillRect(QRectF(900, 100, 200, 200), Qt::black);
      painter.setOpacity(1);
      painter.setPen(QPen(QColor(0x00ff00), 40));
      painter.drawLine(QPointF(900, 500), QPointF(1100, 500));
    }));
    QCOMPARE(image.pixel(20, 20), qRgb(255, 0, 0));
    QCOMPARE(image.pixel(5, 20), qRgb(255, 255, 255));
    QCOMPARE(image.pixel(55, 40), qRgb(0, 0, 255));
    QCOMPARE(image.pixel(65, 35), qRgb(255, 255, 255));
    QVERIFY(std::abs(qRed(image.pixel(100, 20)) - 127) < 3);
    QCOMPARE(image.pixel(100, 50), qRgb(0, 255, 0));
    QCOMPARE(image.pixel(100, 55), qRgb(255, 255, 255));
  }

  void imagesKeepTheirPixels() {
    QImage cells(2, 1, QImage::Format_RGB32);
    cells.setPixel(0, 0, 0xff112233);
    cells.setPixel(1, 0, 0xffaabbcc);
    const QByteArray svg =
        drawn([&](QPainter& painter) { painter.drawImage(QRectF(200, 100, 800, 400), cells); });
    QVERIFY(svg.contains("image-rendering:pixelated") && svg.contains("preserveAspectRatio=\"none\""));
    const QImage image = shown(svg);
    QCOMPARE(image.pixel(25, 30), 0xff112233);
    QCOMPARE(image.pixel(95, 30), 0xffaabbcc);
    QCOMPARE(image.pixel(15, 30), 0xffffffff);
  }

  /// Words are outlines that lie where they were written.
  void textIsOutlines() {
    const QByteArray svg = drawn([](QPainter& painter) {
      painter.setPen(Qt::black);
      painter.drawText(QRectF(600, 0, 600, 600), Qt::AlignCenter, QStringLiteral("[M > 5]"));
    });
    QVERIFY(!svg.contains("<text") && !svg.contains("font"));
    const QImage image = shown(svg);
    int left = 0, right = 0;
    for (int y = 0; y < 60; ++y) {
      for (int x = 0; x < 120; ++x) (x < 60 ? left : right) += qGray(image.pixel(x, y)) < 128;
    }
    QCOMPARE(left, 0);
    QVERIFY(right > 40);
  }

  /// Clips are in the page's coordinates, narrow each other, and end.
  void clips() {
    const QByteArray svg = drawn([](QPainter& painter) {
      painter.save();
      painter.translate(100, 0);
      painter.setClipRect(QRectF(0, 0, 500, 500));
      painter.fillRect(QRectF(0, 0, 9999, 9999), Qt::red);
      painter.setClipRect(QRectF(400, 100, 300, 300), Qt::IntersectClip);
      painter.fillRect(QRectF(0, 0, 9999, 9999), Qt::blue);
      painter.restore();
      painter.fillRect(QRectF(1000, 0, 10, 10), Qt::green);
    });
    QVERIFY2(svg.contains("M100 0L600 0L600 500L100 500"), svg.constData());
    QVERIFY2(svg.contains("M500 100L600 100L600 400L500 400"), svg.constData());
    QCOMPARE(svg.count("<clipPath"), 2);
    QCOMPARE(svg.count("clip-path=\"url(#c1)\""), 1);
    QCOMPARE(svg.count("clip-path=\"url(#c2)\""), 1);
    QVERIFY(
        svg.mid(svg.indexOf("#ff0000")).startsWith("#ff0000\" fill-rule=\"evenodd\" clip-path=\"url(#c1)\""));
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestSvgDevice)
#include "test_svg_device.moc"

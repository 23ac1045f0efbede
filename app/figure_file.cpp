#include "app/figure_file.h"

#include <QBuffer>
#include <QCoreApplication>
#include <QFileInfo>
#include <QPageLayout>
#include <QPainter>
#include <QPdfWriter>
#include <cmath>

#include "app/svg_device.h"
#include "core/base/error.h"

namespace qkscope {

namespace {

constexpr double kMmPerInch = 25.4, kPointsPerInch = 72;
constexpr int kPdfDpi = 1200;
constexpr std::size_t kMaxPixels = 400'000'000;

QString tr(const char* text) {
  return QCoreApplication::translate("Export", text);
}

void paint(const View& view, QPaintDevice& device, const QSizeF& size) {
  QPainter painter;
  if (!painter.begin(&device)) throw Error(tr("The figure could not be painted.").toStdString());
  painter.setRenderHint(QPainter::Antialiasing);
  view.paintFigure(painter, QRectF(QPointF(0, 0), size));
}

/// Replaces `from` by `to` and blanks of the same length: the offsets in a PDF stay as they are.
void replaceInPlace(QByteArray& pdf, qsizetype at, qsizetype length, QByteArray to) {
  if (at >= 0 && to.size() <= length) pdf.replace(at, length, to.leftJustified(length, ' '));
}

/// Qt knows pages of whole points only. The picture stands in the upper left corner of one a little too
/// large, and this is where the page is cut.
void cutPage(QByteArray& pdf, const QSizeF& points, double page_height) {
  const qsizetype at = pdf.indexOf("/MediaBox [");
  const auto number = [](double value) { return QByteArray::number(value, 'f', 3); };
  replaceInPlace(pdf, at, pdf.indexOf(']', at) + 1 - at,
                 "/MediaBox [0 " + number(page_height - points.height()) + ' ' + number(points.width()) +
                     ' ' + QByteArray::number(page_height) + ']');
}

/// The date is told by the file system and the sidecar; in the file it would make equal figures differ.
void dropDate(QByteArray& pdf) {
  const qsizetype at = pdf.indexOf("/CreationDate (");
  replaceInPlace(pdf, at, pdf.indexOf(')', at) + 1 - at, {});
}

QByteArray pdfFile(const View& view, const FigureOptions& options) {
  const QSizeF points(options.width_mm / kMmPerInch * kPointsPerInch,
                      options.height_mm / kMmPerInch * kPointsPerInch);
  const QSizeF page(std::ceil(points.width()), std::ceil(points.height()));
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  {
    QPdfWriter pdf(&buffer);
    pdf.setResolution(kPdfDpi);
    pdf.setPageLayout(
        QPageLayout(QPageSize(page, QPageSize::Point, {}, QPageSize::ExactMatch), QPageLayout::Portrait, {}));
    pdf.setTitle(view.figureTitle());
    pdf.setCreator(QStringLiteral("QKScope " QKSCOPE_VERSION));
    paint(view, pdf, points * (kPdfDpi / kPointsPerInch));
  }
  cutPage(bytes, points, page.height());
  dropDate(bytes);
  return bytes;
}

QByteArray svgFile(const View& view, const FigureOptions& options) {
  SvgDevice svg(options.width_mm, options.height_mm);
  svg.setTitle(view.figureTitle());
  paint(view, svg, svg.viewBox());
  return svg.file();
}

QByteArray pngFile(const View& view, const FigureOptions& options) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  if (!figureImage(view, options).save(&buffer, "PNG"))
    throw Error(tr("The figure could not be made into a PNG.").toStdString());
  return bytes;
}

}  // namespace

QImage figureImage(const View& view, const FigureOptions& options) {
  const auto pixels = [&](double mm) { return qRound(mm / kMmPerInch * options.dpi); };
  const QSize size(pixels(options.width_mm), pixels(options.height_mm));
  QImage image;
  if (static_cast<std::size_t>(size.width()) * static_cast<std::size_t>(size.height()) <= kMaxPixels)
    image = QImage(size, QImage::Format_ARGB32_Premultiplied);
  if (image.isNull()) {
    throw Error(tr("%1 x %2 pixels are too many: choose a smaller size or dpi.")
                    .arg(size.width())
                    .arg(size.height())
                    .toStdString());
  }
  image.fill(Qt::white);
  image.setDotsPerMeterX(qRound(options.dpi / kMmPerInch * 1000));
  image.setDotsPerMeterY(image.dotsPerMeterX());
  paint(view, image, size);
  return image;
}

QByteArray figureFile(const View& view, const FigureOptions& options) {
  const QString suffix = QFileInfo(options.path).suffix().toLower();
  if (suffix == QStringLiteral("pdf")) return pdfFile(view, options);
  if (suffix == QStringLiteral("svg")) return svgFile(view, options);
  if (suffix == QStringLiteral("png")) return pngFile(view, options);
  throw Error(
      tr("%1 ends in \"%2\", but a figure is a .pdf, .svg or .png.").arg(options.path, suffix).toStdString());
}

}  // namespace qkscope

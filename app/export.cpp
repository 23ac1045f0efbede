#include "app/export.h"

#include <QCoreApplication>
#include <QCryptographicHash>
#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QImage>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QPageLayout>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <charconv>

#include "core/error.h"
#include "core/model/safetensors_writer.h"

namespace qkscope {

namespace {

constexpr double kMmPerInch = 25.4;
constexpr int kPdfDpi = 1200;
constexpr int kSvgDpi = 96;
// Hashing a model for a sidecar must not keep anyone waiting; larger files are told by their size.
constexpr qint64 kMaxHashedBytes = qint64{256} << 20;
constexpr std::size_t kMaxPixels = 400'000'000;

QString tr(const char* text) {
  return QCoreApplication::translate("Export", text);
}

QSize pixels(const FigureOptions& options, int dpi) {
  return {qRound(options.width_mm / kMmPerInch * dpi), qRound(options.height_mm / kMmPerInch * dpi)};
}

[[noreturn]] void failToWrite(const QString& path, const QString& why) {
  throw Error(tr("%1 could not be written: %2.").arg(path, why).toStdString());
}

void commit(QSaveFile& file) {
  if (!file.commit()) failToWrite(file.fileName(), file.errorString());
}

void writeFile(const QString& path, const QByteArray& bytes) {
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size())
    failToWrite(path, file.errorString());
  commit(file);
}

void paint(const View& view, QPaintDevice& device, const QSize& size, const QString& path) {
  QPainter painter;
  if (!painter.begin(&device)) failToWrite(path, tr("it cannot be painted into"));
  painter.setRenderHint(QPainter::Antialiasing);
  view.paintFigure(painter, QRectF(QPointF(0, 0), QSizeF(size)));
  painter.end();
}

void drawPdf(const View& view, const FigureOptions& options) {
  QSaveFile file(options.path);
  if (!file.open(QIODevice::WriteOnly)) failToWrite(options.path, file.errorString());
  {
    QPdfWriter pdf(&file);
    pdf.setResolution(kPdfDpi);
    pdf.setPageLayout(QPageLayout(QPageSize(QSizeF(options.width_mm, options.height_mm),
                                            QPageSize::Millimeter, {}, QPageSize::ExactMatch),
                                  QPageLayout::Portrait, {}));
    pdf.setTitle(view.figureTitle());
    pdf.setCreator(QStringLiteral("QKScope " QKSCOPE_VERSION));
    paint(view, pdf, pixels(options, kPdfDpi), options.path);
  }
  commit(file);
}

void drawSvg(const View& view, const FigureOptions& options) {
  QSaveFile file(options.path);
  if (!file.open(QIODevice::WriteOnly)) failToWrite(options.path, file.errorString());
  {
    QSvgGenerator svg;
    svg.setOutputDevice(&file);
    svg.setResolution(kSvgDpi);
    svg.setSize(pixels(options, kSvgDpi));
    svg.setViewBox(QRect(QPoint(0, 0), pixels(options, kSvgDpi)));
    svg.setTitle(view.figureTitle());
    paint(view, svg, pixels(options, kSvgDpi), options.path);
  }
  commit(file);
}

void drawPng(const View& view, const FigureOptions& options) {
  const QSize size = pixels(options, options.dpi);
  if (static_cast<std::size_t>(size.width()) * static_cast<std::size_t>(size.height()) > kMaxPixels) {
    failToWrite(
        options.path,
        tr("%1 x %2 pixels are too many, choose a smaller size or dpi").arg(size.width()).arg(size.height()));
  }
  const QImage image = figureImage(view, options.width_mm, options.height_mm, options.dpi);
  QSaveFile file(options.path);
  if (!file.open(QIODevice::WriteOnly) || !image.save(&file, "PNG"))
    failToWrite(options.path, file.errorString());
  commit(file);
}

QByteArray number(float value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return QByteArray(text, end - text);
}

QJsonArray strings(const QStringList& list) {
  return QJsonArray::fromStringList(list);
}

QJsonArray integers(const auto& values) {
  QJsonArray array;
  for (const auto value : values) array.append(static_cast<qint64>(value));
  return array;
}

QJsonObject describeModel(const ModelCard& card) {
  QJsonObject model{{QStringLiteral("name"), QString::fromStdString(card.name)},
                    {QStringLiteral("format"), QString::fromStdString(card.format)},
                    {QStringLiteral("stored_types"), QString::fromStdString(card.stored_types)},
                    {QStringLiteral("architecture"), QString::fromStdString(card.spec.architecture)},
                    {QStringLiteral("rope"), QString::fromStdString(card.rope)},
                    {QStringLiteral("device"), QString::fromStdString(card.device)},
                    {QStringLiteral("dtype"), QString::fromStdString(card.dtype)},
                    {QStringLiteral("stored_bytes"), static_cast<qint64>(card.stored_bytes)}};
  QFile file(QString::fromStdString(card.path.string()));
  if (QFileInfo(file.fileName()).isFile() && file.size() <= kMaxHashedBytes &&
      file.open(QIODevice::ReadOnly)) {
    QCryptographicHash hash(QCryptographicHash::Sha256);
    if (hash.addData(&file)) model[QStringLiteral("sha256")] = QString::fromLatin1(hash.result().toHex());
  }
  return model;
}

QByteArray sidecar(const View& view, const QString& view_id, const Document& document,
                   const LoadOptions& load, const FigureOptions& options,
                   const std::vector<FigureArray>& arrays, const QStringList& files) {
  const QStringList arguments = figureArguments(document, view_id, options, load);
  QJsonObject root{{QStringLiteral("title"), view.figureTitle()},
                   {QStringLiteral("program"), QStringLiteral("QKScope " QKSCOPE_VERSION)},
                   {QStringLiteral("written"), QDateTime::currentDateTimeUtc().toString(Qt::ISODate)},
                   {QStringLiteral("command_line"), shellLine(arguments)},
                   {QStringLiteral("arguments"), strings(arguments)},
                   {QStringLiteral("document"), QJsonDocument::fromJson(toJson(document)).object()},
                   {QStringLiteral("view"), view_id},
                   {QStringLiteral("size"), QJsonObject{{QStringLiteral("width_mm"), options.width_mm},
                                                        {QStringLiteral("height_mm"), options.height_mm},
                                                        {QStringLiteral("dpi"), options.dpi}}}};
  if (view.data().card) root[QStringLiteral("model")] = describeModel(*view.data().card);
  if (const auto& comparison = view.data().comparison) {
    QJsonArray disruptions;
    for (const Disruption& d : comparison->request.disruptions)
      disruptions.append(QString::fromStdString(to_option(d)));
    root[QStringLiteral("run")] =
        QJsonObject{{QStringLiteral("tokens"), integers(comparison->request.prompt)},
                    {QStringLiteral("pieces"), strings(view.data().pieces)},
                    {QStringLiteral("disruptions"), disruptions},
                    {QStringLiteral("replaced_columns"),
                     comparison->disrupted ? static_cast<qint64>(comparison->disrupted->replaced) : 0}};
  }
  QJsonArray described;
  for (const FigureArray& array : arrays) {
    described.append(QJsonObject{{QStringLiteral("name"), array.name},
                                 {QStringLiteral("axes"), strings(array.axes)},
                                 {QStringLiteral("shape"), integers(array.array.shape)}});
  }
  root[QStringLiteral("arrays")] = described;
  QStringList names;
  for (const QString& file : files) names << QFileInfo(file).fileName();
  root[QStringLiteral("files")] = strings(names);
  return QJsonDocument(root).toJson();
}

}  // namespace

QImage figureImage(const View& view, double width_mm, double height_mm, int dpi) {
  const QSize size{qRound(width_mm / kMmPerInch * dpi), qRound(height_mm / kMmPerInch * dpi)};
  QImage image(size, QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::white);
  image.setDotsPerMeterX(qRound(dpi / kMmPerInch * 1000));
  image.setDotsPerMeterY(image.dotsPerMeterX());
  paint(view, image, size, QStringLiteral("PNG"));
  return image;
}

QByteArray figureCsv(const std::vector<FigureArray>& arrays) {
  QStringList axes;  // of all arrays, in order of appearance
  for (const FigureArray& array : arrays) {
    for (const QString& axis : array.axes) {
      if (!axes.contains(axis)) axes << axis;
    }
  }
  QByteArray csv = "array," + axes.join(u',').toUtf8() + (axes.isEmpty() ? "value\n" : ",value\n");
  for (const FigureArray& array : arrays) {
    const QByteArray name = array.name.toUtf8();
    const std::size_t rank = array.array.shape.size();
    std::vector<std::int64_t> index(rank, 0);
    for (const float value : array.array.data) {
      csv += name;
      for (const QString& axis : axes) {
        csv += ',';
        const auto at = static_cast<std::size_t>(array.axes.indexOf(axis));
        if (at < rank) csv += QByteArray::number(static_cast<qlonglong>(index[at]));
      }
      csv += ',' + number(value) + '\n';
      for (std::size_t axis = rank; axis-- > 0 && ++index[axis] == array.array.shape[axis];) index[axis] = 0;
    }
  }
  return csv;
}

QStringList exportFigure(const View& view, const QString& view_id, const Document& document,
                         const LoadOptions& load, const FigureOptions& options) {
  const QFileInfo info(options.path);
  const QString suffix = info.suffix().toLower();
  if (!info.dir().exists()) failToWrite(options.path, tr("there is no folder %1").arg(info.dir().path()));
  if (suffix == QStringLiteral("pdf")) {
    drawPdf(view, options);
  } else if (suffix == QStringLiteral("svg")) {
    drawSvg(view, options);
  } else if (suffix == QStringLiteral("png")) {
    drawPng(view, options);
  } else {
    throw Error(tr("%1 ends in \"%2\", but a figure is a .pdf, .svg or .png.")
                    .arg(options.path, suffix)
                    .toStdString());
  }
  QStringList files{options.path};
  if (!options.data) return files;

  const std::vector<FigureArray> arrays = view.figureArrays();
  const QString base = info.dir().filePath(info.completeBaseName());
  files << base + QStringLiteral(".csv") << base + QStringLiteral(".safetensors")
        << base + QStringLiteral(".json");
  writeFile(files[1], figureCsv(arrays));
  SafetensorsWriter writer;
  writer.set_metadata("title", view.figureTitle().toStdString());
  for (const FigureArray& array : arrays) {
    writer.add(array.name.toStdString(), array.array);
    writer.set_metadata("axes of " + array.name.toStdString(), array.axes.join(u',').toStdString());
  }
  writer.write(files[2].toStdString());
  writeFile(files[3], sidecar(view, view_id, document, load, options, arrays, files));
  return files;
}

}  // namespace qkscope

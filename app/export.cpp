#include "app/export.h"

#include <QCoreApplication>
#include <QCryptographicHash>
#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <charconv>
#include <deque>

#include "app/figure_file.h"
#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/safetensors_writer.h"
#include "core/io/text_rows.h"
#include "views/shown.h"

namespace qkscope {

namespace {

// What tells a sidecar of ours.
constexpr auto kFormat = "qkscope-figure";
// Hashing a model for a sidecar must not keep anyone waiting; larger files are told by their size.
constexpr qint64 kMaxHashedBytes = qint64{256} << 20;
// No sidecar comes near it; keeps a mistaken file from being read into memory.
constexpr qint64 kMaxSidecarBytes = qint64{64} << 20;

QString tr(const char* text) {
  return QCoreApplication::translate("Export", text);
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
                    {QStringLiteral("weights"), QString::fromStdString(card.weights)},
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
  QJsonObject root{{QStringLiteral("format"), QLatin1String(kFormat)},
                   {QStringLiteral("title"), view.figureTitle()},
                   {QStringLiteral("program"), QStringLiteral("QKScope " QKSCOPE_VERSION)},
                   {QStringLiteral("written"), QDateTime::currentDateTimeUtc().toString(Qt::ISODate)},
                   {QStringLiteral("command_line"), shellLine(arguments)},
                   {QStringLiteral("arguments"), strings(arguments)},
                   {QStringLiteral("document"), QJsonDocument::fromJson(toJson(document)).object()},
                   {QStringLiteral("view"), view_id},
                   {QStringLiteral("size"), QJsonObject{{QStringLiteral("width_mm"), options.width_mm},
                                                        {QStringLiteral("height_mm"), options.height_mm},
                                                        {QStringLiteral("dpi"), options.dpi}}},
                   {QStringLiteral("zoom"), QJsonObject{{QStringLiteral("left"), options.zoom.x()},
                                                        {QStringLiteral("top"), options.zoom.y()},
                                                        {QStringLiteral("width"), options.zoom.width()},
                                                        {QStringLiteral("height"), options.zoom.height()}}}};
  if (const auto& dump = view.data().dump) {
    QStringList notes;
    for (const std::string& note : dump->notes) notes << QString::fromStdString(note);
    root[QStringLiteral("activations")] = QJsonObject{
        {QStringLiteral("notes"), strings(notes)},
        {QStringLiteral("layout"), QString::fromStdString(layout_name(dump->layout))},
        {QStringLiteral("rope_theta"),
         dump->source.rope_theta ? QJsonValue(*dump->source.rope_theta) : QJsonValue(QJsonValue::Null)}};
  }
  if (!view.data().recorded.isEmpty()) root[QStringLiteral("recorded")] = view.data().recorded;
  if (view.data().card) root[QStringLiteral("model")] = describeModel(*view.data().card);
  if (const auto& comparison = view.data().comparison) {
    QJsonArray disruptions;
    for (const Edit& edit : comparison->request.edits)
      disruptions.append(QString::fromStdString(to_text(edit)));
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

/// The files that the sidecar `path` says it was written with; none where it is no sidecar of ours.
QStringList listedFiles(const QString& path) {
  QFile file(path);
  if (file.size() > kMaxSidecarBytes || !file.open(QIODevice::ReadOnly)) return {};
  const QJsonObject root = QJsonDocument::fromJson(file.readAll()).object();
  QStringList names;
  if (root[QStringLiteral("format")].toString() != QLatin1String(kFormat)) return names;
  for (const QJsonValue& name : root[QStringLiteral("files")].toArray()) names << name.toString();
  return names;
}

/// Settings belong to the numbers that were drawn, never to those asked for since.
void checkPicture(const View& view, const Document& document) {
  const QString missing = view.whyNoFigure();
  if (!missing.isEmpty()) throw Error(missing.toStdString());
  if (!view.showsRuns()) return;
  const auto& comparison = view.data().comparison;
  const Edits asked = appliedEdits(document.arms);
  if (!comparison || view.data().stale || comparison->request.edits != asked ||
      (!asked.empty() && !comparison->disrupted)) {
    throw Error(tr("The picture is still that of an earlier question: export it once the new one is there.")
                    .toStdString());
  }
}

}  // namespace

QByteArray figureCsv(const std::vector<FigureArray>& arrays) {
  QStringList axes;  // of all arrays, in order of appearance
  for (const FigureArray& array : arrays) {
    for (const QString& axis : array.axes) {
      if (!axes.contains(axis)) axes << axis;
    }
  }
  QByteArray csv = "array," + axes.join(u',').toUtf8() + (axes.isEmpty() ? "value\n" : ",value\n");
  for (const FigureArray& array : arrays) {
    const QByteArray name = QByteArray::fromStdString(csv_field(array.name.toStdString()));
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

QStringList figureFiles(const FigureOptions& options) {
  QStringList files{options.path};
  if (!options.data) return files;
  const QString base = options.path.chopped(QFileInfo(options.path).suffix().size() + 1);
  for (const char* suffix : {".csv", ".safetensors", ".json"}) files << base + QLatin1String(suffix);
  return files;
}

QStringList replacedFiles(const FigureOptions& options) {
  const QStringList files = figureFiles(options);
  if (!QFileInfo(options.path).dir().exists()) {
    throw Error(tr("%1 could not be written: there is no folder %2.")
                    .arg(options.path, QFileInfo(options.path).dir().path())
                    .toStdString());
  }
  const QStringList own = listedFiles(files.back());
  QStringList there;
  for (const QString& file : files) {
    const QFileInfo info(file);
    if (!info.exists() && !info.isSymLink()) continue;
    if (info.isDir()) throw Error(tr("%1 is a folder: choose another name.").arg(file).toStdString());
    if (file != options.path && !own.contains(info.fileName())) {
      throw Error(tr("%1 is there already and was not written with a figure of that name, so it is not "
                     "replaced: choose another name, or export without data.")
                      .arg(file)
                      .toStdString());
    }
    there << file;
  }
  return there;
}

void checkReplaced(const FigureOptions& options) {
  const QStringList there = replacedFiles(options);
  if (there.isEmpty() || options.force) return;
  throw Error(tr("Nothing was written, as %1 would be replaced: choose another name, or give --force.")
                  .arg(there.join(QStringLiteral(", ")))
                  .toStdString());
}

QStringList exportFigure(const View& view, const QString& view_id, Document document, const LoadOptions& load,
                         FigureOptions options) {
  checkPicture(view, document);
  checkReplaced(options);
  options.zoom = view.figureZoom();
  if (const ModelSpec* spec = view.data().spec())
    document.selection = clamped(document.selection, *spec, shownPositions(view.data()));
  const QStringList files = figureFiles(options);
  std::deque<AtomicFile> written;  // nothing has its name before all are on the disk
  const auto write = [&](const QByteArray& bytes) {
    written.emplace_back(files[static_cast<qsizetype>(written.size())].toStdString());
    written.back().write(std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size())));
  };
  write(figureFile(view, options));
  if (options.data) {
    const std::vector<FigureArray> arrays = view.figureArrays();
    write(figureCsv(arrays));
    SafetensorsWriter writer;
    writer.set_metadata("title", view.figureTitle().toStdString());
    for (const FigureArray& array : arrays) {
      writer.add(array.name.toStdString(), array.array);
      writer.set_metadata("axes of " + array.name.toStdString(), array.axes.join(u',').toStdString());
    }
    written.emplace_back(files[static_cast<qsizetype>(written.size())].toStdString());
    writer.write(written.back());
    write(sidecar(view, view_id, document, load, options, arrays, files));
  }
  // The list of them first: what it does not name would never be replaced, were this the last that is done.
  std::for_each(written.rbegin(), written.rend(), [](AtomicFile& file) { file.commit(); });
  return files;
}

}  // namespace qkscope

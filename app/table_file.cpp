#include "app/table_file.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <algorithm>

#include "app/settings.h"
#include "core/base/error.h"
#include "core/io/atomic_file.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("TableFile", text);
}

}  // namespace

QString writeTable(QString path, const std::vector<TableFormat>& formats, std::size_t chosen) {
  const QString suffix = QFileInfo(path).suffix();
  const auto named = std::ranges::find(formats, suffix.toLower(), &TableFormat::suffix);
  const TableFormat& format = named == formats.end() ? formats.at(chosen) : *named;
  if (suffix.isEmpty()) path += u'.' + format.suffix;
  write_whole(path.toStdString(), format.make());
  return path;
}

void saveTable(QWidget* parent, const QString& title, const QString& name,
               const std::vector<TableFormat>& formats,
               const std::function<void(const QString& sentence, bool problem)>& say) {
  const QString purpose = QStringLiteral("figure");
  QStringList filters;
  for (const TableFormat& format : formats)
    filters << QStringLiteral("%1 (*.%2)").arg(format.words, format.suffix);
  QString filter;
  const QString path = QFileDialog::getSaveFileName(
      parent, title, Settings().folder(purpose) + u'/' + name + u'.' + formats.front().suffix,
      filters.join(QStringLiteral(";;")), &filter);
  if (path.isEmpty()) return;
  Settings().setFolder(purpose, QFileInfo(path).absolutePath());
  try {
    const auto chosen = static_cast<std::size_t>(std::max<qsizetype>(0, filters.indexOf(filter)));
    say(tr("Written: %1").arg(QDir::toNativeSeparators(writeTable(path, formats, chosen))), false);
  } catch (const Error& error) {
    say(QString::fromUtf8(error.what()), true);
  }
}

}  // namespace qkscope

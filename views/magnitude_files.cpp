#include "views/magnitude_files.h"

#include <QDir>
#include <QFileInfo>
#include <QSaveFile>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "views/shown.h"

namespace qkscope {

namespace {

MagnitudeFile readFile(const QFileInfo& info) {
  constexpr qint64 most = 16 << 20;  // a thousand times what a large model's run has
  MagnitudeFile file{info.completeBaseName(), {}, {}};
  if (info.size() > most) {
    file.problem = Words::tr("%1 has %2 MB, expected a file of magnitudes, of at most %3 MB.")
                       .arg(info.filePath())
                       .arg(info.size() >> 20)
                       .arg(most >> 20);
    return file;
  }
  try {
    file.magnitudes = read_magnitudes(info.filePath().toStdString());
  } catch (const Error& error) {
    file.problem = QString::fromUtf8(error.what());
    return file;
  }
  if (file.magnitudes.bos) {
    file.name +=
        QStringLiteral(" · ") + (*file.magnitudes.bos ? Words::tr("BOS in front") : Words::tr("no BOS"));
  }
  return file;
}

}  // namespace

std::vector<MagnitudeFile> MagnitudeFiles::read(const QStringList& paths) {
  std::vector<MagnitudeFile> files;
  for (const QString& path : paths) {
    const QFileInfo info(path);
    Known& known = known_[path];
    if (known.size != info.size() || known.changed != info.lastModified() || !info.exists())
      known = {info.lastModified(), info.size(), readFile(info)};
    files.push_back(known.file);
  }
  return files;
}

void writeMagnitudes(const Magnitudes& magnitudes, const QString& path) {
  QDir().mkpath(QFileInfo(path).path());
  QSaveFile file(path);
  const QByteArray text = QByteArray::fromStdString(to_json(magnitudes).dump(1)) + '\n';
  if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size() || !file.commit())
    throw Error(Words::tr("%1 could not be written: %2.").arg(path, file.errorString()).toStdString());
}

}  // namespace qkscope

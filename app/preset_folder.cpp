#include "app/preset_folder.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QSaveFile>

#include "core/base/error.h"

namespace qkscope {

namespace {

const QString kSuffix = QStringLiteral(".txt");
// Far more than a list of edits can need; keeps a mistaken file from being read into memory.
constexpr qint64 kMaxBytes = 1 << 20;
constexpr int kLongestName = 80;

QString tr(const char* text) {
  return QCoreApplication::translate("PresetFolder", text);
}

}  // namespace

QString PresetFolder::file(const QString& name) const {
  return QDir(path_).filePath(name + kSuffix);
}

QStringList PresetFolder::names() const {
  QStringList names;
  for (const QString& file : QDir(path_).entryList({u'*' + kSuffix}, QDir::Files, QDir::Name))
    names << file.chopped(kSuffix.size());
  return names;
}

Edits PresetFolder::read(const QString& name) const {
  QFile file(this->file(name));
  if (!file.open(QIODevice::ReadOnly))
    throw Error(tr("%1 could not be opened: %2.").arg(file.fileName(), file.errorString()).toStdString());
  if (file.size() > kMaxBytes) {
    throw Error(tr("%1 is larger than a preset can be: 1 MB at most.").arg(file.fileName()).toStdString());
  }
  Edits edits;
  try {
    edits = parse_edits(file.readAll().toStdString());
  } catch (const Error& error) {
    throw Error(tr("%1: %2").arg(file.fileName(), QString::fromUtf8(error.what())).toStdString());
  }
  if (edits.empty()) throw Error(tr("%1 holds no edit.").arg(file.fileName()).toStdString());
  return edits;
}

void PresetFolder::write(const QString& name, const Edits& edits) const {
  const bool names_file = !name.isEmpty() && name.size() <= kLongestName && !name.startsWith(u'.') &&
                          !name.contains(u'/') && !name.contains(QChar::Null);
  if (!names_file) {
    throw Error(tr("\"%1\" cannot be the name of a preset: at most %2 letters were expected, without / and "
                   "with no dot in front.")
                    .arg(name)
                    .arg(kLongestName)
                    .toStdString());
  }
  QDir().mkpath(path_);
  QSaveFile file(this->file(name));
  const QByteArray text = QByteArray::fromStdString(to_text(edits)) + '\n';
  if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size() || !file.commit())
    throw Error(tr("%1 could not be written: %2.").arg(file.fileName(), file.errorString()).toStdString());
}

}  // namespace qkscope

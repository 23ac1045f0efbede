#include "app/lessons.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace qkscope {

namespace {

QStringList panelsIn(const QJsonObject& root) {
  QStringList panels;
  for (const QJsonValue& value : root[QStringLiteral("panels")].toArray()) panels << value.toString();
  return panels;
}

}  // namespace

QStringList panelsOf(const QString& path) {
  QFile file(path);
  return file.open(QIODevice::ReadOnly) ? panelsIn(QJsonDocument::fromJson(file.readAll()).object())
                                        : QStringList();
}

const std::vector<Lesson>& lessons() {
  static const std::vector<Lesson> all = [] {
    std::vector<Lesson> found;
    const QDir folder(QStringLiteral(":/qkscope/lessons"));
    for (const QString& name : folder.entryList(QDir::Files, QDir::Name)) {
      QFile file(folder.filePath(name));
      if (!file.open(QIODevice::ReadOnly)) continue;
      const QByteArray json = file.readAll();
      const QJsonObject root = QJsonDocument::fromJson(json).object();
      Lesson lesson{QFileInfo(name).completeBaseName(), root[QStringLiteral("title")].toString(),
                    root[QStringLiteral("about")].toString(), panelsIn(root), documentFromJson(json, name)};
      found.push_back(std::move(lesson));
    }
    return found;
  }();
  return all;
}

}  // namespace qkscope

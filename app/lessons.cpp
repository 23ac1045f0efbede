#include "app/lessons.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace qkscope {

const std::vector<Lesson>& lessons() {
  static const std::vector<Lesson> all = [] {
    std::vector<Lesson> found;
    const QDir folder(QStringLiteral(":/qkscope/lessons"));
    for (const QString& name : folder.entryList(QDir::Files, QDir::Name)) {
      QFile file(folder.filePath(name));
      if (!file.open(QIODevice::ReadOnly)) continue;
      const QByteArray json = file.readAll();
      const QJsonObject root = QJsonDocument::fromJson(json).object();
      Lesson lesson{QFileInfo(name).completeBaseName(),
                    root[QStringLiteral("title")].toString(),
                    root[QStringLiteral("about")].toString(),
                    {},
                    documentFromJson(json, name)};
      for (const QJsonValue& panel : root[QStringLiteral("panels")].toArray())
        lesson.panels << panel.toString();
      found.push_back(std::move(lesson));
    }
    return found;
  }();
  return all;
}

}  // namespace qkscope

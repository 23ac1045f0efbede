#include "views/prompt_gallery.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <algorithm>

namespace qkscope {

const std::vector<GalleryEntry>& promptGallery() {
  static const std::vector<GalleryEntry> gallery = [] {
    std::vector<GalleryEntry> entries;
    QFile file(QStringLiteral(":/qkscope/prompts.json"));
    if (!file.open(QIODevice::ReadOnly)) return entries;
    for (const QJsonValue& value : QJsonDocument::fromJson(file.readAll()).array()) {
      const QJsonObject object = value.toObject();
      const QString kind = object[QStringLiteral("kind")].toString();
      entries.push_back({object[QStringLiteral("title")].toString(),
                         {kind == QStringLiteral("context") ? PromptKind::Context : PromptKind::Memory,
                          object[QStringLiteral("text")].toString(),
                          object[QStringLiteral("expected")].toString(), false}});
    }
    std::stable_sort(entries.begin(), entries.end(), [](const GalleryEntry& a, const GalleryEntry& b) {
      return a.prompt.kind < b.prompt.kind;
    });
    return entries;
  }();
  return gallery;
}

}  // namespace qkscope

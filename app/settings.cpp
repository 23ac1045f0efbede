#include "app/settings.h"

#include <QDir>
#include <QFileInfo>
#include <QSettings>
#include <algorithm>

#include "app/model_store.h"
#include "app/names.h"

namespace qkscope {

namespace {

constexpr int kMaxRecent = 9;

QVariant read(const char* key, const QVariant& fallback = {}) {
  return QSettings().value(QLatin1String(key), fallback);
}
void write(const char* key, const QVariant& value) {
  QSettings().setValue(QLatin1String(key), value);
}

}  // namespace

Theme Settings::theme() const {
  return fromName<Theme>(read("theme").toString()).value_or(Theme::System);
}

void Settings::setTheme(Theme theme) {
  write("theme", nameOf(theme));
}

double Settings::uiScale() const {
  return std::clamp(read("ui_scale", 1.0).toDouble(), 0.75, 2.5);
}
void Settings::setUiScale(double scale) {
  write("ui_scale", scale);
}

QByteArray Settings::geometry() const {
  return read("window/geometry").toByteArray();
}
QByteArray Settings::layout() const {
  return read("window/layout").toByteArray();
}
void Settings::setWindow(const QByteArray& geometry, const QByteArray& layout) {
  write("window/geometry", geometry);
  write("window/layout", layout);
}
void Settings::clearWindow() {
  QSettings().remove(QStringLiteral("window"));
}

QStringList Settings::recent() const {
  return read("recent").toStringList();
}
void Settings::addRecent(const QString& path) {
  QStringList all = recent();
  all.removeAll(path);
  all.prepend(path);
  write("recent", QStringList(all.mid(0, kMaxRecent)));
}
void Settings::clearRecent() {
  write("recent", QStringList());
}

QString Settings::presetFolder() const {
  return QFileInfo(QSettings().fileName()).absoluteDir().filePath(QStringLiteral("presets"));
}

int Settings::answerLength() const {
  return std::clamp(read("answer_length", 24).toInt(), 1, 1024);
}
void Settings::setAnswerLength(int tokens) {
  write("answer_length", tokens);
}
bool Settings::promptLoss() const {
  return read("prompt_loss", true).toBool();
}
void Settings::setPromptLoss(bool on) {
  write("prompt_loss", on);
}

int Settings::modelShare() const {
  return std::clamp(read("model_share", ModelStore::default_share).toInt(), 0, 100);
}
void Settings::setModelShare(int percent) {
  write("model_share", percent);
}

std::optional<QString> Settings::presetThatWorks(const QString& model) const {
  const QVariant known = QSettings().value(u"preset_that_works/" + model);
  return known.isValid() ? std::optional(known.toString()) : std::nullopt;
}
void Settings::setPresetThatWorks(const QString& model, const QString& preset) {
  QSettings().setValue(u"preset_that_works/" + model, preset);
}

QVariantMap Settings::dialog(const QString& name) const {
  return QSettings().value(u"dialog/" + name).toMap();
}
void Settings::setDialog(const QString& name, const QVariantMap& entries) {
  QSettings().setValue(u"dialog/" + name, entries);
}

QString Settings::folder(const QString& purpose) const {
  return QSettings().value(u"folder/" + purpose).toString();
}
void Settings::setFolder(const QString& purpose, const QString& folder) {
  QSettings().setValue(u"folder/" + purpose, folder);
}

}  // namespace qkscope

#pragma once
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QString>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "app/names.h"
#include "core/base/error.h"

namespace qkscope {

/// Reads typed members of one JSON object; errors name the file and the key.
class JsonReader {
 public:
  JsonReader(QJsonObject object, QString name) : object_(std::move(object)), name_(std::move(name)) {}

  bool has(const QString& key) const { return object_.contains(key); }
  QString string(const QString& key, const QString& fallback = {}) const {
    return typed(key, QJsonValue::String, "text", QJsonValue(fallback)).toString();
  }
  bool boolean(const QString& key, bool fallback = false) const {
    return typed(key, QJsonValue::Bool, "true or false", QJsonValue(fallback)).toBool();
  }
  double number(const QString& key, double fallback) const {
    return typed(key, QJsonValue::Double, "a number", QJsonValue(fallback)).toDouble();
  }
  double number(const QString& key, double fallback, const Limits& limits) const {
    const double value = number(key, fallback);
    if (!(value >= limits.low && value <= limits.high)) {
      fail(key, QString::number(value),
           QStringLiteral("a number from %1 to %2").arg(limits.low).arg(limits.high));
    }
    return value;
  }
  int integer(const QString& key, int fallback) const {
    const double value = number(key, fallback);
    // A number beyond int's has no conversion to one.
    const bool fits = value >= std::numeric_limits<int>::min() && value <= std::numeric_limits<int>::max();
    if (!fits || value != std::trunc(value))
      fail(key, QString::number(value), QStringLiteral("a whole number"));
    return static_cast<int>(value);
  }
  QJsonArray array(const QString& key) const {
    return typed(key, QJsonValue::Array, "a list", QJsonArray()).toArray();
  }
  JsonReader object(const QString& key) const {
    return {typed(key, QJsonValue::Object, "an object", QJsonObject()).toObject(), name_};
  }
  /// A member whose text is one of a list of names.
  template <class Enum>
  Enum choice(const QString& key, Enum fallback) const {
    const QString text = string(key, nameOf(fallback));
    const std::optional<Enum> value = fromName<Enum>(text);
    if (!value) fail(key, text, allowedNames<Enum>());
    return *value;
  }
  [[noreturn]] void fail(const QString& key, const QString& found, const QString& expected) const {
    throw Error(QStringLiteral("%1: \"%2\" is \"%3\", but must be %4.")
                    .arg(name_, key, found, expected)
                    .toStdString());
  }

 private:
  QJsonValue typed(const QString& key, QJsonValue::Type type, const char* words,
                   const QJsonValue& fallback) const {
    const QJsonValue value = object_.value(key);
    if (value.isUndefined()) return fallback;
    if (value.type() != type) {
      const QByteArray found = QJsonDocument(QJsonArray{value}).toJson(QJsonDocument::Compact);
      fail(key, QString::fromUtf8(found.mid(1, found.size() - 2).left(80)), QString::fromLatin1(words));
    }
    return value;
  }

  QJsonObject object_;
  QString name_;
};

}  // namespace qkscope

#include "app/document.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSaveFile>
#include <algorithm>

#include "app/names.h"
#include "core/base/error.h"
#include "views/colormap.h"

namespace qkscope {

namespace {

constexpr int kVersion = 1;
// Far more than a document of text can need; keeps a mistaken file from being read into memory.
constexpr qint64 kMaxBytes = 64 * 1024 * 1024;

/// Reads typed members of one JSON object; errors name the file and the key.
class Reader {
 public:
  Reader(QJsonObject object, QString name) : object_(std::move(object)), name_(std::move(name)) {}

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
    if (value != static_cast<int>(value)) fail(key, QString::number(value), QStringLiteral("a whole number"));
    return static_cast<int>(value);
  }
  QJsonArray array(const QString& key) const {
    return typed(key, QJsonValue::Array, "a list", QJsonArray()).toArray();
  }
  Reader object(const QString& key) const {
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

QJsonObject toJson(const Prompt& prompt) {
  return {{QStringLiteral("kind"), nameOf(prompt.kind)},
          {QStringLiteral("text"), prompt.text},
          {QStringLiteral("expected"), prompt.expected},
          {QStringLiteral("raw"), prompt.raw},
          {QStringLiteral("bos"), nameOf(prompt.bos)}};
}

Prompt promptFromJson(const Reader& reader) {
  Prompt prompt;
  prompt.kind = reader.choice(QStringLiteral("kind"), PromptKind::Free);
  prompt.text = reader.string(QStringLiteral("text"));
  prompt.expected = reader.string(QStringLiteral("expected"));
  prompt.raw = reader.boolean(QStringLiteral("raw"));
  prompt.bos = reader.choice(QStringLiteral("bos"), Bos::Auto);
  return prompt;
}

QJsonObject toJson(const DumpSource& dump) {
  QJsonArray files;
  for (const auto& file : dump.files) files.append(QString::fromStdString(file.string()));
  return {{QStringLiteral("files"), files},
          {QStringLiteral("layout"), dumpLayoutName(dump)},
          {QStringLiteral("rope_theta"), dump.rope_theta ? QJsonValue(*dump.rope_theta) : QJsonValue(0.0)}};
}

DumpSource dumpFromJson(const Reader& reader) {
  DumpSource dump;
  for (const QJsonValue& file : reader.array(QStringLiteral("files"))) {
    if (!file.isString() || file.toString().isEmpty())
      reader.fail(QStringLiteral("files"), file.toVariant().toString(),
                  QStringLiteral("a list of file names"));
    dump.files.emplace_back(file.toString().toStdString());
  }
  const QString layout = reader.string(QStringLiteral("layout"), QStringLiteral("auto"));
  dump.layout = parse_layout(layout.toStdString());
  if (!dump.layout && layout != QStringLiteral("auto"))
    reader.fail(QStringLiteral("layout"), layout, QStringLiteral("auto, bshd, bhsd or flat:N"));
  const double theta = reader.number(QStringLiteral("rope_theta"), 0);
  if (theta != 0) dump.rope_theta = reader.number(QStringLiteral("rope_theta"), 0, rope_theta_limits);
  return dump;
}

QJsonObject toJson(const Selection& selection) {
  return {{QStringLiteral("site"), QString::fromUtf8(site_name(selection.site).data())},
          {QStringLiteral("layer"), selection.layer},
          {QStringLiteral("head"), selection.head},
          {QStringLiteral("dim"), selection.dim},
          {QStringLiteral("position"), selection.position}};
}

Selection selectionFromJson(const Reader& reader) {
  Selection selection;
  const QString site = reader.string(QStringLiteral("site"), QStringLiteral("query"));
  const std::optional<Site> known = site_from_name(site.toStdString());
  if (known != Site::Query && known != Site::Key && known != Site::Value) {
    reader.fail(QStringLiteral("site"), site, QStringLiteral("query, key or value"));
  }
  selection.site = *known;
  selection.layer = std::max(0, reader.integer(QStringLiteral("layer"), 0));
  selection.head = std::max(0, reader.integer(QStringLiteral("head"), 0));
  selection.dim = std::max(-1, reader.integer(QStringLiteral("dim"), -1));
  selection.position = std::max(-1, reader.integer(QStringLiteral("position"), -1));
  return selection;
}

QJsonObject toJson(const Look& look) {
  return {{QStringLiteral("picture"), nameOf(look.picture)}, {QStringLiteral("after_rope"), look.after_rope},
          {QStringLiteral("shown"), nameOf(look.shown)},     {QStringLiteral("lambda"), look.lambda},
          {QStringLiteral("color_map"), look.color_map},     {QStringLiteral("scale"), nameOf(look.scale)},
          {QStringLiteral("range"), nameOf(look.range)},     {QStringLiteral("percentile"), look.percentile},
          {QStringLiteral("exact_low"), look.exact_low},     {QStringLiteral("exact_high"), look.exact_high},
          {QStringLiteral("one_scale"), look.one_scale}};
}

Look lookFromJson(const Reader& reader) {
  const Look standard;
  Look look;
  look.picture = reader.choice(QStringLiteral("picture"), standard.picture);
  look.after_rope = reader.boolean(QStringLiteral("after_rope"), standard.after_rope);
  look.shown = reader.choice(QStringLiteral("shown"), standard.shown);
  look.lambda = reader.number(QStringLiteral("lambda"), standard.lambda, lambda_limits);
  look.color_map = reader.string(QStringLiteral("color_map"), standard.color_map);
  if (!colorMapNames().contains(look.color_map))
    reader.fail(QStringLiteral("color_map"), look.color_map, orList(colorMapNames()));
  look.scale = reader.choice(QStringLiteral("scale"), standard.scale);
  look.range = reader.choice(QStringLiteral("range"), standard.range);
  look.percentile = reader.number(QStringLiteral("percentile"), standard.percentile, percentile_limits);
  look.exact_low = reader.number(QStringLiteral("exact_low"), standard.exact_low, color_limits);
  look.exact_high = reader.number(QStringLiteral("exact_high"), standard.exact_high, color_limits);
  if (!(look.exact_low < look.exact_high)) {
    reader.fail(QStringLiteral("exact_low"), QString::number(look.exact_low),
                QStringLiteral("below \"exact_high\", which is %1").arg(look.exact_high));
  }
  look.one_scale = reader.boolean(QStringLiteral("one_scale"), standard.one_scale);
  return look;
}

}  // namespace

QString dumpLayoutName(const DumpSource& dump) {
  return dump.layout ? QString::fromStdString(layout_name(*dump.layout)) : QStringLiteral("auto");
}

Document defaultDocument() {
  Document document;
  document.prompts = {
      {PromptKind::Context,
       QStringLiteral(
           "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again. "
           "The pass key is 48213. Remember it. 48213 is the pass key. "
           "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again. "
           "What is the pass key?"),
       QStringLiteral("The pass key is 48213."), false},
      {PromptKind::Memory, QStringLiteral("What is the capital of France?"),
       QStringLiteral("The capital of France is Paris."), false}};
  document.disruptions = {parse_disruption("lambda 5 on Q")};
  document.selection.layer = 16;
  document.selection.head = 6;
  document.selection.dim = 23;
  return document;
}

QByteArray toJson(const Document& document) {
  QJsonArray prompts, disruptions;
  for (const Prompt& prompt : document.prompts) prompts.append(toJson(prompt));
  for (const Disruption& value : document.disruptions)
    disruptions.append(QString::fromStdString(to_option(value)));
  const QJsonObject root{
      {QStringLiteral("format"), QStringLiteral("qkscope-document")},
      {QStringLiteral("version"), kVersion},
      {QStringLiteral("written_by"), QStringLiteral("QKScope " QKSCOPE_VERSION)},
      {QStringLiteral("model"), document.model},
      {QStringLiteral("dump"), toJson(document.dump)},
      {QStringLiteral("prompts"), prompts},
      {QStringLiteral("selected_prompt"), document.selected_prompt},
      {QStringLiteral("disruption"),
       QJsonObject{{QStringLiteral("on"), document.disrupted},
                   {QStringLiteral("history"), disruptions},
                   {QStringLiteral("position"), static_cast<int>(document.disruption_position)}}},
      {QStringLiteral("selection"), toJson(document.selection)},
      {QStringLiteral("look"), toJson(document.look)}};
  return QJsonDocument(root).toJson();
}

Document documentFromJson(const QByteArray& json, const QString& name) {
  QJsonParseError parse;
  const QJsonDocument parsed = QJsonDocument::fromJson(json, &parse);
  if (!parsed.isObject()) {
    throw Error(QStringLiteral("%1 is not a QKScope document: %2 at byte %3, a JSON object was expected.")
                    .arg(name, parse.error ? parse.errorString() : QStringLiteral("another JSON value"))
                    .arg(parse.offset)
                    .toStdString());
  }
  const Reader root(parsed.object(), name);
  const QString format = root.string(QStringLiteral("format"));
  if (format != QStringLiteral("qkscope-document")) {
    root.fail(QStringLiteral("format"), format, QStringLiteral("\"qkscope-document\""));
  }
  const int version = root.integer(QStringLiteral("version"), 0);
  if (version < 1 || version > kVersion) {
    root.fail(QStringLiteral("version"), QString::number(version),
              QStringLiteral("at most %1 (open it with a newer QKScope)").arg(kVersion));
  }

  Document document;
  document.model = root.string(QStringLiteral("model"));
  document.dump = dumpFromJson(root.object(QStringLiteral("dump")));
  for (const QJsonValue& value : root.array(QStringLiteral("prompts"))) {
    document.prompts.push_back(promptFromJson({value.toObject(), name}));
  }
  const Reader disruption = root.object(QStringLiteral("disruption"));
  for (const QJsonValue& value : disruption.array(QStringLiteral("history"))) {
    try {
      document.disruptions.push_back(parse_disruption(value.toString().toStdString()));
    } catch (const Error& error) {
      throw Error(QStringLiteral("%1: %2").arg(name, QString::fromUtf8(error.what())).toStdString());
    }
  }
  if (document.disruptions.empty()) document.disruptions = defaultDocument().disruptions;
  const int last = static_cast<int>(document.disruptions.size()) - 1;
  document.disruption_position =
      static_cast<std::size_t>(std::clamp(disruption.integer(QStringLiteral("position"), last), 0, last));
  document.disrupted = disruption.boolean(QStringLiteral("on"));
  const int prompts = static_cast<int>(document.prompts.size());
  document.selected_prompt =
      std::clamp(root.integer(QStringLiteral("selected_prompt"), 0), 0, std::max(0, prompts - 1));
  document.selection = selectionFromJson(root.object(QStringLiteral("selection")));
  document.look = lookFromJson(root.object(QStringLiteral("look")));
  return document;
}

void saveDocument(const Document& document, const QString& path) {
  QSaveFile file(path);
  const QByteArray json = toJson(document);
  if (!file.open(QIODevice::WriteOnly) || file.write(json) != json.size() || !file.commit()) {
    throw Error(QStringLiteral("%1 could not be written: %2.").arg(path, file.errorString()).toStdString());
  }
}

Document openDocument(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) {
    throw Error(QStringLiteral("%1 could not be opened: %2.").arg(path, file.errorString()).toStdString());
  }
  if (file.size() > kMaxBytes) {
    throw Error(QStringLiteral("%1 is %2 MB large, a QKScope document has at most %3 MB.")
                    .arg(path)
                    .arg(file.size() >> 20)
                    .arg(kMaxBytes >> 20)
                    .toStdString());
  }
  return documentFromJson(file.readAll(), path);
}

}  // namespace qkscope

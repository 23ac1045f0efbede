#include "app/document.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSaveFile>
#include <algorithm>

#include "app/names.h"
#include "app/property.h"
#include "core/base/error.h"
#include "core/run/recording_file.h"

namespace qkscope {

namespace {

constexpr int kVersion = 2;
// Far more than a document of text can need; keeps a mistaken file from being read into memory.
constexpr qint64 kMaxBytes = 64 * 1024 * 1024;

QJsonObject toJson(const Prompt& prompt) {
  return {{QStringLiteral("kind"), nameOf(prompt.kind)},
          {QStringLiteral("text"), prompt.text},
          {QStringLiteral("expected"), prompt.expected},
          {QStringLiteral("raw"), prompt.raw},
          {QStringLiteral("bos"), nameOf(prompt.bos)}};
}

Prompt promptFromJson(const JsonReader& reader) {
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

DumpSource dumpFromJson(const JsonReader& reader) {
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

QJsonObject toJson(const Arms& arms) {
  QJsonArray list;
  for (const EditArm& arm : arms.list) {
    QJsonArray edits;
    for (const Edit& edit : arm.edits) edits.append(QString::fromStdString(to_text(edit)));
    list.append(QJsonObject{{QStringLiteral("name"), arm.name}, {QStringLiteral("edits"), edits}});
  }
  return {{QStringLiteral("on"), arms.on},
          {QStringLiteral("chosen"), arms.chosen},
          {QStringLiteral("list"), list}};
}

Edit editFromJson(const QJsonValue& value, const QString& name) {
  try {
    return parse_edit(value.toString().toStdString());
  } catch (const Error& error) {
    throw Error(QStringLiteral("%1: %2").arg(name, QString::fromUtf8(error.what())).toStdString());
  }
}

Arms armsFromJson(const JsonReader& reader, const QString& name) {
  Arms arms;
  std::vector<EditArm> list;
  for (const QJsonValue& value : reader.array(QStringLiteral("list"))) {
    const JsonReader one(value.toObject(), name);
    EditArm arm{one.string(QStringLiteral("name")), {}};
    for (const QJsonValue& edit : one.array(QStringLiteral("edits")))
      arm.edits.push_back(editFromJson(edit, name));
    list.push_back(std::move(arm));
  }
  if (list.size() > most_arms) {
    reader.fail(QStringLiteral("list"), QString::number(list.size()),
                QStringLiteral("a list of at most %1 arms").arg(most_arms));
  }
  arms.list = list.empty() ? defaultDocument().arms.list : std::move(list);
  arms.chosen = std::clamp(reader.integer(QStringLiteral("chosen"), 0), 0, arms.count() - 1);
  arms.on = reader.boolean(QStringLiteral("on"));
  return arms;
}

/// Version 1 held the disruption of now and those before it: that of now becomes the one arm.
Arms armsFromDisruption(const JsonReader& reader, const QString& name) {
  Arms arms = defaultDocument().arms;
  Edits history;
  for (const QJsonValue& value : reader.array(QStringLiteral("history")))
    history.push_back(editFromJson(value, name));
  if (!history.empty()) {
    const int last = static_cast<int>(history.size()) - 1;
    const int at = std::clamp(reader.integer(QStringLiteral("position"), last), 0, last);
    arms.shown().edits = {history[static_cast<std::size_t>(at)]};
  }
  arms.on = reader.boolean(QStringLiteral("on"));
  return arms;
}

const QString kSelection = QStringLiteral("selection"), kLook = QStringLiteral("look");

QJsonObject toJson(const Sight& sight, const QString& part) {
  QJsonObject json;
  for (const Property& property : properties()) {
    if (property.part == part) property.write(sight, json);
  }
  return json;
}

Sight sightFromJson(const JsonReader& root) {
  Sight sight;
  const JsonReader selection = root.object(kSelection), look = root.object(kLook);
  for (const Property& property : properties())
    property.read(sight, property.part == kLook ? look : selection);
  return sight;
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
  document.arms.shown().edits = {parse_disruption("lambda 5 on Q")};
  document.selection.layer = 16;
  document.selection.head = 6;
  document.selection.dim = 23;
  return document;
}

QByteArray toJson(const Document& document) {
  QJsonArray prompts;
  for (const Prompt& prompt : document.prompts) prompts.append(toJson(prompt));
  const Sight sight{document.selection, document.look};
  const QJsonObject root{{QStringLiteral("format"), QStringLiteral("qkscope-document")},
                         {QStringLiteral("version"), kVersion},
                         {QStringLiteral("written_by"), QStringLiteral("QKScope " QKSCOPE_VERSION)},
                         {QStringLiteral("model"), document.model},
                         {QStringLiteral("dump"), toJson(document.dump)},
                         {QStringLiteral("prompts"), prompts},
                         {QStringLiteral("selected_prompt"), document.selected_prompt},
                         {QStringLiteral("arms"), toJson(document.arms)},
                         {kSelection, toJson(sight, kSelection)},
                         {kLook, toJson(sight, kLook)}};
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
  const JsonReader root(parsed.object(), name);
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
  document.arms = version == 1 ? armsFromDisruption(root.object(QStringLiteral("disruption")), name)
                               : armsFromJson(root.object(QStringLiteral("arms")), name);
  const int prompts = static_cast<int>(document.prompts.size());
  document.selected_prompt =
      std::clamp(root.integer(QStringLiteral("selected_prompt"), 0), 0, std::max(0, prompts - 1));
  const Sight sight = sightFromJson(root);
  document.selection = sight.selection;
  document.look = sight.look;
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
  if (begins_like_zip(path.toStdString()))
    return documentFromJson(QByteArray::fromStdString(document_in(path.toStdString())), path);
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

#pragma once
#include <QByteArray>
#include <QString>
#include <vector>

#include "core/analysis/activation_dump.h"
#include "views/arms.h"
#include "views/prompt.h"
#include "views/view_state.h"

namespace qkscope {

/// All that a .qkscope file keeps, as a value: what was asked of which model, and how it was looked at.
struct Document {
  QString model;    // path or name of the checkpoint; empty = none
  DumpSource dump;  // files of activations that are shown in place of a model; without any, none
  std::vector<Prompt> prompts;
  int selected_prompt = 0;
  Arms arms;
  Selection selection;
  Look look;
  bool operator==(const Document&) const = default;
};

/// "auto", "bshd", "bhsd", "flat:128".
QString dumpLayoutName(const DumpSource& dump);

/// A prompt that asks the context and one that asks memory, "lambda 5 on Q" ready for D.
Document defaultDocument();

/// UTF-8 JSON, format "qkscope-document", version 2.
QByteArray toJson(const Document& document);
/// Also of version 1, which had one disruption in place of arms. Throws Error naming `name`, the key, what
/// was found and what was expected. Unknown keys are ignored.
Document documentFromJson(const QByteArray& json, const QString& name);

/// Atomic: the file is the old one or the new one. Throws Error.
void saveDocument(const Document& document, const QString& path);
/// Also of one with recorded runs, without them.
Document openDocument(const QString& path);

}  // namespace qkscope

#pragma once
#include <QString>
#include <QStringList>

#include "core/run/edit.h"

namespace qkscope {

/// A person's own presets: lists of edits, each in a file of its own whose text is that of the clipboard and
/// of the command line.
class PresetFolder {
 public:
  explicit PresetFolder(QString path) : path_(std::move(path)) {}

  /// In the order of the alphabet.
  QStringList names() const;
  /// Throws Error naming the file where it cannot be read, or holds no edits.
  Edits read(const QString& name) const;
  /// The file is the old one or the new one. Throws Error where it cannot be written, or the name can name no
  /// file.
  void write(const QString& name, const Edits& edits) const;

 private:
  QString file(const QString& name) const;

  QString path_;
};

}  // namespace qkscope

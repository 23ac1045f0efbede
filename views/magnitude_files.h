#pragma once
#include <QDateTime>
#include <QString>
#include <QStringList>
#include <map>
#include <vector>

#include "core/analysis/magnitudes.h"

namespace qkscope {

/// One file of magnitudes.
struct MagnitudeFile {
  QString name;  // "gpt2 · no BOS": of its file, and what it says of its beginning
  Magnitudes magnitudes;
  QString problem;  // why it holds none, in a sentence; else empty
};

/// What files of magnitudes say, read again only where they have changed.
class MagnitudeFiles {
 public:
  /// Of each path, in their order.
  std::vector<MagnitudeFile> read(const QStringList& paths);

 private:
  struct Known {
    QDateTime changed;
    qint64 size = -1;
    MagnitudeFile file;
  };
  std::map<QString, Known> known_;
};

/// Writes such a file, whole or not at all. Throws Error.
void writeMagnitudes(const Magnitudes& magnitudes, const QString& path);

}  // namespace qkscope

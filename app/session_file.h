#pragma once
#include <QLockFile>
#include <QObject>
#include <QTimer>
#include <functional>
#include <memory>
#include <optional>

#include "app/document.h"

namespace qkscope {

/// A window's document on disk while it changes, so that nothing is lost however the program ends. Each
/// running program has a place of its own; the next one to start takes over the place of one that has ended.
class SessionFile : public QObject {
  Q_OBJECT
 public:
  struct Kept {
    Document document;
    QString path;  // of the file that the document was saved to; empty = none
  };
  /// The usual folder is that of the user's application data.
  explicit SessionFile(const QString& folder = usualFolder(), QObject* parent = nullptr);
  static QString usualFolder();

  /// What was kept in this place before; nothing on a first start. Throws Error where it cannot be read.
  std::optional<Kept> kept() const;
  /// From here on `now` is asked for what is to be kept.
  void keep(std::function<Kept()> now) { now_ = std::move(now); }
  /// Something has changed: it is on disk within half a second.
  void change();
  /// Writes at once. The file is the old one or the new one.
  void write();

 Q_SIGNALS:
  /// It cannot be written; said once.
  void failed(const QString& sentence);

 private:
  QString path_;
  std::unique_ptr<QLockFile> lock_;  // held as long as this object lives
  std::function<Kept()> now_;
  QTimer timer_;
  bool has_failed_ = false;
};

}  // namespace qkscope

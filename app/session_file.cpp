#include "app/session_file.h"

#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSaveFile>
#include <QStandardPaths>

#include "core/base/error.h"

namespace qkscope {

namespace {

using namespace std::chrono_literals;

// More windows than anyone has open at once; the last place is shared by all that come after.
constexpr int kPlaces = 16;

}  // namespace

QString SessionFile::usualFolder() {
  return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
}

SessionFile::SessionFile(const QString& folder, QObject* parent) : QObject(parent) {
  QDir().mkpath(folder);
  for (int place = 1; place <= kPlaces; ++place) {
    path_ = QDir(folder).filePath(QStringLiteral("session-%1.json").arg(place));
    lock_ = std::make_unique<QLockFile>(path_ + QStringLiteral(".lock"));
    lock_->setStaleLockTime(0);  // a lock is stale when its process is gone, never by its age
    if (lock_->tryLock(0)) break;
  }
  timer_.setSingleShot(true);
  timer_.setInterval(400ms);
  connect(&timer_, &QTimer::timeout, this, &SessionFile::write);
}

std::optional<SessionFile::Kept> SessionFile::kept() const {
  QFile file(path_);
  if (!file.exists()) return std::nullopt;
  const QString name = tr("the last session");
  if (!file.open(QIODevice::ReadOnly))
    throw Error(tr("%1 could not be opened: %2.").arg(path_, file.errorString()).toStdString());
  const QJsonObject root = QJsonDocument::fromJson(file.readAll()).object();
  return Kept{
      documentFromJson(QJsonDocument(root.value(QStringLiteral("document")).toObject()).toJson(), name),
      root.value(QStringLiteral("path")).toString()};
}

void SessionFile::change() {
  if (!timer_.isActive()) timer_.start();
}

void SessionFile::write() {
  timer_.stop();
  if (!now_) return;
  const Kept kept = now_();
  const QJsonObject root{
      {QStringLiteral("path"), kept.path},
      {QStringLiteral("document"), QJsonDocument::fromJson(toJson(kept.document)).object()}};
  const QByteArray json = QJsonDocument(root).toJson();
  QSaveFile file(path_);
  if (file.open(QIODevice::WriteOnly) && file.write(json) == json.size() && file.commit()) {
    has_failed_ = false;
  } else if (!std::exchange(has_failed_, true)) {
    Q_EMIT failed(tr("The session is not kept, %1 could not be written: %2.").arg(path_, file.errorString()));
  }
}

}  // namespace qkscope

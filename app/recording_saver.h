#pragma once
#include <QObject>

#include "app/background_post.h"
#include "app/document.h"
#include "core/run/recording_file.h"

namespace qkscope {

class Session;

/// Writes a document with its recorded runs, on the session's thread and whenever it has nothing else to do:
/// those that are shown, or what a model gives for every prompt under every arm. Lives on the GUI thread.
class RecordingSaver : public QObject {
  Q_OBJECT
 public:
  explicit RecordingSaver(Session& session, QObject* parent = nullptr);
  ~RecordingSaver() override;

  /// In place of what it was about to write. failed() where there is nothing to record.
  void start(const Document& document, const QString& path);
  bool isRunning() const { return running_; }
  void stop();

 Q_SIGNALS:
  void runningChanged();
  void progress(int done, int of);
  void saved(const qkscope::Document& document, const QString& path);
  /// One sentence for the user.
  void failed(const QString& sentence);

 private:
  void end(const QString& problem, const Document& document, const QString& path);

  Session& session_;
  bool running_ = false;
  BackgroundPost<RecordingSaver> posts_{this};
};

/// What is to be recorded of a document.
RecordingPlan recordingPlan(const Document& document, int max_new_tokens);

}  // namespace qkscope

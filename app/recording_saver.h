#pragma once
#include "app/background_runner.h"
#include "app/document.h"
#include "core/run/recording_file.h"

namespace qkscope {

/// Writes a document with its recorded runs, on the session's thread and whenever it has nothing else to do:
/// those that are shown, or what a model gives for every prompt under every arm. Lives on the GUI thread.
class RecordingSaver : public BackgroundRunner {
  Q_OBJECT
 public:
  explicit RecordingSaver(Session& session, QObject* parent = nullptr);

  /// In place of what it was about to write. failed() where there is nothing to record.
  void start(const Document& document, const QString& path);

 Q_SIGNALS:
  void progress(int done, int of);
  void saved(const qkscope::Document& document, const QString& path);

 protected:
  void ended(const QString& problem) override;
  QString modelGoneWords() const override;

 private:
  Document document_;  // what is written, and where
  QString path_;
};

/// What is to be recorded of a document.
RecordingPlan recordingPlan(const Document& document, int max_new_tokens);

}  // namespace qkscope

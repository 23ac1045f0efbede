#pragma once
#include <filesystem>

#include "app/background_runner.h"
#include "views/corpus_tables.h"

namespace qkscope {

/// Runs a study of massive activations over corpora on the model of a session, in its background: what is
/// asked in the window goes first. What is found of each sequence is in a file before it is shown, so that a
/// study that is stopped, at any moment and for whatever reason, goes on where it was, also the same texts
/// under other settings.
class CorpusRunner : public BackgroundRunner {
  Q_OBJECT
 public:
  explicit CorpusRunner(Session& session, QObject* parent = nullptr);

  /// On the session's model, with what `file` knows.
  void start(const CorpusStudy& study, const std::filesystem::path& file);
  const CorpusTold& told() const { return told_; }

 Q_SIGNALS:
  /// There is more to see; at most a few times a second.
  void changed();

 private:
  struct Work;
  void take(CorpusTold told);

  CorpusTold told_;
};

}  // namespace qkscope

#pragma once
#include <QObject>
#include <QTimer>
#include <chrono>
#include <string>
#include <vector>

#include "app/document.h"
#include "app/session.h"

namespace qkscope {

/// Looks in the background which preset loses what stands in the prompt and keeps what the model knows, on
/// the model of now: models differ, on some Q is the lever, on some K, on some only both. Begins once a model
/// has answered the prompts of a new document and nothing has been asked for a while; whatever is asked goes
/// first; what was found is remembered with the model's file. Nothing where another document is open.
///
/// A prompt's answer is right where it has the last word of what is expected: "48213", "Paris".
class PresetSearch : public QObject {
  Q_OBJECT
 public:
  /// `standard`: the new document.
  PresetSearch(Session& session, Document standard, QObject* parent = nullptr);
  /// How long nothing must have been asked.
  void setPatience(std::chrono::milliseconds patience) { idle_.setInterval(patience); }

  /// Presets that are tried on a model of this architecture, in their order: lambda 5 on Q, on K and on both,
  /// then the published ones that are named after its family, or those of none.
  static std::vector<std::string> candidates(const std::string& architecture);

  bool isRunning() const { return tried_ >= 0; }
  /// Until another model is there.
  void giveUp();

 Q_SIGNALS:
  void runningChanged();
  /// So many presets of all are tried.
  void progress(int done, int total);
  /// What is so on this model: the preset's name, or nothing where none does it.
  void found(const QString& preset);

 private:
  /// After whatever may have changed what is to be done.
  void consider();
  void begin();
  void next();
  void stop();
  void take(const Edits& edits, const std::vector<QString>& answers);
  bool isAsked() const;
  void remember(const QString& preset);
  /// Of the model's file as it was when it was opened; empty where that is not known.
  QString key() const;

  Session& session_;
  const Document standard_;
  QTimer idle_;
  std::vector<std::string> candidates_;
  int tried_ = -1;       // how many of them; -1 while nothing is looked for
  bool settled_ = true;  // of this model all is known, or was given up
};

}  // namespace qkscope

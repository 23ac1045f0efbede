#pragma once
#include <QByteArray>
#include <QString>
#include <QStringList>
#include <QVariantMap>
#include <optional>

namespace qkscope {

enum class Theme { System, Light, Dark, HighContrast };

/// What the program remembers from one start to the next, in the user's configuration folder.
class Settings {
 public:
  Theme theme() const;
  void setTheme(Theme theme);
  /// Size of all type, 1 = the system's.
  double uiScale() const;
  void setUiScale(double scale);

  QByteArray geometry() const;
  QByteArray layout() const;
  void setWindow(const QByteArray& geometry, const QByteArray& layout);
  void clearWindow();

  /// Paths of models and documents, newest first.
  QStringList recent() const;
  void addRecent(const QString& path);
  void clearRecent();

  /// Of a person's own presets, beside the file of settings.
  QString presetFolder() const;

  int answerLength() const;
  void setAnswerLength(int tokens);
  bool promptLoss() const;
  void setPromptLoss(bool on);
  /// What open models may hold of a device's memory, in percent; 0: one model alone.
  int modelShare() const;
  void setModelShare(int percent);

  /// Which preset loses what stands in the prompt and keeps what a model knows: its name, or nothing where
  /// none does it; null where it is not known. `model` tells its file from all others.
  std::optional<QString> presetThatWorks(const QString& model) const;
  void setPresetThatWorks(const QString& model, const QString& preset);

  /// What a dialog remembers of its entries, by its object name.
  QVariantMap dialog(const QString& name) const;
  void setDialog(const QString& name, const QVariantMap& entries);
  /// Folder a dialog starts in.
  QString folder(const QString& purpose) const;
  void setFolder(const QString& purpose, const QString& folder);
};

}  // namespace qkscope

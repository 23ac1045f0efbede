#pragma once
#include <QFrame>
#include <functional>

class QLabel;
class QProgressBar;
class QTimer;
class QToolButton;

namespace qkscope {

/// One sentence above the pictures. What went wrong stays until it is closed or replaced; what has happened
/// goes by itself.
class MessageBar : public QFrame {
  Q_OBJECT
 public:
  explicit MessageBar(QWidget* parent);
  void showError(const QString& sentence);
  void showNote(const QString& sentence);
  /// A note that stays, with something to do.
  void showOffer(const QString& sentence, const QString& action, std::function<void()> run);
  QString text() const;

 private:
  void show(const QString& sentence, const QString& kind);
  QLabel* label_;
  QToolButton* action_;
  std::function<void()> run_;
  QTimer* leave_;
};

/// Stage, bar and Cancel in the status bar; comes up only when work takes more than half a second.
class ProgressWidget : public QWidget {
  Q_OBJECT
 public:
  explicit ProgressWidget(QWidget* parent);
  void setBusy(bool busy);
  void setProgress(const QString& stage, quint64 done, quint64 total);

 Q_SIGNALS:
  void cancelled();

 private:
  QLabel* stage_;
  QProgressBar* bar_;
  QToolButton* cancel_;
  QTimer* delay_;
};

}  // namespace qkscope

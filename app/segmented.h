#pragma once
#include <QWidget>
#include <vector>

class QAction;
class QHBoxLayout;
class QToolButton;

namespace qkscope {

class ElidedButton;

/// Exclusive actions side by side as one control, or, where there is no room, as one button with a menu. The
/// actions carry text, shortcut and state.
class Segmented : public QWidget {
  Q_OBJECT
 public:
  Segmented(const std::vector<QAction*>& actions, const QString& name, QWidget* parent);
  bool isFolded() const { return is_folded_; }
  void setFolded(bool folded);
  /// What either form takes at least.
  int widthOf(bool folded) const;
  QSize minimumSizeHint() const override;
  QSize sizeHint() const override;

 private:
  std::vector<QToolButton*> buttons_;
  ElidedButton* folded_;
  bool is_folded_ = false;
};

/// A row of controls that is never wider than its window: segmented controls fold, from the left, until the
/// rest has room.
class ToolRow : public QWidget {
  Q_OBJECT
 public:
  explicit ToolRow(QWidget* parent);
  QHBoxLayout* row() const { return row_; }
  void addSegmented(Segmented* segmented);
  /// Words that are cut only where folding every choice does not make room enough.
  void addWords(ElidedButton* words);
  QSize minimumSizeHint() const override;

 protected:
  bool event(QEvent* event) override;

 private:
  /// With the first `folded` choices folded and `letters` left of words that give way.
  int widthNeeded(int folded, int letters) const;
  void fold();

  QHBoxLayout* row_;
  std::vector<Segmented*> segmented_;
  std::vector<ElidedButton*> words_;
};

}  // namespace qkscope

#pragma once
#include <QToolButton>

namespace qkscope {

/// The name of a file as the words of a menu: "&" underlines nothing, a tab sets no shortcut off.
QString menuWords(QString name);

/// One line of text that gives way where there is no room, and shows the whole as its tooltip then.
class ElidedLabel : public QWidget {
  Q_OBJECT
 public:
  ElidedLabel(Qt::Alignment alignment, QWidget* parent);
  void setText(const QString& text);
  const QString& text() const { return text_; }
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QString text_;
  Qt::Alignment alignment_;
};

/// A button of a name and, paler, what there is to say about it; the latter gives way first.
class NameButton : public QAbstractButton {
  Q_OBJECT
 public:
  explicit NameButton(QWidget* parent);
  void setWords(const QString& name, const QString& details);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QFont bold() const;
  QString name_, details_;
};

/// A button whose words give way in their middle.
class ElidedButton : public QToolButton {
  Q_OBJECT
 public:
  /// About as many letters of what gives way are left at the least.
  static constexpr int kLeastLetters = 9;

  explicit ElidedButton(QWidget* parent);
  /// `words` and, never cut, `end`.
  void setWords(const QString& words, const QString& end);
  /// The width that leaves about `letters` of the text.
  int widthOf(int letters) const;
  void setLeastLetters(int letters);
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  int least_letters_;
  QString words_, end_;
};

}  // namespace qkscope

#include "app/labels.h"

#include <QPainter>
#include <QStyleOptionToolButton>
#include <QStylePainter>
#include <algorithm>

namespace qkscope {

namespace {
constexpr int kPadding = 10;
}  // namespace

QString menuWords(QString name) {
  return name.replace(u'&', QStringLiteral("&&")).replace(u'\t', u' ').replace(u'\n', u' ');
}

ElidedLabel::ElidedLabel(Qt::Alignment alignment, QWidget* parent) : QWidget(parent), alignment_(alignment) {
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void ElidedLabel::setText(const QString& text) {
  if (text == text_) return;
  text_ = text;
  setAccessibleName(text);
  setToolTip(text);
  updateGeometry();
  update();
}

QSize ElidedLabel::sizeHint() const {
  return {fontMetrics().horizontalAdvance(text_) + 4, fontMetrics().height() + 4};
}
QSize ElidedLabel::minimumSizeHint() const {
  return {0, fontMetrics().height() + 4};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setPen(palette().color(foregroundRole()));
  painter.drawText(rect(), static_cast<int>(alignment_ | Qt::AlignVCenter),
                   fontMetrics().elidedText(text_, Qt::ElideRight, width()));
}

NameButton::NameButton(QWidget* parent) : QAbstractButton(parent) {
  setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
  setFocusPolicy(Qt::TabFocus);
}

void NameButton::setWords(const QString& name, const QString& details) {
  name_ = name;
  details_ = details;
  setAccessibleName(name + u' ' + details);
  setToolTip(name + u'\n' + details);
  updateGeometry();
  update();
}

QFont NameButton::bold() const {
  QFont font = this->font();
  font.setWeight(QFont::DemiBold);
  return font;
}

QSize NameButton::sizeHint() const {
  const int name = QFontMetrics(bold()).horizontalAdvance(name_);
  const int details = details_.isEmpty() ? 0 : fontMetrics().horizontalAdvance(u' ' + details_);
  return {name + details + 2 * kPadding + 2, fontMetrics().height() + 12};
}

QSize NameButton::minimumSizeHint() const {
  const QSize whole = sizeHint();
  return {std::min(whole.width(), ElidedButton::kLeastLetters * fontMetrics().averageCharWidth()),
          whole.height()};
}

void NameButton::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const bool lively = underMouse() || hasFocus();
  painter.setPen(lively ? palette().color(QPalette::Highlight) : QColor(Qt::transparent));
  painter.setBrush(palette().color(QPalette::AlternateBase));
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5);
  const QRect inside = rect().adjusted(kPadding, 0, -kPadding, 0);
  painter.setFont(bold());
  painter.setPen(palette().color(QPalette::WindowText));
  const QFontMetrics metrics(bold());
  painter.drawText(inside, Qt::AlignVCenter, metrics.elidedText(name_, Qt::ElideMiddle, inside.width()));
  const int used = metrics.horizontalAdvance(name_ + u' ');
  if (used >= inside.width()) return;
  painter.setFont(font());
  painter.setPen(palette().color(QPalette::PlaceholderText));
  const QRect rest = inside.adjusted(used, 0, 0, 0);
  painter.drawText(rest, Qt::AlignVCenter, fontMetrics().elidedText(details_, Qt::ElideRight, rest.width()));
}

ElidedButton::ElidedButton(QWidget* parent)
    : QToolButton(parent), least_letters_(ElidedButton::kLeastLetters) {
  setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
}

void ElidedButton::setWords(const QString& words, const QString& end) {
  words_ = words;
  end_ = end;
  setText(words + end);
  setAccessibleName(words);
}

int ElidedButton::widthOf(int letters) const {
  const int least = letters * fontMetrics().averageCharWidth();
  return sizeHint().width() - std::max(0, fontMetrics().horizontalAdvance(text()) - least);
}

void ElidedButton::setLeastLetters(int letters) {
  if (letters == least_letters_) return;
  least_letters_ = letters;
  updateGeometry();
}

QSize ElidedButton::minimumSizeHint() const {
  return {widthOf(least_letters_), sizeHint().height()};
}

void ElidedButton::paintEvent(QPaintEvent*) {
  QStylePainter painter(this);
  QStyleOptionToolButton option;
  initStyleOption(&option);
  const int missing = sizeHint().width() - width();
  if (missing > 0) {
    const int room = fontMetrics().horizontalAdvance(words_) - missing;
    option.text = fontMetrics().elidedText(words_, Qt::ElideMiddle, room) + end_;
  }
  painter.drawComplexControl(QStyle::CC_ToolButton, option);
}

}  // namespace qkscope

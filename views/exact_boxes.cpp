#include "views/exact_boxes.h"

#include <QLineEdit>
#include <QLocale>
#include <QStyle>
#include <QStyleOptionSpinBox>
#include <limits>

#include "views/shown.h"

namespace qkscope {

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

}  // namespace

ExactDoubleBox::ExactDoubleBox(QWidget* parent) : QDoubleSpinBox(parent) {
  // As many as any double needs: fewer would round it.
  setDecimals(std::numeric_limits<double>::max_exponent10 + std::numeric_limits<double>::digits10);
  setKeyboardTracking(false);
}

QString ExactDoubleBox::textFromValue(double value) const {
  return exactWords(value);
}

QSize ExactDoubleBox::sizeHint() const {
  QStyleOptionSpinBox option;
  initStyleOption(&option);
  const QSize text(fontMetrics().horizontalAdvance(prefix() + QStringLiteral("000.00 ")),
                   QDoubleSpinBox::sizeHint().height());
  return {style()->sizeFromContents(QStyle::CT_SpinBox, &option, text, this).width(), text.height()};
}

SeedBox::SeedBox(QWidget* parent) : QAbstractSpinBox(parent) {
  lineEdit()->setText(QString::number(value_));
  connect(this, &QAbstractSpinBox::editingFinished, this, [this] { take(text().toULongLong()); });
}

void SeedBox::setValue(std::uint64_t value) {
  value_ = value;
  lineEdit()->setText(QString::number(value_));
}

void SeedBox::take(std::uint64_t value) {
  const bool other = value != value_;
  setValue(value);
  if (other) Q_EMIT valueChanged(value_);
}

void SeedBox::stepBy(int steps) {
  const std::uint64_t size = static_cast<std::uint64_t>(std::abs(std::int64_t{steps}));
  const std::uint64_t now = text().toULongLong();
  take(steps > 0 ? now + std::min(size, largest - now) : now - std::min(size, now));
}

QAbstractSpinBox::StepEnabled SeedBox::stepEnabled() const {
  StepEnabled enabled = StepNone;
  if (value_ > 0) enabled |= StepDownEnabled;
  if (value_ < largest) enabled |= StepUpEnabled;
  return enabled;
}

QValidator::State SeedBox::validate(QString& text, int&) const {
  if (text.isEmpty()) return QValidator::Intermediate;
  bool is_number = false;
  text.toULongLong(&is_number);
  const bool digits = std::all_of(text.begin(), text.end(), [](QChar c) { return c >= u'0' && c <= u'9'; });
  return is_number && digits ? QValidator::Acceptable : QValidator::Invalid;
}

void SeedBox::fixup(QString& text) const {
  text = QString::number(value_);  // nothing was typed: what was there stays
}

}  // namespace qkscope

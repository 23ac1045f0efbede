#pragma once
#include <QAbstractSpinBox>
#include <QDoubleSpinBox>
#include <cstdint>

namespace qkscope {

/// A box for a double that shows every digit it takes to read the number back, and keeps the number itself:
/// what is put in comes out bit by bit. Told of once typing is done.
class ExactDoubleBox : public QDoubleSpinBox {
  Q_OBJECT
 public:
  explicit ExactDoubleBox(QWidget* parent);

  QString textFromValue(double value) const override;
  /// Room for everyday numbers; longer ones scroll.
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }
};

/// A box for a whole number from 0 to 2^64 - 1, more than QSpinBox holds.
class SeedBox : public QAbstractSpinBox {
  Q_OBJECT
 public:
  explicit SeedBox(QWidget* parent);

  std::uint64_t value() const { return value_; }
  void setValue(std::uint64_t value);

  void stepBy(int steps) override;
  QValidator::State validate(QString& text, int& position) const override;
  void fixup(QString& text) const override;

 Q_SIGNALS:
  /// Typing is done, or it was stepped.
  void valueChanged(quint64 value);

 protected:
  StepEnabled stepEnabled() const override;

 private:
  void take(std::uint64_t value);

  std::uint64_t value_ = 0;
};

}  // namespace qkscope

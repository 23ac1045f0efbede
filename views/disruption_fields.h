#pragma once
#include <QWidget>
#include <functional>

#include "core/run/disruption.h"

class QCheckBox;
class QComboBox;
class QFormLayout;
class QLineEdit;
class QPushButton;
class QSpinBox;
class QToolButton;

namespace qkscope {

class ExactDoubleBox;
class SeedBox;
class StyledLabel;
class ViewState;
struct ModelSpec;

/// Every field of one disruption, its presets and control arms. Shows the value it is given and asks for
/// others.
class DisruptionFields : public QWidget {
  Q_OBJECT
 public:
  DisruptionFields(ViewState& state, QWidget* parent);

  const Disruption& value() const { return disruption_; }
  void setValue(const Disruption& disruption);
  /// Of the model whose layers and heads are named; null: not known.
  void setSpec(const ModelSpec* spec);

 Q_SIGNALS:
  void edited(const qkscope::Disruption& disruption);
  /// Why what was typed is none, in one sentence.
  void refused(const QString& sentence);

 private:
  void buildFields(QFormLayout* form);
  /// Asks for the disruption with one part of it set anew; says why not where `set` throws.
  void change(const std::function<void(Disruption&)>& set);
  void showValue();
  /// Says so where the outlines are drawn at another lambda than the disruption's.
  void showOutlines();

  ViewState& state_;
  Disruption disruption_;
  int layers_of_model_ = 0, heads_of_model_ = 0;  // 0: not known
  bool showing_ = false;                          // fields are being filled, not edited

  QComboBox* preset_;
  StyledLabel* outlines_;
  QPushButton* same_outlines_;
  QToolButton *query_, *key_, *value_;
  QComboBox* pick_;
  ExactDoubleBox* lambda_;
  QSpinBox* count_;
  QCheckBox* matched_;
  SeedBox* seed_;
  QComboBox *replace_, *pool_, *mask_, *phase_;
  QCheckBox* cache_;
  QLineEdit *layers_, *heads_;
  QPushButton *massive_, *smallest_, *random_;
};

}  // namespace qkscope

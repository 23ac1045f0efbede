#pragma once
#include "views/view.h"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLineEdit;
class QPushButton;
class QSpinBox;
class QToolButton;

namespace qkscope {

class StyledLabel;

/// Every field of the disruption, its presets, control arms and history. Shows the value it is given and asks
/// for others; the history itself belongs to the application.
class DisruptionView : public View {
  Q_OBJECT
 public:
  DisruptionView(ViewState& state, QWidget* parent);

  void setDisruption(const Disruption& disruption, bool on, bool can_undo, bool can_redo);

 Q_SIGNALS:
  void onRequested(bool on);
  void undoRequested();
  void redoRequested();

 protected:
  void refresh() override;

 private:
  void buildFields(QFormLayout* form);
  /// Fields to value; false and a red sentence where a range cannot be read.
  bool readFields(Disruption& disruption);
  void fieldsEdited();
  void showValue();

  Disruption disruption_;
  bool on_ = false;
  bool showing_ = false;  // fields are being filled, not edited

  QPushButton* toggle_;
  QToolButton *undo_, *redo_;
  QComboBox* preset_;
  StyledLabel* words_;
  QToolButton *query_, *key_, *value_;
  QComboBox* pick_;
  QDoubleSpinBox* lambda_;
  QSpinBox* count_;
  QCheckBox* matched_;
  QSpinBox* seed_;
  QComboBox *replace_, *pool_, *mask_, *phase_;
  QCheckBox* cache_;
  QLineEdit *layers_, *heads_;
  QPushButton *massive_, *smallest_, *random_;
};

}  // namespace qkscope

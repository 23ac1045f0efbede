#pragma once
#include <functional>

#include "views/view.h"

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

/// Every field of the disruption, its presets, control arms and history. Shows the value it is given and asks
/// for others; the history itself belongs to the application.
class DisruptionView : public View {
  Q_OBJECT
 public:
  DisruptionView(ViewState& state, QWidget* parent);

  void setDisruption(const Disruption& disruption, bool on, bool can_undo, bool can_redo) override;
  std::vector<PlacedCommands> commands() override;

 protected:
  void refresh() override;

 private:
  void buildFields(QFormLayout* form);
  /// Asks for the disruption with one part of it set anew; says it in red where `set` throws.
  void change(const std::function<void(Disruption&)>& set);
  void showValue();
  /// Says so where the outlines are drawn at another lambda than the disruption's.
  void showOutlines();

  Disruption disruption_;
  bool on_ = false;
  bool showing_ = false;  // fields are being filled, not edited

  QPushButton* toggle_;
  QToolButton *undo_, *redo_;
  QComboBox* preset_;
  StyledLabel *words_, *outlines_;
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

#pragma once
#include "views/view.h"

class QComboBox;
class QLineEdit;
class QPushButton;
class QToolButton;

namespace qkscope {

class DisruptionFields;
class EditList;
class StyledLabel;

/// What the shown arm changes: its edits as a list, and all fields of the one that is selected. Shows the
/// arms it is given and asks for others; their history belongs to the application.
class DisruptionView : public View {
  Q_OBJECT
 public:
  DisruptionView(ViewState& state, QWidget* parent);

  void setArms(const Arms& arms) override;
  void setHistory(bool can_undo, bool can_redo) override;
  std::vector<PlacedCommands> commands() override;

 protected:
  void refresh() override;

 private:
  QLayout* makeTop();
  QLayout* makeArmRow();
  QLayout* makeTextRow();
  const Edits& edits() const { return arms_.shown().edits; }
  /// Null where there is none.
  const Edit* selectedEdit() const;
  void requestEdits(const Edits& edits);
  void addEdit(const Edit& edit);
  /// In place of the selected one, or behind the others where none is.
  void takeText();
  void showArms();
  void showWords();
  void showNotes();
  void refuse(const QString& sentence);

  Arms arms_;
  int selected_ = 0;  // of the shown arm's edits

  QPushButton* toggle_ = nullptr;
  QToolButton *undo_ = nullptr, *redo_ = nullptr;
  QComboBox* arm_ = nullptr;
  EditList* list_;
  QLineEdit* text_ = nullptr;
  DisruptionFields* fields_;
  StyledLabel* words_;
};

}  // namespace qkscope

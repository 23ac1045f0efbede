#pragma once
#include <QFrame>
#include <vector>

#include "core/run/edit.h"

class QCheckBox;
class QToolButton;
class QVBoxLayout;

namespace qkscope {

class StyledLabel;

/// What stands beside an edit: how much it takes, and more of it on hover.
struct EditNote {
  QString words, about;
};

/// One edit: its switch, what it does, how much that takes, its place among the others.
class EditRow : public QFrame {
  Q_OBJECT
 public:
  explicit EditRow(QWidget* parent);
  void setEdit(const Edit& edit, bool is_first, bool is_last, bool is_selected);
  void setNote(const EditNote& note);

 Q_SIGNALS:
  void chosen();
  void switched(bool on);
  void moved(int by);
  void duplicated();
  void copied();
  void removed();

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

 private:
  bool selected_ = false;
  QCheckBox* switch_;
  StyledLabel *words_, *note_;
  QToolButton *up_, *down_, *more_;
};

/// The edits of an arm, made from top to bottom; one of them is selected. Shows what it is given and asks for
/// others.
class EditList : public QWidget {
  Q_OBJECT
 public:
  explicit EditList(QWidget* parent);
  void setEdits(const Edits& edits, int selected);
  void setNotes(const std::vector<EditNote>& notes);

 Q_SIGNALS:
  void edited(const qkscope::Edits& edits);
  void selected(int index);

 private:
  EditRow* makeRow(int index);
  /// `edits_` with something changed.
  template <class Change>
  void change(Change make);

  Edits edits_;
  std::vector<EditRow*> rows_;
  StyledLabel* none_;
  QVBoxLayout* column_;
};

}  // namespace qkscope

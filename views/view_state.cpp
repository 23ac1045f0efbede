#include "views/view_state.h"

namespace qkscope {

void ViewState::setSelection(const Selection& selection) {
  if (selection == selection_) return;
  selection_ = selection;
  Q_EMIT selectionChanged(selection_);
}

void ViewState::setLook(const Look& look) {
  if (look == look_) return;
  look_ = look;
  Q_EMIT lookChanged(look_);
}

void ViewState::setHover(const QString& words, int position) {
  if (words != hover_) {
    hover_ = words;
    Q_EMIT hoverChanged(hover_);
  }
  if (position != hover_position_) {
    hover_position_ = position;
    Q_EMIT hoverPositionChanged(hover_position_);
  }
}

}  // namespace qkscope

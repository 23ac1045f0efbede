#include "app/segmented.h"

#include <QAction>
#include <QEvent>
#include <QHBoxLayout>
#include <QMenu>
#include <QToolButton>
#include <algorithm>

#include "app/labels.h"

namespace qkscope {

Segmented::Segmented(const std::vector<QAction*>& actions, const QString& name, QWidget* parent)
    : QWidget(parent), folded_(new ElidedButton(this)) {
  setAccessibleName(name);
  setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  auto* menu = new QMenu(folded_);
  folded_->setMenu(menu);
  folded_->setPopupMode(QToolButton::InstantPopup);
  folded_->setFocusPolicy(Qt::TabFocus);
  folded_->setToolTip(name);
  folded_->hide();
  layout->addWidget(folded_);
  for (std::size_t i = 0; i < actions.size(); ++i) {
    auto* button = new QToolButton(this);
    button->setDefaultAction(actions[i]);
    button->setFocusPolicy(Qt::TabFocus);
    button->setProperty("segment", i == 0                    ? QStringLiteral("first")
                                   : i + 1 == actions.size() ? QStringLiteral("last")
                                                             : QStringLiteral("middle"));
    layout->addWidget(button);
    buttons_.push_back(button);
    menu->addAction(actions[i]);
    const auto showChoice = [this, action = actions[i]] {
      if (action->isChecked()) folded_->setWords(action->iconText(), QStringLiteral(" ▾"));
    };
    connect(actions[i], &QAction::toggled, this, showChoice);
    showChoice();
  }
}

void Segmented::setFolded(bool folded) {
  if (folded == is_folded_) return;
  is_folded_ = folded;
  folded_->setVisible(folded);
  for (QToolButton* button : buttons_) button->setVisible(!folded);
  updateGeometry();
}

int Segmented::widthOf(bool folded) const {
  if (folded) return folded_->minimumSizeHint().width();
  int width = 0;
  for (const QToolButton* button : buttons_) width += button->sizeHint().width();
  return width;
}

QSize Segmented::sizeHint() const {
  return is_folded_ ? folded_->sizeHint() : minimumSizeHint();
}

QSize Segmented::minimumSizeHint() const {
  return {widthOf(is_folded_), buttons_.front()->sizeHint().height()};
}

ToolRow::ToolRow(QWidget* parent) : QWidget(parent), row_(new QHBoxLayout(this)) {
  row_->setContentsMargins(0, 0, 0, 0);
  row_->setSpacing(8);
}

void ToolRow::addSegmented(Segmented* segmented) {
  row_->addWidget(segmented);
  segmented_.push_back(segmented);
}

void ToolRow::addWords(ElidedButton* words) {
  row_->addWidget(words);
  words_.push_back(words);
}

int ToolRow::widthNeeded(int folded, int letters) const {
  int width = 0;
  for (int i = 0; i < row_->count(); ++i) {
    QWidget* widget = row_->itemAt(i)->widget();
    if (!widget) continue;
    width += row_->spacing();
    if (const auto it = std::ranges::find(segmented_, widget); it != segmented_.end()) {
      width += (*it)->widthOf(it - segmented_.begin() < folded);
    } else if (const auto words = std::ranges::find(words_, widget); words != words_.end()) {
      width += (*words)->widthOf(letters);
    } else {
      width += row_->itemAt(i)->minimumSize().width();
    }
  }
  return width;
}

QSize ToolRow::minimumSizeHint() const {
  return {widthNeeded(static_cast<int>(segmented_.size()), ElidedButton::kLeastLetters),
          QWidget::minimumSizeHint().height()};
}

void ToolRow::fold() {
  constexpr int kLegible = 19;  // "λ=5 on Q · all layers"
  const int all = static_cast<int>(segmented_.size());
  int folded = 0;
  while (folded < all && widthNeeded(folded, kLegible) > width()) ++folded;
  const bool legible = widthNeeded(folded, kLegible) <= width();
  for (ElidedButton* words : words_) words->setLeastLetters(legible ? kLegible : ElidedButton::kLeastLetters);
  for (int i = 0; i < all; ++i) segmented_[static_cast<std::size_t>(i)]->setFolded(i < folded);
}

bool ToolRow::event(QEvent* event) {
  const bool done = QWidget::event(event);
  if (event->type() == QEvent::Resize || event->type() == QEvent::LayoutRequest) fold();
  return done;
}

}  // namespace qkscope

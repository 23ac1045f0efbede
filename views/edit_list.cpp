#include "views/edit_list.h"

#include <QCheckBox>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QGridLayout>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QToolButton>
#include <algorithm>

#include "views/disruption_words.h"
#include "views/plot_style.h"
#include "views/styled_label.h"

namespace qkscope {

EditRow::EditRow(QWidget* parent)
    : QFrame(parent),
      switch_(new QCheckBox(this)),
      words_(new StyledLabel(Type::Normal, Tone::Text, this)),
      note_(new StyledLabel(Type::Small, Tone::Muted, this)) {
  setFocusPolicy(Qt::StrongFocus);
  words_->setWordWrap(true);
  words_->setObjectName(QStringLiteral("editWords"));
  note_->setWordWrap(true);
  note_->setObjectName(QStringLiteral("editNote"));
  switch_->setObjectName(QStringLiteral("editSwitch"));
  switch_->setToolTip(tr("Whether this edit is made"));
  switch_->setAccessibleName(switch_->toolTip());
  const auto button = [this](const QString& sign, const QString& about, const char* name) {
    auto* made = new QToolButton(this);
    made->setText(sign);
    made->setAutoRaise(true);
    made->setProperty("role", QStringLiteral("quiet"));
    made->setToolTip(about);
    made->setAccessibleName(about);
    made->setObjectName(QLatin1String(name));
    return made;
  };
  up_ = button(QStringLiteral("▲"), tr("Make this edit earlier (Ctrl+Up)"), "editUp");
  down_ = button(QStringLiteral("▼"), tr("Make this edit later (Ctrl+Down)"), "editDown");
  more_ = button(QStringLiteral("…"), tr("Duplicate, copy or remove this edit"), "editMore");
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(8, 4, 4, 4);
  grid->setHorizontalSpacing(6);
  grid->setVerticalSpacing(1);
  grid->addWidget(switch_, 0, 0, Qt::AlignTop);
  grid->addWidget(words_, 0, 1);
  grid->addWidget(note_, 1, 1);
  auto* buttons = new QHBoxLayout;
  buttons->setSpacing(0);
  for (QToolButton* each : {up_, down_, more_}) buttons->addWidget(each);
  grid->addLayout(buttons, 0, 2, Qt::AlignTop);
  grid->setColumnStretch(1, 1);
  connect(switch_, &QCheckBox::clicked, this, &EditRow::switched);
  connect(up_, &QToolButton::clicked, this, [this] { Q_EMIT moved(-1); });
  connect(down_, &QToolButton::clicked, this, [this] { Q_EMIT moved(1); });
  connect(more_, &QToolButton::clicked, this, [this] {
    QContextMenuEvent event(QContextMenuEvent::Mouse, {}, more_->mapToGlobal(QPoint(0, more_->height())));
    contextMenuEvent(&event);
  });
}

void EditRow::setEdit(const Edit& edit, bool is_first, bool is_last, bool is_selected) {
  switch_->setChecked(edit.on);
  words_->setText(shortWords(edit));
  words_->setTone(edit.on ? Tone::Text : Tone::Muted);
  words_->setType(is_selected ? Type::Strong : Type::Normal);
  up_->setVisible(!is_first || !is_last);  // one alone has no order
  down_->setVisible(!is_first || !is_last);
  up_->setEnabled(!is_first);
  down_->setEnabled(!is_last);
  selected_ = is_selected;
  setAccessibleName(words_->text());
  QFrame::show();
  update();
}

void EditRow::setNote(const EditNote& note) {
  note_->setText(note.words);
  note_->setVisible(!note.words.isEmpty());
  setToolTip(note.about);
}

void EditRow::mousePressEvent(QMouseEvent* event) {
  QFrame::mousePressEvent(event);
  Q_EMIT chosen();
}

void EditRow::focusInEvent(QFocusEvent* event) {
  QFrame::focusInEvent(event);
  if (event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason) Q_EMIT chosen();
}

void EditRow::keyPressEvent(QKeyEvent* event) {
  const bool ctrl = event->modifiers() == Qt::ControlModifier;
  if (event->key() == Qt::Key_Delete) {
    Q_EMIT removed();
  } else if (ctrl && event->key() == Qt::Key_Up) {
    Q_EMIT moved(-1);
  } else if (ctrl && event->key() == Qt::Key_Down) {
    Q_EMIT moved(1);
  } else {
    QFrame::keyPressEvent(event);
  }
}

void EditRow::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addAction(tr("Duplicate"), this, &EditRow::duplicated);
  menu.addAction(tr("Copy as text"), this, &EditRow::copied);
  menu.addAction(tr("Remove\tDel"), this, &EditRow::removed);
  menu.exec(event->globalPos());
}

void EditRow::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const PlotStyle style = PlotStyle::of(*this);
  painter.setPen(QPen(selected_ ? style.accent : style.line, selected_ ? 1.6 : 1.0));
  painter.setBrush(style.background);
  painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 6, 6);
}

// ---- all of them

EditList::EditList(QWidget* parent)
    : QWidget(parent),
      none_(new StyledLabel(Type::Normal, Tone::Muted, this,
                            tr("No edit yet: choose one with +, type one, or point at a cell of a picture "
                               "and press X."))),
      column_(new QVBoxLayout(this)) {
  column_->setContentsMargins(0, 0, 0, 0);
  column_->setSpacing(4);
  none_->setWordWrap(true);
  column_->addWidget(none_);
}

template <class Change>
void EditList::change(Change make) {
  Edits next = edits_;
  make(next);
  if (next != edits_) Q_EMIT edited(next);
}

EditRow* EditList::makeRow(int index) {
  auto* row = new EditRow(this);
  row->setObjectName(QStringLiteral("editRow%1").arg(index));
  const auto i = static_cast<std::size_t>(index);
  connect(row, &EditRow::chosen, this, [this, index] { Q_EMIT selected(index); });
  connect(row, &EditRow::switched, this,
          [this, i](bool on) { change([&](Edits& edits) { edits[i].on = on; }); });
  connect(row, &EditRow::moved, this, [this, index](int by) {
    const int to = index + by;
    if (to < 0 || to >= static_cast<int>(edits_.size())) return;
    change([&](Edits& edits) {
      std::swap(edits[static_cast<std::size_t>(index)], edits[static_cast<std::size_t>(to)]);
    });
    Q_EMIT selected(to);
    rows_[static_cast<std::size_t>(to)]->setFocus();
  });
  connect(row, &EditRow::duplicated, this, [this, i] {
    change([&](Edits& edits) {
      const Edit copy = edits[i];
      edits.insert(edits.begin() + static_cast<std::ptrdiff_t>(i), copy);
    });
  });
  connect(row, &EditRow::copied, this,
          [this, i] { QGuiApplication::clipboard()->setText(QString::fromStdString(to_text(edits_[i]))); });
  connect(row, &EditRow::removed, this, [this, i] {
    change([&](Edits& edits) { edits.erase(edits.begin() + static_cast<std::ptrdiff_t>(i)); });
  });
  column_->addWidget(row);
  return row;
}

void EditList::setEdits(const Edits& edits, int selected) {
  edits_ = edits;
  while (rows_.size() > edits.size()) {
    rows_.back()->hide();
    rows_.back()->deleteLater();
    rows_.pop_back();
  }
  while (rows_.size() < edits.size()) rows_.push_back(makeRow(static_cast<int>(rows_.size())));
  for (std::size_t i = 0; i < rows_.size(); ++i)
    rows_[i]->setEdit(edits[i], i == 0, i + 1 == rows_.size(), static_cast<int>(i) == selected);
  none_->setVisible(rows_.empty());
}

void EditList::setNotes(const std::vector<EditNote>& notes) {
  for (std::size_t i = 0; i < std::min(rows_.size(), notes.size()); ++i) rows_[i]->setNote(notes[i]);
}

}  // namespace qkscope

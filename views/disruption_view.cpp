#include "views/disruption_view.h"

#include <QComboBox>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

#include "core/base/error.h"
#include "views/counted.h"
#include "views/disruption_fields.h"
#include "views/disruption_words.h"
#include "views/edit_list.h"
#include "views/styled_label.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

const ViewRegistration registration(
    {QStringLiteral("disruption"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Disruption")), Place::Right, 1,
     QKeySequence(Qt::CTRL | Qt::Key_3),
     [](ViewState& state, QWidget* parent) -> View* { return new DisruptionView(state, parent); }});

/// How much an edit takes, as far as the baseline tells.
EditNote noteOf(const Edit& edit, const ViewData& data) {
  const Disruption* disruption = edit.disruption();
  if (!disruption) return {};
  if (const auto count = takenCount(*disruption, data)) {
    return {counted(count->columns, DisruptionView::tr("1 column"), DisruptionView::tr("%1 columns")),
            count->by_layer};
  }
  const bool in_pass = disruption->entries.empty() && disruption->mask != Mask::Clean;
  return {in_pass ? DisruptionView::tr("found in the disrupted pass itself") : QString(), {}};
}

}  // namespace

DisruptionView::DisruptionView(ViewState& state, QWidget* parent)
    : View(state, parent),
      list_(new EditList(this)),
      fields_(new DisruptionFields(state, this)),
      words_(new StyledLabel(Type::Normal, Tone::Text, this)) {
  auto* scroll = new QScrollArea(this);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setFocusPolicy(Qt::NoFocus);
  auto* inside = new QWidget(scroll);
  auto* column = new QVBoxLayout(inside);
  column->setContentsMargins(10, 8, 10, 8);
  column->setSpacing(7);
  column->addLayout(makeTop());
  column->addLayout(makeArmRow());
  column->addWidget(list_);
  column->addLayout(makeTextRow());
  column->addWidget(fields_);
  words_->setObjectName(QStringLiteral("disruptionWords"));
  words_->setWordWrap(true);
  column->addWidget(words_);
  column->addStretch(1);
  scroll->setWidget(inside);
  inside->setAutoFillBackground(false);
  scroll->viewport()->setAutoFillBackground(false);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(scroll);

  connect(list_, &EditList::edited, this, &DisruptionView::requestEdits);
  connect(list_, &EditList::selected, this, [this](int index) {
    selected_ = index;
    showArms();
  });
  connect(fields_, &DisruptionFields::edited, this, [this](const Disruption& disruption) {
    Edits next = edits();
    next[static_cast<std::size_t>(selected_)].what = disruption;
    requestEdits(next);
  });
  connect(fields_, &DisruptionFields::refused, this, &DisruptionView::refuse);
  showArms();
}

QLayout* DisruptionView::makeTop() {
  toggle_ = new QPushButton(this);
  toggle_->setObjectName(QStringLiteral("disruptionSwitch"));
  toggle_->setCheckable(true);
  toggle_->setProperty("role", QStringLiteral("disrupt"));
  connect(toggle_, &QPushButton::clicked, this, [this](bool on) {
    Arms next = arms_;
    next.on = on;
    Q_EMIT armsEdited(next);
  });
  const auto button = [this](const QString& sign, const QString& name, const QString& about) {
    auto* made = new QToolButton(this);
    made->setText(sign);
    made->setToolTip(about);
    made->setAccessibleName(name);
    return made;
  };
  undo_ = button(QStringLiteral("↶"), tr("Undo"), tr("Back to what was before (Ctrl+Z)"));
  connect(undo_, &QToolButton::clicked, this, &View::undoRequested);
  redo_ = button(QStringLiteral("↷"), tr("Redo"), tr("Forward again (Ctrl+Shift+Z)"));
  connect(redo_, &QToolButton::clicked, this, &View::redoRequested);
  auto* top = new QHBoxLayout;
  top->addWidget(toggle_, 1);
  top->addWidget(undo_);
  top->addWidget(redo_);
  return top;
}

QLayout* DisruptionView::makeArmRow() {
  arm_ = new QComboBox(this);
  arm_->setObjectName(QStringLiteral("armBox"));
  arm_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  arm_->setMinimumContentsLength(12);
  arm_->setToolTip(tr("The arm that is in the pictures (, and .)"));
  arm_->setAccessibleName(tr("Arm in the pictures"));
  connect(arm_, &QComboBox::activated, this, [this](int index) {
    Arms next = arms_;
    next.chosen = std::clamp(index, 0, next.count() - 1);
    Q_EMIT armsEdited(next);
  });
  auto* more = new QToolButton(this);
  more->setObjectName(QStringLiteral("armMore"));
  more->setText(QStringLiteral("…"));
  more->setToolTip(tr("Add, duplicate, name or remove arms"));
  more->setAccessibleName(more->toolTip());
  connect(more, &QToolButton::clicked, this,
          [this, more] { Q_EMIT armMenuRequested(more->mapToGlobal(QPoint(0, more->height()))); });
  auto* row = new QHBoxLayout;
  row->addWidget(arm_, 1);
  row->addWidget(more);
  return row;
}

QLayout* DisruptionView::makeTextRow() {
  text_ = new QLineEdit(this);
  text_->setObjectName(QStringLiteral("editText"));
  text_->setPlaceholderText(tr("an edit as text, e.g. site=k,pick=lambda:3"));
  text_->setToolTip(
      tr("The selected edit as text, as the command line takes it: Return puts what is typed "
         "in its place"));
  connect(text_, &QLineEdit::editingFinished, this, [this] {
    if (text_->isModified()) takeText();
  });
  auto* add = new QToolButton(this);
  add->setObjectName(QStringLiteral("addEdit"));
  add->setText(QStringLiteral("+"));
  add->setToolTip(tr("Add an edit to this arm"));
  add->setAccessibleName(add->toolTip());
  add->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(add);
  menu->setToolTipsVisible(true);
  for (const DisruptionPreset& preset : presets()) {
    menu->addAction(QString::fromStdString(preset.name), this,
                    [this, edit = Edit(preset.disruption)] { addEdit(edit); })
        ->setToolTip(QString::fromStdString(preset.about));
  }
  menu->addSeparator();
  for (const ActivationPreset& preset : activation_presets()) {
    menu->addAction(QString::fromStdString(preset.name), this,
                    [this, edit = Edit(preset.edit)] { addEdit(edit); })
        ->setToolTip(QString::fromStdString(preset.about));
  }
  add->setMenu(menu);
  auto* row = new QHBoxLayout;
  row->addWidget(text_, 1);
  row->addWidget(add);
  return row;
}

std::vector<PlacedCommands> DisruptionView::commands() {
  return {{{tr("&Disrupt")},
           {{.id = QStringLiteral("disruptionSettings"),
             .text = tr("All settings …"),
             .keys = {QKeySequence(Qt::CTRL | Qt::Key_D)},
             .run = [this] { Q_EMIT showRequested(); }}}}};
}

const Edit* DisruptionView::selectedEdit() const {
  const auto i = static_cast<std::size_t>(selected_);
  return i < edits().size() ? &edits()[i] : nullptr;
}

void DisruptionView::requestEdits(const Edits& edits) {
  Q_EMIT armsEdited(withEdits(arms_, edits));
}

void DisruptionView::addEdit(const Edit& edit) {
  Edits next = edits();
  next.push_back(edit);
  requestEdits(next);
}

void DisruptionView::takeText() {
  text_->setModified(false);
  try {
    const Edits typed = parse_edits(text_->text().toStdString());
    Edits next = edits();
    const auto at = next.begin() + std::min<std::ptrdiff_t>(selected_, std::ssize(next));
    const auto place = at == next.end() ? at : next.erase(at);
    next.insert(place, typed.begin(), typed.end());
    if (next != edits()) requestEdits(next);
  } catch (const Error& error) {
    refuse(QString::fromUtf8(error.what()));
  }
}

void DisruptionView::setArms(const Arms& arms) {
  const bool other = arms.shown().id != arms_.shown().id || arms.chosen != arms_.chosen;
  const std::size_t before = arms_.shown().edits.size();
  arms_ = arms;
  const int count = static_cast<int>(edits().size());
  if (other) {
    selected_ = 0;
  } else if (edits().size() > before) {
    selected_ = count - 1;
  }
  selected_ = std::clamp(selected_, 0, std::max(0, count - 1));
  showArms();
}

void DisruptionView::setHistory(bool can_undo, bool can_redo) {
  undo_->setEnabled(can_undo);
  redo_->setEnabled(can_redo);
}

void DisruptionView::showArms() {
  toggle_->setChecked(arms_.on);
  toggle_->setText(arms_.on ? tr("Disrupted (D)") : tr("Disrupt (D)"));
  arm_->clear();
  for (const EditArm& arm : arms_.list) arm_->addItem(armWords(arm));
  arm_->setCurrentIndex(arms_.chosen);
  list_->setEdits(edits(), selected_);
  const Edit* edit = selectedEdit();
  text_->setText(edit ? QString::fromStdString(to_text(*edit)) : QString());
  text_->setCursorPosition(0);
  const Disruption* disruption = edit ? edit->disruption() : nullptr;
  fields_->setVisible(disruption != nullptr);
  if (disruption) fields_->setValue(*disruption);
  showNotes();
  showWords();
}

void DisruptionView::showNotes() {
  std::vector<EditNote> notes;
  for (const Edit& edit : edits()) {
    EditNote note = noteOf(edit, data());
    if (!edit.on)
      note.words = note.words.isEmpty() ? tr("switched off") : tr("%1, switched off").arg(note.words);
    notes.push_back(std::move(note));
  }
  list_->setNotes(notes);
}

void DisruptionView::refresh() {
  fields_->setSpec(data().spec());
  showNotes();
  showWords();
}

void DisruptionView::showWords() {
  QString words;
  if (const Edit* edit = selectedEdit()) {
    const Disruption* disruption = edit->disruption();
    words = longWords(*edit);
    const auto preset = std::ranges::find_if(
        presets(), [&](const DisruptionPreset& one) { return disruption && one.disruption == *disruption; });
    if (preset != presets().end()) words.prepend(QString::fromStdString(preset->about) + u'\n');
  }
  const auto& comparison = data().comparison;
  if (arms_.on && !data().stale && comparison && comparison->disrupted) {
    words +=
        u'\n' + counted(comparison->disrupted->replaced, tr("1 column of the prompt's pass was replaced."),
                        tr("%1 columns of the prompt's pass were replaced."));
  }
  words_->setText(words);
  words_->setTone(Tone::Text);
  words_->setType(Type::Normal);
}

void DisruptionView::refuse(const QString& sentence) {
  words_->setText(sentence);
  words_->setTone(Tone::Disrupted);
  words_->setType(Type::Strong);
}

}  // namespace qkscope

#include "views/prompts_view.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QMenu>
#include <QScrollArea>
#include <QScrollBar>
#include <QTimer>
#include <QToolButton>
#include <algorithm>

#include "views/prompt_card.h"
#include "views/prompt_editor.h"
#include "views/prompt_gallery.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

const ViewRegistration registration(
    {QStringLiteral("prompts"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Prompts and answers")),
     Place::Bottom, 0, QKeySequence(Qt::CTRL | Qt::Key_4),
     [](ViewState& state, QWidget* parent) -> View* { return new PromptsView(state, parent); }});

}  // namespace

PromptsView::PromptsView(ViewState& state, QWidget* parent)
    : View(state, parent), scroll_(new QScrollArea(this)), row_(new QHBoxLayout) {
  scroll_->setFrameShape(QFrame::NoFrame);
  scroll_->setWidgetResizable(true);
  scroll_->setFocusPolicy(Qt::NoFocus);
  auto* inside = new QWidget(scroll_);
  row_->setContentsMargins(8, 4, 2, 6);
  row_->setSpacing(8);
  inside->setLayout(row_);
  scroll_->setWidget(inside);
  inside->setAutoFillBackground(false);
  scroll_->viewport()->setAutoFillBackground(false);

  auto* add = new QToolButton(this);
  add->setObjectName(QStringLiteral("addPrompt"));
  add->setText(QStringLiteral("+"));
  add->setToolTip(tr("Add a prompt: from the gallery, or your own"));
  add->setAccessibleName(add->toolTip());
  add->setPopupMode(QToolButton::InstantPopup);
  add->setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Expanding);
  auto* menu = new QMenu(add);
  PromptKind section = PromptKind::Free;
  for (const GalleryEntry& entry : promptGallery()) {
    if (entry.prompt.kind != section) {
      // A style sheet hides the titles of QMenu::addSection.
      if (section != PromptKind::Free) menu->addSeparator();
      QAction* title = menu->addAction(PromptCard::kindTitle(entry.prompt.kind));
      title->setEnabled(false);
      QFont bold;  // only that: the rest is the menu's, also when its type changes
      bold.setBold(true);
      title->setFont(bold);
    }
    section = entry.prompt.kind;
    menu->addAction(entry.title, this, [this, prompt = entry.prompt] { addPrompt(prompt); })
        ->setToolTip(entry.prompt.text);
  }
  menu->addSeparator();
  menu->addAction(tr("Own prompt …"), this, &PromptsView::addOwnPrompt);
  menu->setToolTipsVisible(true);
  add->setMenu(menu);

  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 8, 0);
  layout->setSpacing(4);
  layout->addWidget(scroll_, 1);
  auto* side = new QVBoxLayout;
  side->setContentsMargins(0, 4, 0, 6);
  side->addWidget(add);
  layout->addLayout(side);
  connect(&state, &ViewState::selectionChanged, this, &PromptsView::markPositions);
  connect(&state, &ViewState::hoverPositionChanged, this, &PromptsView::markPositions);
  connect(&state, &ViewState::lookChanged, this, [this](const Look& look) {
    for (PromptCard* card : cards_) card->setTokenColors(look.token_colors);
  });
}

QSize PromptsView::sizeHint() const {
  return {1000, 262};
}

void PromptsView::setPrompts(const std::vector<Prompt>& prompts, const std::vector<PromptResult>& results,
                             int selected) {
  const bool moved = selected != selected_ || prompts.size() != prompts_.size();
  prompts_ = prompts;
  results_ = results;
  results_.resize(prompts_.size());
  selected_ = selected;
  while (cards_.size() > prompts_.size()) {
    cards_.back()->deleteLater();
    cards_.pop_back();
  }
  while (cards_.size() < prompts_.size()) {
    const int index = static_cast<int>(cards_.size());
    auto* card = new PromptCard(this);
    card->setObjectName(QStringLiteral("promptCard%1").arg(index));
    row_->addWidget(card, 1);
    card->show();
    connect(card, &PromptCard::selected, this, [this, index] { Q_EMIT promptSelected(index); });
    connect(card, &PromptCard::positionSelected, this, [this](int position) {
      Selection selection = this->state().selection();
      selection.position = position;
      this->state().setSelection(selection);
    });
    connect(card, &PromptCard::positionHovered, this, [this, index](int position, const QString& words) {
      this->state().setHover(words, index == selected_ ? position : -1);
    });
    connect(card, &PromptCard::editRequested, this, [this, index] { editPrompt(index); });
    connect(card, &PromptCard::removeRequested, this, [this, index] { removePrompt(index); });
    connect(card, &PromptCard::armChosen, this, [this](int arm) {
      Arms next = arms_;
      next.chosen = arm;
      if (next != arms_) Q_EMIT armsEdited(next);
    });
    connect(card, &PromptCard::armMenuRequested, this, &View::armMenuRequested);
    card->setArms(arms_);
    card->setTokenColors(this->state().look().token_colors);
    cards_.push_back(card);
  }
  for (std::size_t i = 0; i < cards_.size(); ++i) {
    cards_[i]->setPrompt(prompts_[i], results_[i]);
    cards_[i]->setSelected(static_cast<int>(i) == selected_);
  }
  markPositions();
  if (moved) QTimer::singleShot(0, this, &PromptsView::showSelected);
}

void PromptsView::setArms(const Arms& arms) {
  arms_ = arms;
  for (PromptCard* card : cards_) card->setArms(arms_);
}

void PromptsView::markPositions() {
  for (PromptCard* card : cards_) card->setPositions(state().selection().position, state().hoverPosition());
}

void PromptsView::showSelected() {
  const auto i = static_cast<std::size_t>(selected_);
  if (i >= cards_.size()) return;
  // What the layouts have still to do decides where it will stand.
  QCoreApplication::sendPostedEvents(nullptr, QEvent::LayoutRequest);
  // Sideways alone: a card of many arms is higher than the view, and is read from its top.
  const QRect card = cards_[i]->geometry();
  const int height = scroll_->verticalScrollBar()->value();
  scroll_->ensureVisible(card.center().x(), height, card.width() / 2 + 8, 0);
}

void PromptsView::setResult(int index, const PromptResult& result) {
  const auto i = static_cast<std::size_t>(index);
  if (i >= cards_.size()) return;
  results_[i] = result;
  cards_[i]->setPrompt(prompts_[i], result);
}

std::vector<PlacedCommands> PromptsView::commands() {
  const auto any = [this] { return !prompts_.empty(); };
  std::vector<Command> rows;
  rows.emplace_back();
  rows.push_back({.id = QStringLiteral("editPrompt"),
                  .text = tr("&Edit the selected prompt …"),
                  .keys = {QKeySequence(Qt::Key_F2)},
                  .run = [this] { editPrompt(selected_); },
                  .enabled = any});
  rows.push_back({.id = QStringLiteral("addPrompt"),
                  .text = tr("&Add a prompt …"),
                  .keys = {QKeySequence(Qt::CTRL | Qt::Key_P)},
                  .run = [this] { addOwnPrompt(); }});
  rows.push_back(
      {.id = QStringLiteral("nextPrompt"),
       .text = tr("&Next prompt"),
       .keys = {QKeySequence(Qt::Key_N)},
       .run = [this] { Q_EMIT promptSelected((selected_ + 1) % static_cast<int>(prompts_.size())); },
       .enabled = any});
  return {{{tr("&Model")}, std::move(rows)}};
}

void PromptsView::openEditor(const Prompt& prompt, std::function<void(const Prompt&)> take) {
  const auto measure = [this](const Prompt& typed, const PromptSizeTaker& told) {
    Q_EMIT measureRequested(typed, told);
  };
  auto* editor = new PromptEditor(prompt, measure, this);
  editor->setAttribute(Qt::WA_DeleteOnClose);
  connect(editor, &QDialog::accepted, this, [editor, take = std::move(take)] { take(editor->prompt()); });
  editor->open();
}

void PromptsView::editPrompt(int index) {
  const auto i = static_cast<std::size_t>(index);
  if (i >= prompts_.size()) return;
  openEditor(prompts_[i], [this, id = prompts_[i].id](const Prompt& prompt) {
    // Others may have come or gone meanwhile.
    std::vector<Prompt> prompts = prompts_;
    const auto edited = std::ranges::find(prompts, id, &Prompt::id);
    if (edited == prompts.end()) return;
    *edited = prompt;
    edited->id = id;
    Q_EMIT promptsEdited(prompts, static_cast<int>(edited - prompts.begin()));
  });
}

void PromptsView::addOwnPrompt() {
  openEditor({}, [this](const Prompt& prompt) { addPrompt(prompt); });
}

void PromptsView::addPrompt(const Prompt& prompt) {
  std::vector<Prompt> prompts = prompts_;
  prompts.push_back(prompt);
  Q_EMIT promptsEdited(prompts, static_cast<int>(prompts.size()) - 1);
}

void PromptsView::removePrompt(int index) {
  if (index < 0 || index >= static_cast<int>(prompts_.size())) return;
  std::vector<Prompt> prompts = prompts_;
  prompts.erase(prompts.begin() + index);
  Q_EMIT promptsEdited(prompts, selected_ > index ? selected_ - 1 : selected_);
}

}  // namespace qkscope

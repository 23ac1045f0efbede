#include "app/command_palette.h"

#include <QAction>
#include <QFrame>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLineEdit>
#include <QTimer>
#include <QTreeWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <tuple>

#include "app/command_table.h"
#include "app/fuzzy.h"

namespace qkscope {

namespace {
constexpr int kOwnWords = 1000;  // more than any score
}

CommandPalette::CommandPalette(const CommandTable& commands, QWidget* parent)
    : QDialog(parent, Qt::Dialog | Qt::FramelessWindowHint),
      commands_(commands),
      typed_(new QLineEdit(this)),
      list_(new QTreeWidget(this)) {
  setObjectName(QStringLiteral("commandPalette"));
  setWindowTitle(tr("Commands"));
  typed_->setObjectName(QStringLiteral("paletteText"));
  typed_->setPlaceholderText(tr("A few letters of a command"));
  typed_->setClearButtonEnabled(true);
  typed_->installEventFilter(this);
  list_->setObjectName(QStringLiteral("paletteList"));
  list_->setAccessibleName(tr("Commands"));
  list_->setColumnCount(3);
  list_->setHeaderHidden(true);
  list_->setRootIsDecorated(false);
  list_->setUniformRowHeights(true);
  list_->setFocusPolicy(Qt::NoFocus);  // the keys go through the line above
  list_->setFrameShape(QFrame::NoFrame);
  list_->header()->setStretchLastSection(false);
  list_->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  list_->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  list_->header()->setSectionResizeMode(2, QHeaderView::ResizeToContents);
  // A window without a frame of its own would melt into the one behind it.
  auto* frame = new QFrame(this);
  frame->setFrameStyle(QFrame::Box | QFrame::Plain);
  frame->setForegroundRole(QPalette::PlaceholderText);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(frame);
  auto* layout = new QVBoxLayout(frame);
  layout->setContentsMargins(8, 8, 8, 8);
  layout->addWidget(typed_);
  layout->addWidget(list_);
  connect(typed_, &QLineEdit::textChanged, this, &CommandPalette::list);
  connect(list_, &QTreeWidget::itemClicked, this, &CommandPalette::runCurrent);
  list();
  const QSize window = parent->window()->size();
  const int line = fontMetrics().height();
  resize(std::min(42 * line, window.width() - 40), std::min(28 * line, window.height() - 80));
  move(parent->window()->mapToGlobal(QPoint((window.width() - width()) / 2, 48)));
}

void CommandPalette::list() {
  struct Found {
    const CommandTable::Row* row;
    int score;
    qsizetype length;
  };
  std::vector<Found> found;
  for (const CommandTable::Row& row : commands_.rows()) {
    if (!row.action->isVisible()) continue;
    const QString own = plainText(row.action->text());
    const auto score = fuzzyScore(typed_->text(), own + u' ' + row.menu.join(u' '));
    // What fits a command by itself comes before what needs the names of its menus.
    if (!score) continue;
    found.push_back({&row, fuzzyScore(typed_->text(), own) ? *score + kOwnWords : *score, own.size()});
  }
  // Of two that fit alike, the shorter is more of what was typed. All are listed in the order of the menus
  // until something is.
  if (!typed_->text().isEmpty()) {
    std::ranges::stable_sort(found, [](const Found& a, const Found& b) {
      return std::tuple(-a.score, a.length) < std::tuple(-b.score, b.length);
    });
  }
  list_->clear();
  const QString between = tr(" or "), below = QStringLiteral(" › ");
  for (const Found& one : found) {
    const QAction* action = one.row->action;
    auto* item = new QTreeWidgetItem(list_, {plainText(action->text()), one.row->menu.join(below),
                                             keysText(action->shortcuts(), between)});
    item->setData(0, Qt::UserRole, one.row->command.id);
    item->setForeground(1, palette().placeholderText());
    item->setTextAlignment(2, Qt::AlignRight | Qt::AlignVCenter);
    if (action->isCheckable()) item->setCheckState(0, action->isChecked() ? Qt::Checked : Qt::Unchecked);
    // What cannot be done now is listed, too: it is there, and its keys can be learned.
    item->setFlags(action->isEnabled() ? Qt::ItemIsEnabled | Qt::ItemIsSelectable : Qt::NoItemFlags);
  }
  // Return runs the best or nothing: never another one because the best cannot be done now.
  if (!found.empty() && found.front().row->action->isEnabled()) list_->setCurrentItem(list_->topLevelItem(0));
}

void CommandPalette::runCurrent() {
  const QTreeWidgetItem* item = list_->currentItem();
  if (!item || !(item->flags() & Qt::ItemIsEnabled)) return;
  QAction* action = commands_.action(item->data(0, Qt::UserRole).toString());
  accept();
  // Once this window is gone: what it opens belongs to the one below.
  QTimer::singleShot(0, action, &QAction::trigger);
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() != QEvent::KeyPress) return QDialog::eventFilter(watched, event);
  switch (static_cast<QKeyEvent*>(event)->key()) {
    case Qt::Key_Up:
    case Qt::Key_Down:
    case Qt::Key_PageUp:
    case Qt::Key_PageDown:
      QCoreApplication::sendEvent(list_, event);
      return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
      runCurrent();
      return true;
    default:
      return QDialog::eventFilter(watched, event);
  }
}

}  // namespace qkscope

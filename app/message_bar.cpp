#include "app/message_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QStyle>
#include <QTimer>
#include <QToolButton>

namespace qkscope {

namespace {
constexpr int kNoteMs = 6000;  // time to read a sentence twice
}

MessageBar::MessageBar(QWidget* parent)
    : QFrame(parent), label_(new QLabel(this)), action_(new QToolButton(this)), leave_(new QTimer(this)) {
  leave_->setSingleShot(true);
  leave_->setInterval(kNoteMs);
  connect(leave_, &QTimer::timeout, this, &QWidget::hide);
  setObjectName(QStringLiteral("messageBar"));
  setAttribute(Qt::WA_StyledBackground);
  label_->setObjectName(QStringLiteral("messageText"));
  label_->setWordWrap(true);
  label_->setTextFormat(Qt::PlainText);
  label_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* close = new QToolButton(this);
  close->setText(QStringLiteral("✕"));
  close->setAccessibleName(tr("Close the message"));
  close->setToolTip(close->accessibleName());
  connect(close, &QToolButton::clicked, this, &QWidget::hide);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(12, 4, 6, 4);
  action_->setObjectName(QStringLiteral("messageAction"));
  connect(action_, &QToolButton::clicked, this, [this] {
    hide();
    run_();
  });
  layout->addWidget(label_, 1);
  layout->addWidget(action_, 0, Qt::AlignTop);
  layout->addWidget(close, 0, Qt::AlignTop);
  hide();
}

void MessageBar::showError(const QString& sentence) {
  show(sentence, QStringLiteral("error"));
  leave_->stop();
}
void MessageBar::showNote(const QString& sentence) {
  show(sentence, QStringLiteral("note"));
  leave_->start();
}
void MessageBar::showOffer(const QString& sentence, const QString& action, std::function<void()> run) {
  show(sentence, QStringLiteral("note"));
  leave_->stop();
  run_ = std::move(run);
  action_->setText(action);
  action_->show();
}
QString MessageBar::text() const {
  return isHidden() ? QString() : label_->text();
}

void MessageBar::show(const QString& sentence, const QString& kind) {
  label_->setText(sentence);
  label_->setAccessibleName(sentence);
  action_->hide();
  setProperty("kind", kind);
  // The style sheet looks at `kind`, also for the colours of what is inside.
  for (QWidget* widget : QList<QWidget*>{this} + findChildren<QWidget*>()) {
    style()->unpolish(widget);
    style()->polish(widget);
  }
  setVisible(true);
}

ProgressWidget::ProgressWidget(QWidget* parent)
    : QWidget(parent),
      stage_(new QLabel(this)),
      bar_(new QProgressBar(this)),
      cancel_(new QToolButton(this)),
      delay_(new QTimer(this)) {
  bar_->setFixedWidth(110);
  bar_->setTextVisible(false);
  cancel_->setText(tr("Cancel"));
  cancel_->setToolTip(tr("Stop what runs (Esc)"));
  cancel_->setObjectName(QStringLiteral("cancelButton"));
  connect(cancel_, &QToolButton::clicked, this, &ProgressWidget::cancelled);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(4, 0, 8, 0);
  layout->addWidget(stage_);
  layout->addWidget(bar_);
  layout->addWidget(cancel_);
  delay_->setSingleShot(true);
  delay_->setInterval(500);
  connect(delay_, &QTimer::timeout, this, &QWidget::show);
  hide();
}

void ProgressWidget::setBusy(bool busy) {
  if (!busy) {
    delay_->stop();
    hide();
    return;
  }
  if (!isHidden() || delay_->isActive()) return;
  stage_->setText(tr("running"));
  bar_->setRange(0, 0);
  delay_->start();
}

void ProgressWidget::setProgress(const QString& stage, quint64 done, quint64 total) {
  stage_->setText(stage);
  // Thousandths: totals in bytes do not fit into the bar's int.
  bar_->setRange(0, total == 0 ? 0 : 1000);
  if (total > 0)
    bar_->setValue(static_cast<int>(static_cast<double>(done) / static_cast<double>(total) * 1000.0));
}

}  // namespace qkscope

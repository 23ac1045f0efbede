#include "views/prompt_card.h"

#include <QContextMenuEvent>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QPainter>
#include <QScrollArea>
#include <QScrollBar>
#include <QToolButton>
#include <algorithm>
#include <cmath>
#include <limits>

#include "views/counted.h"
#include "views/plot_style.h"
#include "views/prompt_bars.h"
#include "views/token_strip.h"
#include "views/word_diff.h"

namespace qkscope {

namespace {

QColor kindColor(const PlotStyle& style, PromptKind kind) {
  switch (kind) {
    case PromptKind::Context:
      return style.context;
    case PromptKind::Memory:
      return style.memory;
    case PromptKind::Free:
      break;
  }
  return style.text;
}

QString paragraph(const QString& text) {
  return text.toHtmlEscaped().replace(u'\n', QStringLiteral("<br>"));
}

/// Takes over colour and font without touching the palette of children.
void dress(QLabel* label, const QFont& font, const QColor& color) {
  label->setFont(font);
  QPalette palette = label->palette();
  palette.setColor(QPalette::WindowText, color);
  label->setPalette(palette);
}

}  // namespace

PromptCard::PromptCard(QWidget* parent)
    : QFrame(parent),
      title_(new QLabel(this)),
      shown_(new QLabel(tr("in the pictures"), this)),
      size_(new QLabel(this)),
      more_(new QToolButton(this)),
      strip_area_(new QScrollArea(this)),
      strip_(new TokenStrip(strip_area_)),
      perplexity_title_(new QLabel(this)),
      column_titles_{new QLabel(tr("Answer (greedy)"), this), new QLabel(tr("Next token"), this)} {
  setFocusPolicy(Qt::StrongFocus);
  setMinimumWidth(430);
  more_->setText(QStringLiteral("…"));
  more_->setAutoRaise(true);
  more_->setProperty("role", QStringLiteral("quiet"));
  more_->setToolTip(tr("Edit or remove this prompt"));
  more_->setAccessibleName(more_->toolTip());
  connect(more_, &QToolButton::clicked, this, [this] {
    QContextMenuEvent event(QContextMenuEvent::Mouse, {}, more_->mapToGlobal(QPoint(0, more_->height())));
    contextMenuEvent(&event);
  });

  strip_area_->setFrameShape(QFrame::NoFrame);
  strip_area_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  strip_area_->setWidgetResizable(true);
  strip_area_->setWidget(strip_);
  strip_area_->setFocusPolicy(Qt::NoFocus);
  strip_area_->viewport()->setAutoFillBackground(false);
  strip_->setAutoFillBackground(false);

  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(12, 7, 12, 7);
  grid->setHorizontalSpacing(12);
  grid->setVerticalSpacing(3);
  auto* head = new QHBoxLayout;
  head->setSpacing(8);
  head->addWidget(title_);
  head->addWidget(shown_);
  head->addStretch(1);
  head->addWidget(size_);
  head->addWidget(more_);
  grid->addLayout(head, 0, 0, 1, 4);
  grid->addWidget(strip_area_, 1, 0, 1, 4);
  grid->addWidget(column_titles_[0], 2, 1);
  grid->addWidget(column_titles_[1], 2, 2);
  grid->addWidget(perplexity_title_, 2, 3);
  rows_ = {makeRow(grid, 3, Arm::Baseline), makeRow(grid, 4, Arm::Disrupted)};
  grid->setColumnStretch(1, 1);
  grid->setRowStretch(3, 1);
  grid->setRowStretch(4, 1);
  showAll();
}

PromptCard::Row PromptCard::makeRow(QGridLayout* grid, int line, Arm arm) {
  Row row{new QLabel(arm == Arm::Baseline ? tr("baseline") : tr("disrupted"), this), new QLabel(this),
          new NextTokenBars(this), new QLabel(this), new LossBars(this)};
  row.answer->setObjectName(arm == Arm::Baseline ? QStringLiteral("baselineAnswer")
                                                 : QStringLiteral("disruptedAnswer"));
  row.answer->setWordWrap(true);
  row.answer->setTextFormat(Qt::RichText);
  row.answer->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  row.answer->setMinimumWidth(120);
  row.answer->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  row.perplexity->setTextFormat(Qt::RichText);
  auto* scores = new QVBoxLayout;
  scores->setSpacing(2);
  scores->addWidget(row.perplexity);
  scores->addWidget(row.losses);
  scores->addStretch(1);
  grid->addWidget(row.name, line, 0, Qt::AlignTop);
  grid->addWidget(row.answer, line, 1);
  grid->addWidget(row.next, line, 2, Qt::AlignTop);
  grid->addLayout(scores, line, 3);
  return row;
}

QString PromptCard::kindTitle(PromptKind kind) {
  switch (kind) {
    case PromptKind::Context:
      return tr("Asks the context");
    case PromptKind::Memory:
      return tr("Asks memory");
    case PromptKind::Free:
      break;
  }
  return tr("Own prompt");
}

void PromptCard::setPrompt(const Prompt& prompt, const PromptResult& result) {
  prompt_ = prompt;
  result_ = result;
  showAll();
}

void PromptCard::setSelected(bool selected) {
  selected_ = selected;
  shown_->setVisible(selected);
  update();
}

QString PromptCard::answerHtml(const PromptArm& arm, Arm which) const {
  const PlotStyle style = PlotStyle::of(*this);
  const QString cursor =
      arm.complete ? QString() : QStringLiteral("<span style='color:%1'>▌</span>").arg(style.muted.name());
  const QString cut = arm.complete && !arm.stopped ? QStringLiteral("&nbsp;…") : QString();
  if (arm.answer.isEmpty() && arm.complete) {
    return QStringLiteral("<i>%1</i>").arg(tr("nothing: the model ends at once").toHtmlEscaped());
  }
  if (which == Arm::Baseline || !result_.baseline) return paragraph(arm.answer) + cursor + cut;
  QString html;
  for (const DiffWord& word : diffWords(result_.baseline->answer, arm.answer)) {
    html += paragraph(word.blanks);
    html += word.changed ? QStringLiteral("<b><u style='color:%1'>%2</u></b>")
                               .arg(style.disrupted.name(), paragraph(word.word))
                         : paragraph(word.word);
  }
  if (arm.complete && arm.answer == result_.baseline->answer) {
    html += QStringLiteral(" <span style='color:%1'>(%2)</span>")
                .arg(style.muted.name(), tr("unchanged").toHtmlEscaped());
  }
  return html + cursor + cut;
}

QString PromptCard::perplexityHtml(const PromptArm& arm, Arm which) const {
  const PlotStyle style = PlotStyle::of(*this);
  if (!arm.continuation)
    return arm.complete ? QString()
                        : QStringLiteral("<span style='color:%1'>…</span>").arg(style.muted.name());
  const std::optional<double> value = arm.continuation->value();
  if (!value) return tr("no token to score");
  QString html = QStringLiteral("<span style='font-family:\"%1\"; font-size:%2pt'>%3</span>")
                     .arg(style.mono.family())
                     .arg(style.normal.pointSizeF() * 1.25)
                     .arg(*value, 0, 'f', *value < 100 ? 3 : 1);
  const PromptArm* baseline = result_.baseline ? &*result_.baseline : nullptr;
  if (which == Arm::Disrupted && baseline && baseline->continuation && baseline->continuation->value()) {
    html += QStringLiteral("&nbsp; <span style='color:%1'>×%2</span>")
                .arg(style.muted.name())
                .arg(*value / *baseline->continuation->value(), 0, 'f', 2);
  }
  return html;
}

void PromptCard::fillRow(const Row& row, const std::optional<PromptArm>& arm, Arm which, double loss_scale) {
  const PlotStyle style = PlotStyle::of(*this);
  const bool pale = result_.stale && (which == Arm::Disrupted || !arm || !arm->complete);
  QFont bold = style.normal;
  bold.setWeight(QFont::DemiBold);
  dress(row.name, which == Arm::Disrupted ? bold : style.normal,
        which == Arm::Disrupted && arm ? style.disrupted : style.muted);
  dress(row.answer, style.normal, pale ? style.muted : style.text);
  dress(row.perplexity, style.normal, pale ? style.muted : style.text);
  row.next->setVisible(arm.has_value());
  row.perplexity->setVisible(arm.has_value());
  if (!arm) {
    row.losses->setVisible(false);
    const QString hint = !result_.problem.isEmpty() ? result_.problem
                         : result_.stale            ? tr("…")
                         : which == Arm::Disrupted  ? tr("press D to disrupt")
                                                    : QString();
    row.answer->setText(
        QStringLiteral("<span style='color:%1'>%2</span>").arg(style.muted.name(), hint.toHtmlEscaped()));
    return;
  }
  row.answer->setText(answerHtml(*arm, which));
  row.answer->setAccessibleName(arm->answer);
  row.next->setTokens(arm->next, which);
  row.perplexity->setText(perplexityHtml(*arm, which));
  if (!arm->continuation) {
    row.losses->setVisible(false);
    return;
  }
  row.losses->setLosses(arm->continuation_pieces, arm->continuation->nll, loss_scale, which);
  const std::string_view words = definition_words(arm->continuation->definition);
  row.perplexity->setToolTip(
      (counted(static_cast<qint64>(arm->continuation->nll.size()), tr("Perplexity (a), one token scored."),
               tr("Perplexity (a), %1 tokens scored.")) +
       u'\n' + QString::fromUtf8(words.data(), static_cast<qsizetype>(words.size()))));
}

void PromptCard::showAll() {
  const PlotStyle style = PlotStyle::of(*this);
  QFont bold = style.normal;
  bold.setWeight(QFont::DemiBold);
  title_->setText(kindTitle(prompt_.kind));
  dress(title_, bold, kindColor(style, prompt_.kind));
  dress(shown_, style.small, style.muted);
  shown_->setVisible(selected_);
  for (QLabel* label : column_titles_) dress(label, style.small, style.muted);
  dress(perplexity_title_, style.small, style.muted);
  perplexity_title_->setText(prompt_.expected.isEmpty() ? tr("Perplexity of the\nbaseline's answer")
                                                        : tr("Perplexity of the\nexpected answer"));
  perplexity_title_->setToolTip(prompt_.expected.isEmpty() ? QString()
                                                           : tr("Expected: %1").arg(prompt_.expected));

  dress(size_, style.small, style.muted);
  const QString count = counted(result_.pieces.size(), tr("1 token"), tr("%1 tokens"));
  size_->setText(result_.pieces.isEmpty() ? QString() : QStringLiteral("%1 · %2").arg(count, result_.format));
  size_->setToolTip(result_.format_reason.isEmpty() ? tr("Chat format: %1").arg(result_.format)
                                                    : tr("Passed raw: %1").arg(result_.format_reason));
  const int first = std::clamp(result_.user_begin, 0, static_cast<int>(result_.pieces.size()));
  const int count_shown = std::max(0, result_.user_end - first);
  std::vector<float> loss;
  if (result_.baseline && !result_.baseline->prompt_loss.empty()) {
    // The first token of a text has no loss.
    loss = result_.baseline->prompt_loss;
    loss.insert(loss.begin(), std::numeric_limits<float>::quiet_NaN());
    loss.resize(result_.pieces.size(), std::numeric_limits<float>::quiet_NaN());
    loss = {loss.begin() + first, loss.begin() + first + count_shown};
  }
  QStringList pieces = result_.pieces.mid(first, count_shown);
  if (pieces.isEmpty() && !prompt_.text.isEmpty()) pieces = {prompt_.text};
  strip_->setTokens(pieces, std::move(loss));
  const int lines =
      std::clamp(strip_->heightForWidth(std::max(300, width() - 40)) / TokenStrip::lineHeight(*strip_), 1, 2);
  strip_area_->setFixedHeight(lines * TokenStrip::lineHeight(*strip_));

  double loss_scale = 3.0;  // nats: small losses stay small
  for (const auto* arm : {&result_.baseline, &result_.disrupted}) {
    if (!*arm || !(*arm)->continuation) continue;
    for (const float nll : (*arm)->continuation->nll)
      loss_scale = std::max(loss_scale, static_cast<double>(nll));
  }
  fillRow(rows_[0], result_.baseline, Arm::Baseline, loss_scale);
  fillRow(rows_[1], result_.disrupted, Arm::Disrupted, loss_scale);
  setAccessibleName(tr("%1: %2").arg(kindTitle(prompt_.kind), prompt_.text));
}

void PromptCard::mousePressEvent(QMouseEvent* event) {
  QFrame::mousePressEvent(event);
  Q_EMIT selected();
}

void PromptCard::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
      Q_EMIT selected();
      return;
    case Qt::Key_F2:
      Q_EMIT editRequested();
      return;
    case Qt::Key_Delete:
      Q_EMIT removeRequested();
      return;
    default:
      QFrame::keyPressEvent(event);
  }
}

void PromptCard::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addAction(tr("Show in the pictures"), this, &PromptCard::selected);
  menu.addAction(tr("Edit …\tF2"), this, &PromptCard::editRequested);
  menu.addAction(tr("Remove\tDel"), this, &PromptCard::removeRequested);
  menu.exec(event->globalPos());
}

void PromptCard::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const PlotStyle style = PlotStyle::of(*this);
  const double thick = selected_ || hasFocus() ? 1.6 : 1.0;
  painter.setPen(QPen(selected_ ? style.accent : style.line, thick));
  painter.setBrush(style.background);
  painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 7, 7);
  painter.setPen(style.line);
  for (const Row& row : rows_) {
    const double y = row.name->geometry().top() - 2.5;
    painter.drawLine(QPointF(12, y), QPointF(width() - 12.0, y));
  }
}

void PromptCard::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) showAll();
}

}  // namespace qkscope

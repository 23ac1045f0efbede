#include <QApplication>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "views/experiment_models.h"
#include "views/plot_style.h"

namespace qkscope {

namespace {

constexpr double kBar = 5, kGap = 3, kPadding = 8;  // in units

}  // namespace

QSize ScoreDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
  if (!option.widget) return QStyledItemDelegate::sizeHint(option, index);
  const PlotStyle style = PlotStyle::of(*option.widget);
  const TextMetrics figures = style.metrics(style.figures), small = style.metrics(style.small);
  const double width = index.column() == 0
                           ? style.metrics(style.normal).horizontalAdvance(index.data().toString())
                           : figures.horizontalAdvance(QStringLiteral("100.0 %")) +
                                 small.horizontalAdvance(QStringLiteral("  000/000"));
  return {static_cast<int>(std::ceil(width + 2 * kPadding * style.unit)),
          static_cast<int>(std::ceil(figures.height() + (kBar + 3 * kGap + kPadding) * style.unit))};
}

void ScoreDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                          const QModelIndex& index) const {
  QStyleOptionViewItem empty = option;
  initStyleOption(&empty, index);
  const QString words = empty.text;
  empty.text.clear();
  const QWidget* widget = option.widget;
  widget->style()->drawControl(QStyle::CE_ItemViewItem, &empty, painter, widget);

  const PlotStyle style = PlotStyle::of(*widget);
  const double padding = kPadding * style.unit;
  const QRectF area = QRectF(option.rect).adjusted(padding, padding / 2, -padding, -padding / 2);
  const auto* model = qobject_cast<const ExperimentTableModel*>(index.model());
  const TaskScore* score = model ? model->score(index) : nullptr;
  const bool selected = (option.state & QStyle::State_Selected) != 0;
  const QColor ink = selected ? option.palette.color(QPalette::HighlightedText) : style.text;
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing, false);
  if (index.column() == 0) {
    painter->setFont(style.normal);
    painter->setPen(ink);
    painter->drawText(area, Qt::AlignLeft | Qt::AlignVCenter,
                      style.metrics(style.normal).elidedText(words, Qt::ElideRight, area.width()));
    painter->restore();
    return;
  }
  const double bar_height = kBar * style.unit, gap = kGap * style.unit;
  const QRectF line(area.left(), area.top(), area.width(),
                    score ? area.height() - bar_height - 2 * gap : area.height());
  // Worse than the baseline by more than chance explains.
  const bool lost = score && score->p && *score->p < 0.05 && score->change && score->change->high < 0;
  QFont figures = style.figures;
  figures.setBold(lost);
  painter->setFont(figures);
  painter->setPen(lost && !selected ? style.disrupted : ink);
  painter->drawText(line, Qt::AlignRight | Qt::AlignVCenter, words);
  if (score && score->items > 0) {
    painter->setFont(style.small);
    painter->setPen(selected ? ink : style.muted);
    painter->drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
                      QStringLiteral("%1/%2").arg(score->correct).arg(score->items));
    const QRectF track(area.left(), area.bottom() - bar_height - gap, area.width(), bar_height);
    const auto x = [&](double share) { return track.left() + share * track.width(); };
    painter->fillRect(track, style.line);
    QRectF bar = track;
    bar.setRight(x(*score->accuracy()));
    painter->fillRect(bar, score->kind == TaskKind::Context ? style.context : style.memory);
    const double middle = track.center().y(), low = x(score->interval.low), high = x(score->interval.high);
    painter->setPen(QPen(ink, style.unit));
    painter->drawLine(QPointF(low, middle), QPointF(high, middle));
    for (const double end : {low, high})
      painter->drawLine(QPointF(end, track.top() - style.unit), QPointF(end, track.bottom() + style.unit));
    if (score->chance > 0) {
      painter->setPen(QPen(style.disrupted, 1.5 * style.unit));
      painter->drawLine(QPointF(x(score->chance), track.top() - gap),
                        QPointF(x(score->chance), track.bottom() + gap));
    }
  }
  painter->restore();
}

}  // namespace qkscope

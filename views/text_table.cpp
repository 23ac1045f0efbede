#include "views/text_table.h"

#include <QHeaderView>
#include <QPainter>
#include <QStandardItemModel>
#include <QTableView>
#include <algorithm>
#include <numeric>

#include "views/plot_style.h"

namespace qkscope {

namespace {

QFont fontOf(const PlotStyle& style, const TextTable::Column& column, bool strong) {
  QFont font = column.number ? style.figures : style.small;
  font.setPointSizeF(style.small.pointSizeF());
  font.setBold(strong);
  return font;
}

/// What is drawn of a table, in one type.
class Typesetter {
 public:
  Typesetter(QPainter& painter, const PlotStyle& style, const TextTable& table)
      : painter_(painter), style_(style), table_(table) {
    for (const TextTable::Column& column : table.columns)
      has_groups_ = has_groups_ || !column.group.isEmpty();
  }

  /// Of the whole table where type is `scale` times as large as it would be.
  double height(double scale) const {
    const auto lines = static_cast<double>(table_.rows.size()) + (has_groups_ ? 2 : 1);
    return lines * line(scale);
  }
  double width(double scale) const {
    const std::vector<double> widths = columnWidths(scale);
    return std::accumulate(widths.begin(), widths.end(),
                           gap(scale) * (static_cast<double>(widths.size()) - 1));
  }

  double paint(const QRectF& area, double scale) {
    const std::vector<double> widths = columnWidths(scale);
    // What is left over stands between the columns.
    const double spare = std::max(0.0, area.width() - width(scale)),
                 between =
                     gap(scale) + spare / static_cast<double>(std::max<std::size_t>(1, widths.size() - 1));
    std::vector<double> left{area.left()};
    for (const double width : widths) left.push_back(left.back() + width + between);
    const auto cell = [&](std::size_t column, double top) {
      return QRectF(left[column], top, widths[column], line(scale));
    };
    double top = area.top();
    rule(area.left(), area.right(), top, 1);
    if (has_groups_) {
      paintGroups(left, between, top, scale);
      top += line(scale);
    }
    for (std::size_t c = 0; c < widths.size(); ++c)
      paintWords(cell(c, top), font(words_, false, scale), table_.columns[c].alignment(),
                 table_.columns[c].title, style_.muted);
    top += line(scale);
    rule(area.left(), area.right(), top, 0.6);
    for (std::size_t r = 0; r < table_.rows.size(); ++r) {
      const TextTable::Row& row = table_.rows[r];
      if (row.begins && r > 0) rule(area.left(), area.right(), top, 0.4);
      for (std::size_t c = 0; c < widths.size(); ++c)
        paintWords(cell(c, top), font(table_.columns[c], row.strong, scale), table_.columns[c].alignment(),
                   row.cells[c].words, row.cells[c].ink.isValid() ? row.cells[c].ink : style_.text);
      top += line(scale);
    }
    rule(area.left(), area.right(), top, 1);
    return top - area.top();
  }

 private:
  double line(double scale) const { return 1.35 * scale * style_.metrics(style_.small).height(); }
  double gap(double scale) const { return 9 * scale * style_.unit; }
  QFont font(const TextTable::Column& column, bool strong, double scale) const {
    QFont font = fontOf(style_, column, strong);
    font.setPointSizeF(font.pointSizeF() * scale);
    return font;
  }
  std::vector<double> columnWidths(double scale) const {
    std::vector<double> widths;
    for (std::size_t c = 0; c < table_.columns.size(); ++c) {
      const TextTable::Column& column = table_.columns[c];
      double widest = style_.metrics(font(words_, false, scale)).horizontalAdvance(column.title);
      for (const TextTable::Row& row : table_.rows)
        widest = std::max(
            widest, style_.metrics(font(column, row.strong, scale)).horizontalAdvance(row.cells[c].words));
      widths.push_back(widest + style_.unit);
    }
    return widths;
  }
  void paintGroups(const std::vector<double>& left, double between, double top, double scale) {
    for (std::size_t c = 0; c < table_.columns.size();) {
      const QString& group = table_.columns[c].group;
      std::size_t end = c + 1;
      while (end < table_.columns.size() && table_.columns[end].group == group) ++end;
      if (!group.isEmpty()) {
        const QRectF over(left[c], top, left[end] - between - left[c], line(scale));
        painter_.setFont(font(words_, false, scale));
        painter_.setPen(style_.muted);
        painter_.drawText(over, Qt::AlignCenter, group);
        rule(over.left(), over.right(), over.bottom(), 0.4);
      }
      c = end;
    }
  }
  void paintWords(const QRectF& cell, const QFont& type, Qt::Alignment alignment, const QString& words,
                  const QColor& ink) {
    painter_.setFont(type);
    painter_.setPen(ink);
    painter_.drawText(cell, alignment | Qt::TextDontClip, words);
  }
  void rule(double from, double to, double y, double width) {
    painter_.setPen(QPen(style_.text, width * style_.unit));
    painter_.drawLine(QPointF(from, y), QPointF(to, y));
  }

  QPainter& painter_;
  const PlotStyle& style_;
  const TextTable& table_;
  const TextTable::Column words_{};  // titles are words, whatever stands below them
  bool has_groups_ = false;
};

}  // namespace

void fillTable(QTableView& view, QStandardItemModel& model, const TextTable& table) {
  const PlotStyle style = PlotStyle::of(view);
  model.setColumnCount(static_cast<int>(table.columns.size()));
  model.setRowCount(static_cast<int>(table.rows.size()));
  for (int at = 0; at < model.columnCount(); ++at) {
    const TextTable::Column& column = table.columns[static_cast<std::size_t>(at)];
    auto* header = new QStandardItem(column.title);
    header->setFont(style.small);
    header->setTextAlignment(column.alignment());
    header->setToolTip(column.tip);
    const TextMetrics small = style.metrics(style.small);  // the header's own reckoning is of its own font
    header->setSizeHint(
        QSizeF(small.horizontalAdvance(column.title) + 16 * style.unit, 2 * small.height()).toSize());
    model.setHorizontalHeaderItem(at, header);
    for (int line = 0; line < model.rowCount(); ++line) {
      const TextTable::Row& row = table.rows[static_cast<std::size_t>(line)];
      const TextTable::Cell& cell = row.cells[static_cast<std::size_t>(at)];
      auto* item = new QStandardItem(cell.words);
      item->setEditable(false);
      item->setTextAlignment(column.alignment());
      item->setFont(fontOf(style, column, row.strong));
      if (cell.ink.isValid()) item->setForeground(cell.ink);
      model.setItem(line, at, item);
    }
  }
  view.verticalHeader()->setDefaultSectionSize(static_cast<int>(style.metrics(style.small).height() * 1.4));
  view.horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
}

double paintTitle(QPainter& painter, const PlotStyle& style, const QRectF& area, const QString& title) {
  const double height = 1.5 * style.metrics(style.title).height();
  painter.setFont(style.title);
  painter.setPen(style.text);
  painter.drawText(QRectF(area.left(), area.top(), area.width(), height), Qt::AlignTop, title);
  return height;
}

double paintTable(QPainter& painter, const PlotStyle& style, const QRectF& area, const TextTable& table) {
  Typesetter typesetter(painter, style, table);
  double scale = std::min(1.0, area.height() / typesetter.height(1));
  // Type of another size is not exactly as much narrower.
  for (int tries = 0; tries < 4 && typesetter.width(scale) > area.width(); ++tries)
    scale *= 0.995 * area.width() / typesetter.width(scale);
  return typesetter.paint(area, scale);
}

}  // namespace qkscope

#pragma once
#include <QColor>
#include <QString>
#include <vector>

class QPainter;
class QRectF;
class QStandardItemModel;
class QTableView;

namespace qkscope {

struct PlotStyle;

/// A table of words and numbers, on the screen and on paper.
struct TextTable {
  struct Column {
    QString title;
    bool number = false;  // to the right, in figures of equal width
    QString tip = {};
    QString group = {};  // on paper over all columns beside each other that have it
    Qt::Alignment alignment() const { return (number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter; }
  };
  struct Cell {
    QString words;
    QColor ink = {};  // not valid: that of all text
  };
  struct Row {
    std::vector<Cell> cells;
    bool strong = false;
    bool begins = false;  // a group of rows: on paper there is a line above it
  };
  std::vector<Column> columns;
  std::vector<Row> rows;
};

/// Fills `model`, which `view` shows, in the small type of panels and as wide as the words are. What is
/// selected stays.
void fillTable(QTableView& view, QStandardItemModel& model, const TextTable& table);

/// Typeset in `area` from its top, with lines above, below and between, in the style's small type or, where
/// that takes more room than there is, a smaller one. How high it became.
double paintTable(QPainter& painter, const PlotStyle& style, const QRectF& area, const TextTable& table);

/// The title of a figure at the top of `area`. How high it is, with the room below it.
double paintTitle(QPainter& painter, const PlotStyle& style, const QRectF& area, const QString& title);

}  // namespace qkscope

#pragma once
#include <QAbstractItemModel>
#include <QHeaderView>
#include <QTableView>

namespace qkscope {

/// A table of rows to choose from, as every panel has it: sortable, one row at a time, quiet.
inline QTableView* rowsTable(QAbstractItemModel* rows, QWidget* parent) {
  auto* table = new QTableView(parent);
  table->setModel(rows);
  table->setSortingEnabled(true);
  table->setSelectionBehavior(QAbstractItemView::SelectRows);
  table->setSelectionMode(QAbstractItemView::SingleSelection);
  table->setShowGrid(false);
  table->setFrameShape(QFrame::NoFrame);
  table->setTabKeyNavigation(false);
  table->verticalHeader()->hide();
  table->horizontalHeader()->setHighlightSections(false);
  table->horizontalHeader()->setMinimumSectionSize(24);
  return table;
}

}  // namespace qkscope

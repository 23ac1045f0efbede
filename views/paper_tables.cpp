#include "views/paper_tables.h"

#include <QComboBox>
#include <QLocale>
#include <QStandardItemModel>
#include <QVBoxLayout>
#include <algorithm>

#include "core/base/error.h"
#include "views/plot_style.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

/// Percentages with one digit after the point, all else with two.
QString number(const PaperTable& table, const std::optional<double>& value) {
  if (!value) return QStringLiteral("–");
  if (table.id == "table-3") return *value > 0 ? PaperTables::tr("yes") : PaperTables::tr("no");
  return QLocale().toString(*value, 'f', table.measure == PaperTable::Measure::Accuracy ? 1 : 2);
}

}  // namespace

PaperTables::PaperTables(QWidget* parent)
    : QWidget(parent), choice_(new QComboBox(this)), model_(new QStandardItemModel(this)) {
  choice_->setObjectName(QStringLiteral("paperChoice"));
  choice_->setAccessibleName(tr("Table or figure of the paper"));
  table_ = rowsTable(model_, this);
  table_->setObjectName(QStringLiteral("paperTable"));
  table_->setAccessibleName(tr("As published, and as measured here"));
  table_->setSortingEnabled(false);  // what was published first, arm by arm
  table_->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  caveats_ = StyledLabel::reading(Type::Small, Tone::Muted, this);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 6, 0, 0);
  column->addWidget(choice_, 0, Qt::AlignLeft);
  column->addWidget(table_, 1);
  column->addWidget(caveats_);
  try {
    published_ = paper_tables();
  } catch (const Error& error) {
    caveats_->setText(QString::fromUtf8(error.what()));
  }
  for (const PaperTable& table : published_) choice_->addItem(text(table.title));
  connect(choice_, &QComboBox::currentIndexChanged, this, &PaperTables::showTable);
  showTable();
}

void PaperTables::setMeasured(ExperimentTable measured) {
  measured_ = std::move(measured);
  showTable();
}

const PaperTable* PaperTables::shown() const {
  return published_.empty() ? nullptr : &shown_;
}

void PaperTables::showTable() {
  if (published_.empty()) return;
  shown_ = published_[static_cast<std::size_t>(std::max(0, choice_->currentIndex()))];
  add_measured(shown_, measured_);
  const PlotStyle style = PlotStyle::of(*this);
  const bool has_arms = std::ranges::any_of(shown_.rows, [](const auto& row) { return !row.arm.empty(); });
  model_->clear();
  QStringList titles{tr("model"), tr("arm")};
  for (const PaperTable::Column& column : shown_.columns) titles << text(column.title);
  model_->setHorizontalHeaderLabels(titles);
  for (const PaperTable::Row& row : shown_.rows) {
    QStringList cells{row.here ? tr("here: %1").arg(text(row.model)) : text(row.model), text(row.arm)};
    for (const auto& value : row.values) cells << number(shown_, value);
    QList<QStandardItem*> items;
    for (const QString& cell : cells) {
      auto* item = new QStandardItem(cell);
      item->setEditable(false);
      item->setTextAlignment((items.size() < 2 ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
      if (row.here) {
        item->setForeground(style.accent);
        QFont bold = font();
        bold.setBold(true);
        item->setFont(bold);
      }
      items << item;
    }
    model_->appendRow(items);
  }
  for (int column = 0; column < model_->columnCount(); ++column)
    model_->horizontalHeaderItem(column)->setTextAlignment((column < 2 ? Qt::AlignLeft : Qt::AlignRight) |
                                                           Qt::AlignVCenter);
  table_->setColumnHidden(1, !has_arms);
  QStringList caveats;
  if (shown_.measure != PaperTable::Measure::None && !shown_.rows.back().here)
    caveats << tr(
        "Nothing of this is measured here yet: an experiment whose tasks are these, such as "
        "table-1, fills it.");
  for (const std::string& caveat : shown_.caveats) caveats << text(caveat);
  caveats_->setText(caveats.join(u' '));
}

void PaperTables::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) showTable();
}

}  // namespace qkscope

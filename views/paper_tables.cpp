#include "views/paper_tables.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QStackedWidget>
#include <QStandardItemModel>
#include <QTableView>

#include "core/base/error.h"
#include "views/curve_plot.h"
#include "views/paper_picture.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

PaperTables::PaperTables(QWidget* parent)
    : QWidget(parent),
      part_(new QComboBox(this)),
      layout_(new QComboBox(this)),
      pages_(new QStackedWidget(this)),
      model_(new QStandardItemModel(this)),
      charts_(new CurvePlot(this)) {
  part_->setObjectName(QStringLiteral("paperChoice"));
  part_->setAccessibleName(tr("Table or figure of the paper"));
  layout_->setObjectName(QStringLiteral("paperLayout"));
  layout_->setAccessibleName(tr("Layout of the paper's tables"));
  layout_->addItem(tr("As published"), static_cast<int>(PaperLayout::Published));
  layout_->addItem(tr("Task by task"), static_cast<int>(PaperLayout::ByTask));
  table_ = rowsTable(model_, this);
  table_->setObjectName(QStringLiteral("paperTable"));
  table_->setAccessibleName(tr("As published, and as measured here"));
  table_->setSortingEnabled(false);  // what was published first, arm by arm
  charts_->setObjectName(QStringLiteral("paperCharts"));
  charts_->setAccessibleName(table_->accessibleName());
  pages_->addWidget(table_);
  pages_->addWidget(charts_);
  caveats_ = StyledLabel::reading(Type::Small, Tone::Muted, this);
  auto* choices = new QHBoxLayout;
  choices->addWidget(part_);
  choices->addWidget(layout_);
  choices->addStretch(1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 6, 0, 0);
  column->addLayout(choices);
  column->addWidget(pages_, 1);
  column->addWidget(caveats_);
  try {
    published_ = paper_tables();
    for (const PaperPart part : {PaperPart::Table1, PaperPart::Figure3a, PaperPart::Figure3b,
                                 PaperPart::Figure3c, PaperPart::Figure5, PaperPart::Table3})
      part_->addItem(text(paperTable(published_, part).title), static_cast<int>(part));
  } catch (const Error& error) {
    published_.clear();
    problem_ = QString::fromUtf8(error.what());
    caveats_->setText(problem_);
  }
  for (QComboBox* choice : {part_, layout_}) {
    connect(choice, &QComboBox::currentIndexChanged, this, [this] {
      showTable();
      Q_EMIT chosen();
    });
  }
  showTable();
}

void PaperTables::setMeasured(std::vector<ExperimentTable> measured) {
  measured_ = std::move(measured);
  showTable();
}

void PaperTables::choose(PaperPart part, PaperLayout layout) {
  const QSignalBlocker quiet_part(part_), quiet_layout(layout_);
  part_->setCurrentIndex(part_->findData(static_cast<int>(part)));
  layout_->setCurrentIndex(layout_->findData(static_cast<int>(layout)));
  showTable();
}

PaperPart PaperTables::chosenPart() const {
  return static_cast<PaperPart>(part_->currentData().toInt());
}

PaperLayout PaperTables::chosenLayout() const {
  return static_cast<PaperLayout>(layout_->currentData().toInt());
}

QString PaperTables::caveats() const {
  QStringList caveats;
  if (shown_.measure != PaperTable::Measure::None && !shown_.rows.empty() && !shown_.rows.back().here)
    caveats << tr(
        "Nothing of this is measured here yet: an experiment whose tasks are these, such as "
        "table-1, fills it.");
  for (const std::string& caveat : shown_.caveats) caveats << text(caveat);
  return caveats.join(u' ');
}

void PaperTables::showTable() {
  if (published_.empty()) return;
  shown_ = paperTable(published_, chosenPart());
  for (const ExperimentTable& table : measured_) add_measured(shown_, table);
  const bool typeset = isTypeset(shown_, chosenLayout());
  fillTable(*table_, *model_, paperText(shown_, PlotStyle::of(*this), /*folded=*/false));
  charts_->setCharts(typeset ? std::vector<Chart>() : paperCharts(shown_, chosenLayout()));
  pages_->setCurrentWidget(typeset ? static_cast<QWidget*>(table_) : charts_);
  caveats_->setText(caveats());
}

void PaperTables::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) showTable();
}

}  // namespace qkscope

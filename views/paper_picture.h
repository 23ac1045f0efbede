#pragma once
#include <vector>

#include "core/tasks/paper_table.h"
#include "views/chart.h"
#include "views/text_table.h"
#include "views/view_state.h"

namespace qkscope {

/// That of `tables` which `part` names; throws Error where it is not among them.
const PaperTable& paperTable(const std::vector<PaperTable>& tables, PaperPart part);

/// Whether it is typeset in this layout, or drawn as charts.
bool isTypeset(const PaperTable& table, PaperLayout layout);

/// The rows as they were published, those measured here below in the accent's colour. `folded`: as in print,
/// a model's name once, its arms after it.
TextTable paperText(const PaperTable& table, const PlotStyle& style, bool folded);

/// Bars: as published a chart a model, its arms side by side over the tasks; task by task a chart a task, the
/// models side by side over the arms. What nothing is known of has no bar.
std::vector<Chart> paperCharts(const PaperTable& table, PaperLayout layout);

}  // namespace qkscope

#pragma once
#include <vector>

#include "core/tasks/experiment_table.h"
#include "views/chart.h"

namespace qkscope {

/// A chart a task of what a sweep does: per cent right over its values with 95 % intervals, beside the
/// matched controls of each value (of several random ones the mean, with their standard deviation) and the
/// baseline. None where the table has no two values.
std::vector<Chart> sweepCharts(const ExperimentTable& table);

}  // namespace qkscope

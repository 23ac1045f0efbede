#pragma once
#include <string>

#include "core/tasks/experiment_table.h"

namespace qkscope {

/// A line for each arm and task: arm, task, kind, items, correct, accuracy, low, high, p, chance, perplexity,
/// rule, published_rule, published_correct, the other perplexities, diversity, repeating. Fields that there
/// are not are empty; RFC 4180.
std::string to_csv(const ExperimentTable& table);

/// A tabular of arms x tasks in percent with Wilson's intervals, and the means over both kinds of task; it
/// needs no package.
std::string to_latex(const ExperimentTable& table);

/// `text` with the characters that LaTeX reads as commands escaped.
std::string latex_text(const std::string& text);

}  // namespace qkscope

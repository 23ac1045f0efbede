#include "core/tasks/experiment_text.h"

#include <iomanip>
#include <sstream>

#include "core/base/wording.h"
#include "core/io/text_rows.h"

namespace qkscope {

namespace {

std::string percent(double share) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << std::fixed << std::setprecision(1) << 100 * share;
  return text.str();
}

std::string number(const std::optional<double>& value) {
  return value ? number_text(*value) : std::string();
}

}  // namespace

std::string latex_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '\\':
        escaped += "\\textbackslash{}";
        break;
      case '~':
        escaped += "\\textasciitilde{}";
        break;
      case '^':
        escaped += "\\textasciicircum{}";
        break;
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        escaped += '\\';
        [[fallthrough]];
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string to_csv(const ExperimentTable& table) {
  std::string text =
      "arm,task,kind,items,correct,accuracy,low,high,p,chance,perplexity,rule,published_rule,"
      "published_correct,perplexity_as_published,perplexity_of_answer,perplexity_of_answer_alone,diversity,"
      "repeating\r\n";
  for (const ExperimentTable::Row& arm : table.arms) {
    for (const TaskScore& score : arm.tasks) {
      const bool published = !score.published_rule.empty();
      const auto named = [&score](const char* name) {
        const auto found = score.perplexities.find(name);
        return found == score.perplexities.end() ? std::string() : number_text(found->second);
      };
      const std::string fields[] = {arm.name,
                                    score.task,
                                    std::string(task_kind_name(score.kind)),
                                    std::to_string(score.items),
                                    std::to_string(score.correct),
                                    number(score.accuracy()),
                                    number_text(score.interval.low),
                                    number_text(score.interval.high),
                                    number(score.p),
                                    number_text(score.chance),
                                    number(score.perplexity),
                                    score.rule,
                                    score.published_rule,
                                    published ? std::to_string(score.published_correct) : "",
                                    named("as_published"),
                                    named("answer"),
                                    named("answer_alone"),
                                    score.items > 0 ? number_text(score.diversity) : "",
                                    std::to_string(score.repeating)};
      std::string line;
      for (const std::string& field : fields) line += "," + csv_field(field);
      text += line.substr(1) + "\r\n";
    }
  }
  return text;
}

std::string to_latex(const ExperimentTable& table) {
  std::string text = "% " + table.experiment + " on " + table.model +
                     "; percent right, 95 % Wilson intervals; p: McNemar's exact test against the baseline\n";
  const std::size_t tasks = table.arms.empty() ? 0 : table.arms.front().tasks.size();
  text += "\\begin{tabular}{l" + std::string(tasks + 2, 'r') + "}\n\\hline\narm";
  if (!table.arms.empty()) {
    for (const TaskScore& score : table.arms.front().tasks) text += " & " + latex_text(score.task);
  }
  text += " & context & memory \\\\\n\\hline\n";
  for (const ExperimentTable::Row& arm : table.arms) {
    text += latex_text(arm.name);
    for (const TaskScore& score : arm.tasks) {
      const auto accuracy = score.accuracy();
      text += accuracy ? " & " + percent(*accuracy) + " [" + percent(score.interval.low) + ", " +
                             percent(score.interval.high) + "]"
                       : " & --";
    }
    for (const TaskKind kind : {TaskKind::Context, TaskKind::Memory}) {
      const auto mean = mean_accuracy(arm, kind);
      text += mean ? " & " + percent(*mean) : " & --";
    }
    text += " \\\\\n";
  }
  return text + "\\hline\n\\end{tabular}\n";
}

}  // namespace qkscope

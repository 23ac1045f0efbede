#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tasks/answer_rules.h"
#include "core/tasks/pass_keys.h"

namespace qkscope {

class JsonFields;
class Tokenizer;

/// Whether an answer stands in the prompt or must be known by heart.
enum class TaskKind { Context, Memory };
std::string_view task_kind_name(TaskKind kind);  // "context", "memory"

/// Whether a model's answer is what it writes, or the one of the choices that it gives the highest
/// probability: of the whole text, or per byte, which does not favour short ones (lm-evaluation-harness'
/// acc and acc_norm).
enum class AnswerBy { Writing, Likelihood, LikelihoodPerByte };
std::string_view answer_by_name(AnswerBy by);  // "writing", "likelihood", "likelihood_per_byte"
/// Throws Error listing the names.
AnswerBy answer_by(std::string_view name);
/// That of the key "answer_by". Throws Error with the place.
AnswerBy read_answer_by(JsonFields& fields, AnswerBy absent);

/// The values of one item by the names that a task's texts have in braces; of several the first stands in
/// texts, and each is a right answer.
using ItemFields = std::map<std::string, std::vector<std::string>>;

/// `text` with every {name} replaced by the first value of that field, and {*name} by all of them, joined by
/// commas. Throws Error, which begins with `where`, for a name that the item has not.
std::string filled_text(const std::string& text, const ItemFields& fields, const std::string& where);

/// Rows of one's own or a published data set: see read_table().
struct TaskSource {
  std::string file;
  std::vector<std::filesystem::path> places;   // the folders it is looked for in
  std::map<std::string, std::string> columns;  // other names for columns: field -> column
  std::map<std::string, std::string> where;    // only rows with these values: column -> value
  std::map<std::string, std::map<std::string, std::string>>
      values;  // column -> value in the file -> text here
};

/// What is asked and when an answer is right: a JSON file (datasets/README.md tells its keys). Texts are
/// templates, in which {name} stands for a field of the item.
struct Task {
  std::string name;   // the file's, without its ending
  std::string title;  // for people
  TaskKind kind = TaskKind::Context;
  std::string system;  // empty: as the chat template has it
  std::string prompt;
  std::string expected;              // the answer that perplexity is told of; empty: none
  std::vector<std::string> answers;  // any of them is right
  std::vector<std::string> choices;  // what is offered; empty: nothing
  std::string rule, published_rule;  // names of answer_rules(); the second may be empty
  AnswerBy answer_by = AnswerBy::Writing;
  int max_new_tokens = 16;
  double chance = 0;  // the share that guessing gets right

  std::vector<ItemFields> items;
  std::optional<PassKeySettings> pass_keys;  // in place of items, as is
  std::optional<TaskSource> source;
};

/// One question of a task, its texts filled in.
struct TaskItem {
  std::string system, prompt, expected;
  Gold gold;
};

/// `data`: where its source may lie, too. Throws Error naming the file, the key or item, and what was
/// expected.
Task read_task(const std::filesystem::path& path, const std::filesystem::path& data = {});

/// Its questions, at most `most` of them (0 = all). Of generated tasks the lengths are `tokenizer`'s. Throws
/// Error for a template that an item does not fit, and for a source that cannot be read.
std::vector<TaskItem> items_of(const Task& task, const Tokenizer& tokenizer, std::size_t most = 0);

}  // namespace qkscope

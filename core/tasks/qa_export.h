#pragma once
#include <span>
#include <string>

#include "core/tasks/qa_check.h"
#include "core/tasks/qa_set.h"

namespace qkscope {

// Some questions of a set, by their indices, as the text of a file. What is written is read again by
// read_qa_set() as the same questions.

/// The schema of the published knowledge sets (MingyuJ666/Rope_with_LLM, *_qa.json): version, total_pairs,
/// categories in the order they come in, and data of question, answer, category and correct_fact, byte for
/// byte as there. Answers of yes and no are true and false; other answers, which the published sets do not
/// have, are a text or a list of them.
std::string to_published_qa(const QaSet& set, std::span<const std::size_t> items);

/// A JSON object a line: question, answer, category, correct_fact, and what else the row had; the data of a
/// task that names it as its "file".
std::string to_qa_lines(const QaSet& set, std::span<const std::size_t> items);

/// A task as of read_task() that holds its items, asked as `asking` says.
std::string to_qa_task(const QaSet& set, std::span<const std::size_t> items, const QaAsking& asking);

}  // namespace qkscope

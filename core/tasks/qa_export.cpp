#include "core/tasks/qa_export.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace qkscope {

namespace {

using Json = nlohmann::ordered_json;

Json one_or_list(const std::vector<std::string>& texts) {
  return texts.size() == 1 ? Json(texts.front()) : Json(texts);
}

/// The fields that have a value, in the order of the published schema.
Json fields_of(const QaItem& item, const Json& answer) {
  Json json = {{"question", item.question}, {"answer", answer}};
  if (!item.category.empty()) json["category"] = item.category;
  if (!item.correct_fact.empty()) json["correct_fact"] = item.correct_fact;
  return json;
}

Json with_more(Json json, const QaItem& item) {
  for (const auto& [column, values] : item.more) json[column] = one_or_list(values);
  return json;
}

}  // namespace

std::string to_published_qa(const QaSet& set, std::span<const std::size_t> items) {
  Json categories = Json::array(), data = Json::array();
  for (const std::size_t index : items) {
    const QaItem& item = set.items[index];
    if (!item.category.empty() && std::ranges::find(categories, Json(item.category)) == categories.end())
      categories.push_back(item.category);
    data.push_back(
        fields_of(item, set.yes_no ? Json(item.answers.front() == "Yes") : one_or_list(item.answers)));
  }
  const Json document = {{"version", "1.0"},
                         {"total_pairs", items.size()},
                         {"categories", std::move(categories)},
                         {"data", std::move(data)}};
  return document.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

std::string to_qa_lines(const QaSet& set, std::span<const std::size_t> items) {
  std::string lines;
  for (const std::size_t index : items) {
    const QaItem& item = set.items[index];
    lines += with_more(fields_of(item, one_or_list(item.answers)), item)
                 .dump(-1, ' ', false, Json::error_handler_t::replace) +
             "\n";
  }
  return lines;
}

std::string to_qa_task(const QaSet& set, std::span<const std::size_t> items, const QaAsking& asking) {
  const Task task = qa_task(set, items, asking);
  Json json = {{"title", task.title}, {"kind", task_kind_name(task.kind)}};
  if (!task.system.empty()) json["system"] = task.system;
  json["prompt"] = task.prompt;
  json["answers"] = task.answers.front();
  json["rule"] = task.rule;
  json["published_rule"] = task.published_rule;
  json["max_new_tokens"] = task.max_new_tokens;
  if (task.chance > 0) json["chance"] = task.chance;
  if (!task.choices.empty()) json["choices"] = task.choices;
  Json rows = Json::array();
  for (const std::size_t index : items) {
    const QaItem& item = set.items[index];
    rows.push_back(with_more(fields_of(item, one_or_list(item.answers)), item));
  }
  json["items"] = std::move(rows);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace qkscope

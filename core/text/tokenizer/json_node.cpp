#include "core/text/tokenizer/json_node.h"

#include "core/base/error.h"

namespace qkscope {

std::optional<JsonNode> JsonNode::find(const char* key) const {
  if (!value_->is_object()) wrong_type("an object");
  const auto found = value_->find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return JsonNode(*found, where_, path_.empty() ? key : path_ + "." + key);
}

JsonNode JsonNode::at(const char* key) const {
  if (auto node = find(key)) return *std::move(node);
  throw Error(where_ + " has no '" + (path_.empty() ? key : path_ + "." + key) + "'");
}

std::vector<JsonNode> JsonNode::elements() const {
  if (!value_->is_array()) wrong_type("an array");
  std::vector<JsonNode> nodes;
  nodes.reserve(value_->size());
  for (const nlohmann::json& element : *value_) {
    nodes.push_back(JsonNode(element, where_, path_ + "[" + std::to_string(nodes.size()) + "]"));
  }
  return nodes;
}

const std::string& JsonNode::string() const {
  if (!value_->is_string()) wrong_type("a string");
  return value_->get_ref<const std::string&>();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) wrong_type("true or false");
  return value_->get<bool>();
}

std::int64_t JsonNode::integer() const {
  if (!value_->is_number_integer()) wrong_type("an integer");
  return value_->get<std::int64_t>();
}

std::string JsonNode::sentence(const std::string& problem) const {
  return (path_.empty() ? "" : "'" + path_ + "' of ") + where_ + " " + problem;
}

void JsonNode::fail(const std::string& problem) const {
  throw Error(sentence(problem));
}

void JsonNode::wrong_type(const char* expected) const {
  fail(std::string("is a JSON ") + value_->type_name() + ", expected " + expected);
}

}  // namespace qkscope

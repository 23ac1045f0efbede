#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/byte_alphabet.h"
#include "core/text/tokenizer/json_node.h"
#include "core/text/tokenizer/loaders.h"
#include "core/text/tokenizer/post_processor.h"

namespace qkscope {
namespace {

constexpr const char* space_mark = "\xE2\x96\x81";  // U+2581 stands for a space

[[noreturn]] void unsupported(const JsonNode& node, const std::string& type, const char* expected) {
  node.fail("is of the type " + in_quotes(type) + ", which is not supported; expected " + expected);
}

/// The steps of a Sequence, however deep, or the one step this is.
std::vector<JsonNode> steps(const std::optional<JsonNode>& node, const char* list) {
  if (!node) return {};
  if (node->at("type").string() != "Sequence") return {*node};
  std::vector<JsonNode> all;
  for (const JsonNode& element : node->at(list).elements()) {
    const std::vector<JsonNode> inner = steps(element, list);
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

/// {"String": text} or {"Regex": expression}.
Pattern read_pattern(const JsonNode& node, Budget& budget) {
  if (const auto text = node.find("String")) return Pattern::literal(text->string());
  const JsonNode expression = node.at("Regex");
  try {
    return Pattern::regex(expression.string(), budget);
  } catch (const Error& error) {
    expression.fail(std::string("cannot be used: ") + error.what());
  }
}

Normalizer read_normalizer(const JsonNode& step, Budget& budget) {
  const std::string& type = step.at("type").string();
  if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") return unicode_form(type);
  if (type == "Prepend") return prepend(step.at("prepend").string());
  if (type == "Replace")
    return replace(read_pattern(step.at("pattern"), budget), step.at("content").string());
  unsupported(step, type, "NFC, NFD, NFKC, NFKD, Prepend, Replace or Sequence");
}

SplitBehavior read_behavior(const JsonNode& node) {
  constexpr std::pair<const char*, SplitBehavior> behaviors[] = {
      {"Removed", SplitBehavior::Removed},
      {"Isolated", SplitBehavior::Isolated},
      {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
      {"MergedWithNext", SplitBehavior::MergedWithNext},
      {"Contiguous", SplitBehavior::Contiguous},
  };
  for (const auto& [name, behavior] : behaviors) {
    if (node.string() == name) return behavior;
  }
  node.fail("is " + in_quotes(node.string()) +
            ", expected Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

/// Older files have add_prefix_space in place of prepend_scheme.
std::string prepend_scheme(const JsonNode& step) {
  return step.string("prepend_scheme", step.boolean("add_prefix_space", true) ? "always" : "never");
}

void read_pre_tokenizer(const JsonNode& step, BpeData& data, Budget& budget) {
  const std::string& type = step.at("type").string();
  // ByteLevel turns bytes into GPT-2's alphabet; our stretches stay bytes, so nothing may follow that sees
  // it.
  if (data.byte_level) step.fail("comes after ByteLevel, expected ByteLevel to be the last step");
  if (type == "ByteLevel") {
    if (step.boolean("add_prefix_space", true)) data.pre_tokenizers.push_back(space_before());
    if (step.boolean("use_regex", true))
      data.pre_tokenizers.push_back(split(Pattern::regex(gpt2_pattern(), budget)));
    data.byte_level = true;
  } else if (type == "Split") {
    data.pre_tokenizers.push_back(split(read_pattern(step.at("pattern"), budget),
                                        read_behavior(step.at("behavior")), step.boolean("invert", false)));
  } else if (type == "Digits") {
    const bool one_by_one = step.boolean("individual_digits", false);
    data.pre_tokenizers.push_back(split(Pattern::regex(one_by_one ? R"(\p{N})" : R"(\p{N}+)", budget)));
  } else if (type == "Metaspace") {
    try {
      data.pre_tokenizers.push_back(metaspace(step.string("replacement", space_mark), prepend_scheme(step),
                                              step.boolean("split", true)));
    } catch (const Error& error) {
      step.fail(std::string("cannot be used: ") + error.what());
    }
  } else {
    unsupported(step, type, "ByteLevel, Split, Digits, Metaspace or Sequence");
  }
}

void read_decoder(const JsonNode& step, BpeData& data, Budget& budget) {
  const std::string& type = step.at("type").string();
  if (type == "Replace") {
    data.decoders.push_back(replace(read_pattern(step.at("pattern"), budget), step.at("content").string()));
  } else if (type == "Metaspace") {
    data.decoders.push_back(replace(Pattern::literal(step.string("replacement", space_mark)), " "));
    data.strips_space = prepend_scheme(step) != "never";
  } else if (type == "Strip") {
    const std::int64_t start = step.at("start").integer();
    if (start < 0 || start > 1 || step.at("stop").integer() != 0 || step.at("content").string() != " ") {
      step.fail("strips something else than one space at the start");
    }
    data.strips_space = start == 1;
  } else if (type != "ByteFallback" && type != "Fuse" && type != "ByteLevel") {
    unsupported(step, type, "ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip or Sequence");
  }
}

}  // namespace

void read_vocabulary_object(const JsonNode& vocabulary, BpeData& data, TokenIndex& index, Budget& budget) {
  if (!vocabulary.is_object() || vocabulary.value().empty()) vocabulary.fail("has no tokens");
  index.reserve(vocabulary.value().size());
  for (const auto& [text, value] : vocabulary.value().items()) {
    if (!value.is_number_integer() || value < 0 || value > largest_token_id) {
      vocabulary.fail("gives the token " + in_quotes(text) + " the id " + value.dump() + ", expected 0 to " +
                      std::to_string(largest_token_id));
    }
    budget.step();
    budget.charge(sizeof(BpeData::Token) + text.size());
    const auto id = value.get<int>();
    auto bytes = data.byte_level ? bytes_from_alphabet(text) : std::optional(text);
    data.tokens.push_back({id, bytes ? *bytes : text, bytes.has_value()});
    index.emplace(text, id);
  }
  std::ranges::sort(data.tokens, {}, &BpeData::Token::id);
  const auto twice = std::ranges::adjacent_find(data.tokens, {}, &BpeData::Token::id);
  if (twice != data.tokens.end())
    vocabulary.fail("gives the id " + std::to_string(twice->id) + " to two tokens");
}

namespace {

void read_model(const JsonNode& model, const std::string& where, BpeData& data, TokenIndex& index,
                Budget& budget) {
  // Files written before 2020 leave the type out.
  if (const std::string type = model.string("type", "BPE"); type != "BPE") unsupported(model, type, "BPE");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.string(key, "").empty()) model.at(key).fail("is not empty, which is not supported");
  }
  data.ignore_merges = model.boolean("ignore_merges", false);
  data.byte_fallback = model.boolean("byte_fallback", false);
  data.fuse_unknown = model.boolean("fuse_unk", false);
  read_vocabulary_object(model.at("vocab"), data, index, budget);
  if (const auto unknown = model.find("unk_token")) {
    const auto found = index.find(unknown->string());
    if (found == index.end())
      unknown->fail("is " + in_quotes(unknown->string()) + ", which is not in the vocabulary");
    data.unknown = found->second;
  }
  MergeList merges(index, "'model.merges' of " + where);
  for (const JsonNode& merge : model.at("merges").elements()) {
    budget.step();
    budget.charge(sizeof(BpeMerge));
    if (merge.is_string()) {
      merges.add(merge.string());
      continue;
    }
    const std::vector<JsonNode> pair = merge.elements();
    if (pair.size() != 2) merge.fail("has " + std::to_string(pair.size()) + " tokens, expected 2");
    merges.add(pair[0].string(), pair[1].string());
  }
  data.merges = merges.take();
}

}  // namespace

AddedToken read_added_token(const JsonNode& node, std::int64_t id) {
  if (id < 0 || id > largest_token_id) {
    node.fail("has the id " + std::to_string(id) + ", expected 0 to " + std::to_string(largest_token_id));
  }
  const bool special = node.boolean("special", false);
  return {.id = static_cast<int>(id),
          .content = node.at("content").string(),
          .special = special,
          .normalized = node.boolean("normalized", !special),
          .lstrip = node.boolean("lstrip", false),
          .rstrip = node.boolean("rstrip", false),
          .single_word = node.boolean("single_word", false)};
}

BpeData read_tokenizer_json(const nlohmann::json& json, const std::string& where, const SideTokens& side,
                            Budget& budget) {
  const JsonNode root(json, where);
  BpeData data;
  data.byte_level = false;
  for (const JsonNode& step : steps(root.find("normalizer"), "normalizers")) {
    data.normalizers.push_back(read_normalizer(step, budget));
  }
  for (const JsonNode& step : steps(root.find("pre_tokenizer"), "pretokenizers"))
    read_pre_tokenizer(step, data, budget);
  for (const JsonNode& step : steps(root.find("decoder"), "decoders")) read_decoder(step, data, budget);
  TokenIndex index;
  read_model(root.at("model"), where, data, index, budget);
  AddedVocabulary added(index);
  if (const auto tokens = root.find("added_tokens")) {
    for (const JsonNode& node : tokens->elements()) {
      budget.step();
      added.add(read_added_token(node, node.at("id").integer()));
    }
  }
  added.add(side);
  data.added = added.take();
  data.frame = read_post_processor(root.find("post_processor"));
  data.kind = data.byte_level ? "byte-level BPE (tokenizer.json)" : "BPE (tokenizer.json)";
  return data;
}

}  // namespace qkscope

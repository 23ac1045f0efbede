#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/byte_alphabet.h"
#include "core/text/tokenizer/json_node.h"
#include "core/text/tokenizer/json_steps.h"
#include "core/text/tokenizer/loaders.h"
#include "core/text/tokenizer/post_processor.h"

namespace qkscope {

void read_vocabulary_object(const JsonNode& vocabulary, bool byte_level, TokenizerData& data,
                            TokenIndex& index, Budget& budget) {
  if (!vocabulary.is_object() || vocabulary.value().empty()) vocabulary.fail("has no tokens");
  index.reserve(vocabulary.value().size());
  for (const auto& [text, value] : vocabulary.value().items()) {
    if (!value.is_number_integer() || value < 0 || value > largest_token_id) {
      vocabulary.fail("gives the token " + in_quotes(text) + " the id " + value.dump() + ", expected 0 to " +
                      std::to_string(largest_token_id));
    }
    budget.step();
    budget.charge(sizeof(TokenizerData::Token) + text.size());
    const auto id = value.get<int>();
    auto bytes = byte_level ? bytes_from_alphabet(text) : std::optional(text);
    data.tokens.push_back({id, bytes ? *bytes : text, bytes.has_value()});
    index.emplace(text, id);
  }
  std::ranges::sort(data.tokens, {}, &TokenizerData::Token::id);
  const auto twice = std::ranges::adjacent_find(data.tokens, {}, &TokenizerData::Token::id);
  if (twice != data.tokens.end())
    vocabulary.fail("gives the id " + std::to_string(twice->id) + " to two tokens");
}

namespace {

/// Whether tokens can be kept as the bytes they stand for: ByteLevel comes last before the model, and nothing
/// else looks at its alphabet.
bool keeps_bytes(const JsonNode& root) {
  const auto is_byte_level = [](const JsonNode& step) { return step.at("type").string() == "ByteLevel"; };
  const std::vector<JsonNode> cuts = json_steps(root.find("pre_tokenizer"), "pretokenizers");
  const std::vector<JsonNode> changes = json_steps(root.find("normalizer"), "normalizers");
  const std::vector<JsonNode> decoders = json_steps(root.find("decoder"), "decoders");
  const JsonNode model = root.at("model");
  return std::ranges::count_if(cuts, is_byte_level) == 1 && is_byte_level(cuts.back()) &&
         std::ranges::none_of(changes, is_byte_level) && std::ranges::all_of(decoders, is_byte_level) &&
         model.string("type", "BPE") == "BPE" && !model.boolean("byte_fallback", false) &&
         model.string("continuing_subword_prefix", "").empty() &&
         model.string("end_of_word_suffix", "").empty();
}

void refuse_dropout(const JsonNode& model) {
  const auto dropout = model.find("dropout");
  if (dropout && dropout->value() != 0)
    dropout->fail("is " + dropout->value().dump() +
                  ": such a tokenizer gives other ids each time; expected null");
}

void read_bpe(const JsonNode& model, const std::string& where, bool byte_level, TokenizerData& data,
              TokenIndex& index, Budget& budget) {
  refuse_dropout(model);
  BpeSettings settings{.byte_level = byte_level,
                       .ignore_merges = model.boolean("ignore_merges", false),
                       .fuse_unknown = model.boolean("fuse_unk", false),
                       .byte_fallback = model.boolean("byte_fallback", false),
                       .prefix = model.string("continuing_subword_prefix", ""),
                       .suffix = model.string("end_of_word_suffix", "")};
  read_vocabulary_object(model.at("vocab"), byte_level, data, index, budget);
  if (const auto unknown = model.find("unk_token")) {
    const auto found = index.find(unknown->string());
    if (found == index.end())
      unknown->fail("is " + in_quotes(unknown->string()) + ", which is not in the vocabulary");
    settings.unknown = found->second;
  }
  MergeList merges(index, "'model.merges' of " + where, settings.prefix);
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
  settings.merges = merges.take();
  data.model = std::move(settings);
}

/// [["token", score], ...]; of a token that stands there twice, the later one is found in texts.
void read_unigram(const JsonNode& model, TokenizerData& data, TokenIndex& index, Budget& budget) {
  UnigramSettings settings{.byte_fallback = model.boolean("byte_fallback", false)};
  const std::vector<JsonNode> vocabulary = model.at("vocab").elements();
  if (vocabulary.empty()) model.at("vocab").fail("has no tokens");
  for (const JsonNode& entry : vocabulary) {
    const std::vector<JsonNode> pair = entry.elements();
    if (pair.size() != 2 || !pair[1].value().is_number()) entry.fail("is not a token and its score");
    budget.step();
    budget.charge(sizeof(TokenizerData::Token) + sizeof(double) + pair[0].string().size());
    const auto id = static_cast<int>(data.tokens.size());
    data.tokens.push_back({id, pair[0].string(), true});
    settings.scores.push_back(pair[1].value().get<double>());
    const auto [place, is_new] = index.try_emplace(pair[0].string(), id);
    if (!is_new) data.tokens[static_cast<std::size_t>(std::exchange(place->second, id))].normal = false;
  }
  if (const auto unknown = model.find("unk_id")) {
    const std::int64_t id = unknown->integer();
    if (id < 0 || id >= std::ssize(data.tokens)) {
      unknown->fail("is " + std::to_string(id) + ", expected less than the " +
                    std::to_string(data.tokens.size()) + " tokens");
    }
    settings.unknown = static_cast<int>(id);
  }
  data.model = std::move(settings);
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

TokenizerData read_tokenizer_json(const nlohmann::json& json, const std::string& where,
                                  const SideTokens& side, Budget& budget) {
  const JsonNode root(json, where);
  TokenizerData data;
  const bool byte_level = keeps_bytes(root);
  read_normalizers(root.find("normalizer"), data, budget);
  read_pre_tokenizers(root.find("pre_tokenizer"), byte_level, data, budget);
  read_decoders(root.find("decoder"), byte_level, data, budget);
  TokenIndex index;
  const JsonNode model = root.at("model");
  // Files written before 2020 leave the type out.
  const std::string type = model.string("type", "BPE");
  if (type == "BPE") {
    read_bpe(model, where, byte_level, data, index, budget);
  } else if (type == "Unigram") {
    read_unigram(model, data, index, budget);
  } else {
    unsupported_type(model, type, "BPE or Unigram");
  }
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
  data.kind = (byte_level ? "byte-level BPE" : type) + " (tokenizer.json)";
  return data;
}

}  // namespace qkscope

#include "core/text/tokenizer/json_steps.h"

#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/byte_alphabet.h"
#include "core/text/tokenizer/character_steps.h"
#include "core/text/tokenizer/characters.h"
#include "core/text/tokenizer/charsmap.h"

namespace qkscope {
namespace {

constexpr const char* space_mark = "\xE2\x96\x81";  // U+2581 stands for a space

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

Normalizer read_charsmap(const JsonNode& node, Budget& budget) {
  try {
    return charsmap(node.string(), budget);
  } catch (const Error& error) {
    node.fail(error.what());
  }
}

Normalizer read_normalizer(const JsonNode& step, Budget& budget) {
  const std::string& type = step.at("type").string();
  if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") return unicode_form(type);
  if (type == "Prepend") return prepend(step.at("prepend").string());
  if (type == "Replace")
    return replace(read_pattern(step.at("pattern"), budget), step.at("content").string());
  if (type == "Lowercase") return lowercase();
  if (type == "Strip") return strip(step.boolean("strip_left", true), step.boolean("strip_right", true));
  if (type == "StripAccents") return strip_accents();
  if (type == "Nmt") return nmt();
  if (type == "Precompiled") return read_charsmap(step.at("precompiled_charsmap"), budget);
  if (type == "ByteLevel") return to_byte_alphabet();
  if (type == "BertNormalizer") {
    const bool small = step.boolean("lowercase", true);
    return bert_cleaning(step.boolean("clean_text", true), step.boolean("handle_chinese_chars", true),
                         step.boolean("strip_accents", small), small);
  }
  unsupported_type(
      step, type,
      "NFC, NFD, NFKC, NFKD, Prepend, Replace, Lowercase, Strip, StripAccents, Nmt, Precompiled, "
      "BertNormalizer, ByteLevel or Sequence");
}

SplitBehavior read_behavior(const std::optional<JsonNode>& node, SplitBehavior otherwise) {
  constexpr std::pair<const char*, SplitBehavior> behaviors[] = {
      {"Removed", SplitBehavior::Removed},
      {"Isolated", SplitBehavior::Isolated},
      {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
      {"MergedWithNext", SplitBehavior::MergedWithNext},
      {"Contiguous", SplitBehavior::Contiguous},
  };
  if (!node) return otherwise;
  for (const auto& [name, behavior] : behaviors) {
    if (node->string() == name) return behavior;
  }
  node->fail("is " + in_quotes(node->string()) +
             ", expected Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

/// Older files have add_prefix_space in place of prepend_scheme.
std::string prepend_scheme(const JsonNode& step) {
  return step.string("prepend_scheme", step.boolean("add_prefix_space", true) ? "always" : "never");
}

PreTokenizer read_metaspace(const JsonNode& step) {
  try {
    return metaspace(step.string("replacement", space_mark), prepend_scheme(step),
                     step.boolean("split", true));
  } catch (const Error& error) {
    step.fail(std::string("cannot be used: ") + error.what());
  }
}

/// The one character of a string.
UChar32 read_character(const JsonNode& node) {
  const std::string& text = node.string();
  const UChar32 code = text.empty() ? -1 : first_character(text);
  if (code < 0 || static_cast<std::size_t>(U8_LENGTH(code)) != text.size())
    node.fail("is " + in_quotes(text) + ", expected one character");
  return code;
}

void read_byte_level(const JsonNode& step, bool byte_level, TokenizerData& data, Budget& budget) {
  if (step.boolean("add_prefix_space", true)) data.pre_tokenizers.push_back(space_before());
  if (step.boolean("use_regex", true))
    data.pre_tokenizers.push_back(split(Pattern::regex(gpt2_pattern(), budget)));
  if (!byte_level) data.pre_tokenizers.push_back(rewritten(to_byte_alphabet()));
}

void read_pre_tokenizer(const JsonNode& step, bool byte_level, TokenizerData& data, Budget& budget) {
  const std::string& type = step.at("type").string();
  const auto add = [&](PreTokenizer pre_tokenizer) {
    data.pre_tokenizers.push_back(std::move(pre_tokenizer));
  };
  if (type == "ByteLevel") {
    read_byte_level(step, byte_level, data, budget);
  } else if (type == "Split") {
    add(split(read_pattern(step.at("pattern"), budget),
              read_behavior(step.at("behavior"), SplitBehavior::Isolated), step.boolean("invert", false)));
  } else if (type == "Digits") {
    const bool one_by_one = step.boolean("individual_digits", false);
    add(split(Pattern::regex(one_by_one ? R"(\p{N})" : R"(\p{N}+)", budget)));
  } else if (type == "Metaspace") {
    add(read_metaspace(step));
  } else if (type == "Punctuation") {
    add(split_at(is_punctuation, read_behavior(step.find("behavior"), SplitBehavior::Isolated)));
  } else if (type == "Whitespace") {
    add(words_and_signs());
  } else if (type == "WhitespaceSplit") {
    add(split_at(is_space, SplitBehavior::Removed));
  } else if (type == "BertPreTokenizer") {
    add(split_at(is_space, SplitBehavior::Removed));
    add(split_at(is_punctuation, SplitBehavior::Isolated));
  } else if (type == "CharDelimiterSplit") {
    add(split_at(read_character(step.at("delimiter")), SplitBehavior::Removed));
  } else if (type == "UnicodeScripts") {
    add(split_scripts());
  } else if (type == "FixedLength") {
    const std::int64_t length = step.find("length") ? step.at("length").integer() : 5;
    if (length < 1) step.at("length").fail("is " + std::to_string(length) + ", expected 1 or more");
    add(split_every(static_cast<std::size_t>(length)));
  } else {
    unsupported_type(step, type,
                     "ByteLevel, Split, Digits, Metaspace, Punctuation, Whitespace, WhitespaceSplit, "
                     "BertPreTokenizer, CharDelimiterSplit, UnicodeScripts, FixedLength or Sequence");
  }
}

/// A decoder that looks at nothing but the token.
TokenDecoder alone(Normalizer change) {
  return [change = std::move(change)](std::string token, const std::string*, Budget& budget) {
    return change(std::move(token), budget);
  };
}

/// The first token loses its marks.
TokenDecoder metaspace_decoder(const std::string& mark, bool prepends) {
  return [to_space = replace(Pattern::literal(mark), " "), to_nothing = replace(Pattern::literal(mark), ""),
          prepends](std::string token, const std::string* before, Budget& budget) {
    return (before || !prepends ? to_space : to_nothing)(std::move(token), budget);
  };
}

/// English as it is written, of words with a space before each (decoders/wordpiece.rs, cleanup).
std::string cleaned_up(std::string text, Budget& budget) {
  static const std::vector<Normalizer> steps = [] {
    std::vector<Normalizer> all;
    for (const auto& [from, to] :
         std::initializer_list<std::pair<const char*, const char*>>{{" .", "."},
                                                                    {" ?", "?"},
                                                                    {" !", "!"},
                                                                    {" ,", ","},
                                                                    {" ' ", "'"},
                                                                    {" n't", "n't"},
                                                                    {" 'm", "'m"},
                                                                    {" do not", " don't"},
                                                                    {" 's", "'s"},
                                                                    {" 've", "'ve"},
                                                                    {" 're", "'re"}})
      all.push_back(replace(Pattern::literal(from), to));
    return all;
  }();
  for (const Normalizer& step : steps) text = step(std::move(text), budget);
  return text;
}

TokenDecoder word_piece_decoder(const std::string& prefix, bool cleans) {
  return [=](std::string token, const std::string* before, Budget& budget) {
    if (before) token = token.starts_with(prefix) ? token.substr(prefix.size()) : " " + token;
    return cleans ? cleaned_up(std::move(token), budget) : token;
  };
}

/// The suffix of a token is a space where another one follows.
TokenDecoder suffix_decoder(const std::string& suffix) {
  return [suffix, without = replace(Pattern::literal(suffix), "")](
             std::string token, const std::string* before, Budget& budget) {
    const bool after_end = before && !suffix.empty() && before->ends_with(suffix);
    return (after_end ? " " : "") + without(std::move(token), budget);
  };
}

/// At most so many of one character at the ends of each token.
TokenDecoder strip_decoder(const std::string& content, std::int64_t start, std::int64_t stop) {
  return [=](std::string token, const std::string*, Budget&) {
    std::string_view rest = token;
    for (std::int64_t i = 0; i < start && rest.starts_with(content); ++i) rest.remove_prefix(content.size());
    for (std::int64_t i = 0; i < stop && rest.ends_with(content); ++i) rest.remove_suffix(content.size());
    return std::string(rest);
  };
}

void read_strip(const JsonNode& step, bool of_whole_text, TokenizerData& data) {
  const std::int64_t start = step.at("start").integer(), stop = step.at("stop").integer();
  const std::string& content = step.at("content").string();
  read_character(step.at("content"));
  if (!of_whole_text) {
    data.decoders.push_back(strip_decoder(content, start, stop));
    return;
  }
  if (start < 0 || start > 1 || stop != 0 || content != " ")
    step.fail("strips something else than one space at the start");
  data.strips_space = start == 1;
}

void read_decoder(const JsonNode& step, bool byte_level, bool& fused, TokenizerData& data, Budget& budget) {
  const std::string& type = step.at("type").string();
  const auto add = [&](TokenDecoder decoder) { data.decoders.push_back(std::move(decoder)); };
  if (type == "Replace") {
    add(alone(replace(read_pattern(step.at("pattern"), budget), step.at("content").string())));
  } else if (type == "Metaspace") {
    add(metaspace_decoder(step.string("replacement", space_mark), prepend_scheme(step) != "never"));
  } else if (type == "WordPiece") {
    add(word_piece_decoder(step.string("prefix", "##"), step.boolean("cleanup", true)));
  } else if (type == "BPEDecoder") {
    add(suffix_decoder(step.string("suffix", "</w>")));
    data.decodes_neighbours = true;
  } else if (type == "Strip") {
    read_strip(step, fused, data);
  } else if (type == "ByteFallback") {
    data.decodes_bytes = true;
  } else if (type == "ByteLevel") {
    if (byte_level) return;
    add([](std::string token, const std::string*, Budget&) {
      auto bytes = bytes_from_alphabet(token);
      return bytes ? *std::move(bytes) : token;
    });
  } else if (type == "Fuse") {
    fused = true;
  } else {
    unsupported_type(step, type,
                     "ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip, WordPiece, BPEDecoder or "
                     "Sequence");
  }
}

}  // namespace

std::vector<JsonNode> json_steps(const std::optional<JsonNode>& node, const char* list) {
  if (!node) return {};
  if (node->at("type").string() != "Sequence") return {*node};
  std::vector<JsonNode> all;
  for (const JsonNode& element : node->at(list).elements()) {
    const std::vector<JsonNode> inner = json_steps(element, list);
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

void unsupported_type(const JsonNode& node, const std::string& type, const char* expected) {
  node.fail("is of the type " + in_quotes(type) + ", which is not supported; expected " + expected);
}

void read_normalizers(const std::optional<JsonNode>& node, TokenizerData& data, Budget& budget) {
  for (const JsonNode& step : json_steps(node, "normalizers"))
    data.normalizers.push_back(read_normalizer(step, budget));
}

void read_pre_tokenizers(const std::optional<JsonNode>& node, bool byte_level, TokenizerData& data,
                         Budget& budget) {
  for (const JsonNode& step : json_steps(node, "pretokenizers"))
    read_pre_tokenizer(step, byte_level, data, budget);
}

void read_decoders(const std::optional<JsonNode>& node, bool byte_level, TokenizerData& data,
                   Budget& budget) {
  bool fused = false;
  for (const JsonNode& step : json_steps(node, "decoders"))
    read_decoder(step, byte_level, fused, data, budget);
  if (node || byte_level) return;
  // Without a decoder, words with spaces between them.
  data.decoders.push_back(
      [](std::string token, const std::string* before, Budget&) { return before ? " " + token : token; });
}

}  // namespace qkscope

#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "core/run/run.h"

namespace qkscope::test {

inline Needs every_norm() {
  Needs needs;
  needs.norms = {Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value};
  return needs;
}

inline RunRequest request_of(const TokenIds& prompt, const std::vector<std::string>& disruptions = {}) {
  RunRequest request;
  request.prompt = prompt;
  for (const std::string& text : disruptions) request.edits.push_back(parse_edit(text));
  request.needs = every_norm();
  request.max_new_tokens = 6;
  return request;
}

inline bool same_numbers(const Run& a, const Run& b) {
  return a.capture == b.capture && a.next_tokens == b.next_tokens && a.answer == b.answer &&
         a.continuation == b.continuation && a.prompt_text == b.prompt_text &&
         a.as_published == b.as_published;
}

inline bool same_numbers(const Comparison& a, const Comparison& b) {
  return same_numbers(*a.baseline, *b.baseline) && !a.disrupted == !b.disrupted &&
         (!a.disrupted || same_numbers(*a.disrupted, *b.disrupted));
}

/// Events as words, in their order.
struct Log {
  std::vector<std::string> lines;

  RunEvents events() {
    const auto arm_name = [](Arm arm) { return std::string(arm == Arm::Baseline ? "B" : "D"); };
    RunEvents e;
    e.norm = [=, this](Arm arm, SiteId id, const Array&) {
      lines.push_back(arm_name(arm) + " norm " + std::to_string(id.layer) + " " +
                      std::string(site_name(id.site)));
    };
    e.layer = [=, this](Arm arm, int layer, int of) {
      lines.push_back(arm_name(arm) + " layer " + std::to_string(layer) + "/" + std::to_string(of));
    };
    e.prefilled = [=, this](Arm arm, const std::shared_ptr<const Run>&) {
      lines.push_back(arm_name(arm) + " prefilled");
    };
    e.token = [=, this](Arm arm, int) { lines.push_back(arm_name(arm) + " token"); };
    e.scored = [=, this](Arm arm, const Perplexity& p) {
      lines.push_back(arm_name(arm) + " scored " + std::string(definition_name(p.definition)));
    };
    return e;
  }
  std::int64_t count(const std::string& start) const {
    return std::ranges::count_if(lines, [&](const std::string& line) { return line.starts_with(start); });
  }
};

}  // namespace qkscope::test

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/base/blanks.h"
#include "core/run/activation_words.h"
#include "core/run/disruption.h"
#include "core/run/option_settings.h"

namespace qkscope {

namespace {

constexpr std::string_view subject = "Activations";
constexpr std::string_view first_key = "activations";
constexpr std::size_t most_entries = 1 << 20;

using Scope = ActivationEdit::Scope;
constexpr std::array<std::pair<std::string_view, Scope>, 3> scopes = {
    {{"first", Scope::First}, {"each", Scope::Each}, {"published", Scope::Published}}};
constexpr std::array<std::pair<std::string_view, Site>, 3> sites = {
    {{"resid_post", Site::ResidPost}, {"attn_out", Site::AttnOut}, {"mlp_out", Site::MlpOut}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> controls = {{{"none", false}, {"median", true}}};

[[noreturn]] void refuse(std::string_view key, std::string_view found, const std::string& allowed) {
  refuse_setting(subject, key, found, allowed);
}

double finite(std::string_view key, std::string_view text, double least) {
  const auto value = number<double>(text);
  if (!value || !std::isfinite(*value) || *value < least)
    refuse(key, text, least == 0 ? "a number from 0" : "a number");
  return *value;
}

/// Words between blanks.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::string_view rest = without_blanks(text); !rest.empty(); rest = without_blanks(rest)) {
    words.push_back(rest.substr(0, rest.find_first_of(" \t\r\n")));
    rest.remove_prefix(words.back().size());
  }
  return words;
}

/// "0:507 *:3,7"
std::vector<ActivationEntry> parse_entries_of(std::string_view text) {
  constexpr auto forms = "first, each, published, or entries position:dims such as 0:507 *:3,7";
  std::vector<ActivationEntry> entries;
  for (const std::string_view word : words_of(text)) {
    const auto colon = word.find(':');
    if (colon == word.npos || word.find("all") != word.npos) refuse(first_key, text, forms);
    const std::string_view place = word.substr(0, colon);
    const std::vector<int> positions = place == "*" ? std::vector<int>{ActivationEntry::every}
                                                    : parse_ranges(place, "Activations: position", 0),
                           dims = parse_ranges(word.substr(colon + 1), "Activations: dims", 0);
    if (entries.size() + positions.size() * dims.size() > most_entries)
      refuse(first_key, text, "at most " + std::to_string(most_entries) + " entries");
    for (const int position : positions) {
      for (const int dim : dims) entries.push_back({position, dim});
    }
  }
  if (entries.empty()) refuse(first_key, text, forms);
  std::ranges::sort(entries);
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

/// "12:507:24926.2:17530.5 *:247:1:-"
std::vector<ActivationMean> parse_means(std::string_view text) {
  constexpr auto forms =
      "layer:dim:start:other such as 12:507:24926.2:17530.5, * for any layer and - for none";
  std::vector<ActivationMean> means;
  for (const std::string_view word : words_of(text)) {
    std::vector<std::string_view> parts;
    for (std::size_t start = 0; start <= word.size() && parts.size() < 5;) {
      const auto end = std::min(word.find(':', start), word.size());
      parts.push_back(word.substr(start, end - start));
      start = end + 1;
    }
    if (parts.size() != 4) refuse("means", word, forms);
    const auto layer =
        parts[0] == "*" ? std::optional<int>(ActivationMean::every + 1) : number<int>(parts[0]);
    const auto dim = number<int>(parts[1]);
    if (!layer || (*layer < 1 && parts[0] != "*") || !dim || *dim < 0) refuse("means", word, forms);
    ActivationMean mean{*layer - 1, *dim, {}, {}};
    for (const auto& [part, value] : {std::pair(parts[2], &mean.start), std::pair(parts[3], &mean.other)}) {
      if (part == "-") continue;
      *value = number<float>(part);
      if (!*value || !std::isfinite(**value)) refuse("means", word, forms);
    }
    means.push_back(mean);
  }
  if (means.empty()) refuse("means", text, forms);
  return means;
}

void set(ActivationEdit& e, std::string_view key, std::string_view text) {
  const auto named = [&](const auto& name) { return name.first == text; };
  if (key == first_key) {
    if (std::ranges::any_of(scopes, named)) {
      e.scope = value_of<Scope>(scopes, subject, key, text);
    } else {
      e.entries = parse_entries_of(text);
    }
  } else if (key == "site") {
    e.site = value_of<Site>(sites, subject, key, text);
  } else if (key == "layers") {
    e.layers = parse_ranges(text, "Activations: layers");
  } else if (key == "over") {
    e.rule.least = finite(key, text, 0);
  } else if (key == "times") {
    e.rule.times_median = finite(key, text, 0);
  } else if (key == "dims") {
    e.dims = parse_ranges(text, "Activations: dims", 0);
  } else if (key == "means") {
    e.means = parse_means(text);
  } else if (key == "control") {
    e.control = value_of<bool>(controls, subject, key, text);
  } else if (key == "set") {
    e.set = text == "zero"   ? ActivationEdit::Set::Zero
            : text == "mean" ? ActivationEdit::Set::Mean
                             : ActivationEdit::Set::Value;
    if (e.set != ActivationEdit::Set::Value) return;
    if (!number<double>(text)) refuse(key, text, "zero, mean or a number");
    e.value = finite(key, text, std::numeric_limits<double>::lowest());
  } else {
    throw Error("Activations: unknown key " + in_quotes(key) +
                ", expected one of activations, site, layers, over, times, dims, set, means, control");
  }
}

/// What would have no say is refused.
void check_together(const ActivationEdit& e, const Settings& settings) {
  const bool published = e.finds() && e.scope == Scope::Published;
  for (const auto& [key, value] : settings) {
    const bool silent = (!e.finds() && (key == "over" || key == "times")) || (!published && key == "dims") ||
                        (e.set != ActivationEdit::Set::Mean && key == "means");
    if (!silent) continue;
    const std::string needs = key == "means"  ? "set=mean"
                              : key == "dims" ? "activations=published"
                                              : "activations that are found by a rule";
    throw Error("Activations: " + in_quotes(std::string(key) + "=" + value) + " goes with " + needs +
                " alone");
  }
  if (e.control && e.set == ActivationEdit::Set::Mean)
    throw Error(
        "Activations: control=median takes other numbers, which have no mean of theirs stored; set=zero "
        "or a number goes with it");
  if (published && e.layers.size() > 1)
    throw Error("Activations: activations=published writes at one layer; layers names " +
                std::to_string(e.layers.size()));
}

}  // namespace

bool is_activation_edit(std::string_view text) {
  text = without_blanks(text);
  return text.starts_with(first_key) && without_blanks(text.substr(first_key.size())).starts_with('=');
}

std::string format_activation_entries(const std::vector<ActivationEntry>& entries) {
  std::string text;
  for (auto first = entries.begin(); first != entries.end();) {
    const auto last = std::find_if(first, entries.end(), [&](const ActivationEntry& entry) {
      return entry.position != first->position;
    });
    std::vector<int> dims;
    for (auto entry = first; entry != last; ++entry) dims.push_back(entry->dim);
    text += (text.empty() ? "" : " ") +
            (first->position == ActivationEntry::every ? "*" : std::to_string(first->position)) + ":" +
            format_ranges(dims, 0);
    first = last;
  }
  return text;
}

std::string to_option(const ActivationEdit& e) {
  std::string option =
      std::string(first_key) + "=" +
      (e.finds() ? std::string(name_of<Scope>(scopes, e.scope)) : format_activation_entries(e.entries));
  const auto add = [&](std::string_view key, std::string_view text) {
    option += "," + std::string(key) + "=" + std::string(text);
  };
  add("site", name_of<Site>(sites, e.site));
  add("layers", format_ranges(e.layers));
  if (e.finds()) {
    add("over", number_text(e.rule.least));
    add("times", number_text(e.rule.times_median));
    if (e.scope == Scope::Published) add("dims", format_ranges(e.dims, 0));
  }
  add("set", e.set == ActivationEdit::Set::Zero   ? "zero"
             : e.set == ActivationEdit::Set::Mean ? "mean"
                                                  : number_text(e.value));
  if (e.set == ActivationEdit::Set::Mean && !e.means.empty()) {
    std::string means;
    const auto text = [](const std::optional<float>& mean) {
      return mean ? number_text(static_cast<double>(*mean)) : "-";
    };
    for (const ActivationMean& m : e.means) {
      means += (means.empty() ? "" : " ") +
               (m.layer == ActivationMean::every ? "*" : std::to_string(m.layer + 1)) + ":" +
               std::to_string(m.dim) + ":" + text(m.start) + ":" + text(m.other);
    }
    add("means", means);
  }
  add("control", name_of<bool>(controls, e.control));
  return option;
}

ActivationEdit parse_activation_edit(std::string_view text) {
  ActivationEdit edit;
  const Settings settings = read_settings(text, subject);
  for (const auto& [key, value] : settings) set(edit, key, value);
  check_together(edit, settings);
  return edit;
}

}  // namespace qkscope

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "core/base/blanks.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/run/disruption.h"
#include "core/run/disruption_words.h"
#include "core/run/option_settings.h"

namespace qkscope {

namespace {

constexpr std::string_view subject = "Disruption";

constexpr std::array<std::pair<std::string_view, PickKind>, 4> kinds = {{{"lambda", PickKind::Lambda},
                                                                         {"largest", PickKind::Largest},
                                                                         {"smallest", PickKind::Smallest},
                                                                         {"random", PickKind::Random}}};
constexpr std::array<std::pair<std::string_view, Replace>, 4> replaces = {
    {{"mean", Replace::Mean}, {"zero", Replace::Zero}, {"max", Replace::Max}, {"min", Replace::Min}}};
constexpr std::array<std::pair<std::string_view, Pool>, 3> pools = {
    {{"chosen", Pool::Chosen}, {"head", Pool::Head}, {"own", Pool::Own}}};
constexpr std::array<std::pair<std::string_view, Mask>, 3> masks = {
    {{"clean", Mask::Clean}, {"live", Mask::Live}, {"position", Mask::Position}}};
constexpr std::array<std::pair<std::string_view, Phase>, 2> phases = {
    {{"prefill", Phase::Prefill}, {"every", Phase::EveryStep}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> caches = {{{"disrupted", true}, {"clean", false}}};

[[noreturn]] void refuse(std::string_view key, std::string_view found, const std::string& allowed) {
  refuse_setting(subject, key, found, allowed);
}

double parse_lambda(std::string_view text) {
  const auto lambda = number<double>(text);
  if (!lambda || !std::isfinite(*lambda) || *lambda < 0) refuse("lambda", text, "a number such as 5");
  return *lambda;
}

void parse_site(std::string_view text, Disruption& d) {
  d.query = d.key = d.value = false;
  if (text == "none") return;
  for (const char letter : text) {
    bool* site = letter == 'q' ? &d.query : letter == 'k' ? &d.key : letter == 'v' ? &d.value : nullptr;
    if (!site || *site) refuse("site", text, "one of q, k, qk, v, qv, kv, qkv, none");
    *site = true;
  }
  if (text.empty()) refuse("site", text, "one of q, k, qk, v, qv, kv, qkv, none");
}

/// "lambda:5", "largest:2", "smallest:lambda:5", "random:entries"
void parse_pick(std::string_view text, Disruption& d) {
  constexpr auto forms =
      "lambda:X, largest:N, smallest:N or random:N, where N is a count, lambda:X or with entries=... entries";
  Pick& pick = d.pick;
  const auto colon = text.find(':');
  const auto kind =
      std::ranges::find(kinds, text.substr(0, colon), &std::pair<std::string_view, PickKind>::first);
  if (colon == text.npos || kind == kinds.end()) refuse("pick", text, forms);
  pick.kind = kind->second;
  std::string_view rest = text.substr(colon + 1);
  if (pick.kind == PickKind::Lambda) {
    pick.lambda = parse_lambda(rest);
    return;
  }
  d.instead_of_entries = rest == "entries";
  if (d.instead_of_entries) return;
  constexpr std::string_view matched = "lambda:";
  pick.as_many_as_lambda = rest.starts_with(matched);
  if (pick.as_many_as_lambda) {
    pick.lambda = parse_lambda(rest.substr(matched.size()));
    return;
  }
  const auto n = number<int>(rest);
  if (!n || *n < 0) refuse("pick", text, forms);
  pick.n = *n;
}

void set(Disruption& d, std::string_view key, std::string_view text) {
  if (key == "site") return parse_site(text, d);
  if (key == "pick") return parse_pick(text, d);
  if (key == "entries")
    d.entries = parse_entries(text);
  else if (key == "replace")
    d.replace = value_of<Replace>(replaces, subject, key, text);
  else if (key == "pool")
    d.pool = value_of<Pool>(pools, subject, key, text);
  else if (key == "mask")
    d.mask = value_of<Mask>(masks, subject, key, text);
  else if (key == "phase")
    d.phase = value_of<Phase>(phases, subject, key, text);
  else if (key == "cache")
    d.reaches_kv_cache = value_of<bool>(caches, subject, key, text);
  else if (key == "layers")
    d.layers = parse_ranges(text, key);
  else if (key == "heads")
    d.heads = parse_ranges(text, key);
  else if (key == "seed") {
    const auto seed = number<std::uint64_t>(text);
    if (!seed) refuse(key, text, "a whole number from 0");
    d.pick.seed = *seed;
  } else {
    throw Error(
        "Disruption: unknown key " + in_quotes(key) +
        ", expected one of site, pick, seed, replace, pool, mask, phase, cache, layers, heads, entries");
  }
}

Disruption preset(std::string_view name) {
  const auto found = std::ranges::find(presets(), name, &DisruptionPreset::name);
  if (found != presets().end()) return found->disruption;
  std::string names;
  for (const auto& known : presets()) names += (names.empty() ? "" : ", ") + in_quotes(known.name);
  throw Error("Disruption: unknown preset " + in_quotes(name) + ", expected one of " + names +
              ", or settings such as site=q,pick=lambda:5");
}

/// One number of "1-4,7".
int parse_index(std::string_view text, std::string_view whole, std::string_view what, int first) {
  constexpr int most = 100000;  // no model comes near it; "1-2000000000" must not fill the memory
  const auto value = number<int>(without_blanks(text));
  if (!value || *value < first || *value > most) {
    throw Error(std::string(what) + " is " + in_quotes(whole) + ", expected all, or numbers from " +
                std::to_string(first) + " and ranges such as 1-4,7");
  }
  return *value;
}

}  // namespace

std::string_view kind_name(PickKind kind) {
  return name_of<PickKind>(kinds, kind);
}
std::string_view replace_name(Replace replace) {
  return name_of<Replace>(replaces, replace);
}
std::string_view pool_name(Pool pool) {
  return name_of<Pool>(pools, pool);
}
std::string_view mask_name(Mask mask) {
  return name_of<Mask>(masks, mask);
}
std::string_view phase_name(Phase phase) {
  return name_of<Phase>(phases, phase);
}

namespace {

/// What an entries list leaves without a say, and what alone makes sense beside one, is refused.
void check_together(const Disruption& d, const Settings& settings) {
  if (d.entries.empty()) {
    if (d.instead_of_entries) refuse("pick", "entries", "entries=... beside it");
    return;
  }
  for (const auto& [key, value] : settings) {
    const bool silent = key == "site" || key == "layers" || key == "heads" || key == "mask" ||
                        (key == "pick" && !d.instead_of_entries);
    if (!silent) continue;
    throw Error("Disruption: " + in_quotes(std::string(key) + "=" + value) +
                " has no say beside entries=..., which names site, layer and head of every column; leave one "
                "of the two out");
  }
}

/// "site=q,pick=lambda:5", "entries=q 3:1:17,pick=smallest:entries"
std::string taken_option(const Disruption& d) {
  if (!d.entries.empty()) {
    std::string option = "entries=" + format_entries(d.entries);
    if (d.instead_of_entries) option += ",pick=" + std::string(kind_name(d.pick.kind)) + ":entries";
    return option;
  }
  std::string site = std::string(d.query ? "q" : "") + (d.key ? "k" : "") + (d.value ? "v" : "");
  if (site.empty()) site = "none";
  std::string pick(kind_name(d.pick.kind));
  if (d.pick.kind == PickKind::Lambda || d.pick.as_many_as_lambda) {
    pick += (d.pick.kind == PickKind::Lambda ? ":" : ":lambda:") + number_text(d.pick.lambda);
  } else {
    pick += ":" + std::to_string(d.pick.n);
  }
  return "site=" + site + ",pick=" + pick;
}

}  // namespace

std::string to_option(const Disruption& d) {
  const bool by_rule = d.entries.empty();
  std::string option = taken_option(d);
  const auto add = [&](std::string_view key, std::string_view text) {
    option += "," + std::string(key) + "=" + std::string(text);
  };
  if (d.pick.kind == PickKind::Random && (by_rule || d.instead_of_entries))
    add("seed", std::to_string(d.pick.seed));
  add("replace", replace_name(d.replace));
  add("pool", pool_name(d.pool));
  if (by_rule) add("mask", mask_name(d.mask));
  add("phase", phase_name(d.phase));
  add("cache", name_of<bool>(caches, d.reaches_kv_cache));
  if (by_rule) add("layers", format_ranges(d.layers));
  if (by_rule) add("heads", format_ranges(d.heads));
  return option;
}

Disruption parse_disruption(std::string_view text) {
  if (text.find('=') == text.npos) return preset(text);
  Disruption d;
  const Settings settings = read_settings(text, subject);
  for (const auto& [key, value] : settings) set(d, key, value);
  check_together(d, settings);
  return d;
}

std::vector<int> parse_ranges(std::string_view text, std::string_view what, int first) {
  std::vector<int> indices;
  if (without_blanks(text) == "all") return indices;
  const std::string_view whole = text;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
    const auto dash = part.find('-');
    const int begin = parse_index(part.substr(0, dash), whole, what, first);
    const int end = dash == part.npos ? begin : parse_index(part.substr(dash + 1), whole, what, first);
    if (end < begin) {
      throw Error(std::string(what) + " is " + in_quotes(whole) + ", whose range " + in_quotes(part) +
                  " runs backwards");
    }
    for (int number = begin; number <= end; ++number) indices.push_back(number - first);
  }
  std::ranges::sort(indices);
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

std::string format_ranges(const std::vector<int>& indices, int first) {
  if (indices.empty()) return "all";
  std::string text;
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t last = i;
    while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) ++last;
    if (!text.empty()) text += ",";
    text += std::to_string(indices[i] + first);
    if (last > i) text += (last == i + 1 ? "," : "-") + std::to_string(indices[last] + first);
    i = last + 1;
  }
  return text;
}

}  // namespace qkscope

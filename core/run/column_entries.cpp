#include "core/run/column_entries.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <tuple>
#include <utility>

#include "core/base/blanks.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/spec.h"
#include "core/run/disruption.h"

namespace qkscope {

namespace {

/// "0-63:0-63" of every layer of a large model; what is more than that says so with a *.
constexpr std::size_t most_entries = 1 << 20;

constexpr std::array<std::pair<char, Site>, 3> letters = {
    {{'q', Site::Query}, {'k', Site::Key}, {'v', Site::Value}}};

char letter_of(Site site) {
  return std::ranges::find(letters, site, &std::pair<char, Site>::second)->first;
}

[[noreturn]] void refuse(std::string_view text) {
  throw Error("Disruption: entries is " + in_quotes(text) +
              ", expected layer:head:dims after the letter of a site, such as q 3:1:17,18 k 4:*:7");
}

/// One of the three: "*", or a list counted from `first`.
std::vector<int> parse_part(std::string_view text, int first) {
  if (text == "*") return {ColumnEntry::every};
  if (without_blanks(text) == "all") refuse(text);
  return parse_ranges(text, "Disruption: entries", first);
}

void add_group(std::string_view group, Site site, std::vector<ColumnEntry>& entries) {
  const auto one = group.find(':'), two = one == group.npos ? one : group.find(':', one + 1);
  if (two == group.npos) refuse(group);
  const std::vector<int> layers = parse_part(group.substr(0, one), 1),
                         heads = parse_part(group.substr(one + 1, two - one - 1), 1),
                         dims = parse_part(group.substr(two + 1), 0);
  if (layers.size() * heads.size() > most_entries / dims.size() ||
      entries.size() + layers.size() * heads.size() * dims.size() > most_entries) {
    throw Error("Disruption: entries are more than " + std::to_string(most_entries) +
                "; say * where all are meant");
  }
  for (const int layer : layers) {
    for (const int head : heads) {
      for (const int dim : dims) entries.push_back({site, layer, head, dim});
    }
  }
}

std::string index_text(int index) {
  return index == ColumnEntry::every ? "*" : std::to_string(index + 1);
}

/// The layers of `spec` that an entry may lie in and has there, or why there is none.
void check_entry(const ColumnEntry& entry, const ModelSpec& spec) {
  const auto refuse = [](const std::string& what, const std::string& has) {
    throw Error("The disruption names " + what + "; " + has + ".");
  };
  const std::string site(1, static_cast<char>(std::toupper(letter_of(entry.site))));
  if (entry.layer >= spec.num_layers()) {
    refuse("layer " + std::to_string(entry.layer + 1),
           "the model has " + std::to_string(spec.num_layers()) + " layers");
  }
  int heads = 0, dims = 0;  // the most of any layer it may lie in
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    if (!entry.covers_layer(layer) || !spec.has_site({layer, entry.site})) continue;
    const AttentionSpec& attention = *spec.attention(layer);
    heads = std::max(heads, entry.site == Site::Query ? attention.num_heads : attention.num_kv_heads);
    dims = std::max(dims, entry.site == Site::Value ? attention.value_dim : attention.head_dim);
  }
  const std::string where =
      site + (entry.layer == ColumnEntry::every ? "" : " in layer " + std::to_string(entry.layer + 1));
  if (heads == 0) refuse(where, "there is no attention with one of its own");
  if (entry.head >= heads) {
    refuse("head " + std::to_string(entry.head + 1) + " of " + where,
           "there are " + std::to_string(heads) + (entry.site == Site::Query ? " heads" : " KV heads"));
  }
  if (entry.dim >= dims)
    refuse("dim " + std::to_string(entry.dim) + " of " + where,
           "dims go from 0 to " + std::to_string(dims - 1));
}

}  // namespace

std::vector<ColumnEntry> ordered(std::vector<ColumnEntry> entries) {
  std::ranges::sort(entries);
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

std::vector<ColumnEntry> parse_entries(std::string_view text) {
  std::vector<ColumnEntry> entries;
  const Site* site = nullptr;
  bool waits = false;  // for what the letter is the letter of
  for (std::string_view rest = without_blanks(text); !rest.empty(); rest = without_blanks(rest)) {
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r\n"));
    rest.remove_prefix(word.size());
    const auto letter =
        std::ranges::find(letters, static_cast<char>(std::tolower(static_cast<unsigned char>(word.front()))),
                          &std::pair<char, Site>::first);
    if (word.size() == 1 && letter != letters.end()) {
      if (waits) refuse(text);
      site = &letter->second;
      waits = true;
    } else {
      if (!site) refuse(text);
      add_group(word, *site, entries);
      waits = false;
    }
  }
  if (entries.empty() || waits) refuse(text);
  return ordered(std::move(entries));
}

std::string format_entries(const std::vector<ColumnEntry>& entries) {
  std::string text;
  for (auto first = entries.begin(); first != entries.end();) {
    const auto group = [](const ColumnEntry& e) { return std::tuple(e.site, e.layer, e.head); };
    const auto last =
        std::find_if(first, entries.end(), [&](const ColumnEntry& e) { return group(e) != group(*first); });
    if (first == entries.begin() || std::prev(first)->site != first->site)
      text += std::string(text.empty() ? "" : " ") + letter_of(first->site);
    const std::string place = " " + index_text(first->layer) + ":" + index_text(first->head) + ":";
    std::vector<int> dims;
    for (auto entry = first; entry != last; ++entry) {
      if (entry->dim == ColumnEntry::every) {
        text += place + "*";
      } else {
        dims.push_back(entry->dim);
      }
    }
    if (!dims.empty()) text += place + format_ranges(dims, 0);
    first = last;
  }
  return text;
}

void check_entries(const std::vector<ColumnEntry>& entries, const ModelSpec& spec) {
  for (const ColumnEntry& entry : entries) check_entry(entry, spec);
}

}  // namespace qkscope

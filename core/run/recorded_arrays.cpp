#include "core/run/recorded_arrays.h"

#include <charconv>
#include <limits>

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {
namespace {

const std::string mean_of_heads = "mean";

std::string name_of(SiteId where) {
  return "layers." + std::to_string(where.layer) + "." + std::string(site_name(where.site));
}
std::string name_of(HeadId where) {
  return "layers." + std::to_string(where.layer) + ".head." +
         (where.head == HeadId::mean ? mean_of_heads : std::to_string(where.head));
}

}  // namespace

RunArrays::RunArrays(const Run& run, const Run* base) {
  const Capture *mine = &run.capture, *shared = base ? &base->capture : nullptr;
  add_shared(mine->norms, shared ? &shared->norms : nullptr, ".norm");
  add_shared(mine->row_norms, shared ? &shared->row_norms : nullptr, ".row_norm");
  add_shared(mine->values, shared ? &shared->values : nullptr, "");
  add_shared(mine->patterns, shared ? &shared->patterns : nullptr, ".pattern");
  for (const auto& [where, summary] : mine->activations) {
    const bool of_base = shared && where.layer < run.first_layer && shared->activations.contains(where);
    if (!of_base) add_activations(name_of(where), summary);
  }
  add_tokens("next", run.next_tokens);
  add("answer", std::vector<std::int64_t>(run.answer.begin(), run.answer.end()));
  add_score("continuation", run.continuation);
  add_score("prompt", run.prompt_text);
}

template <typename Id>
void RunArrays::add_shared(const std::map<Id, SharedArray>& arrays, const std::map<Id, SharedArray>* of_base,
                           const char* ending) {
  for (const auto& [where, array] : arrays) {
    const auto same = of_base ? of_base->find(where) : arrays.end();
    if (of_base && same != of_base->end() && &*same->second == &*array) continue;
    writer_.add(name_of(where) + ending, *array);
  }
}

void RunArrays::add_activations(const std::string& name, const ActivationSummary& summary) {
  add(name + ".median", std::vector<float>{summary.median});
  const auto add_list = [&](const char* which, const std::vector<ActivationAt>& list) {
    std::vector<float> values;
    std::vector<std::int64_t> places;
    for (const ActivationAt& at : list) {
      values.push_back(at.value);
      places.insert(places.end(), {at.position, at.dim});
    }
    add(name + which, std::move(values));
    add(name + which + ".places", std::move(places));
  };
  add_list(".top", summary.top);
  add_list(".massive", summary.massive);
  add_list(".largest", summary.largest);
}

void RunArrays::add_tokens(const std::string& name, const std::vector<TokenProbability>& tokens) {
  std::vector<std::int64_t> ids;
  std::vector<float> logits, probabilities;
  for (const TokenProbability& token : tokens) {
    ids.push_back(token.id);
    logits.push_back(token.logit);
    probabilities.push_back(token.probability);
  }
  add(name + ".ids", std::move(ids));
  add(name + ".logits", std::move(logits));
  add(name + ".probabilities", std::move(probabilities));
}

void RunArrays::add_score(const std::string& name, const std::optional<Perplexity>& score) {
  if (!score) return;
  add(name + ".tokens", std::vector<std::int64_t>(score->tokens.begin(), score->tokens.end()));
  add(name + ".nll", score->nll);
  std::vector<TokenProbability> all;
  for (const auto& tokens : score->alternatives) all.insert(all.end(), tokens.begin(), tokens.end());
  if (!all.empty()) add_tokens(name + ".alternatives", all);
}

void RunArrays::add(const std::string& name, std::vector<float> numbers) {
  const auto size = static_cast<std::int64_t>(numbers.size());
  writer_.add(name, arrays_.emplace_back(Array{{size}, std::move(numbers)}));
}

void RunArrays::add(const std::string& name, std::vector<std::int64_t> numbers) {
  writer_.add(name, std::span<const std::int64_t>(integers_.emplace_back(std::move(numbers))));
}

namespace {

/// Takes array after array out of a file, by name.
class RunReader {
 public:
  RunReader(ArrayFile file, const ModelSpec& spec, const ActivationRule& rule, const std::string& where,
            Run& run)
      : file_(std::move(file)), spec_(spec), rule_(rule), where_(where), run_(run) {}

  void read() {
    // Everything that is asked for by its name first; what is left are layers.
    run_.next_tokens = tokens("next");
    run_.answer = ids("answer");
    run_.continuation = score("continuation", PerplexityDefinition::Continuation);
    run_.prompt_text = score("prompt", PerplexityDefinition::Text);
    for (int layer = 0; layer < spec_.num_layers(); ++layer) {
      for (int site = 0; site <= static_cast<int>(Site::Logits); ++site)
        activations({layer, static_cast<Site>(site)});
    }
    for (auto& [name, array] : file_.arrays) captured(name, std::move(array));
    if (!file_.integers.empty()) unknown(file_.integers.begin()->first);
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    throw Error(where_ + ": the array " + in_quotes(name) + " " + what + "; record it again");
  }
  [[noreturn]] void unknown(const std::string& name) const {
    fail(name, "is none that a recorded run of this model has");
  }

  /// All numbers of an array of one axis.
  std::vector<float> floats(const std::string& name) {
    auto found = file_.arrays.extract(name);
    if (found.empty()) throw Error(where_ + " has no array " + in_quotes(name) + "; record it again");
    if (found.mapped().shape.size() != 1) {
      fail(name, "has the shape " + shape_text(found.mapped().shape) + ", expected one axis");
    }
    return std::move(found.mapped().data);
  }
  std::vector<std::int64_t> integers(const std::string& name, std::int64_t most) {
    auto found = file_.integers.extract(name);
    if (found.empty()) throw Error(where_ + " has no whole numbers " + in_quotes(name) + "; record it again");
    for (const std::int64_t number : found.mapped()) {
      if (number < 0 || number > most)
        fail(name, "holds " + std::to_string(number) + ", expected 0 to " + std::to_string(most));
    }
    return std::move(found.mapped());
  }
  TokenIds ids(const std::string& name) {
    const auto numbers = integers(name, std::numeric_limits<int>::max());
    return {numbers.begin(), numbers.end()};
  }
  void check_count(const std::string& name, std::size_t count, std::size_t expected) const {
    if (count == expected) return;
    fail(name, "has " + std::to_string(count) + " numbers, expected " + std::to_string(expected));
  }

  std::vector<TokenProbability> tokens(const std::string& name) {
    const TokenIds list = ids(name + ".ids");
    const auto logits = floats(name + ".logits"), probabilities = floats(name + ".probabilities");
    check_count(name + ".logits", logits.size(), list.size());
    check_count(name + ".probabilities", probabilities.size(), list.size());
    std::vector<TokenProbability> all;
    for (std::size_t i = 0; i < list.size(); ++i) all.push_back({list[i], logits[i], probabilities[i]});
    return all;
  }

  std::optional<Perplexity> score(const std::string& name, PerplexityDefinition definition) {
    if (!file_.arrays.contains(name + ".nll")) return {};
    Perplexity score{definition, ids(name + ".tokens"), floats(name + ".nll"), {}};
    check_count(name + ".nll", score.nll.size(), score.tokens.size());
    const std::string alternatives = name + ".alternatives";
    if (!file_.integers.contains(alternatives + ".ids")) return score;
    const auto all = tokens(alternatives);
    if (score.tokens.empty() || all.size() % score.tokens.size() != 0)
      fail(alternatives + ".ids", "has " + std::to_string(all.size()) +
                                      " numbers, which cannot be shared out among " +
                                      std::to_string(score.tokens.size()) + " tokens");
    const auto each = static_cast<std::ptrdiff_t>(all.size() / score.tokens.size());
    for (auto at = all.begin(); at != all.end(); at += each) score.alternatives.emplace_back(at, at + each);
    return score;
  }

  void activations(SiteId where) {
    const std::string name = name_of(where);
    if (!file_.arrays.contains(name + ".median")) return;
    const auto list = [&](const char* which) {
      const std::string values = name + which, places = values + ".places";
      const auto numbers = floats(values);
      const auto at = integers(places, std::numeric_limits<int>::max());
      check_count(places, at.size(), 2 * numbers.size());
      std::vector<ActivationAt> all;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (at[2 * i] >= run_.capture.positions || at[2 * i + 1] >= spec_.hidden_size)
          fail(places, "names position " + std::to_string(at[2 * i]) + ", dim " +
                           std::to_string(at[2 * i + 1]) + ", but there are " +
                           std::to_string(run_.capture.positions) + " positions of " +
                           std::to_string(spec_.hidden_size) + " dims");
        all.push_back({static_cast<int>(at[2 * i]), static_cast<int>(at[2 * i + 1]), numbers[i]});
      }
      return all;
    };
    const auto median = floats(name + ".median");
    check_count(name + ".median", median.size(), 1);
    run_.capture.activations[where] = {list(".top"), median.front(), rule_, list(".massive"),
                                       list(".largest")};
  }

  /// M, values or a pattern.
  void captured(const std::string& name, Array array) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= name.size();) {
      const std::size_t to = std::min(name.find('.', from), name.size());
      parts.push_back(name.substr(from, to - from));
      from = to + 1;
    }
    const int layer = parts.size() > 2 && parts[0] == "layers" ? index_from(parts[1]).value_or(-1) : -1;
    if (layer < 0 || layer >= spec_.num_layers()) unknown(name);
    const std::int64_t length = run_.capture.positions;
    const bool is_row_norm = parts.size() == 4 && parts[3] == "row_norm";
    if (const auto of = is_row_norm || parts.size() == 3 ? site_from_name(parts[2]) : std::nullopt;
        of && (is_row_norm || of == Site::ResidPost)) {
      check_shape(name, array, is_row_norm ? std::vector{length} : std::vector{length, hidden_size()});
      (is_row_norm ? run_.capture.row_norms : run_.capture.values)[{layer, *of}] = std::move(array);
      return;
    }
    const AttentionSpec* attention = spec_.attention(layer);
    if (!attention) unknown(name);
    if (parts.size() == 5 && parts[2] == "head" && parts[4] == "pattern") {
      const bool mean = parts[3] == mean_of_heads;
      const int head = mean ? HeadId::mean : index_from(parts[3]).value_or(attention->num_heads);
      if (head >= attention->num_heads) unknown(name);
      check_shape(name, array, {length, length});
      run_.capture.patterns[{layer, head}] = std::move(array);
      return;
    }
    const bool is_norm = parts.size() == 4 && parts[3] == "norm";
    const auto site = is_norm || parts.size() == 3 ? site_from_name(parts[2]) : std::nullopt;
    const bool is_query = site == Site::Query || site == Site::QueryPreRope;
    const bool is_key = site == Site::Key || site == Site::KeyPreRope;
    if (!is_query && !is_key && site != Site::Value) unknown(name);
    const std::int64_t heads = is_query ? attention->num_heads : attention->num_kv_heads,
                       dims = site == Site::Value ? attention->value_dim : attention->head_dim;
    if (is_norm) {
      check_shape(name, array, {heads, dims});
      run_.capture.norms[{layer, *site}] = std::move(array);
    } else {
      check_shape(name, array, {length, heads, dims});
      run_.capture.values[{layer, *site}] = std::move(array);
    }
  }

  std::int64_t hidden_size() const { return spec_.hidden_size; }

  void check_shape(const std::string& name, const Array& array,
                   const std::vector<std::int64_t>& expected) const {
    if (array.shape == expected) return;
    fail(name, "has the shape " + shape_text(array.shape) + ", expected " + shape_text(expected));
  }

  ArrayFile file_;
  const ModelSpec& spec_;
  const ActivationRule& rule_;
  const std::string& where_;
  Run& run_;
};

}  // namespace

std::optional<int> index_from(std::string_view text) {
  int value = -1;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end || value < 0) return {};
  return value;
}

void read_run(ArrayFile file, const ModelSpec& spec, const ActivationRule& rule, const Run* base,
              const std::string& where, Run& run) {
  RunReader(std::move(file), spec, rule, where, run).read();
  if (!base) return;
  // The layers below the first that was edited are the baseline's own.
  const auto fill = [&](auto& mine, const auto& of_base) {
    for (const auto& [at, array] : of_base) {
      if (at.layer < run.first_layer) mine.try_emplace(at, array);
    }
  };
  fill(run.capture.norms, base->capture.norms);
  fill(run.capture.row_norms, base->capture.row_norms);
  fill(run.capture.values, base->capture.values);
  fill(run.capture.patterns, base->capture.patterns);
  fill(run.capture.activations, base->capture.activations);
}

}  // namespace qkscope

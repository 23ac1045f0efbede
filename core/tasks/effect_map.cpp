#include "core/tasks/effect_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iomanip>
#include <map>
#include <span>
#include <sstream>
#include <tuple>

#include "core/base/error.h"
#include "core/model/spec.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

constexpr std::array sites = {EffectSite::Query, EffectSite::Key, EffectSite::Both};

/// Of the first `count` losses.
double mean_of(const std::vector<float>& nll, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(nll[i]);
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

bool begins(const TokenIds& whole, const TokenIds& beginning) {
  return beginning.size() <= whole.size() &&
         std::ranges::equal(beginning, std::span(whole).first(beginning.size()));
}

/// Runs of one question that differ in their edits.
class Question {
 public:
  Question(Runner& runner, const RunRequest& request, std::stop_token stop)
      : runner_(runner), request_(request), stop_(std::move(stop)) {
    if (request_.sampling.temperature > 0)
      throw Error(
          "An effect map compares answers, and drawn ones differ by chance; leave the temperature at 0");
    request_.edits = {};
    request_.score_continuation = true;
    if (!request_.expected.empty())
      request_.max_new_tokens = std::min(request_.max_new_tokens, static_cast<int>(request_.expected.size()));
    const auto baseline = runner_.run(request_, {}, stop_);
    answer_ = baseline->answer;
    expected_ = request_.expected.empty() ? answer_ : request_.expected;
    if (expected_.empty())
      throw Error("The model answers nothing, and no answer is expected; give the one that is scored");
    request_.max_new_tokens = 0;
    request_.top_scored_tokens = 1;
    baseline_nll_ = baseline->continuation->nll;
    perplexity_ = baseline->continuation->value();
  }

  const TokenIds& expected() const { return expected_; }
  const TokenIds& answer() const { return answer_; }
  std::optional<double> perplexity() const { return perplexity_; }

  /// One pass over prompt and answer, where the expected answer begins the model's or the other way round:
  /// greedy decoding writes the same answer where each of its tokens is the most probable one in its place.
  void ask(const Edit& edit, EffectCell& cell) {
    const bool at_once = begins(answer_, expected_) || begins(expected_, answer_);
    const auto run = score(edit, at_once && answer_.size() > expected_.size() ? answer_ : expected_);
    const double mean = mean_of(run->continuation->nll, expected_.size());
    cell.perplexity = std::exp(mean);
    cell.change = mean - mean_of(baseline_nll_, expected_.size());
    cell.replaced = run->replaced;
    if (!answer_.empty()) cell.answer_changed = !writes_answer(at_once ? *run : *score(edit, answer_));
  }

 private:
  std::shared_ptr<const Run> score(const Edit& edit, const TokenIds& tokens) {
    RunRequest request = request_;
    request.edits = {edit};
    request.expected = tokens;
    return runner_.run(request, {}, stop_);
  }
  bool writes_answer(const Run& run) const {
    const auto& likely = run.continuation->alternatives;
    for (std::size_t i = 0; i < answer_.size(); ++i) {
      if (likely[i].front().id != answer_[i]) return false;
    }
    return true;
  }

  Runner& runner_;
  RunRequest request_;
  std::stop_token stop_;
  TokenIds answer_, expected_;
  std::vector<float> baseline_nll_;  // of the expected answer
  std::optional<double> perplexity_;
};

Edit edit_of(Disruption disruption, const EffectCell& cell, std::uint64_t seed) {
  disruption.query = cell.site != EffectSite::Key;
  disruption.key = cell.site != EffectSite::Query;
  disruption.value = false;
  disruption.layers = {cell.layer};
  disruption.heads = cell.head < 0 ? std::vector<int>() : std::vector<int>{cell.head};
  if (cell.pick == EffectPick::Massive) return disruption;
  return control_of(Edit(disruption),
                    cell.pick == EffectPick::Smallest ? PickKind::Smallest : PickKind::Random, seed);
}

}  // namespace

std::string_view effect_name(EffectSite site) {
  return site == EffectSite::Query ? "q" : site == EffectSite::Key ? "k" : "qk";
}

std::string_view effect_name(EffectPick pick) {
  return pick == EffectPick::Massive ? "massive" : pick == EffectPick::Smallest ? "smallest" : "random";
}

Edit EffectMap::edit(const EffectCell& cell) const {
  return edit_of(disruption, cell, disruption.pick.seed);
}

std::string to_csv(const EffectMap& map) {
  std::ostringstream text;
  text << std::setprecision(9) << "layer,head,site,pick,perplexity,change,answer_changed,replaced\n";
  for (const EffectCell& cell : map.cells) {
    text << cell.layer << ',';
    if (cell.head >= 0) text << cell.head;
    text << ',' << effect_name(cell.site) << ',' << effect_name(cell.pick) << ',';
    if (cell.perplexity) text << *cell.perplexity;
    text << ',' << cell.change << ',' << (cell.answer_changed ? "true" : "false") << ',' << cell.replaced
         << '\n';
  }
  return text.str();
}

EffectMap effect_map(Runner& runner, const ModelSpec& spec, const RunRequest& request,
                     const EffectSettings& settings,
                     const std::function<void(const EffectCell&, std::size_t, std::size_t)>& on_cell,
                     std::stop_token stop) {
  if (!settings.disruption.entries.empty())
    throw Error(
        "An effect map goes from layer to layer by a rule, and listed entries have none; give a pick");
  Question question(runner, request, stop);
  EffectMap map{question.expected(), question.answer(), question.perplexity(), {}, settings.disruption};
  map.disruption.pick.seed = settings.seed;
  std::vector<std::pair<int, int>> rows;  // (layer, head)
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    for (int head = settings.per_head ? 0 : -1; head < (settings.per_head ? spec.num_heads() : 0); ++head)
      rows.emplace_back(layer, head);
  }
  const std::size_t of = rows.size() * sites.size() * 3;
  const auto ask = [&](std::pair<int, int> row, EffectSite site, EffectPick pick) {
    EffectCell cell{row.first, row.second, site, pick, {}, 0, false, 0};
    const auto known = std::ranges::find_if(settings.known, [&](const EffectCell& other) {
      return std::tie(other.layer, other.head, other.site, other.pick) ==
             std::tie(cell.layer, cell.head, cell.site, cell.pick);
    });
    if (known != settings.known.end()) {
      cell = *known;
    } else {
      question.ask(map.edit(cell), cell);
    }
    map.cells.push_back(cell);
    if (on_cell) on_cell(cell, map.cells.size(), of);
    return std::abs(cell.change);
  };
  std::map<std::pair<int, int>, double> strength;
  for (const auto& row : rows) {
    for (const EffectSite site : sites)
      strength[row] = std::max(strength[row], ask(row, site, EffectPick::Massive));
  }
  std::ranges::stable_sort(rows, std::greater(), [&](const auto& row) { return strength[row]; });
  for (const auto& row : rows) {
    for (const EffectPick pick : {EffectPick::Smallest, EffectPick::Random}) {
      for (const EffectSite site : sites) ask(row, site, pick);
    }
  }
  return map;
}

}  // namespace qkscope

#include "core/tasks/effect_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>

#include "core/base/error.h"
#include "core/model/spec.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

constexpr std::array sites = {EffectSite::Query, EffectSite::Key, EffectSite::Both};

double mean_of(const Perplexity& perplexity) {
  double sum = 0;
  for (const float nll : perplexity.nll) sum += static_cast<double>(nll);
  return perplexity.nll.empty() ? 0 : sum / static_cast<double>(perplexity.nll.size());
}

/// Runs of one question that differ in their edits.
class Question {
 public:
  Question(Runner& runner, const RunRequest& request, std::stop_token stop)
      : runner_(runner), request_(request), stop_(std::move(stop)) {
    request_.edits = {};
    request_.score_continuation = true;
    baseline_ = runner_.run(request_, {}, stop_);
    scores_answer_ = request_.expected.empty();
    if (scores_answer_) request_.expected = baseline_->answer;
    if (request_.expected.empty())
      throw Error("The model answers nothing, and no answer is expected; give the one that is scored");
  }

  const Run& baseline() const { return *baseline_; }
  const TokenIds& expected() const { return request_.expected; }

  void ask(const Edit& edit, EffectCell& cell) {
    RunRequest request = request_;
    request.edits = {edit};
    request.max_new_tokens = 0;
    if (scores_answer_ || request_.max_new_tokens == 0) {
      const auto run = runner_.run(request, {}, stop_);
      note(*run->continuation, cell);
      cell.replaced = run->replaced;
      // A token with more than half of the probability is the one that greedy decoding takes: no need to
      // write.
      const auto taken = [](float nll) { return nll < std::numbers::ln2_v<float> - 1e-4F; };
      if (request_.max_new_tokens == 0 ||
          (request_.sampling.temperature <= 0 && std::ranges::all_of(run->continuation->nll, taken)))
        return;
    }
    request.max_new_tokens = request_.max_new_tokens;
    write(request, cell);
  }

 private:
  void note(const Perplexity& score, EffectCell& cell) const {
    cell.perplexity = score.value();
    cell.change = mean_of(score) - mean_of(*baseline_->continuation);
  }

  /// The answer, until it is another than the baseline's.
  void write(const RunRequest& request, EffectCell& cell) {
    std::stop_source differs;
    const std::stop_callback outer(stop_, [&differs] { differs.request_stop(); });
    std::size_t at = 0;
    RunEvents events;
    events.prefilled = [&cell](Arm arm, const std::shared_ptr<const Run>& run) {
      if (arm == Arm::Disrupted) cell.replaced = run->replaced;
    };
    events.scored = [&](Arm arm, const Perplexity& score) {
      if (arm == Arm::Disrupted) note(score, cell);
    };
    events.token = [&](Arm, int id) {
      if (at < baseline_->answer.size() && baseline_->answer[at++] == id) return;
      cell.answer_changed = true;
      differs.request_stop();
    };
    try {
      const auto run = runner_.run(request, events, differs.get_token());
      cell.answer_changed = run->answer != baseline_->answer;
    } catch (const Cancelled&) {
      if (stop_.stop_requested()) throw;
    }
  }

  Runner& runner_;
  RunRequest request_;
  std::stop_token stop_;
  std::shared_ptr<const Run> baseline_;
  bool scores_answer_ = false;
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

EffectMap effect_map(Runner& runner, const ModelSpec& spec, const RunRequest& request,
                     const EffectSettings& settings,
                     const std::function<void(const EffectCell&, std::size_t, std::size_t)>& on_cell,
                     std::stop_token stop) {
  if (!settings.disruption.entries.empty())
    throw Error(
        "An effect map goes from layer to layer by a rule, and listed entries have none; give a pick");
  Question question(runner, request, stop);
  EffectMap map{question.expected(),
                question.baseline().answer,
                question.baseline().continuation->value(),
                {},
                settings.disruption};
  map.disruption.pick.seed = settings.seed;
  std::vector<std::pair<int, int>> rows;  // (layer, head)
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    for (int head = settings.per_head ? 0 : -1; head < (settings.per_head ? spec.num_heads() : 0); ++head)
      rows.emplace_back(layer, head);
  }
  const std::size_t of = rows.size() * sites.size() * 3;
  const auto ask = [&](std::pair<int, int> row, EffectSite site, EffectPick pick) {
    EffectCell cell{row.first, row.second, site, pick, {}, 0, false, 0};
    question.ask(map.edit(cell), cell);
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

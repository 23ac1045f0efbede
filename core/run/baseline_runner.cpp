#include "core/run/baseline_runner.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/model/products/product.h"
#include "core/run/generate.h"
#include "core/run/passes.h"

namespace qkscope {

RequestTap prefill_tap(Arm arm, const Needs& needs, Intervention* intervention, int num_layers,
                       const RunEvents& events, std::stop_token stop) {
  RequestTap tap(&needs, intervention, /*prefill=*/true, std::move(stop));
  if (events.norm) tap.on_norm = [&events, arm](SiteId id, const SharedArray& m) { events.norm(arm, id, m); };
  if (events.layer)
    tap.on_layer = [&events, arm, num_layers](int layer) { events.layer(arm, layer, num_layers); };
  if (events.progress)
    tap.on_part = [&events, arm, num_layers](int layer, double part) {
      events.progress(arm, layer + part, num_layers);
    };
  return tap;
}

std::shared_ptr<Baseline> BaselineRunner::prefill(const TokenIds& prompt, Needs needs,
                                                  const RunEvents& events, std::stop_token stop,
                                                  Prefixes prefixes) {
  const bool by_rule = needs.left_out.which == LeftOut::Which::Massive;
  if (by_rule) {
    Needs found;
    found.activations.sites = {Site::ResidPost};
    found.activations.rule = needs.left_out.rule;
    needs |= found;
  }
  std::shared_ptr<Baseline> baseline = store_.find(prompt);
  if (!baseline) {
    baseline = begun(prompt, needs, prefixes);
    store_.add(baseline);
  }
  const Capture& kept = baseline->prefill.run->capture;
  if (!by_rule) baseline->leave_out(left_out_positions(needs.left_out, kept));
  if (!baseline->prefill.logits.defined()) finish(*baseline, needs, events, stop);
  if (by_rule) {
    // Which positions these are is not known before the last layer is done.
    Needs found;
    found.activations = needs.activations;
    grow(*baseline, found, events, stop);
    baseline->leave_out(left_out_positions(needs.left_out, kept));
  }
  grow(*baseline, needs, events, stop);
  store_.trim();
  return baseline;
}

std::shared_ptr<Baseline> BaselineRunner::begun(const TokenIds& prompt, const Needs& needs,
                                                Prefixes prefixes) const {
  auto baseline = std::make_shared<Baseline>();
  baseline->prompt = prompt;
  baseline->prefill.run->capture.positions = static_cast<int>(prompt.size());
  Needs norms;
  norms.norms = needs.norms;
  baseline->keeps_rows = prefixes == Prefixes::Shared && needs == norms && decoder_.prefixes_stand_alone();
  if (baseline->keeps_rows && begin_alike(*baseline, needs)) return baseline;
  baseline->prefill.cache = State(decoder_.spec().num_layers());
  baseline->prefill.residuals[0] = decoder_.embed(prompt, baseline->prefill.cache);
  return baseline;
}

/// From the kept prompt with which it has most in common; false where that is too little.
bool BaselineRunner::begin_alike(Baseline& baseline, const Needs& needs) const {
  const int num_layers = decoder_.spec().num_layers();
  const auto common = [&](const Baseline& other) {
    const auto there = std::ranges::all_of(needs.norms, [&](Site site) {
      return other.rows.contains({0, site}) && other.rows.contains({num_layers - 1, site});
    });
    const bool done = other.prefill.logits.defined();
    return there && done ? std::ranges::mismatch(baseline.prompt, other.prompt).in1 - baseline.prompt.begin()
                         : 0;
  };
  const auto& all = store_.all();
  const auto found = std::ranges::max_element(all, {}, [&](const auto& other) { return common(*other); });
  if (found == all.end()) return false;
  const Baseline& other = **found;
  const std::int64_t shared =
      std::min<std::int64_t>(common(other), std::ssize(baseline.prompt) - few_rows - 1);
  if (shared <= few_rows) return false;
  const auto begin_of = [shared](const at::Tensor& x) { return x.narrow(0, 0, shared); };
  for (const auto& [id, rows] : other.rows) baseline.before[id] = begin_of(rows);
  for (const auto& [layer, residual] : other.prefill.residuals)
    baseline.before[{layer, Site::ResidPre}] = begin_of(residual);
  baseline.before[{num_layers - 1, Site::ResidPost}] = begin_of(other.prefill.residual);
  baseline.shared = shared;
  State& cache = baseline.prefill.cache = other.prefill.cache.fork();
  cache.rollback(static_cast<int>(shared));
  const TokenIds rest(baseline.prompt.begin() + shared, baseline.prompt.end());
  baseline.prefill.residuals[0] =
      at::cat({baseline.before.at({0, Site::ResidPre}), decoder_.embed(rest, cache)});
  return true;
}

/// The layers that are not done: all of them, but where an earlier pass was cancelled.
void BaselineRunner::finish(Baseline& baseline, const Needs& needs, const RunEvents& events,
                            std::stop_token stop) {
  const auto begun = Clock::now();
  Prefill& prefill = baseline.prefill;
  const int num_layers = decoder_.spec().num_layers(), first = prefill.residuals.rbegin()->first;
  RequestTap tap = prefill_tap(Arm::Baseline, needs, nullptr, num_layers, events, stop);
  tap.keep_residuals = true;
  tap.keep_rows = baseline.keeps_rows;
  const std::int64_t shared = baseline.shared, own = std::ssize(baseline.prompt) - shared;
  if (shared > 0) tap.before = &baseline.before;
  tap.left_out = prefill.run->capture.left_out;
  // The layer whose residual stream is the last to be there may be half done: it is done again.
  const auto keep = [&](int layers_done) {
    prefill.residuals.insert(tap.residuals().begin(), tap.residuals().end());
    baseline.rows.insert(tap.rows().begin(), tap.rows().end());
    tap.take(prefill.run->capture);
    for (int layer = first; layer < layers_done; ++layer) baseline.note(layer, needs);
    prefill.run->prefill_ms += ms_since(begun);
  };
  at::Tensor residual;
  try {
    const at::Tensor entering = prefill.residuals.at(first).narrow(0, shared, own);
    residual = decoder_.run_layers(entering, first, num_layers, prefill.cache, tap);
  } catch (const Cancelled&) {
    keep(tap.residuals().empty() ? first : tap.residuals().rbegin()->first);
    throw;
  }
  prefill.residual =
      shared > 0 ? at::cat({baseline.before.at({num_layers - 1, Site::ResidPost}), residual}) : residual;
  prefill.logits = decoder_.logits(residual.narrow(0, -1, 1), tap)[0];
  prefill.cache.advance(static_cast<int>(own));
  baseline.before.clear();
  keep(num_layers);
  baseline.note(-1, needs);
}

/// What is asked of a layer for the first time is computed from the residual stream kept before it: the same
/// numbers as in the whole pass, to the last bit (attention scores and patterns apart: a pass that keeps
/// those goes another way, which differs in the last digits above their layer). What was kept stays, whether
/// or not this is cancelled.
void BaselineRunner::grow(Baseline& baseline, const Needs& needs, const RunEvents& events,
                          std::stop_token stop) {
  const int num_layers = decoder_.spec().num_layers();
  for (int layer = -1; layer < num_layers; ++layer) {
    const Needs more = baseline.missing(layer, needs);
    if (more.norms.empty() && more.values.empty() && more.activations.sites.empty() &&
        more.patterns.empty() && more.row_norms.empty())
      continue;
    RequestTap tap = prefill_tap(Arm::Baseline, more, nullptr, num_layers, events, stop);
    Prefill& kept = baseline.prefill;
    tap.left_out = kept.run->capture.left_out;
    if (layer < 0) {
      decoder_.logits(kept.residual.narrow(0, -1, 1), tap);
    } else {
      State scratch = kept.cache.fork(layer);  // what lower layers hold is read by those that borrow it
      scratch.rollback(0);
      decoder_.run_layers(kept.residuals.at(layer), layer, layer + 1, scratch, tap);
    }
    tap.take(kept.run->capture);
    baseline.note(layer, needs);
  }
}

/// Goes on where an earlier answer to the same question stands, cancelled or shorter.
Answer BaselineRunner::answer(const RunRequest& request, Baseline& baseline, const RunEvents& events,
                              std::stop_token stop) {
  if (!baseline.generation || baseline.stop_tokens != request.stop_tokens ||
      !(baseline.sampling == request.sampling)) {
    baseline.generation.emplace(baseline.prefill.logits, baseline.prefill.cache.fork(),
                                request.sampling.seed);
    baseline.stop_tokens = request.stop_tokens;
    baseline.sampling = request.sampling;
    baseline.decode_ms = 0;
  }
  const auto on_token = [&](int id) {
    if (events.token) events.token(Arm::Baseline, id);
  };
  Generation& state = *baseline.generation;
  Answer answer = state.answer;
  if (std::ssize(answer.ids) > request.max_new_tokens)
    answer = {TokenIds(answer.ids.begin(), answer.ids.begin() + request.max_new_tokens), false};
  for (const int id : answer.ids) on_token(id);
  if (answer.stopped || std::ssize(answer.ids) >= request.max_new_tokens) return answer;
  const auto begun = Clock::now();
  generate(decoder_, state, request, nullptr, on_token, stop);
  baseline.decode_ms += ms_since(begun);
  return state.answer;
}

}  // namespace qkscope

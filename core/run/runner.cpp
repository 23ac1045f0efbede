#include "core/run/runner.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <list>

#include "core/error.h"
#include "core/model/decoder.h"
#include "core/model/language_model.h"
#include "core/run/generate.h"
#include "core/run/request_tap.h"

namespace qkscope {

namespace {

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// What one prefill leaves behind.
struct Prefill {
  std::shared_ptr<Run> run = std::make_shared<Run>();
  KvCache cache{0};
  std::map<int, at::Tensor> residuals;  // entering each layer (T, C); kept of baselines only
  at::Tensor residual;                  // leaving the last layer (T, C)
  at::Tensor logits;                    // (vocab_size) after the last position
};

/// The undisrupted run of one prompt, and all later runs start from.
struct Baseline {
  TokenIds prompt;
  Needs needs;
  Prefill prefill;
  // The parts of a RunRequest that the baseline's answer depends on, and whether it is there yet.
  int max_new_tokens = -1;
  TokenIds stop_tokens;
  Sampling sampling;
};

/// A kept baseline may know more than was asked: equal requests give equal comparisons all the same.
std::shared_ptr<const Run> as_asked(const Run& kept, const RunRequest& request) {
  auto run = std::make_shared<Run>(kept);
  if (!request.score_continuation) run->continuation.reset();
  if (!request.score_prompt) run->prompt_text.reset();
  if (!request.score_as_published) run->as_published.reset();
  if (request.max_new_tokens == 0) {
    run->answer.clear();
    run->stopped = false;
    run->decode_ms = 0;
  }
  return run;
}

bool covers(const Needs& have, const Needs& want, const std::vector<int>& have_layers,
            const std::vector<int>& want_layers, const std::set<Site> Needs::*sites) {
  if ((want.*sites).empty()) return true;
  const bool all_sites = std::ranges::includes(have.*sites, want.*sites);
  const bool all_layers =
      have_layers.empty() || (!want_layers.empty() && std::ranges::includes(have_layers, want_layers));
  return all_sites && all_layers;
}

}  // namespace

struct Runner::Impl {
  explicit Impl(std::shared_ptr<const LanguageModel> m) : model(std::move(m)), decoder(model->decoder()) {}

  std::shared_ptr<const LanguageModel> model;
  const Decoder& decoder;
  std::list<std::shared_ptr<Baseline>> baselines;  // most recently used first
  static constexpr std::size_t kept_baselines = 8;

  Prefill prefill(Arm arm, const TokenIds& prompt, const Needs& needs, const Baseline* start,
                  Intervention* intervention, const RunEvents& events, std::stop_token stop);
  std::shared_ptr<Baseline> baseline(const RunRequest& request, const RunEvents& events,
                                     std::stop_token stop);
  void answer(Arm arm, const RunRequest& request, Prefill& prefill, Intervention* intervention,
              const RunEvents& events, std::stop_token stop);
  void score(Arm arm, const RunRequest& request, const TokenIds& continuation, Prefill& prefill,
             Intervention* intervention, const RunEvents& events, std::stop_token stop);
};

/// `start` null: from the embedding. Else from the baseline's residual stream at the first disrupted layer,
/// whose lower layers are the baseline's own.
Prefill Runner::Impl::prefill(Arm arm, const TokenIds& prompt, const Needs& needs, const Baseline* start,
                              Intervention* intervention, const RunEvents& events, std::stop_token stop) {
  const auto begun = Clock::now();
  const int num_layers = decoder.spec().num_layers;
  Prefill result;
  Run& run = *result.run;
  RequestTap tap(&needs, intervention, /*prefill=*/true, stop);
  tap.keep_residuals = arm == Arm::Baseline;
  if (events.norm) tap.on_norm = [&](SiteId id, const Array& m) { events.norm(arm, id, m); };
  if (events.layer) tap.on_layer = [&](int layer) { events.layer(arm, layer, num_layers); };

  run.first_layer = start ? std::min(intervention->first_layer(), num_layers) : 0;
  run.capture.positions = static_cast<int>(prompt.size());
  if (start) {
    result.cache = start->prefill.cache.clone(run.first_layer);
    result.cache.set_length(0);
    const auto lower = [&](const auto& entry) { return entry.first.layer < run.first_layer; };
    const Capture& kept = start->prefill.run->capture;
    std::ranges::copy_if(kept.norms, std::inserter(run.capture.norms, run.capture.norms.end()), lower);
    std::ranges::copy_if(kept.values, std::inserter(run.capture.values, run.capture.values.end()), lower);
    result.residual =
        run.first_layer < num_layers ? start->prefill.residuals.at(run.first_layer) : start->prefill.residual;
  } else {
    result.cache = KvCache(num_layers);
    result.residual = decoder.embed(prompt);
  }
  result.residual = decoder.run_layers(result.residual, run.first_layer, num_layers, result.cache, tap);
  result.cache.advance(static_cast<int>(prompt.size()));
  result.residuals = tap.residuals();
  result.logits = decoder.logits(result.residual.narrow(0, -1, 1), tap)[0];
  tap.take(run.capture);
  if (intervention) run.replaced = intervention->replaced();
  run.prefill_ms = ms_since(begun);
  return result;
}

std::shared_ptr<Baseline> Runner::Impl::baseline(const RunRequest& request, const RunEvents& events,
                                                 std::stop_token stop) {
  Needs needs = request.needs;
  const bool clean_masks =
      std::ranges::any_of(request.disruptions, [](const Disruption& d) { return d.mask == Mask::Clean; });
  if (clean_masks) {
    needs.norms.insert({Site::Query, Site::Key, Site::Value});
    needs.layers.clear();
  }
  auto it = std::ranges::find_if(baselines, [&](const auto& b) { return b->prompt == request.prompt; });
  if (it != baselines.end()) {
    const Needs& have = (*it)->needs;
    if (covers(have, needs, have.layers, needs.layers, &Needs::norms) &&
        covers(have, needs, have.value_layers, needs.value_layers, &Needs::values)) {
      baselines.splice(baselines.begin(), baselines, it);
      return baselines.front();
    }
    needs |= have;
    baselines.erase(it);
  }
  auto made = std::make_shared<Baseline>();
  made->prompt = request.prompt;
  made->needs = needs;
  made->prefill = prefill(Arm::Baseline, request.prompt, needs, nullptr, nullptr, events, stop);
  baselines.push_front(made);
  if (baselines.size() > kept_baselines) baselines.pop_back();
  return made;
}

void Runner::Impl::answer(Arm arm, const RunRequest& request, Prefill& prefill, Intervention* intervention,
                          const RunEvents& events, std::stop_token stop) {
  const auto begun = Clock::now();
  KvCache cache = prefill.cache.clone();
  const auto on_token = [&](int id) {
    if (events.token) events.token(arm, id);
  };
  Answer answer = generate(decoder, prefill.logits, cache, request, intervention, on_token, stop);
  prefill.run->answer = std::move(answer.ids);
  prefill.run->stopped = answer.stopped;
  prefill.run->decode_ms = ms_since(begun);
}

void Runner::Impl::score(Arm arm, const RunRequest& request, const TokenIds& continuation, Prefill& prefill,
                         Intervention* intervention, const RunEvents& events, std::stop_token stop) {
  // A baseline may hold scores of earlier requests: those of the same tokens are used again.
  const auto score = [&](bool wanted, PerplexityDefinition definition, const TokenIds& tokens,
                         std::optional<Perplexity>& kept, const auto& losses) {
    if (!wanted) return;
    if (!kept || kept->tokens != tokens) kept = Perplexity{definition, tokens, losses()};
    if (events.scored) events.scored(arm, *kept);
  };
  Run& run = *prefill.run;
  score(request.score_continuation, PerplexityDefinition::Continuation, continuation, run.continuation, [&] {
    KvCache cache = prefill.cache.clone();
    return score_continuation(decoder, prefill.logits, cache, continuation, intervention, stop).nll;
  });
  const TokenIds text(request.prompt.begin() + 1, request.prompt.end());
  score(request.score_prompt, PerplexityDefinition::Text, text, run.prompt_text,
        [&] { return nll_after(decoder, prefill.residual, text, stop); });
  score(request.score_as_published, PerplexityDefinition::AsPublished, continuation, run.as_published, [&] {
    TokenIds all = request.prompt;
    all.insert(all.end(), continuation.begin(), continuation.end());
    const std::vector<float> losses =
        text_perplexity(*model, all, arm == Arm::Disrupted ? request.disruptions : std::vector<Disruption>(),
                        stop)
            .nll;
    return std::vector<float>(losses.end() - static_cast<std::ptrdiff_t>(continuation.size()), losses.end());
  });
}

Runner::Runner(std::shared_ptr<const LanguageModel> model)
    : impl_(std::make_unique<Impl>(std::move(model))) {}
Runner::~Runner() = default;

Comparison Runner::run(const RunRequest& request, const RunEvents& events, std::stop_token stop) {
  if (request.prompt.empty()) throw Error("The prompt has no tokens: type a prompt.");
  const c10::InferenceMode inference;
  const auto finish_prefill = [&](Arm arm, Prefill& prefill) {
    prefill.run->next_tokens = top_tokens(prefill.logits, request.top_next_tokens);
    if (events.prefilled) events.prefilled(arm, std::make_shared<const Run>(*prefill.run));
  };

  const std::shared_ptr<Baseline> base = impl_->baseline(request, events, stop);
  finish_prefill(Arm::Baseline, base->prefill);
  std::optional<Intervention> intervention;
  std::optional<Prefill> disrupted;
  if (!request.disruptions.empty()) {
    intervention.emplace(request.disruptions, impl_->decoder.spec(), base->prefill.run->capture,
                         impl_->decoder.weights().device());
    disrupted =
        impl_->prefill(Arm::Disrupted, request.prompt, base->needs, base.get(), &*intervention, events, stop);
    finish_prefill(Arm::Disrupted, *disrupted);
  }

  const auto score = [&](const TokenIds& continuation) {
    impl_->score(Arm::Baseline, request, continuation, base->prefill, nullptr, events, stop);
    if (disrupted)
      impl_->score(Arm::Disrupted, request, continuation, *disrupted, &*intervention, events, stop);
  };
  // An expected answer is scored in one short pass: its perplexity need not wait for the answers' many steps.
  if (!request.expected.empty()) score(request.expected);

  const bool wants_answer = request.max_new_tokens > 0;
  const bool same_answer = base->max_new_tokens == request.max_new_tokens &&
                           base->stop_tokens == request.stop_tokens && base->sampling == request.sampling;
  if (wants_answer && !same_answer) {
    base->max_new_tokens = -1;
    impl_->answer(Arm::Baseline, request, base->prefill, nullptr, events, stop);
    base->max_new_tokens = request.max_new_tokens;
    base->stop_tokens = request.stop_tokens;
    base->sampling = request.sampling;
  } else if (wants_answer && events.token) {
    for (const int id : base->prefill.run->answer) events.token(Arm::Baseline, id);
  }
  if (disrupted && wants_answer)
    impl_->answer(Arm::Disrupted, request, *disrupted, &*intervention, events, stop);
  if (request.expected.empty()) score(wants_answer ? base->prefill.run->answer : TokenIds());

  Comparison comparison{request, as_asked(*base->prefill.run, request), nullptr};
  if (disrupted) comparison.disrupted = disrupted->run;
  return comparison;
}

Perplexity text_perplexity(const LanguageModel& model, const TokenIds& tokens,
                           const std::vector<Disruption>& disruptions, std::stop_token stop) {
  const c10::InferenceMode inference;
  const Decoder& decoder = model.decoder();
  Perplexity result{PerplexityDefinition::Text, {}, {}};
  if (tokens.size() < 2) return result;
  result.tokens.assign(tokens.begin() + 1, tokens.end());

  const auto pass = [&](const Needs* needs, Intervention* intervention, Capture* capture) {
    KvCache cache(decoder.spec().num_layers);
    RequestTap tap(needs, intervention, /*prefill=*/true, stop);
    const at::Tensor residual =
        decoder.run_layers(decoder.embed(tokens), 0, decoder.spec().num_layers, cache, tap);
    if (capture) tap.take(*capture);
    return residual;
  };
  Capture clean;
  if (std::ranges::any_of(disruptions, [](const Disruption& d) { return d.mask == Mask::Clean; })) {
    const Needs norms{{Site::Query, Site::Key, Site::Value}, {}, {}, {}};
    pass(&norms, nullptr, &clean);
  }
  std::optional<Intervention> intervention;
  if (!disruptions.empty())
    intervention.emplace(disruptions, decoder.spec(), clean, decoder.weights().device());
  const at::Tensor residual = pass(nullptr, intervention ? &*intervention : nullptr, nullptr);
  result.nll = nll_after(decoder, residual, result.tokens, stop);
  return result;
}

}  // namespace qkscope

#include "core/run/runner.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>

#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/model/language_model.h"
#include "core/model/memory.h"
#include "core/run/baseline.h"
#include "core/run/generate.h"
#include "core/run/request_tap.h"

namespace qkscope {

namespace {

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string pass_words(const TokenIds& tokens) {
  return "A pass over " + std::to_string(tokens.size()) + " tokens";
}

/// A kept baseline may know more than was asked: equal requests give equal comparisons all the same.
std::shared_ptr<const Run> as_asked(const Run& kept, const RunRequest& request, Answer answer,
                                    double decode_ms) {
  auto run = std::make_shared<Run>(kept);
  if (!request.score_continuation) run->continuation.reset();
  if (!request.score_prompt) run->prompt_text.reset();
  if (!request.score_as_published) run->as_published.reset();
  run->answer = std::move(answer.ids);
  run->stopped = answer.stopped;
  run->decode_ms = decode_ms;
  return run;
}

/// What is asked for, and M where clean masks are found in it.
Needs needs_of(const RunRequest& request) {
  Needs needs = request.needs;
  const bool clean_masks =
      std::ranges::any_of(request.disruptions, [](const Disruption& d) { return d.mask == Mask::Clean; });
  if (clean_masks) {
    needs.norms.insert({Site::Query, Site::Key, Site::Value});
    needs.layers.clear();
  }
  return needs;
}

}  // namespace

struct Runner::Impl {
  explicit Impl(std::shared_ptr<const LanguageModel> m) : model(std::move(m)), decoder(model->decoder()) {}

  std::shared_ptr<const LanguageModel> model;
  const Decoder& decoder;
  BaselineStore baselines;

  RequestTap tap_for(Arm arm, const Needs& needs, Intervention* intervention, const RunEvents& events,
                     std::stop_token stop) const;
  Prefill prefill(Arm arm, const TokenIds& prompt, const Needs& needs, const Baseline* start,
                  Intervention* intervention, const RunEvents& events, std::stop_token stop);
  std::shared_ptr<Baseline> baseline(const RunRequest& request, const RunEvents& events,
                                     std::stop_token stop);
  void grow(Baseline& baseline, const Needs& needs, const RunEvents& events, std::stop_token stop);
  Answer answer_baseline(const RunRequest& request, Baseline& baseline, const RunEvents& events,
                         std::stop_token stop);
  void score(Arm arm, const RunRequest& request, const TokenIds& continuation, Prefill& prefill,
             Intervention* intervention, const RunEvents& events, std::stop_token stop);

  struct Arms {
    std::shared_ptr<Baseline> base;
    std::optional<Intervention> intervention;
    std::optional<Prefill> edited;  // nothing without edits
  };
  Arms prefill_arms(const RunRequest& request, const RunEvents& baseline_events, const RunEvents& events,
                    std::stop_token stop);
  void answer_edited(const RunRequest& request, Arms& arms, const RunEvents& events, std::stop_token stop);
  std::shared_ptr<const Run> finished_baseline(const RunRequest& request, const Baseline& base,
                                               Answer answer) const;
  std::shared_ptr<const Run> run(const RunRequest& request, const RunEvents& events, std::stop_token stop);
  Comparison compare(const RunRequest& request, const RunEvents& events, std::stop_token stop);
};

RequestTap Runner::Impl::tap_for(Arm arm, const Needs& needs, Intervention* intervention,
                                 const RunEvents& events, std::stop_token stop) const {
  RequestTap tap(&needs, intervention, /*prefill=*/true, std::move(stop));
  const int num_layers = decoder.spec().num_layers();
  if (events.norm) tap.on_norm = [&events, arm](SiteId id, const SharedArray& m) { events.norm(arm, id, m); };
  if (events.layer)
    tap.on_layer = [&events, arm, num_layers](int layer) { events.layer(arm, layer, num_layers); };
  return tap;
}

/// `start` null: from the embedding. Else from the baseline's residual stream at the first disrupted layer,
/// whose lower layers are the baseline's own.
Prefill Runner::Impl::prefill(Arm arm, const TokenIds& prompt, const Needs& needs, const Baseline* start,
                              Intervention* intervention, const RunEvents& events, std::stop_token stop) {
  const auto begun = Clock::now();
  const int num_layers = decoder.spec().num_layers();
  Prefill result;
  Run& run = *result.run;
  RequestTap tap = tap_for(arm, needs, intervention, events, stop);
  tap.keep_residuals = arm == Arm::Baseline;

  run.first_layer = start ? std::min(intervention->first_layer(), num_layers) : 0;
  run.capture.positions = static_cast<int>(prompt.size());
  if (start) {
    result.cache = start->prefill.cache.fork(run.first_layer);
    result.cache.rollback(0);
    const auto lower = [&](const auto& entry) { return entry.first.layer < run.first_layer; };
    const Capture& kept = start->prefill.run->capture;
    std::ranges::copy_if(kept.norms, std::inserter(run.capture.norms, run.capture.norms.end()), lower);
    std::ranges::copy_if(kept.values, std::inserter(run.capture.values, run.capture.values.end()), lower);
    result.residual =
        run.first_layer < num_layers ? start->prefill.residuals.at(run.first_layer) : start->prefill.residual;
  } else {
    result.cache = State(num_layers);
    result.residual = decoder.embed(prompt, result.cache);
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
  const Needs needs = needs_of(request);
  std::shared_ptr<Baseline> found = baselines.find(request.prompt);
  if (found) {
    grow(*found, needs, events, stop);
  } else {
    found = std::make_shared<Baseline>();
    found->prompt = request.prompt;
    found->prefill = prefill(Arm::Baseline, request.prompt, needs, nullptr, nullptr, events, stop);
    for (int layer = -1; layer < decoder.spec().num_layers(); ++layer) found->note(layer, needs);
    baselines.add(found);
  }
  baselines.trim();
  return found;
}

/// What is asked of a layer for the first time is computed from the residual stream kept before it: the same
/// numbers as in the whole pass, to the last bit (attention scores and patterns apart: a pass that keeps
/// those goes another way, which differs in the last digits above their layer). What was kept stays, whether
/// or not this is cancelled.
void Runner::Impl::grow(Baseline& baseline, const Needs& needs, const RunEvents& events,
                        std::stop_token stop) {
  const int num_layers = decoder.spec().num_layers();
  for (int layer = -1; layer < num_layers; ++layer) {
    const Needs more = baseline.missing(layer, needs);
    if (more.norms.empty() && more.values.empty()) continue;
    RequestTap tap = tap_for(Arm::Baseline, more, nullptr, events, stop);
    Prefill& kept = baseline.prefill;
    if (layer < 0) {
      decoder.logits(kept.residual.narrow(0, -1, 1), tap);
    } else {
      State scratch = kept.cache.fork(layer);  // what lower layers hold is read by those that borrow it
      scratch.rollback(0);
      decoder.run_layers(kept.residuals.at(layer), layer, layer + 1, scratch, tap);
    }
    tap.take(kept.run->capture);
    baseline.note(layer, needs);
  }
}

/// Goes on where an earlier answer to the same question stands, cancelled or shorter.
Answer Runner::Impl::answer_baseline(const RunRequest& request, Baseline& baseline, const RunEvents& events,
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
  generate(decoder, state, request, nullptr, on_token, stop);
  baseline.decode_ms += ms_since(begun);
  return state.answer;
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
    State cache = prefill.cache.fork();
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

/// Both passes over the prompt: the baseline's, whatever of it was not kept, and with edits one of their own.
Runner::Impl::Arms Runner::Impl::prefill_arms(const RunRequest& request, const RunEvents& baseline_events,
                                              const RunEvents& events, std::stop_token stop) {
  const auto finish = [&](Arm arm, Prefill& prefill, const RunEvents& to) {
    prefill.run->next_tokens = top_tokens(prefill.logits, request.top_next_tokens);
    if (to.prefilled) to.prefilled(arm, std::make_shared<const Run>(*prefill.run));
  };
  Arms arms;
  arms.base = baseline(request, baseline_events, stop);
  finish(Arm::Baseline, arms.base->prefill, baseline_events);
  if (request.disruptions.empty()) return arms;
  arms.intervention.emplace(request.disruptions, decoder.spec(), arms.base->prefill.run->capture,
                            decoder.weights().device());
  arms.edited = prefill(Arm::Disrupted, request.prompt, needs_of(request), arms.base.get(),
                        &*arms.intervention, events, stop);
  finish(Arm::Disrupted, *arms.edited, events);
  return arms;
}

void Runner::Impl::answer_edited(const RunRequest& request, Arms& arms, const RunEvents& events,
                                 std::stop_token stop) {
  if (request.max_new_tokens <= 0) return;
  const auto begun = Clock::now();
  const auto on_token = [&](int id) {
    if (events.token) events.token(Arm::Disrupted, id);
  };
  Answer answer = generate(decoder, arms.edited->logits, arms.edited->cache.fork(), request,
                           &*arms.intervention, on_token, stop);
  arms.edited->run->answer = std::move(answer.ids);
  arms.edited->run->stopped = answer.stopped;
  arms.edited->run->decode_ms = ms_since(begun);
}

/// The baseline as this request asks for it.
std::shared_ptr<const Run> Runner::Impl::finished_baseline(const RunRequest& request, const Baseline& base,
                                                           Answer answer) const {
  return as_asked(*base.prefill.run, request, std::move(answer),
                  request.max_new_tokens > 0 ? base.decode_ms : 0);
}

std::shared_ptr<const Run> Runner::Impl::run(const RunRequest& request, const RunEvents& events,
                                             std::stop_token stop) {
  const bool edited = !request.disruptions.empty();
  const RunEvents quiet;
  Arms arms = prefill_arms(request, edited ? quiet : events, events, stop);
  const auto score_own = [&](const TokenIds& continuation) {
    if (edited) {
      score(Arm::Disrupted, request, continuation, *arms.edited, &*arms.intervention, events, stop);
    } else {
      score(Arm::Baseline, request, continuation, arms.base->prefill, nullptr, events, stop);
    }
  };
  if (!request.expected.empty()) score_own(request.expected);
  // The baseline's answer is also what an edited run is scored on where nothing else is expected.
  const bool scores_answer =
      request.expected.empty() && (request.score_continuation || request.score_as_published);
  Answer answer;
  if (request.max_new_tokens > 0 && (!edited || scores_answer))
    answer = answer_baseline(request, *arms.base, edited ? quiet : events, stop);
  if (edited) answer_edited(request, arms, events, stop);
  if (request.expected.empty()) score_own(answer.ids);
  return edited ? arms.edited->run : finished_baseline(request, *arms.base, std::move(answer));
}

Comparison Runner::Impl::compare(const RunRequest& request, const RunEvents& events, std::stop_token stop) {
  Arms arms = prefill_arms(request, events, events, stop);
  const auto score_both = [&](const TokenIds& continuation) {
    score(Arm::Baseline, request, continuation, arms.base->prefill, nullptr, events, stop);
    if (arms.edited)
      score(Arm::Disrupted, request, continuation, *arms.edited, &*arms.intervention, events, stop);
  };
  // An expected answer is scored in one short pass: its perplexity need not wait for the answers' many steps.
  if (!request.expected.empty()) score_both(request.expected);
  Answer answer;
  if (request.max_new_tokens > 0) answer = answer_baseline(request, *arms.base, events, stop);
  if (arms.edited) answer_edited(request, arms, events, stop);
  if (request.expected.empty()) score_both(answer.ids);
  return {request, finished_baseline(request, *arms.base, std::move(answer)),
          arms.edited ? arms.edited->run : nullptr};
}

namespace {

/// Does `work` where a pass over the request's prompt may run.
void guarded(const Decoder& decoder, const RunRequest& request, const std::function<void()>& work) {
  if (request.prompt.empty()) throw Error("The prompt has no tokens: type a prompt.");
  const c10::InferenceMode inference;
  telling_failures(decoder.weights().device(), pass_words(request.prompt), "give a shorter prompt", work);
}

}  // namespace

std::shared_ptr<const Run> Runner::run(const RunRequest& request, const RunEvents& events,
                                       std::stop_token stop) {
  std::shared_ptr<const Run> run;
  guarded(impl_->decoder, request, [&] { run = impl_->run(request, events, stop); });
  return run;
}

Comparison Runner::compare(const RunRequest& request, const RunEvents& events, std::stop_token stop) {
  Comparison comparison;
  guarded(impl_->decoder, request, [&] { comparison = impl_->compare(request, events, stop); });
  return comparison;
}

namespace {

std::vector<float> text_losses(const Decoder& decoder, const TokenIds& tokens,
                               const std::vector<Disruption>& disruptions, std::stop_token stop) {
  const auto pass = [&](const Needs* needs, Intervention* intervention, Capture* capture) {
    State cache(decoder.spec().num_layers());
    RequestTap tap(needs, intervention, /*prefill=*/true, stop);
    const at::Tensor residual =
        decoder.run_layers(decoder.embed(tokens, cache), 0, decoder.spec().num_layers(), cache, tap);
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
  return nll_after(decoder, residual, TokenIds(tokens.begin() + 1, tokens.end()), stop);
}

}  // namespace

Perplexity text_perplexity(const LanguageModel& model, const TokenIds& tokens,
                           const std::vector<Disruption>& disruptions, std::stop_token stop) {
  const c10::InferenceMode inference;
  Perplexity result{PerplexityDefinition::Text, {}, {}};
  if (tokens.size() < 2) return result;
  result.tokens.assign(tokens.begin() + 1, tokens.end());
  telling_failures(model.decoder().weights().device(), pass_words(tokens), "give a shorter text",
                   [&] { result.nll = text_losses(model.decoder(), tokens, disruptions, stop); });
  return result;
}

}  // namespace qkscope

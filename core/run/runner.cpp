#include "core/run/runner.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <map>

#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/model/language_model.h"
#include "core/model/memory.h"
#include "core/model/products/product.h"
#include "core/run/baseline_runner.h"
#include "core/run/generate.h"
#include "core/run/passes.h"
#include "core/run/request_tap.h"

namespace qkscope {

namespace {

/// Of the tokens in the place of scored ones as many as are asked for.
Perplexity as_asked(Perplexity kept, const RunRequest& request) {
  const auto most = static_cast<std::size_t>(std::max(0, request.top_scored_tokens));
  if (most == 0) kept.alternatives.clear();
  for (auto& tokens : kept.alternatives) tokens.resize(std::min(tokens.size(), most));
  return kept;
}

/// A kept baseline may know more than was asked: equal requests give equal comparisons all the same.
std::shared_ptr<const Run> as_asked(const Run& kept, const RunRequest& request, Answer answer,
                                    double decode_ms) {
  auto run = std::make_shared<Run>(kept);
  if (!request.score_continuation) run->continuation.reset();
  if (!request.score_prompt) run->prompt_text.reset();
  if (!request.score_as_published) run->as_published.reset();
  for (auto* score : {&run->continuation, &run->prompt_text}) {
    if (*score) *score = as_asked(std::move(**score), request);
  }
  run->answer = std::move(answer.ids);
  run->stopped = answer.stopped;
  run->decode_ms = decode_ms;
  return run;
}

/// What is asked for, and what the edits read of the baseline.
Needs needs_of(const RunRequest& request) {
  Needs needs = request.needs;
  return needs |= Intervention::needs_of(request.edits);
}

bool is_edited(const RunRequest& request) {
  return std::ranges::any_of(request.edits, &Edit::on);
}

/// Whether the baseline's answer is what is scored: where nothing else is expected, that of an edited run,
/// too.
bool scores_answer(const RunRequest& request) {
  return request.expected.empty() && (request.score_continuation || request.score_as_published);
}

}  // namespace

struct Runner::Impl {
  explicit Impl(std::shared_ptr<const LanguageModel> m)
      : model(std::move(m)), decoder(model->decoder()), baselines(decoder) {}

  std::shared_ptr<const LanguageModel> model;
  const Decoder& decoder;
  BaselineRunner baselines;

  Prefill prefill_edited(const Baseline& start, const Needs& needs, Intervention& intervention,
                         const RunEvents& events, std::stop_token stop);
  void score(Arm arm, const RunRequest& request, const TokenIds& continuation, Prefill& prefill,
             Intervention* intervention, const RunEvents& events, std::stop_token stop);

  struct Arms {
    std::shared_ptr<Baseline> base;
    std::optional<Intervention> intervention;
    std::optional<Prefill> edited;  // nothing without edits
  };
  Arms prefill_arms(const RunRequest& request, const RunEvents& baseline_events, const RunEvents& events,
                    std::stop_token stop);
  void score_own(const RunRequest& request, const TokenIds& continuation, Arms& arms, const RunEvents& events,
                 std::stop_token stop);
  void answer_edited(const RunRequest& request, Arms& arms, const RunEvents& events, std::stop_token stop);
  std::shared_ptr<const Run> finished_baseline(const RunRequest& request, const Baseline& base,
                                               Answer answer) const;
  std::shared_ptr<const Run> run(const RunRequest& request, const RunEvents& events, std::stop_token stop);
  std::shared_ptr<const Run> answered(const RunRequest& request, Arms& arms, const RunEvents& events,
                                      std::stop_token stop);
  std::vector<std::shared_ptr<const Run>> run_all(std::span<const RunRequest> requests, std::stop_token stop);
  Comparison compare(const RunRequest& request, const RunEvents& events, std::stop_token stop);
  Likelihoods likelihoods(const RunRequest& request, const std::vector<TokenIds>& continuations,
                          std::stop_token stop);
};

/// A pass with edits over the baseline's prompt, from the baseline's residual stream at the first edited
/// layer; the layers below are the baseline's own.
Prefill Runner::Impl::prefill_edited(const Baseline& start, const Needs& needs, Intervention& intervention,
                                     const RunEvents& events, std::stop_token stop) {
  const auto begun = Clock::now();
  const int num_layers = decoder.spec().num_layers(),
            first = std::min(intervention.first_layer(), num_layers);
  Prefill result;
  Run& run = *result.run;
  RequestTap tap = prefill_tap(Arm::Disrupted, needs, &intervention, num_layers, events, stop);
  run.first_layer = first;
  const Capture& kept = start.prefill.run->capture;
  run.capture.positions = static_cast<int>(start.prompt.size());
  run.capture.left_out = tap.left_out = kept.left_out;
  result.cache = start.prefill.cache.fork(first);
  result.cache.rollback(0);
  const auto copy_lower = [first](const auto& from, auto& to) {
    std::ranges::copy_if(from, std::inserter(to, to.end()),
                         [first](const auto& entry) { return entry.first.layer < first; });
  };
  copy_lower(kept.norms, run.capture.norms);
  copy_lower(kept.without, run.capture.without);
  copy_lower(kept.values, run.capture.values);
  copy_lower(kept.patterns, run.capture.patterns);
  copy_lower(kept.row_norms, run.capture.row_norms);
  copy_lower(kept.activations, run.capture.activations);
  result.residual = first < num_layers ? start.prefill.residuals.at(first) : start.prefill.residual;
  result.residual = decoder.run_layers(result.residual, first, num_layers, result.cache, tap);
  result.cache.advance(run.capture.positions);
  result.logits = decoder.logits(result.residual.narrow(0, -1, 1), tap)[0];
  tap.take(run.capture);
  run.replaced = intervention.replaced();
  run.prefill_ms = ms_since(begun);
  return result;
}

void Runner::Impl::score(Arm arm, const RunRequest& request, const TokenIds& continuation, Prefill& prefill,
                         Intervention* intervention, const RunEvents& events, std::stop_token stop) {
  // A baseline may hold scores of earlier requests: those of the same tokens are used again.
  const auto knows = [&](const Perplexity& kept, int alternatives) {
    const auto most = static_cast<std::size_t>(std::min(alternatives, decoder.spec().vocab_size));
    return kept.tokens.empty() || most == 0 ||
           (!kept.alternatives.empty() && kept.alternatives.front().size() >= most);
  };
  const auto score = [&](bool wanted, PerplexityDefinition definition, const TokenIds& tokens,
                         std::optional<Perplexity>& kept, int alternatives, const auto& scores) {
    if (!wanted) return;
    if (!kept || kept->tokens != tokens || !knows(*kept, alternatives)) {
      Scores found = scores();
      kept = Perplexity{definition, tokens, std::move(found.nll), std::move(found.alternatives)};
    }
    if (events.scored) events.scored(arm, as_asked(*kept, request));
  };
  const int top = request.top_scored_tokens;
  Run& run = *prefill.run;
  score(request.score_continuation, PerplexityDefinition::Continuation, continuation, run.continuation, top,
        [&] {
          State cache = prefill.cache.fork();
          return continuation_scores(decoder, prefill.logits, cache, continuation, top, intervention, stop);
        });
  const TokenIds text(request.prompt.begin() + 1, request.prompt.end());
  score(request.score_prompt, PerplexityDefinition::Text, text, run.prompt_text, top,
        [&] { return scores_after(decoder, prefill.residual, text, top, stop); });
  score(request.score_as_published, PerplexityDefinition::AsPublished, continuation, run.as_published, 0,
        [&] {
          TokenIds all = request.prompt;
          all.insert(all.end(), continuation.begin(), continuation.end());
          const std::vector<float> losses =
              text_perplexity(*model, all, arm == Arm::Disrupted ? request.edits : Edits(), stop).nll;
          return Scores{{losses.end() - static_cast<std::ptrdiff_t>(continuation.size()), losses.end()}, {}};
        });
}

Runner::Runner(std::shared_ptr<const LanguageModel> model)
    : impl_(std::make_unique<Impl>(std::move(model))) {}
Runner::~Runner() = default;

/// Both passes over the prompt: the baseline's, whatever of it was not kept, and with edits one of their own.
Runner::Impl::Arms Runner::Impl::prefill_arms(const RunRequest& request, const RunEvents& baseline_events,
                                              const RunEvents& events, std::stop_token stop) {
  const auto finish = [&](Arm arm, Prefill& prefill, const RunEvents& to) {
    // A kept baseline has them: to look for them takes as long as a layer.
    const int most = std::min(request.top_next_tokens, decoder.spec().vocab_size);
    if (static_cast<int>(prefill.run->next_tokens.size()) != most)
      prefill.run->next_tokens = top_tokens(prefill.logits, most);
    if (to.prefilled) to.prefilled(arm, std::make_shared<const Run>(*prefill.run));
  };
  Arms arms;
  arms.base = baselines.prefill(request.prompt, needs_of(request), baseline_events, stop);
  finish(Arm::Baseline, arms.base->prefill, baseline_events);
  if (!is_edited(request)) return arms;
  arms.intervention.emplace(request.edits, decoder.spec(), arms.base->prefill.run->capture,
                            decoder.weights().device());
  arms.edited = prefill_edited(*arms.base, needs_of(request), *arms.intervention, events, stop);
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

void Runner::Impl::score_own(const RunRequest& request, const TokenIds& continuation, Arms& arms,
                             const RunEvents& events, std::stop_token stop) {
  if (arms.edited) {
    score(Arm::Disrupted, request, continuation, *arms.edited, &*arms.intervention, events, stop);
  } else {
    score(Arm::Baseline, request, continuation, arms.base->prefill, nullptr, events, stop);
  }
}

std::shared_ptr<const Run> Runner::Impl::run(const RunRequest& request, const RunEvents& events,
                                             std::stop_token stop) {
  Arms arms = prefill_arms(request, is_edited(request) ? RunEvents() : events, events, stop);
  return answered(request, arms, events, stop);
}

/// What is left of a run when its prompt has been read.
std::shared_ptr<const Run> Runner::Impl::answered(const RunRequest& request, Arms& arms,
                                                  const RunEvents& events, std::stop_token stop) {
  const bool edited = arms.edited.has_value();
  if (!request.expected.empty()) score_own(request, request.expected, arms, events, stop);
  Answer answer;
  if (request.max_new_tokens > 0 && (!edited || scores_answer(request)))
    answer = baselines.answer(request, *arms.base, edited ? RunEvents() : events, stop);
  if (edited) answer_edited(request, arms, events, stop);
  if (request.expected.empty()) score_own(request, answer.ids, arms, events, stop);
  return edited ? arms.edited->run : finished_baseline(request, *arms.base, std::move(answer));
}

std::vector<std::shared_ptr<const Run>> Runner::Impl::run_all(std::span<const RunRequest> requests,
                                                              std::stop_token stop) {
  // A baseline keeps at once what any of its arms reads of it: else it would be computed again for each.
  std::map<TokenIds, Needs> needs;
  for (const RunRequest& request : requests) {
    const auto [known, is_new] = needs.try_emplace(request.prompt, needs_of(request));
    if (!is_new) known->second |= needs_of(request);
  }
  struct Writing {
    std::size_t request;
    std::shared_ptr<const Run> prefilled;  // a copy: a baseline's own run goes on to tell of other requests
    Generation generation;
  };
  std::list<Writing> writing;
  std::vector<std::shared_ptr<const Run>> runs(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const RunRequest& request = requests[i];
    baselines.prefill(request.prompt, needs.at(request.prompt), {}, stop, BaselineRunner::Prefixes::Shared);
    Arms arms = prefill_arms(request, {}, {}, stop);
    const bool edits_steps = arms.edited && arms.intervention->every_step();
    if (request.max_new_tokens <= 0 || scores_answer(request) || edits_steps || !decoder.rows_stand_alone()) {
      runs[i] = answered(request, arms, {}, stop);
      continue;
    }
    score_own(request, request.expected, arms, {}, stop);
    const Prefill& prefill = arms.edited ? *arms.edited : arms.base->prefill;
    Generation generation(prefill.logits, prefill.cache.fork(), request.sampling.seed);
    writing.push_back({i, as_asked(*prefill.run, request, {}, 0), std::move(generation)});
  }
  for (auto begin = writing.begin(); begin != writing.end();) {
    // No more than are multiplied row by row.
    const auto end = std::next(begin, std::min(few_rows, std::distance(begin, writing.end())));
    std::vector<Generation*> generations;
    std::vector<const RunRequest*> asked;
    for (auto one = begin; one != end; ++one) {
      generations.push_back(&one->generation);
      asked.push_back(&requests[one->request]);
    }
    const auto begun = Clock::now();
    generate_together(decoder, generations, asked, stop);
    const double ms = ms_since(begun) / static_cast<double>(generations.size());
    for (; begin != end; ++begin)
      runs[begin->request] =
          as_asked(*begin->prefilled, requests[begin->request], std::move(begin->generation.answer), ms);
  }
  return runs;
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
  if (request.max_new_tokens > 0) answer = baselines.answer(request, *arms.base, events, stop);
  if (arms.edited) answer_edited(request, arms, events, stop);
  if (request.expected.empty()) score_both(answer.ids);
  return {request, finished_baseline(request, *arms.base, std::move(answer)),
          arms.edited ? arms.edited->run : nullptr};
}

Likelihoods Runner::Impl::likelihoods(const RunRequest& request, const std::vector<TokenIds>& continuations,
                                      std::stop_token stop) {
  Arms arms = prefill_arms(request, {}, {}, stop);
  const Prefill& prefill = arms.edited ? *arms.edited : arms.base->prefill;
  Likelihoods found{{}, prefill.run->replaced};
  for (const TokenIds& continuation : continuations) {
    State cache = prefill.cache.fork();
    found.nll.push_back(continuation_scores(decoder, prefill.logits, cache, continuation, 0,
                                            arms.edited ? &*arms.intervention : nullptr, stop)
                            .nll);
  }
  return found;
}

namespace {

/// Does `work` where a pass over the request's prompt may run.
void guarded(const LanguageModel& model, const RunRequest& request, const std::function<void()>& work) {
  if (request.prompt.empty()) throw Error("The prompt has no tokens: type a prompt.");
  const c10::InferenceMode inference;
  telling_failures(model.decoder().weights().device(), pass_words(request.prompt),
                   "give a shorter prompt" + smaller_way(model.card()), work);
}

}  // namespace

std::shared_ptr<const Run> Runner::run(const RunRequest& request, const RunEvents& events,
                                       std::stop_token stop) {
  std::shared_ptr<const Run> run;
  guarded(*impl_->model, request, [&] { run = impl_->run(request, events, stop); });
  return run;
}

std::vector<std::shared_ptr<const Run>> Runner::run_all(std::span<const RunRequest> requests,
                                                        std::stop_token stop) {
  std::vector<std::shared_ptr<const Run>> runs;
  if (requests.empty()) return runs;
  const auto size = [](const RunRequest& request) { return request.prompt.size(); };
  const auto shortest = std::ranges::min_element(requests, {}, size),
             longest = std::ranges::max_element(requests, {}, size);
  guarded(*impl_->model, shortest->prompt.empty() ? *shortest : *longest,
          [&] { runs = impl_->run_all(requests, stop); });
  return runs;
}

Comparison Runner::compare(const RunRequest& request, const RunEvents& events, std::stop_token stop) {
  Comparison comparison;
  guarded(*impl_->model, request, [&] { comparison = impl_->compare(request, events, stop); });
  return comparison;
}

Likelihoods Runner::likelihoods(const RunRequest& request, const std::vector<TokenIds>& continuations,
                                std::stop_token stop) {
  Likelihoods found;
  guarded(*impl_->model, request, [&] { found = impl_->likelihoods(request, continuations, stop); });
  return found;
}

}  // namespace qkscope

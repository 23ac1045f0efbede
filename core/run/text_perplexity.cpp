#include <c10/core/InferenceMode.h>

#include <optional>

#include "core/model/decoder.h"
#include "core/model/language_model.h"
#include "core/model/memory.h"
#include "core/run/generate.h"
#include "core/run/passes.h"
#include "core/run/request_tap.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

std::vector<float> text_losses(const Decoder& decoder, const TokenIds& tokens, const Edits& edits,
                               std::stop_token stop) {
  const auto pass = [&](const Needs* needs, Intervention* intervention, Capture* capture) {
    State cache(decoder.spec().num_layers());
    RequestTap tap(needs, intervention, /*prefill=*/true, stop);
    const at::Tensor residual =
        decoder.run_layers(decoder.embed(tokens, cache), 0, decoder.spec().num_layers(), cache, tap);
    if (capture) tap.take(*capture);
    return residual;
  };
  Capture clean;
  if (const Needs read = Intervention::needs_of(edits); read != Needs()) pass(&read, nullptr, &clean);
  std::optional<Intervention> intervention;
  if (!edits.empty()) intervention.emplace(edits, decoder.spec(), clean, decoder.weights().device());
  const at::Tensor residual = pass(nullptr, intervention ? &*intervention : nullptr, nullptr);
  return scores_after(decoder, residual, TokenIds(tokens.begin() + 1, tokens.end()), 0, stop).nll;
}

}  // namespace

Perplexity text_perplexity(const LanguageModel& model, const TokenIds& tokens, const Edits& edits,
                           std::stop_token stop) {
  const c10::InferenceMode inference;
  Perplexity result{PerplexityDefinition::Text, {}, {}};
  if (tokens.size() < 2) return result;
  result.tokens.assign(tokens.begin() + 1, tokens.end());
  telling_failures(model.decoder().weights().device(), pass_words(tokens),
                   "give a shorter text" + smaller_way(model.card()),
                   [&] { result.nll = text_losses(model.decoder(), tokens, edits, stop); });
  return result;
}

}  // namespace qkscope

#pragma once
#include <stop_token>

#include "core/run/baseline.h"
#include "core/run/request_tap.h"

namespace qkscope {

/// The tap of an arm's prefill, which tells `events`; these must outlive it.
RequestTap prefill_tap(Arm arm, const Needs& needs, Intervention* intervention, int num_layers,
                       const RunEvents& events, std::stop_token stop);

/// Makes the baselines of prompts and keeps the last ones. No work is thrown away: a pass that was cancelled
/// goes on at the layer it was in, needs that grow are met from what is kept, an answer goes on where it
/// stands.
class BaselineRunner {
 public:
  explicit BaselineRunner(const Decoder& decoder) : decoder_(decoder) {}

  /// Shared: what a prompt has in common with another is not computed again, if nothing but time hangs on
  /// that (Decoder::prefixes_stand_alone) and nothing but M is needed.
  enum class Prefixes { Own, Shared };
  /// The baseline of `prompt` with all that is needed of its prefill. Throws Cancelled.
  std::shared_ptr<Baseline> prefill(const TokenIds& prompt, Needs needs, const RunEvents& events,
                                    std::stop_token stop, Prefixes prefixes = Prefixes::Own);
  /// Its answer as `request` asks for it; tells every token of it. Throws Cancelled.
  Answer answer(const RunRequest& request, Baseline& baseline, const RunEvents& events, std::stop_token stop);

 private:
  std::shared_ptr<Baseline> begun(const TokenIds& prompt, const Needs& needs, Prefixes prefixes) const;
  bool begin_alike(Baseline& baseline, const Needs& needs) const;
  void finish(Baseline& baseline, const Needs& needs, const RunEvents& events, std::stop_token stop);
  void grow(Baseline& baseline, const Needs& needs, const RunEvents& events, std::stop_token stop);

  const Decoder& decoder_;
  BaselineStore store_;
};

}  // namespace qkscope

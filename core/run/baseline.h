#pragma once
#include <ATen/core/Tensor.h>

#include <list>
#include <map>
#include <memory>
#include <optional>

#include "core/model/state.h"
#include "core/run/generate.h"
#include "core/run/run.h"

namespace qkscope {

/// What one prefill leaves behind.
struct Prefill {
  std::shared_ptr<Run> run = std::make_shared<Run>();
  State cache{0};
  std::map<int, at::Tensor> residuals;  // entering each layer so far (T, C); kept of baselines only
  at::Tensor residual;                  // leaving the last layer (T, C); undefined until it is done
  at::Tensor logits;                    // (vocab_size) after the last position; likewise
};

/// The undisrupted run of one prompt, and all later runs start from.
struct Baseline {
  TokenIds prompt;
  Prefill prefill;
  // Where its answer stands, and the parts of a RunRequest, its length apart, that the answer depends on.
  std::optional<Generation> generation;
  TokenIds stop_tokens;
  Sampling sampling;
  double decode_ms = 0;
  /// Of the places whose M was needed, (T, heads, head_dim) each; kept where prompts that begin alike may
  /// follow.
  std::map<SiteId, at::Tensor> rows;
  bool keeps_rows = false;
  /// The first `shared` positions are those of another prompt, and `before`, until the pass is done, what
  /// went through the places in `rows` and the residual stream there.
  std::int64_t shared = 0;
  std::map<SiteId, at::Tensor> before;

  /// What of `needs` was not yet kept of `layer`; -1 for what belongs to none.
  Needs missing(int layer, const Needs& needs) const;
  /// From now on it is.
  void note(int layer, const Needs& needs);
  /// Which positions norms are also told without from now on.
  void leave_out(std::vector<int> positions);
  /// Memory that it holds, on whatever device.
  std::uint64_t bytes() const;

 private:
  struct Sites {
    std::set<Site> norms, without, values, row_norms;  // without: norms without the positions left out
    ActivationNeeds activations;
    std::set<HeadId> patterns;
  };
  static Sites of_layer(int layer, const Needs& needs);

  std::map<int, Sites> kept_;  // by layer
};

/// The baselines of the last prompts, as many as a bound in bytes has room for.
class BaselineStore {
 public:
  explicit BaselineStore(std::uint64_t most_bytes = std::uint64_t{1} << 30) : most_bytes_(most_bytes) {}

  /// Null where there is none. Comes first from now on.
  std::shared_ptr<Baseline> find(const TokenIds& prompt);
  void add(std::shared_ptr<Baseline> baseline) { list_.push_front(std::move(baseline)); }
  /// Lets go of the oldest until the rest has room; never of the newest.
  void trim();
  std::size_t size() const { return list_.size(); }
  const std::list<std::shared_ptr<Baseline>>& all() const { return list_; }

 private:
  static constexpr std::size_t most_baselines_ = 8;
  std::uint64_t most_bytes_;
  std::list<std::shared_ptr<Baseline>> list_;  // most recently used first
};

}  // namespace qkscope

#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <stop_token>

#include "core/model/tap.h"
#include "core/run/intervention.h"
#include "core/run/passes.h"

namespace qkscope {

/// The tap of one pass: stops when asked to, disrupts where an intervention covers the place, keeps what is
/// needed. On a GPU everything stays there until the pass has ended; then take() copies once.
class RequestTap : public Tap {
 public:
  /// `needs` null: nothing is kept. `intervention` null: nothing is changed.
  RequestTap(const Needs* needs, Intervention* intervention, bool prefill, std::stop_token stop = {})
      : needs_(needs), intervention_(intervention), prefill_(prefill), stop_(std::move(stop)) {}

  /// Called for every M as soon as it is known; on the CPU only, where reading it waits for nobody.
  std::function<void(SiteId, const SharedArray&)> on_norm;
  /// Called when a layer is done.
  std::function<void(int layer)> on_layer;
  /// Called within a layer, at most twenty times a second: `part` of it, 0 to 1, is done.
  std::function<void(int layer, double part)> on_part;
  /// Positions that norms are also told without, sorted.
  std::vector<int> left_out;
  /// Also keep the residual stream entering each layer, to start later passes from.
  bool keep_residuals = false;
  /// Also keep all that norms are taken of, for prompts that begin alike.
  bool keep_rows = false;
  /// What went through the same places at the positions before those of this pass, where they are not
  /// computed again: norms and residuals are told of both. Null: this pass begins with the prompt.
  const std::map<SiteId, at::Tensor>* before = nullptr;

  bool wants(SiteId id) const override;
  void pulse(int layer, double part) override;
  Rotation rotation(SiteId id, const Rotation& angles) override;
  at::Tensor operator()(SiteId id, at::Tensor x) override;

  /// Host copies of what was kept, into `capture`.
  void take(Capture& capture) const;
  const std::map<int, at::Tensor>& residuals() const { return residuals_; }
  const std::map<SiteId, at::Tensor>& rows() const { return rows_; }

 private:
  at::Tensor with_before(SiteId id, const at::Tensor& x) const;
  void summarize_rest(Capture& capture) const;

  const Needs* needs_;
  Intervention* intervention_;
  bool prefill_;
  std::stop_token stop_;
  std::map<SiteId, at::Tensor> norms_, without_, values_, row_norms_, clean_, rows_;
  std::map<SiteId, at::Tensor> unsummarized_;  // whose summaries would have to wait for the device
  std::map<SiteId, ActivationSummary> activations_;
  std::map<HeadId, at::Tensor> patterns_;
  std::map<int, at::Tensor> residuals_;
  Clock::time_point told_ = Clock::now();
};

}  // namespace qkscope

#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace qkscope {

class LanguageModel;

/// One prefill of `tokens` positions: all logits, and M of Q, K and V of every layer.
struct PrefillTiming {
  int tokens = 0;
  double ms = 0;
  double linear_ms = 0;  // the matrix products of such a pass alone, each by at::linear on plain weights
  std::optional<double> packed_ms;  // the same on weights packed for oneDNN, where these are used
  double products_ms = 0;           // the faster of the two
  double ratio = 0;                 // ms / products_ms
  double capture_overhead = 0;      // what keeping M costs: 0.02 = 2 % of the same pass without
  double residual_overhead = 0;     // likewise the largest activations of every layer and position; medians
  double disrupted_ms = 0;  // from a disruption of Q in all layers to M of Q, K and V, the prompt known
};

/// One more token after `context` positions on the KV cache.
struct DecodeTiming {
  int context = 0;
  double ms_per_token = 0;
  std::uint64_t stored_bytes = 0;  // of the weights that a step reads, in the form it reads them in
  double bandwidth = 0;            // bytes a second, measured in the same run
  double floor_ms = 0;             // reading those bytes at that bandwidth
  double ratio = 0;                // ms_per_token / floor_ms
};

/// Bytes of memory; `peak` of the process since it began, before reference weights were made.
struct MemoryUse {
  std::uint64_t held = 0, peak = 0;
};

struct Benchmark {
  std::vector<PrefillTiming> prefill;
  DecodeTiming decode;
  MemoryUse memory;
};

/// Times the model's forward pass against references timed in the same run, in turns, so that a busy machine
/// slows both. `rounds` times each; the fastest counts. Makes reference weights of up to 1 GiB beside the
/// model's own, or of the largest two matrices. Throws Cancelled.
Benchmark benchmark(const std::shared_ptr<const LanguageModel>& model, const std::vector<int>& prompt_tokens,
                    int rounds, std::stop_token stop = {});

}  // namespace qkscope

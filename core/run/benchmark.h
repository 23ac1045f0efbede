#pragma once
#include <stop_token>
#include <vector>

namespace qkscope {

class LanguageModel;

/// One prefill of `tokens` positions: all logits, and M of Q, K and V of every layer.
struct PrefillTiming {
  int tokens = 0;
  double ms = 0;
  double products_ms = 0;  // the matrix products of such a pass alone, each by at::linear on plain weights
  double ratio = 0;        // ms / products_ms
  double capture_overhead = 0;  // what keeping M costs: 0.02 = 2 % of the same pass without
};

/// One more token after `context` positions on the KV cache.
struct DecodeTiming {
  int context = 0;
  double ms_per_token = 0;
  double traffic_ms = 0;  // the weights' bytes at the memory bandwidth measured in the same run
  double ratio = 0;       // ms_per_token / traffic_ms
};

struct Benchmark {
  std::vector<PrefillTiming> prefill;
  DecodeTiming decode;
  double read_bandwidth = 0;  // bytes a second
};

/// Times the model's forward pass against references timed in the same run, in turns, so that a busy machine
/// slows both. `rounds` times each; the fastest counts. Needs plain weights beside the model's own: twice its
/// memory. Throws Cancelled.
Benchmark benchmark(const LanguageModel& model, const std::vector<int>& prompt_tokens, int rounds,
                    std::stop_token stop = {});

}  // namespace qkscope

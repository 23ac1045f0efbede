#include "core/run/benchmark.h"

#include "app/cli/output.h"
#include "app/cli/prompt.h"

namespace qkscope::cli {

Document run_bench(const Context& context) {
  constexpr int rounds = 5;
  const auto model = load_model(context);
  const Benchmark timing = benchmark(*model, {37, 128, 300}, rounds, context.stop);

  Document prefill = Document::array();
  Table table({{"prefill"}, {"ms"}, {"its products, ms"}, {"ratio"}, {"capture"}});
  for (const PrefillTiming& t : timing.prefill) {
    table.add({std::to_string(t.tokens), fixed(t.ms, 1), fixed(t.products_ms, 1), fixed(t.ratio, 2),
               fixed(100 * t.capture_overhead, 1) + " %"});
    prefill.push_back({{"tokens", t.tokens},
                       {"ms", t.ms},
                       {"products_ms", t.products_ms},
                       {"ratio", t.ratio},
                       {"capture_overhead", t.capture_overhead}});
  }
  const ModelCard& card = model->card();
  context.text << card.name << " on " << card.device << ", " << card.dtype << "\n\n";
  table.print(context.text);
  const DecodeTiming& decode = timing.decode;
  context.text << "\ndecode after " << decode.context << " tokens: " << fixed(decode.ms_per_token, 1)
               << " ms a token, " << fixed(decode.ratio, 2) << " times the " << fixed(decode.traffic_ms, 1)
               << " ms that reading the weights takes at " << fixed(timing.read_bandwidth / 1e9, 1)
               << " GB/s\n";
  return {{"device", card.device},
          {"dtype", card.dtype},
          {"prefill", prefill},
          {"decode",
           {{"context", decode.context},
            {"ms_per_token", decode.ms_per_token},
            {"traffic_ms", decode.traffic_ms},
            {"ratio", decode.ratio}}},
          {"read_bandwidth", timing.read_bandwidth}};
}

}  // namespace qkscope::cli

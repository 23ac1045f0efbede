#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "core/run/benchmark.h"

namespace qkscope::cli {

namespace {

Document number_or_null(const std::optional<double>& number) {
  return number ? Document(*number) : Document(nullptr);
}

Document prefill_json(const std::vector<PrefillTiming>& timings) {
  Document list = Document::array();
  for (const PrefillTiming& t : timings) {
    list.push_back({{"tokens", t.tokens},
                    {"ms", t.ms},
                    {"linear_ms", t.linear_ms},
                    {"packed_ms", number_or_null(t.packed_ms)},
                    {"products_ms", t.products_ms},
                    {"ratio", t.ratio},
                    {"capture_overhead", t.capture_overhead},
                    {"residual_overhead", t.residual_overhead},
                    {"disrupted_ms", t.disrupted_ms}});
  }
  return list;
}

void print(const Benchmark& timing, std::ostream& out) {
  Table table(
      {{"prefill"}, {"ms"}, {"products: linear"}, {"packed"}, {"ratio"}, {"M"}, {"residual"}, {"disrupted"}});
  for (const PrefillTiming& t : timing.prefill) {
    table.add({std::to_string(t.tokens), fixed(t.ms, 1), fixed(t.linear_ms, 1),
               t.packed_ms ? fixed(*t.packed_ms, 1) : "-", fixed(t.ratio, 2),
               fixed(100 * t.capture_overhead, 1) + " %", fixed(100 * t.residual_overhead, 1) + " %",
               fixed(t.disrupted_ms, 1)});
  }
  table.print(out);
  const DecodeTiming& decode = timing.decode;
  out << "\ndecode after " << decode.context << " tokens: " << fixed(decode.ms_per_token, 1)
      << " ms a token, " << fixed(decode.ratio, 2) << " times the " << fixed(decode.floor_ms, 1)
      << " ms that reading " << bytes_text(static_cast<double>(decode.stored_bytes))
      << " of weights takes at " << fixed(decode.bandwidth / 1e9, 1) << " GB/s\n"
      << "memory: " << bytes_text(static_cast<double>(timing.memory.held)) << " of weights, "
      << bytes_text(static_cast<double>(timing.memory.peak)) << " at the most while they were loaded\n";
}

}  // namespace

Document run_bench(const Context& context) {
  constexpr int rounds = 5;
  const auto model = load_model(context);
  const Benchmark timing = benchmark(model, context.options.bench.tokens, rounds, context.stop);
  const ModelCard& card = model->card();
  context.text << card.name << " on " << card.device << ", " << card.dtype << ", weights: " << card.weights
               << "\n\n";
  print(timing, context.text);
  const DecodeTiming& decode = timing.decode;
  return {{"device", card.device},
          {"dtype", card.dtype},
          {"weights", card.weights},
          {"prefill", prefill_json(timing.prefill)},
          {"decode",
           {{"context", decode.context},
            {"ms_per_token", decode.ms_per_token},
            {"stored_bytes", decode.stored_bytes},
            {"bandwidth", decode.bandwidth},
            {"floor_ms", decode.floor_ms},
            {"traffic_ms", decode.floor_ms},
            {"ratio", decode.ratio}}},
          {"memory", {{"held", timing.memory.held}, {"peak", timing.memory.peak}}},
          {"read_bandwidth", decode.bandwidth}};
}

}  // namespace qkscope::cli

#include "app/cli/prompt.h"
#include "core/run/runner.h"

namespace qkscope::cli {

Document run_generate(const Context& context) {
  const Options& options = context.options;
  const auto model = load_model(context);
  const PromptTokens prompt = prompt_of(*model, options);
  RunRequest request = request_of(*model, options, prompt);
  request.max_new_tokens = options.max_new;

  const Arm wanted = switched_on(options.edits).empty() ? Arm::Baseline : Arm::Disrupted;
  StreamDecoder stream(model->tokenizer());
  RunEvents events;
  events.token = [&](Arm arm, int id) {
    if (arm == wanted) context.text << stream.push(id) << std::flush;
  };
  const Comparison comparison = Runner(model).compare(request, events, context.stop);
  context.text << stream.finish() << "\n";

  const Run& run = wanted == Arm::Baseline ? *comparison.baseline : *comparison.disrupted;
  return {{"ids", run.answer},         {"text", model->tokenizer().decode(run.answer, true)},
          {"stopped", run.stopped},    {"prompt_ids", prompt.ids},
          {"format", prompt.format},   {"prefill_ms", run.prefill_ms},
          {"decode_ms", run.decode_ms}};
}

}  // namespace qkscope::cli

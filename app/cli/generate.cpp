#include "app/cli/prompt.h"
#include "core/run/runner.h"

namespace qkscope::cli {

Document run_generate(const Context& context) {
  const Options& options = context.options;
  const auto model = load_model(context);
  const PromptTokens prompt = prompt_of(*model, options);
  RunRequest request = request_of(*model, options, prompt);
  request.max_new_tokens = options.max_new;

  StreamDecoder stream(model->tokenizer());
  RunEvents events;
  events.token = [&](Arm, int id) { context.text << stream.push(id) << std::flush; };
  const auto run = Runner(model).run(request, events, context.stop);
  context.text << stream.finish() << "\n";

  return {{"ids", run->answer},         {"text", model->tokenizer().decode(run->answer, true)},
          {"stopped", run->stopped},    {"prompt_ids", prompt.ids},
          {"format", prompt.format},    {"prefill_ms", run->prefill_ms},
          {"decode_ms", run->decode_ms}};
}

}  // namespace qkscope::cli

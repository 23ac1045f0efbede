#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "app/cli/scoring.h"
#include "core/base/wording.h"
#include "core/run/recording_file.h"

namespace qkscope::cli {

namespace {

/// Throws UsageError for what no document can say.
void check(const Options& options) {
  if (options.out.empty()) throw UsageError("record needs --out FILE.qkscope to write to");
  if (!options.out.ends_with(".qkscope"))
    throw UsageError("--out is " + in_quotes(options.out) + "; give it the ending .qkscope of a document");
  if (options.text_file)
    throw UsageError(
        "a document holds prompts; give the text with --prompt-file and --raw in place of --text-file");
  if (options.max_tokens > 0) throw UsageError("record keeps whole prompts; leave --max-tokens out");
  if (options.sampling.temperature > 0)
    throw UsageError("a document's answers are the most probable ones; leave --temperature out");
  if (options.definition && *options.definition != PerplexityDefinition::Continuation)
    throw UsageError("a document scores the continuation; leave --definition out");
}

}  // namespace

Document run_record(const Context& context) {
  const Options& options = context.options;
  check(options);
  const auto model = load_model(context);
  RecordingPlan plan;
  plan.max_new_tokens = options.max_new;
  if (options.norms_only) {
    plan.value_layers = std::vector<int>();
  } else if (!options.layers.empty()) {
    plan.value_layers = options.layers;
  } else if (options.all_values) {
    plan.value_layers.emplace();
    for (int layer = 0; layer < model->spec().num_layers(); ++layer) plan.value_layers->push_back(layer);
  }
  const PromptTokens prompt = prompt_of(*model, options);
  request_of(*model, options, prompt);  // says what the model does not have
  WrittenPrompt written = written_prompt(options);
  plan.prompts.push_back({std::move(written), options.expect.value_or("")});
  if (!switched_on(options.edits).empty()) plan.arms.push_back(options.edits);

  Recording recording;
  record(
      model, plan, recording,
      [](int done, int of) {
        tell_line("recording runs, " + std::to_string(done) + " of " + std::to_string(of));
      },
      context.stop);
  write_recorded(options.out, document_of(plan, std::filesystem::absolute(model->card().path).string()),
                 recording, context.stop);
  tell_line({});

  const std::uint64_t size = std::filesystem::file_size(options.out);
  Document runs = Document::array();
  Table table({{"", false}, {"answer", false}});
  for (const RecordedRun& run : recording.prompts.front().runs) {
    table.add({run.edits.empty() ? "baseline" : "disrupted", one_line(run.answer)});
    runs.push_back({{"disruptions", run.edits.empty() ? Document::array() : disruptions_json(options)},
                    {"answer", run.answer},
                    {"ids", run.run->answer},
                    {"arrays", run.run->capture.norms.size() + run.run->capture.values.size() +
                                   run.run->capture.patterns.size()}});
  }
  table.print(context.text);
  context.text << "Written to " << options.out << ", " << bytes_text(static_cast<double>(size))
               << "; qkscope opens it without the model\n";
  return {{"file", options.out},
          {"bytes", size},
          {"recorded", recording.recorded},
          {"prompt_ids", recording.prompts.front().read.ids},
          {"format", prompt.format},
          {"runs", runs}};
}

}  // namespace qkscope::cli

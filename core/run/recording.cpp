#include "core/run/recording.h"

#include <algorithm>
#include <ctime>

#include "core/base/error.h"
#include "core/checkpoint/checkpoint.h"
#include "core/run/runner.h"

namespace qkscope {
namespace {

constexpr int alternatives = 5;  // in the place of every scored token

std::string now_in_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm time{};
  gmtime_r(&now, &time);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &time);
  return text;
}

void begin(Recording& recording, const LanguageModel& model, const RecordingPlan& plan) {
  recording = {};
  recording.recorded = now_in_utc();
  recording.card = model.card();
  recording.source = spec_source(*Checkpoint::open(model.card().path));
  recording.max_new_tokens = plan.max_new_tokens;
  recording.rule = plan.rule;
  for (const auto& [written, expected] : plan.prompts) {
    RecordedPrompt prompt{written, expected, {}, {}, {}};
    prompt.read = tokenize_prompt(model.tokenizer(), model.chat_format(), written);
    if (!expected.empty()) prompt.expected_ids = model.tokenizer().encode(expected, false);
    if (prompt.read.ids.empty()) throw Error("A prompt without a token cannot be recorded; write one.");
    recording.prompts.push_back(std::move(prompt));
  }
}

/// The texts of all tokens that `run` speaks of.
void add_pieces(Recording& recording, const Tokenizer& tokenizer, const TokenIds& prompt, const Run& run) {
  const auto add = [&](int id) {
    if (!recording.pieces.contains(id)) recording.pieces.emplace(id, tokenizer.piece_text(id));
  };
  for (const TokenIds* ids : {&prompt, &run.answer}) std::ranges::for_each(*ids, add);
  for (const TokenProbability& token : run.next_tokens) add(token.id);
  for (const auto& score : {run.continuation, run.prompt_text}) {
    if (!score) continue;
    std::ranges::for_each(score->tokens, add);
    for (const auto& tokens : score->alternatives) {
      for (const TokenProbability& token : tokens) add(token.id);
    }
  }
}

}  // namespace

const RecordedRun* RecordedPrompt::find(const Edits& edits) const {
  const auto found = std::ranges::find(runs, switched_on(edits), &RecordedRun::edits);
  return found == runs.end() ? nullptr : &*found;
}

Needs recorded_needs(const ModelSpec& spec, std::size_t positions, const RecordingPlan& plan) {
  Needs needs;
  needs.norms = {Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value};
  needs.activations.sites = {Site::ResidPost};
  needs.activations.rule = plan.rule;
  needs.activations.every_position = true;
  needs.row_norms = {Site::ResidPre, Site::AttnIn, Site::MlpIn, Site::MlpOut,
                     Site::Query,    Site::Key,    Site::Value};
  std::vector<int> layers;
  if (plan.value_layers) {
    layers = *plan.value_layers;
  } else {
    for (int layer = 0; layer < spec.num_layers(); ++layer) layers.push_back(layer);
  }
  double numbers = 0;
  const auto length = static_cast<double>(positions);
  for (const int layer : layers) {
    numbers += length * static_cast<double>(spec.hidden_size);
    const AttentionSpec* attention = spec.attention(layer);
    if (!attention) continue;
    const double of_position = 2.0 * attention->num_heads * attention->head_dim +
                               attention->num_kv_heads * (2.0 * attention->head_dim + attention->value_dim);
    numbers += length * of_position + length * length * (attention->num_heads + 1);
    needs.patterns.insert({layer, HeadId::mean});
    for (int head = 0; head < attention->num_heads; ++head) needs.patterns.insert({layer, head});
  }
  const auto runs = static_cast<double>(plan.prompts.size() * (1 + plan.arms.size()));
  const bool fits = runs * numbers * sizeof(float) <= static_cast<double>(RecordingPlan::value_bytes);
  if (layers.empty() || (!plan.value_layers && !fits)) {
    needs.patterns.clear();
    return needs;
  }
  needs.values = needs.norms;
  needs.values.insert(Site::ResidPost);
  needs.value_layers = layers;
  return needs;
}

void record(const std::shared_ptr<const LanguageModel>& model, const RecordingPlan& plan,
            Recording& recording, const std::function<void(int done, int of)>& report, std::stop_token stop) {
  if (recording.prompts.empty()) begin(recording, *model, plan);
  std::vector<Edits> arms{{}};  // the baseline comes along with each
  for (const Edits& arm : plan.arms) {
    const Edits edits = switched_on(arm);
    if (std::ranges::find(arms, edits) == arms.end()) arms.push_back(edits);
  }
  const int of = static_cast<int>(recording.prompts.size() * arms.size());
  int done = 0;
  Runner runner(model);
  for (RecordedPrompt& prompt : recording.prompts) {
    RunRequest request;
    request.prompt = prompt.read.ids;
    request.needs = recorded_needs(model->spec(), request.prompt.size(), plan);
    request.stop_tokens = model->stop_tokens();
    request.max_new_tokens = plan.max_new_tokens;
    request.expected = prompt.expected_ids;
    request.score_continuation = true;
    request.score_prompt = request.prompt.size() > 1;
    request.top_scored_tokens = alternatives;
    for (const Edits& edits : arms) {
      if (!prompt.find(edits)) {
        request.edits = edits;
        const Comparison comparison = runner.compare(request, {}, stop);
        const auto& run = edits.empty() ? comparison.baseline : comparison.disrupted;
        add_pieces(recording, model->tokenizer(), request.prompt, *run);
        prompt.runs.push_back({edits, run, model->tokenizer().decode(run->answer, true)});
      }
      if (report) report(++done, of);
    }
  }
}

}  // namespace qkscope

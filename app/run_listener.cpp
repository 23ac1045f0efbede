#include "app/run_listener.h"

#include <utility>

namespace qkscope {

namespace {
constexpr std::chrono::milliseconds kInterval{30};

/// Whether so long has passed since `last`, which is then now.
bool isDue(std::chrono::steady_clock::time_point& last) {
  const auto now = std::chrono::steady_clock::now();
  if (now - last < kInterval) return false;
  last = now;
  return true;
}

}  // namespace

RunListener::RunListener(const LanguageModel& model, Receiver receiver)
    : receiver_(std::move(receiver)), baseline_(model.tokenizer()), disrupted_(model.tokenizer()) {}

RunEvents RunListener::events() {
  RunEvents events;
  events.norm = [this](Arm arm, SiteId where, const SharedArray& norm) {
    state(arm).capture.norms[where] = norm;
  };
  events.layer = [this](Arm arm, int layer, int num_layers) {
    if (!isDue(last_layer_)) return;
    receiver_.layer(arm, layer + 1, num_layers);
    if (!state(arm).capture.norms.empty()) receiver_.partial(arm, state(arm).capture);
  };
  events.prefilled = [this](Arm arm, std::shared_ptr<const Run> run) {
    receiver_.prefilled(arm, std::move(run));
  };
  events.token = [this](Arm arm, int id) {
    const std::string text = state(arm).decoder.push(id);
    if (text.empty()) return;
    tellRest(arm == Arm::Baseline ? Arm::Disrupted : Arm::Baseline);
    State& mine = state(arm);
    const bool first = mine.text.isEmpty();
    mine.text += QString::fromStdString(text);
    mine.untold = true;
    if (isDue(last_text_) || first) tellRest(arm);
  };
  events.scored = [this](Arm arm, const Perplexity& perplexity) { receiver_.scored(arm, perplexity); };
  return events;
}

void RunListener::tellRest(Arm arm) {
  if (std::exchange(state(arm).untold, false)) receiver_.text(arm, state(arm).text);
}

}  // namespace qkscope

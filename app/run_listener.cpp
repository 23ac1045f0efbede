#include "app/run_listener.h"

namespace qkscope {

namespace {
constexpr std::chrono::milliseconds kInterval{30};
}

RunListener::RunListener(const LanguageModel& model, Receiver receiver)
    : receiver_(std::move(receiver)), baseline_(model.tokenizer()), disrupted_(model.tokenizer()) {}

RunEvents RunListener::events() {
  RunEvents events;
  events.norm = [this](Arm arm, SiteId where, const SharedArray& norm) {
    state(arm).capture.norms[where] = norm;
  };
  events.layer = [this](Arm arm, int layer, int num_layers) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kInterval) return;
    last_ = now;
    receiver_.layer(arm, layer + 1, num_layers);
    if (!state(arm).capture.norms.empty()) receiver_.partial(arm, state(arm).capture);
  };
  events.prefilled = [this](Arm arm, std::shared_ptr<const Run> run) {
    receiver_.prefilled(arm, std::move(run));
  };
  events.token = [this](Arm arm, int id) {
    const std::string text = state(arm).decoder.push(id);
    if (text.empty()) return;
    QString& so_far = state(arm).text;
    so_far += QString::fromStdString(text);
    receiver_.text(arm, so_far);
  };
  events.scored = [this](Arm arm, const Perplexity& perplexity) { receiver_.scored(arm, perplexity); };
  return events;
}

}  // namespace qkscope

#pragma once
#include <QString>
#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "core/model/language_model.h"
#include "core/run/run.h"

namespace qkscope {

/// Listens to one run on the thread that runs it and passes on what a person can follow: captures and texts
/// that grow, at most every 30 ms each. A text never ends in half a character; its last words may come with
/// the finished run alone.
class RunListener {
 public:
  struct Receiver {  // called on the running thread
    std::function<void(Arm, Capture)> partial;
    std::function<void(Arm, int layers_done, int num_layers)> layer;
    std::function<void(Arm, std::shared_ptr<const Run>)> prefilled;
    std::function<void(Arm, const QString&)> text;
    std::function<void(Arm, const Perplexity&)> scored;
  };

  RunListener(const LanguageModel& model, Receiver receiver);
  /// Valid as long as this object.
  RunEvents events();

 private:
  struct State {
    explicit State(const Tokenizer& tokenizer) : decoder(tokenizer) {}
    Capture capture;
    StreamDecoder decoder;
    QString text;
    bool untold = false;
  };
  State& state(Arm arm) { return arm == Arm::Baseline ? baseline_ : disrupted_; }
  /// The text of `arm`, where some of it was not told yet.
  void tellRest(Arm arm);

  Receiver receiver_;
  State baseline_, disrupted_;
  std::chrono::steady_clock::time_point last_layer_{}, last_text_{};
};

}  // namespace qkscope

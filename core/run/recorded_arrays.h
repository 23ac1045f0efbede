#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/safetensors.h"
#include "core/io/safetensors_writer.h"
#include "core/model/spec.h"
#include "core/run/run.h"

namespace qkscope {

/// The numbers of a run as named arrays of a .safetensors file: layers.L.SITE (position, head, dim),
/// layers.L.SITE.norm (head, dim) as `capture` names them, layers.L.SITE.row_norm (position),
/// layers.L.head.H.pattern (position, position), where H is "mean" of the mean over heads,
/// layers.L.SITE.top, .massive and .largest (value of each) with .places (position and dim of each), what was
/// scored, and the tokens. L and H from 0.
class RunArrays {
 public:
  /// Of `run`, without those that it shares with `base` (of which it is an arm; null: none): they are in that
  /// one's file. Both must outlive this object.
  RunArrays(const Run& run, const Run* base);
  SafetensorsWriter::Parts parts() const { return writer_.parts(); }

 private:
  template <typename Id>
  void add_shared(const std::map<Id, SharedArray>& arrays, const std::map<Id, SharedArray>* of_base,
                  const char* ending);
  void add_activations(const std::string& name, const ActivationSummary& summary);
  void add_tokens(const std::string& name, const std::vector<TokenProbability>& tokens);
  void add_score(const std::string& name, const std::optional<Perplexity>& score);
  void add(const std::string& name, std::vector<float> numbers);
  void add(const std::string& name, std::vector<std::int64_t> numbers);

  SafetensorsWriter writer_;
  std::deque<Array> arrays_;  // what the writer looks at, where it is not the run's own
  std::deque<std::vector<std::int64_t>> integers_;
};

/// The whole number from 0 that `text` is; nothing where it is none, or larger than an int.
std::optional<int> index_from(std::string_view text);

/// Puts the arrays of such a file into `run`; `run.capture.positions` and `run.first_layer` say already what
/// they are to fit, `rule` is that of the activations. `base` as above. Throws Error that begins with `where`
/// for an array that does not fit the spec and those, or that no run has.
void read_run(ArrayFile file, const ModelSpec& spec, const ActivationRule& rule, const Run* base,
              const std::string& where, Run& run);

}  // namespace qkscope

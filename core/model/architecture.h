#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/model/checkpoint.h"
#include "core/model/decoder_spec.h"

namespace qkscope {

/// Fills a DecoderSpec from config.json. Throws Error naming the key at fault.
using MakeSpec = DecoderSpec (*)(const Checkpoint&);

/// Each file in core/models/ adds itself: ArchitectureRegistration llama("LlamaForCausalLM", llama_spec);
struct ArchitectureRegistration {
  ArchitectureRegistration(std::string name, MakeSpec make);
};

/// The names of all architectures there are, sorted.
std::vector<std::string> architectures();
/// The spec of a checkpoint, by the first known name in config.json's "architectures". Checks what every
/// decoder needs (sizes positive, heads divisible). Throws Error.
DecoderSpec make_spec(const Checkpoint& checkpoint);

/// Reads config.json's keys with errors that name file and key. A key that is null counts as absent.
class Config {
 public:
  explicit Config(const Checkpoint& checkpoint);
  int positive(const char* key) const;
  int positive(const char* key, int otherwise) const;
  double number(const char* key, double otherwise) const;
  bool flag(const char* key, bool otherwise) const;
  std::string text(const char* key, const std::string& otherwise) const;
  const nlohmann::json& json() const { return json_; }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  template <typename T>
  std::optional<T> get(const char* key, const char* kind) const;

  const nlohmann::json& json_;
  std::string path_;
};

/// The part of the spec that every Llama-like config.json says in the same words.
DecoderSpec llama_like_spec(const Checkpoint& checkpoint);
/// rope_parameters (transformers 5), or rope_theta and rope_scaling (before). `head_dim` sets rotary_dim.
RopeSpec read_rope(const Checkpoint& checkpoint, int head_dim);

}  // namespace qkscope

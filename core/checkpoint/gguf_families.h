#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/io/gguf.h"

namespace qkscope {

/// The keys of one architecture in a GGUF file: "block_count" is the file's "llama.block_count". Throws Error
/// naming key and file. The file's directory must outlive it.
class GgufKeys {
 public:
  GgufKeys(const GgufDirectory& directory, const std::string& where);

  /// general.architecture.
  const std::string& architecture() const { return architecture_; }
  bool has(std::string_view key) const;
  /// One value for all layers, also where it is given for each; Error where they differ.
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t absent) const;
  std::int64_t required(std::string_view key) const;
  /// A value for each of `layers` layers, also where one is given for all; empty where the key is absent.
  std::vector<std::int64_t> per_layer(std::string_view key, std::int64_t layers) const;
  /// The same of true or false; of one number n: every n-th layer is false, as llama.cpp counts windows.
  std::vector<bool> layer_flags(std::string_view key, std::int64_t layers, std::int64_t absent) const;
  std::optional<double> number(std::string_view key) const;
  double number(std::string_view key, double absent) const;
  std::optional<std::string_view> text(std::string_view key) const;
  bool flag(std::string_view key, bool absent) const;
  const GgufTensor* tensor(std::string_view name) const;
  /// The numbers of a tensor of that name, as float32; empty where there is none.
  std::vector<float> numbers_of(std::string_view tensor) const;

  const GgufDirectory& directory() const { return directory_; }
  const std::string& where() const { return where_; }
  [[noreturn]] void missing(std::string_view key) const;
  [[noreturn]] void wrong(std::string_view key, const std::string& found, const std::string& expected) const;

 private:
  std::string full(std::string_view key) const { return architecture_ + "." + std::string(key); }

  const GgufDirectory& directory_;
  const GgufMetadata& metadata_;
  const std::string& where_;
  std::string architecture_;
};

/// What llama.cpp's converter does with the models of one architecture.
struct GgufFamily {
  std::string_view name;     // general.architecture
  const char* architecture;  // the class of transformers
  const char* model_type;
  /// The rows of Q and K are reordered for interleaved pairs.
  bool permuted = false;
  /// ffn_up holds [gate; up].
  bool gate_in_up = false;
  /// Norms are LayerNorms: their epsilon is another key.
  bool layer_norms = false;
  /// Heads or hidden units may differ from layer to layer: the largest is written, and `complete` knows more.
  bool varies_by_layer = false;
  /// The keys of head sizes mean something else: only `complete` knows what.
  bool own_head_dims = false;
  /// Value heads of a delta net stand in the order of (value head of its key head, key head).
  bool tiled_values = false;
  /// mscale is yarn_log_multiplier times this; 0: the key may only be 0.
  double log_multiplier = 0;
  /// Turns the keys that Llama has, and that `config` holds already, into the family's own, and adds the
  /// rest.
  void (*complete)(const GgufKeys& keys, nlohmann::json& config) = nullptr;
};

/// Null for an architecture that is not known.
const GgufFamily* gguf_family(std::string_view architecture);
const GgufFamily* gguf_family(const GgufMetadata& metadata);

/// RoPE settings as config.json has them, added to `config`.
void write_gguf_rope(const GgufKeys& keys, nlohmann::json& config);

/// GGUF's key-value pairs as the config.json that transformers would have written. Throws Error naming the
/// key that is missing or says what no config.json can.
nlohmann::json gguf_config(const GgufDirectory& directory, const std::string& where);

/// Hugging Face's parameter name of a GGUF tensor; names that have none stay as they are
/// ("rope_freqs.weight").
std::string hugging_face_name(std::string_view gguf_name, const GgufFamily* family = nullptr);

/// Heads whose rows the converter of this GGUF architecture has interleaved in tensor `gguf_name`; 0 = none.
std::int64_t permuted_heads(std::string_view gguf_name, const GgufFamily* family,
                            const nlohmann::json& config);

}  // namespace qkscope

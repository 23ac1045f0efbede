#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// What a parameter is to the model. A role may have a weight and a bias.
// clang-format off
enum class Role {
  // of the model
  Embedding, EmbeddingNorm, Positions, ProjectIn, ProjectOut, FinalNorm, Head,
  PerLayerEmbedding, PerLayerProjection, PerLayerInputNorm,
  // of a layer
  MixerNorm, MixerPostNorm, FfnNorm, FfnPostNorm, LayerScalar, PerLayerGate, PerLayerUp, PerLayerNorm,
  // of attention
  Query, Key, Value, AttnGate, AttnOut, QueryNorm, KeyNorm, ValueNorm, Sinks,
  QueryDown, QueryDownNorm, KvDown, KvDownNorm, KvUp, KeyUp, ValueUp,
  // of an ffn, its experts and the expert all positions use
  Gate, Up, Down, Router, RouterCorrection, ExpertGate, ExpertUp, ExpertDown,
  SharedGate, SharedUp, SharedDown, SharedRouter,
  RouterNorm, RouterExpertScale, RoutedNorm, RoutedPostNorm, SharedPostNorm,
  // of a Mamba layer
  MambaIn, MambaConv, MambaX, MambaDt, MambaALog, MambaD, MambaOut, MambaDtNorm, MambaBNorm, MambaCNorm,
  // of a gated delta-net layer
  DeltaQkv, DeltaGate, DeltaBeta, DeltaDecay, DeltaConv, DeltaDtBias, DeltaALog, DeltaNorm, DeltaOut,
};
// clang-format on

/// Which rows of a stored matrix are a parameter's.
enum class Rows {
  All,
  QkvBlocks,          // of [q; k; v]
  QkvGroups,          // of one block a KV head: [the queries it serves; k; v] (NeoX, Falcon)
  QueryGate,          // of one block a head: [q; gate] (Qwen 3.5)
  GateUpBlocks,       // of [gate; up]
  GateUpInterleaved,  // gate in the even rows, up in the odd ones (gpt-oss)
  DeltaGroups,        // of one block a key head: [q; k; v; gate], or [beta; decay] (Qwen3-Next)
  TiledValues,        // value heads ordered by their number within their key head first (Qwen 3.5 in GGUF)
};

/// Where and how a parameter is stored. `name` is what stands between the table's prefix and ".weight" or
/// ".bias"; "{expert}" in it is the number of an expert.
struct Stored {
  std::string name;
  Rows rows = Rows::All;
  bool transposed = false;     // (in, out), as GPT-2 stores its matrices
  bool stacked = false;        // one tensor (experts, out, in) holds those of all experts
  bool bare = false;           // the name is the tensor's whole name: no ".weight" follows
  std::string bias{};          // of the bias, where it is not name + ".bias"
  bool minus_exp = false;      // -exp of the numbers is stored
  bool tiled_columns = false;  // columns are those of value heads in the order of Rows::TiledValues
  bool operator==(const Stored&) const = default;
};

/// The names of all parameters of one family. Of several that a role may be stored under, the first that the
/// file holds counts.
struct ParameterTable {
  /// Before every name but the head's; the first with which the file holds the embedding counts.
  std::vector<std::string> prefixes = {"model."};
  std::string layer = "layers.{layer}.";  // before the names of a layer's parameters
  std::map<Role, std::vector<Stored>> stored;
  bool operator==(const ParameterTable&) const = default;
};

/// `name` with the first `word`, "{layer}" or "{expert}", in it replaced by `number`.
std::string replaced(std::string name, std::string_view word, int number);
/// The name of a parameter of a layer, after the prefix and before ".weight". "{expert}" stays.
std::string layer_name(const ParameterTable& table, int layer, const Stored& stored);

/// Llama's names, which most families share.
ParameterTable llama_parameters();

struct ModelSpec;

/// The names of all parameters of any family under which a GGUF file is presented (hugging_face_name() in
/// core/checkpoint/gguf_families.h). `tiled_values`: the value heads of delta nets are.
ParameterTable gguf_parameters(const ModelSpec& spec, bool tiled_values);

/// Whether there is one of every layer.
bool is_of_layer(Role role);
/// The shape of a parameter's weight as the forward pass needs it: (out, in), (n), or () for a number; a bias
/// has as many numbers as there are rows.
std::vector<std::int64_t> parameter_shape(const ModelSpec& spec, Role role, int layer);

struct LayerSpec;
/// The roles of a layer that are factors of its matrix products.
std::vector<Role> products_of(const LayerSpec& layer);

/// `count` rows from `first` on, every `step`-th.
struct RowRange {
  std::int64_t first = 0, count = 0, step = 1;
};
/// The rows of a parameter in the matrix that is stored, in order, and how many rows that has.
struct StoredRows {
  std::vector<RowRange> ranges;
  std::int64_t total = 0;
};
struct DeltaNetSpec;
/// Where each value head stands among tiled ones.
std::vector<std::int64_t> tiled_value_heads(const DeltaNetSpec& spec);
StoredRows stored_rows(const ModelSpec& spec, Role role, int layer, Rows rows);

}  // namespace qkscope

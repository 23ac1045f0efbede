#pragma once
#include <set>
#include <string>

#include "core/model/config.h"
#include "core/model/spec.h"

namespace qkscope {

/// Puts the names of a mixture of experts, of its router and of the expert that all positions use into
/// `table`: `ffn` is what stands before them within a layer ("mlp"), `shared` the name of that expert, empty
/// where there is none. Experts are stored one by one, as most checkpoints have them, or all in one tensor.
void name_experts(ParameterTable& table, const std::string& ffn, const std::string& shared);

/// "num_experts_per_tok" of as many experts as `key` says, which the family's class also knows as `alias`.
MoeSpec read_experts(const Config& config, const char* key, const char* alias, int absent, int absent_top_k);

/// Puts `moe` into the layers that "mlp_only_layers" and "decoder_sparse_step" leave to experts (Qwen).
void put_sparse_experts(const Config& config, ModelSpec& spec, const MoeSpec& moe);

/// What absent keys mean in a family that chooses its experts as DeepSeek-V3 does.
struct CorrectedExperts {
  int num_experts, top_k, intermediate_size;
  double scale;
  int num_groups = 1, top_groups = 1;
  int dense_layers = 1;  // the first layers, with a plain MLP
  bool listed = false;   // "mlp_layer_types" says which layers have one, not "first_k_dense_replace"
};
/// Puts experts into the layers that have some: chosen within the best groups by the sigmoid of their logits
/// and a stored correction, and a shared one beside them.
void put_corrected_experts(const Config& config, ModelSpec& spec, const CorrectedExperts& defaults);

/// The layers, counted from 0, that a list in config.json names; empty where it is absent or null. Throws
/// Error.
std::set<int> read_layer_list(const Config& config, const char* key);

}  // namespace qkscope

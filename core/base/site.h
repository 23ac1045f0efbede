#pragma once
#include <compare>
#include <optional>
#include <string_view>

namespace qkscope {

/// A place in the forward pass whose tensor can be read and replaced. Shapes are those the tap sees,
/// (batch = 1 left out): T positions, H query heads, G KV heads, D head_dim, C hidden_size.
enum class Site {
  QueryPreRope,  // (T, H, D) normed, where a norm comes before the rotation
  Query,        // (T, H, D) as attention multiplies it: after RoPE and whatever else comes before the product
  KeyPreRope,   // (T, G, D)
  Key,          // (T, G, D) after RoPE, as this pass attends to it
  Value,        // (T, G, Dv)
  KeyCached,    // (T, G, D) what later decode steps will read
  ValueCached,  // (T, G, Dv)
  AttnScores,   // (H, T, past + T) before softmax; computed only when wanted
  AttnPattern,  // (H, T, past + T) after softmax; computed only when wanted
  AttnOut,      // (T, C) what the mixer gives: after o_proj, before a norm
  ResidPre,     // (T, C) residual stream entering the layer
  ResidMid,     // (T, C) after attention; not where mixer and ffn stand side by side
  ResidPost,    // (T, C) leaving the layer
  MlpIn,        // (T, C) after the norm
  MlpOut,       // (T, C) before a norm
  QueryRaw,     // (T, H, D) as projected, where a norm comes before the rotation
  KeyRaw,       // (T, G, D) likewise
  AttnIn,       // (T, C) what the mixer reads: after the norm
  AttnHeads,    // (T, H Dv) what o_proj reads
  AttnGate,     // (T, H D) the output gate before its sigmoid
  AttnSink,     // (H, T) mass of the pattern on a learned sink; computed with AttnPattern, read only
  KvLatent,     // (T, kv_rank) what K and V are made from, after its norm
  MixerState,   // state of a recurrent mixer after the pass: (heads, key_dim, value_dim) or (inner, state)
  MlpHidden,    // (T, intermediate_size) what down reads; of a mixture of experts, its shared expert's
  Router,       // (T, num_experts) weight of each expert, zero where it is not chosen
  Logits,       // (T or 1, vocab_size)
};

/// A site of one layer (0-based; -1 for sites outside the layers, i.e. Logits).
struct SiteId {
  int layer = -1;
  Site site = Site::Logits;
  auto operator<=>(const SiteId&) const = default;
};

/// A query head of a layer, both 0-based, or the mean over all of them.
struct HeadId {
  static constexpr int mean = -1;
  int layer = 0, head = 0;
  auto operator<=>(const HeadId&) const = default;
};

/// The name used in options and files: "query_pre", "query", "key_pre", "key", "value", "resid_post", ...
std::string_view site_name(Site site);
/// Inverse of site_name; nothing for an unknown name.
std::optional<Site> site_from_name(std::string_view name);

}  // namespace qkscope

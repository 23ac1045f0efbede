#pragma once
#include <compare>
#include <optional>
#include <string_view>

namespace qkscope {

/// A place in the forward pass whose tensor can be read and replaced. Shapes are those the tap sees,
/// (batch = 1 left out): T positions, H query heads, G KV heads, D head_dim, C hidden_size.
enum class Site {
  QueryPreRope,  // (T, H, D)
  Query,         // (T, H, D) after RoPE
  KeyPreRope,    // (T, G, D)
  Key,           // (T, G, D) after RoPE, as this pass attends to it
  Value,         // (T, G, D)
  KeyCached,     // (T, G, D) what later decode steps will read
  ValueCached,   // (T, G, D)
  AttnScores,    // (H, T, past + T) before softmax; computed only when wanted
  AttnPattern,   // (H, T, past + T) after softmax; computed only when wanted
  AttnOut,       // (T, C) after o_proj
  ResidPre,      // (T, C) residual stream entering the layer
  ResidMid,      // (T, C) after attention
  ResidPost,     // (T, C) leaving the layer
  MlpIn,         // (T, C) after the norm
  MlpOut,        // (T, C)
  Logits,        // (T or 1, vocab_size)
};

/// A site of one layer (0-based; -1 for sites outside the layers, i.e. Logits).
struct SiteId {
  int layer = -1;
  Site site = Site::Logits;
  auto operator<=>(const SiteId&) const = default;
};

/// The name used in options and files: "query_pre", "query", "key_pre", "key", "value", "resid_post", ...
std::string_view site_name(Site site);
/// Inverse of site_name; nothing for an unknown name.
std::optional<Site> site_from_name(std::string_view name);

}  // namespace qkscope

#include "core/base/site.h"

#include <array>
#include <cstddef>

namespace qkscope {

namespace {

/// In the order of the enum.
constexpr std::array<std::string_view, 26> names = {
    "query_pre",   "query",        "key_pre",    "key",       "value",      "key_cached", "value_cached",
    "attn_scores", "attn_pattern", "attn_out",   "resid_pre", "resid_mid",  "resid_post", "mlp_in",
    "mlp_out",     "query_raw",    "key_raw",    "attn_in",   "attn_heads", "attn_gate",  "attn_sink",
    "kv_latent",   "mixer_state",  "mlp_hidden", "router",    "logits"};
static_assert(names.size() == static_cast<std::size_t>(Site::Logits) + 1);

}  // namespace

std::string_view site_name(Site site) {
  return names.at(static_cast<std::size_t>(site));
}

std::optional<Site> site_from_name(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Site>(i);
  }
  return std::nullopt;
}

}  // namespace qkscope

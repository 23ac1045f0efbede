#include "core/model/spec.h"

#include <algorithm>

namespace qkscope {

namespace {

/// The largest of `size(attention)` over the layers that have attention.
template <typename Size>
int largest(const std::vector<LayerSpec>& layers, const Size& size) {
  int most = 0;
  for (const LayerSpec& layer : layers) {
    if (const AttentionSpec* attention = layer.attention()) most = std::max(most, size(*attention));
  }
  return most;
}

bool attention_has(const AttentionSpec& attention, Site site) {
  const bool own_keys = attention.keys_of_layer < 0;
  switch (site) {
    case Site::KeyPreRope:
    case Site::Key:
    case Site::Value:
    case Site::KeyCached:
    case Site::ValueCached:
      return own_keys;
    case Site::QueryRaw:
      return attention.q_norm && !attention.norms_after_rotation;
    case Site::KeyRaw:
      return own_keys && attention.k_norm && !attention.norms_after_rotation;
    case Site::AttnGate:
      return attention.gate;
    case Site::AttnSink:
      return attention.sinks;
    case Site::KvLatent:
      return attention.latent.has_value();
    case Site::MixerState:
      return false;
    default:
      return true;
  }
}

}  // namespace

int ModelSpec::num_heads() const {
  return largest(layers, [](const AttentionSpec& a) { return a.num_heads; });
}
int ModelSpec::num_kv_heads() const {
  return largest(layers, [](const AttentionSpec& a) { return a.num_kv_heads; });
}
int ModelSpec::head_dim() const {
  return largest(layers, [](const AttentionSpec& a) { return std::max(a.head_dim, a.value_dim); });
}

int ModelSpec::intermediate_size() const {
  int most = 0;
  for (const LayerSpec& layer : layers) {
    const MoeSpec* moe = layer.moe();
    most = std::max(most, (moe ? moe->expert : std::get<MlpSpec>(layer.ffn)).intermediate_size);
    if (moe && moe->shared) most = std::max(most, moe->shared->intermediate_size);
  }
  return most;
}

const RopeSpec* ModelSpec::rope() const {
  const auto found = std::ranges::find_if(
      layers, [](const LayerSpec& layer) { return layer.attention() && layer.attention()->rope; });
  return found == layers.end() ? nullptr : &*found->attention()->rope;
}

bool ModelSpec::has_site(SiteId id) const {
  if (id.layer < 0 || id.layer >= num_layers()) return id.layer == -1 && id.site == Site::Logits;
  const LayerSpec& layer = layers[static_cast<std::size_t>(id.layer)];
  switch (id.site) {
    case Site::Logits:
      return false;
    case Site::ResidMid:
      return layer.wiring != Wiring::Parallel;
    case Site::Router:
      return layer.moe() != nullptr;
    case Site::MlpHidden:
      return !layer.moe() || layer.moe()->shared;
    case Site::ResidPre:
    case Site::ResidPost:
    case Site::AttnIn:
    case Site::AttnHeads:
    case Site::AttnOut:
    case Site::MlpIn:
    case Site::MlpOut:
      return true;
    default:
      return layer.attention() ? attention_has(*layer.attention(), id.site) : id.site == Site::MixerState;
  }
}

}  // namespace qkscope

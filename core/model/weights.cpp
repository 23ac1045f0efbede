#include "core/model/weights.h"

#include <ATen/ATen.h>

#include "core/model/parameter_reader.h"
#include "core/model/products/stored_matrix.h"

namespace qkscope {

namespace {

/// Sums up what is held as floats and as blocks, and what a decode step reads of it.
class Sizes {
 public:
  void add(const Linear& linear) {
    rows_alone = rows_alone && (linear.stored() || linear.bytes() == 0);
    held += linear.bytes();
    read += linear.bytes_of_step();
    if (linear.stored()) stored += linear.stored()->bytes();
  }
  void add(const at::Tensor& tensor) {
    held += tensor.defined() ? tensor.nbytes() : 0;
    read += tensor.defined() ? tensor.nbytes() : 0;
  }
  void add(const NormWeights& norm) {
    add(norm.weight);
    add(norm.bias);
  }
  void add(const MlpWeights& mlp) {
    add(mlp.up);
    add(mlp.down);
  }

  std::uint64_t held = 0, stored = 0, read = 0;
  bool rows_alone = true;  // see Weights
};

/// Of two tensors, K's with its axes exchanged head by head.
Linear joined_kv_up(const LatentSpec& spec, int l, ParameterReader& read) {
  const at::Tensor keys = read.weight(Role::KeyUp, l).transpose(1, 2), values = read.weight(Role::ValueUp, l);
  return Linear(at::cat({keys, values}, 1).reshape({-1, spec.kv_rank}), {});
}

AttentionWeights read_attention(const AttentionSpec& spec, int l, ParameterReader& read) {
  AttentionWeights weights;
  std::vector<Role> roles = {Role::Query};
  if (spec.gate) roles.push_back(Role::AttnGate);
  if (spec.keys_of_layer < 0 && !spec.latent) {
    roles.push_back(Role::Key);
    if (!spec.value_is_key) roles.push_back(Role::Value);
  }
  weights.qkv = read.linear(roles, l);
  weights.out = read.linear({Role::AttnOut}, l);
  weights.q_norm = read.norm(Role::QueryNorm, spec.q_norm, l);
  if (spec.keys_of_layer < 0) weights.k_norm = read.norm(Role::KeyNorm, spec.k_norm, l);
  if (spec.sinks) weights.sinks = read.weight(Role::Sinks, l);
  if (spec.latent) {
    if (spec.latent->q_rank > 0) {
      weights.q_down = read.linear({Role::QueryDown}, l);
      weights.q_down_norm = read.norm(Role::QueryDownNorm, spec.latent->q_norm, l);
    }
    weights.kv_down = read.linear({Role::KvDown}, l);
    weights.kv_down_norm = read.norm(Role::KvDownNorm, spec.latent->kv_norm, l);
    weights.kv_up =
        read.stores(Role::KeyUp, l) ? joined_kv_up(*spec.latent, l, read) : read.linear({Role::KvUp}, l);
  }
  return weights;
}

void add(Sizes& sizes, const AttentionWeights& w) {
  for (const Linear* linear : {&w.qkv, &w.out, &w.q_down, &w.kv_down, &w.kv_up}) sizes.add(*linear);
  for (const NormWeights* norm : {&w.q_norm, &w.k_norm, &w.q_down_norm, &w.kv_down_norm}) sizes.add(*norm);
  sizes.add(w.sinks);
}

MambaWeights read_mamba(const MambaSpec& spec, int l, ParameterReader& read) {
  MambaWeights weights;
  weights.in = read.linear({Role::MambaIn}, l);
  weights.conv = read.weight(Role::MambaConv, l);
  weights.conv_bias = read.optional_bias(Role::MambaConv, l);
  weights.x = read.linear({Role::MambaX}, l);
  weights.dt = read.linear({Role::MambaDt}, l);
  weights.a_log = read.weight(Role::MambaALog, l).to(at::kFloat);
  weights.d = read.weight(Role::MambaD, l).to(at::kFloat);
  weights.out = read.linear({Role::MambaOut}, l);
  weights.dt_norm = read.norm(Role::MambaDtNorm, spec.inner_norms, l);
  weights.b_norm = read.norm(Role::MambaBNorm, spec.inner_norms, l);
  weights.c_norm = read.norm(Role::MambaCNorm, spec.inner_norms, l);
  return weights;
}

void add(Sizes& sizes, const MambaWeights& w) {
  for (const Linear* linear : {&w.in, &w.x, &w.dt, &w.out}) sizes.add(*linear);
  for (const at::Tensor* tensor : {&w.conv, &w.conv_bias, &w.a_log, &w.d}) sizes.add(*tensor);
  for (const NormWeights* norm : {&w.dt_norm, &w.b_norm, &w.c_norm}) sizes.add(*norm);
}

DeltaNetWeights read_delta_net(int l, ParameterReader& read) {
  DeltaNetWeights weights;
  weights.in = read.linear({Role::DeltaQkv, Role::DeltaGate, Role::DeltaBeta, Role::DeltaDecay}, l);
  weights.conv = read.weight(Role::DeltaConv, l);
  weights.dt_bias = read.weight(Role::DeltaDtBias, l);
  weights.a_log = read.weight(Role::DeltaALog, l);
  weights.norm = read.weight(Role::DeltaNorm, l);
  weights.out = read.linear({Role::DeltaOut}, l);
  return weights;
}

void add(Sizes& sizes, const DeltaNetWeights& w) {
  sizes.add(w.in);
  sizes.add(w.out);
  for (const at::Tensor* tensor : {&w.conv, &w.dt_bias, &w.a_log, &w.norm}) sizes.add(*tensor);
}

MlpWeights read_mlp(const MlpSpec& spec, Role gate, Role up, Role down, int l, int expert,
                    ParameterReader& read) {
  const std::vector<Role> rows = spec.gated ? std::vector{gate, up} : std::vector{up};
  return {read.linear(rows, l, expert), read.linear({down}, l, expert)};
}

MoeWeights read_moe(const MoeSpec& spec, int l, ParameterReader& read) {
  MoeWeights weights;
  weights.router = read.linear({Role::Router}, l);
  if (spec.router.has_correction) weights.correction = read.weight(Role::RouterCorrection, l);
  if (spec.router.scales_experts) weights.expert_scale = read.weight(Role::RouterExpertScale, l);
  weights.router_norm = read.norm(Role::RouterNorm, spec.router.norm, l);
  weights.input_norm = read.norm(Role::RoutedNorm, spec.input_norm, l);
  weights.output_norm = read.norm(Role::RoutedPostNorm, spec.output_norm, l);
  weights.shared_output_norm = read.norm(Role::SharedPostNorm, spec.shared_output_norm, l);
  for (int e = 0; e < spec.num_experts; ++e) {
    weights.experts.push_back(
        read_mlp(spec.expert, Role::ExpertGate, Role::ExpertUp, Role::ExpertDown, l, e, read));
  }
  if (spec.shared) {
    weights.shared = read_mlp(*spec.shared, Role::SharedGate, Role::SharedUp, Role::SharedDown, l, -1, read);
    if (spec.shared_gate) weights.shared_router = read.linear({Role::SharedRouter}, l);
  }
  return weights;
}

void add(Sizes& sizes, const MoeSpec& spec, const MoeWeights& w) {
  sizes.add(w.router);
  sizes.add(w.correction);
  sizes.add(w.expert_scale);
  for (const NormWeights* norm : {&w.router_norm, &w.input_norm, &w.output_norm, &w.shared_output_norm})
    sizes.add(*norm);
  sizes.add(w.shared);
  sizes.add(w.shared_router);
  Sizes experts;
  for (const MlpWeights& expert : w.experts) experts.add(expert);
  sizes.rows_alone = sizes.rows_alone && experts.rows_alone;
  sizes.held += experts.held;
  sizes.stored += experts.stored;
  sizes.read +=
      experts.read * static_cast<std::uint64_t>(spec.top_k) / static_cast<std::uint64_t>(spec.num_experts);
}

LayerWeights read_layer(const LayerSpec& spec, int l, ParameterReader& read, Sizes& sizes) {
  LayerWeights weights;
  weights.mixer_norm = read.norm(Role::MixerNorm, spec.mixer_norm, l);
  weights.mixer_post_norm = read.norm(Role::MixerPostNorm, spec.mixer_post_norm, l);
  weights.ffn_norm = read.norm(Role::FfnNorm, spec.ffn_norm, l);
  weights.ffn_post_norm = read.norm(Role::FfnPostNorm, spec.ffn_post_norm, l);
  if (const AttentionSpec* attention = spec.attention()) {
    weights.mixer = read_attention(*attention, l, read);
  } else if (const auto* mamba = std::get_if<MambaSpec>(&spec.mixer)) {
    weights.mixer = read_mamba(*mamba, l, read);
  } else {
    weights.mixer = read_delta_net(l, read);
  }
  std::visit([&](const auto& mixer) { add(sizes, mixer); }, weights.mixer);
  if (const MoeSpec* moe = spec.moe()) {
    weights.ffn = read_moe(*moe, l, read);
    add(sizes, *moe, std::get<MoeWeights>(weights.ffn));
  } else {
    weights.ffn = read_mlp(std::get<MlpSpec>(spec.ffn), Role::Gate, Role::Up, Role::Down, l, -1, read);
    sizes.add(std::get<MlpWeights>(weights.ffn));
  }
  if (spec.scalar) weights.scalar = read.weight(Role::LayerScalar, l);
  if (spec.per_layer_input > 0) {
    weights.per_layer_gate = read.linear({Role::PerLayerGate}, l);
    weights.per_layer_up = read.linear({Role::PerLayerUp}, l);
    weights.per_layer_norm = read.norm(Role::PerLayerNorm, spec.per_layer_norm, l);
  }
  for (const NormWeights* norm : {&weights.mixer_norm, &weights.mixer_post_norm, &weights.ffn_norm,
                                  &weights.ffn_post_norm, &weights.per_layer_norm})
    sizes.add(*norm);
  sizes.add(weights.scalar);
  sizes.add(weights.per_layer_gate);
  sizes.add(weights.per_layer_up);
  return weights;
}

}  // namespace

Weights::Weights(std::shared_ptr<const Checkpoint> checkpoint, const ModelSpec& spec, at::Device device,
                 at::ScalarType dtype, const Progress& progress, Keep keep)
    : device_(device), dtype_(dtype) {
  ParameterReader read(std::move(checkpoint), spec, device, dtype, progress, keep);
  read_embedding(spec, read);
  Sizes sizes;
  for (int l = 0; l < spec.num_layers(); ++l) {
    layers_.push_back(
        std::make_shared<LayerWeights>(read_layer(spec.layers[static_cast<std::size_t>(l)], l, read, sizes)));
  }
  read_head(spec, read);
  for (const NormWeights* norm : {&embedding_.norm, &embedding_.per_layer_norm, &head_.norm})
    sizes.add(*norm);
  for (const Linear* linear :
       {&embedding_.project, &embedding_.per_layer_project, &head_.project, &head_.logits})
    sizes.add(*linear);
  bytes_per_step_ = sizes.read;
  multiply_rows_alone_ = sizes.rows_alone;
  const auto add_table = [&](const Table& table, bool floats_are_held) {
    if (table.stored() && table.stored() != head_.logits.stored()) sizes.stored += table.stored()->bytes();
    if (table.floats().defined() && !floats_are_held) sizes.held += table.floats().nbytes();
  };
  // A tied head and its table are one tensor, but where the head is packed.
  add_table(embedding_.table, spec.head.tied && !head_.logits.packed());
  add_table(embedding_.per_layer_table, false);
  if (embedding_.positions.defined()) sizes.held += embedding_.positions.nbytes();
  stored_bytes_ = sizes.stored;
  bytes_ = sizes.held + sizes.stored;
  names_ = read.names();
}

namespace {

/// Tied, either of the two may be the one that is stored.
Role embedding_role(const ModelSpec& spec, const ParameterReader& read) {
  const bool head_is_all = spec.head.tied && !read.stores(Role::Embedding) && read.stores(Role::Head);
  return head_is_all ? Role::Head : Role::Embedding;
}

}  // namespace

void Weights::read_embedding(const ModelSpec& spec, ParameterReader& read) {
  const EmbeddingSpec& e = spec.embedding;
  embedding_.table = read.table(embedding_role(spec, read));
  if (e.positions > 0) embedding_.positions = read.weight(Role::Positions);
  if (e.size != spec.hidden_size) embedding_.project = read.linear({Role::ProjectIn}, -1);
  embedding_.norm = read.norm(Role::EmbeddingNorm, e.norm);
  if (e.per_layer_input > 0) {
    embedding_.per_layer_table = read.table(Role::PerLayerEmbedding);
    embedding_.per_layer_project = read.linear({Role::PerLayerProjection}, -1);
    embedding_.per_layer_norm = read.norm(Role::PerLayerInputNorm, e.per_layer_norm);
  }
}

void Weights::read_head(const ModelSpec& spec, ParameterReader& read) {
  head_.norm = read.norm(Role::FinalNorm, spec.head.norm);
  if (spec.head.projected > 0) head_.project = read.linear({Role::ProjectOut}, -1);
  head_.logits = spec.head.tied ? read.product_of(embedding_.table, embedding_role(spec, read))
                                : read.linear({Role::Head}, -1);
}

}  // namespace qkscope

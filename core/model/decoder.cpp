#include "core/model/decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace qkscope {

Decoder::Decoder(ModelSpec spec, Weights weights) : spec_(std::move(spec)), weights_(std::move(weights)) {
  for (const LayerSpec& layer : spec_.layers) {
    const AttentionSpec* attention = layer.attention();
    if (!attention || !attention->rope) {
      rope_of_.push_back(-1);
      continue;
    }
    const auto known = std::ranges::find(ropes_, *attention->rope);
    rope_of_.push_back(static_cast<int>(known - ropes_.begin()));
    if (known == ropes_.end()) ropes_.push_back(*attention->rope);
  }
}

/// What the layers of one pass share.
struct Decoder::Pass {
  std::vector<SequenceRows> sequences;
  Tap& tap;
  std::vector<Rotation> rotations;  // one a different RoPE
};

namespace {

/// The factor is rounded to the type it multiplies, as Gemma's is.
at::Tensor scaled(const at::Tensor& x, double factor) {
  return factor == 1 ? x : x * at::full({}, factor, at::kFloat).to(x.device(), x.scalar_type());
}

/// (T, ...) of what `part` gives for the rows of each sequence.
template <typename Part>
at::Tensor each_sequence(const std::vector<SequenceRows>& sequences, const Part& part) {
  if (sequences.size() == 1) return part(sequences.front());
  std::vector<at::Tensor> parts;
  for (const SequenceRows& rows : sequences) parts.push_back(part(rows));
  return at::cat(parts);
}

}  // namespace

at::Tensor Decoder::embed(const TokenIds& ids, State& state) const {
  for (const int id : ids) {
    if (id < 0 || id >= spec_.vocab_size) {
      throw Error("Token id " + std::to_string(id) + " is outside the vocabulary of " +
                  std::to_string(spec_.vocab_size) + " tokens.");
    }
  }
  const EmbeddingSpec& spec = spec_.embedding;
  const EmbeddingWeights& weights = weights_.embedding();
  const at::Tensor index = at::tensor(ids, at::kLong).to(weights_.device());
  at::Tensor x = scaled(weights.table(index), spec.scale);  // (T, embedding size)
  if (spec.norm) x = normalize(*spec.norm, weights.norm, x);
  if (spec.size != spec_.hidden_size) x = weights.project(x);
  if (spec.positions > 0) {
    const auto count = static_cast<std::int64_t>(ids.size());
    if (state.length() + count > spec.positions) {
      throw Error("The model has learned " + std::to_string(spec.positions) + " positions and " +
                  std::to_string(state.length() + count) + " are needed; give a shorter prompt.");
    }
    x = x + weights.positions.narrow(0, state.length() + spec.position_offset, count);
  }
  state.layer_inputs = spec.per_layer_input > 0 ? per_layer_inputs(index, x) : at::Tensor();
  return x;
}

/// (T, num_layers, size): half of it from a table, half from the residual stream (Gemma 4).
at::Tensor Decoder::per_layer_inputs(const at::Tensor& index, const at::Tensor& residual) const {
  const EmbeddingSpec& spec = spec_.embedding;
  const EmbeddingWeights& weights = weights_.embedding();
  const std::int64_t shape[] = {index.size(0), spec_.num_layers(), spec.per_layer_input};
  const at::Tensor stored = scaled(weights.per_layer_table(index).view(shape), spec.per_layer_scale);
  const at::Tensor projected =
      weights.per_layer_project(residual).view(shape) / std::sqrt(static_cast<double>(spec_.hidden_size));
  const at::Tensor normed = normalize(*spec.per_layer_norm, weights.per_layer_norm, projected);
  return (normed + stored) * std::sqrt(0.5);
}

at::Tensor Decoder::run_layers(at::Tensor residual, int first, int last, State& state, Tap& tap) const {
  const std::int64_t rows = residual.size(0);
  return run_layers(std::move(residual), first, last, {{&state, 0, rows}}, tap);
}

at::Tensor Decoder::run_layers(at::Tensor residual, int first, int last, std::vector<SequenceRows> sequences,
                               Tap& tap) const {
  Pass pass{std::move(sequences), tap, {}};
  for (const RopeSpec& rope : ropes_) {
    std::vector<at::Tensor> cos, sin;
    for (const SequenceRows& rows : pass.sequences) {
      Rotation own = make_rotation(rope, spec_.max_position_embeddings, rows.state->length(),
                                   static_cast<int>(rows.count), weights_.device(), weights_.dtype());
      cos.push_back(std::move(own.cos));
      sin.push_back(std::move(own.sin));
    }
    if (cos.size() == 1) {
      pass.rotations.push_back({cos.front(), sin.front()});
    } else {
      pass.rotations.push_back({at::cat(cos), at::cat(sin)});
    }
  }
  for (int l = first; l < last; ++l) residual = run_layer(l, std::move(residual), pass);
  return residual;
}

at::Tensor Decoder::run_layer(int l, at::Tensor x, Pass& pass) const {
  const auto index = static_cast<std::size_t>(l);
  const LayerSpec& spec = spec_.layers[index];
  const std::shared_ptr<const LayerWeights> lease = weights_.lease(l);
  const LayerWeights& weights = *lease;
  Tap& tap = pass.tap;

  const auto norm = [](const std::optional<NormSpec>& n, const NormWeights& w, const at::Tensor& t) {
    return n ? normalize(*n, w, t) : t;
  };
  const auto mixer = [&](const at::Tensor& in) {
    if (const AttentionSpec* attention_spec = spec.attention()) {
      static const Rotation none;
      const Rotation& rotation =
          rope_of_[index] < 0 ? none : pass.rotations[static_cast<std::size_t>(rope_of_[index])];
      return attention(*attention_spec, std::get<AttentionWeights>(weights.mixer), l, in, rotation,
                       pass.sequences, tap);
    }
    return each_sequence(pass.sequences, [&](const SequenceRows& rows) {
      const at::Tensor own = in.narrow(0, rows.first, rows.count);
      if (const auto* mamba_spec = std::get_if<MambaSpec>(&spec.mixer))
        return mamba(*mamba_spec, std::get<MambaWeights>(weights.mixer), l, own, *rows.state, tap);
      return delta_net(std::get<DeltaNetSpec>(spec.mixer), std::get<DeltaNetWeights>(weights.mixer), l, own,
                       *rows.state, tap);
    });
  };
  const auto ffn = [&](const at::Tensor& in, const at::Tensor& residual) {
    const at::Tensor out =
        spec.moe() ? moe(*spec.moe(), std::get<MoeWeights>(weights.ffn), l, in, residual, tap)
                   : mlp(std::get<MlpSpec>(spec.ffn), std::get<MlpWeights>(weights.ffn), l, in, tap);
    return tap({l, Site::MlpOut}, out);
  };

  x = tap({l, Site::ResidPre}, x);
  if (spec.wiring == Wiring::NormAfterSum) {
    x = norm(spec.mixer_norm, weights.mixer_norm, x + mixer(tap({l, Site::AttnIn}, x)));
    x = tap({l, Site::ResidMid}, x);
    x = norm(spec.ffn_norm, weights.ffn_norm, x + ffn(tap({l, Site::MlpIn}, x), x));
  } else {
    const at::Tensor in = tap({l, Site::AttnIn}, norm(spec.mixer_norm, weights.mixer_norm, x));
    const at::Tensor mixed = norm(spec.mixer_post_norm, weights.mixer_post_norm, mixer(in));
    const bool parallel = spec.wiring == Wiring::Parallel;
    at::Tensor mid = parallel ? x : tap({l, Site::ResidMid}, x + mixed);
    const at::Tensor ffn_in = parallel && !spec.ffn_norm ? in : norm(spec.ffn_norm, weights.ffn_norm, mid);
    const at::Tensor fed =
        norm(spec.ffn_post_norm, weights.ffn_post_norm, ffn(tap({l, Site::MlpIn}, ffn_in), mid));
    x = parallel ? x + (mixed + fed) : mid + fed;
  }
  if (spec.per_layer_input > 0) {
    const at::Tensor gate = activate(spec.per_layer_activation, weights.per_layer_gate(x));
    const at::Tensor inputs = each_sequence(
        pass.sequences, [l](const SequenceRows& rows) { return rows.state->layer_inputs.select(1, l); });
    const at::Tensor entering = weights.per_layer_up(gate * inputs);
    x = x + norm(spec.per_layer_norm, weights.per_layer_norm, entering);
  }
  if (spec.scalar) x = x * weights.scalar;
  return tap({l, Site::ResidPost}, x);
}

at::Tensor Decoder::logits(const at::Tensor& residual, Tap& tap) const {
  const HeadSpec& spec = spec_.head;
  const HeadWeights& weights = weights_.head();
  at::Tensor x = spec.norm ? normalize(*spec.norm, weights.norm, residual) : residual;
  if (spec.projected > 0) x = weights.project(x);
  x = weights.logits(x);
  if (spec.scale != 1) x = x * spec.scale;
  if (spec.softcap > 0) x = (x / spec.softcap).tanh() * spec.softcap;
  return tap({-1, Site::Logits}, x.to(at::kFloat));  // (T, vocab_size)
}

at::Tensor Decoder::step(int id, State& state, Tap& tap) const {
  const at::Tensor residual = run_layers(embed({id}, state), 0, spec_.num_layers(), state, tap);
  state.advance(1);
  return logits(residual, tap);
}

/// Whether all between the products that reads several rows at once goes row by row or by exact operations.
bool Decoder::goes_row_by_row() const {
  const auto alone = [](const LayerSpec& layer) {
    const AttentionSpec* attention = layer.attention();
    const auto* mlp = std::get_if<MlpSpec>(&layer.ffn);
    return layer.per_layer_input == 0 && mlp && computed_by_row(*mlp) &&
           (!attention || (!attention->gate && !attention->query_scale));
  };
  return spec_.head.softcap <= 0 && spec_.embedding.per_layer_input == 0 &&
         std::ranges::all_of(spec_.layers, alone);
}

bool Decoder::rows_stand_alone() const {
  const bool floats_on_cpu = weights_.device().is_cpu() && weights_.dtype() == at::kFloat;
  return (weights_.device().is_cuda() || (floats_on_cpu && weights_.multiply_rows_alone())) &&
         goes_row_by_row();
}

bool Decoder::prefixes_stand_alone() const {
  const auto alone = [](const LayerSpec& layer) {
    const AttentionSpec* attention = layer.attention();
    return attention && !attention->alibi && !attention->sinks && attention->softcap <= 0 &&
           (!attention->rope || (attention->rope->type != "dynamic" && attention->rope->type != "longrope"));
  };
  const auto packed = [this] { return std::get<AttentionWeights>(weights_.lease(0)->mixer).qkv.packed(); };
  return goes_row_by_row() && std::ranges::all_of(spec_.layers, alone) && packed();
}

at::Tensor Decoder::step(const TokenIds& ids, std::span<State* const> states, Tap& tap) const {
  std::vector<at::Tensor> residuals;
  std::vector<SequenceRows> sequences;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    residuals.push_back(embed({ids[i]}, *states[i]));
    sequences.push_back({states[i], static_cast<std::int64_t>(i), 1});
  }
  const at::Tensor residual =
      run_layers(at::cat(residuals), 0, spec_.num_layers(), std::move(sequences), tap);
  for (State* state : states) state->advance(1);
  return logits(residual, tap);
}

}  // namespace qkscope

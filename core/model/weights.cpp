#include "core/model/weights.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"
#include "core/model/checkpoint.h"
#include "core/model/wording.h"

namespace qkscope {

namespace {

class Reader {
 public:
  Reader(const Checkpoint& checkpoint, at::Device device, at::ScalarType dtype, const Progress& progress)
      : checkpoint_(checkpoint),
        device_(device),
        dtype_(dtype),
        progress_(progress),
        total_(checkpoint.total_bytes()) {}

  /// The named tensors stacked along the first axis: (sum of rows, ...). Each has shape (rows[i], tail...).
  at::Tensor stacked(const std::vector<std::string>& names, const std::vector<std::int64_t>& rows,
                     const std::vector<std::int64_t>& tail) {
    std::vector<std::int64_t> shape = tail;
    shape.insert(shape.begin(), 0);
    for (const std::int64_t r : rows) shape[0] += r;
    at::Tensor result = at::empty(shape, at::TensorOptions().dtype(dtype_).device(device_));
    std::int64_t start = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      shape[0] = rows[i];
      read_into(checkpoint_.require(names[i], shape), result.narrow(0, start, rows[i]));
      start += rows[i];
    }
    return result;
  }
  at::Tensor one(const std::string& name, const std::vector<std::int64_t>& shape) {
    return stacked({name}, {shape.front()}, {shape.begin() + 1, shape.end()});
  }

 private:
  void read_into(const TensorEntry& entry, at::Tensor target) {
    progress_("reading weights", done_, total_);
    done_ += entry.bytes.size();
    if (device_.is_meta()) return;
    const bool direct = device_.is_cpu() && dtype_ == at::kFloat;
    at::Tensor host = direct ? target : at::empty(entry.shape, at::kFloat);
    read_float32(entry, {host.data_ptr<float>(), static_cast<std::size_t>(host.numel())}, progress_.stop);
    // One pass over memory that has just been written; a sum is not finite where a term is not.
    if (!std::isfinite(host.sum().item<float>()) && !at::isfinite(host).all().item<bool>()) {
      throw Error(
          in_quotes(checkpoint_.path().string()) + ": tensor " + in_quotes(entry.name) +
          " holds numbers that are not finite (NaN or infinity); download or convert the model again");
    }
    if (!direct) target.copy_(host);
    checkpoint_.release(entry);
  }

  const Checkpoint& checkpoint_;
  at::Device device_;
  at::ScalarType dtype_;
  const Progress& progress_;
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

Weights::Weights(const Checkpoint& checkpoint, const DecoderSpec& spec, at::Device device,
                 at::ScalarType dtype, const Progress& progress) {
  Reader read(checkpoint, device, dtype, progress);
  const std::int64_t hidden = spec.hidden_size, inner = spec.intermediate_size, vocab = spec.vocab_size;
  const std::int64_t q_rows = std::int64_t{spec.num_heads} * spec.head_dim;
  const std::int64_t kv_rows = std::int64_t{spec.num_kv_heads} * spec.head_dim;
  const auto bias = [&](bool there, const std::vector<std::string>& names,
                        const std::vector<std::int64_t>& rows) {
    return there ? read.stacked(names, rows, {}) : at::Tensor();
  };

  embedding_ = read.one("model.embed_tokens.weight", {vocab, hidden});
  for (int l = 0; l < spec.num_layers; ++l) {
    const std::string prefix = "model.layers." + std::to_string(l) + ".";
    const std::string attn = prefix + "self_attn.", mlp = prefix + "mlp.";
    LayerWeights layer;
    layer.attn_norm = read.one(prefix + "input_layernorm.weight", {hidden});
    layer.mlp_norm = read.one(prefix + "post_attention_layernorm.weight", {hidden});
    const std::vector<std::int64_t> qkv_rows = {q_rows, kv_rows, kv_rows};
    layer.qkv = Linear(
        read.stacked({attn + "q_proj.weight", attn + "k_proj.weight", attn + "v_proj.weight"}, qkv_rows,
                     {hidden}),
        bias(spec.qkv_bias, {attn + "q_proj.bias", attn + "k_proj.bias", attn + "v_proj.bias"}, qkv_rows));
    layer.attn_out = Linear(read.one(attn + "o_proj.weight", {hidden, q_rows}),
                            bias(spec.attn_output_bias, {attn + "o_proj.bias"}, {hidden}));
    layer.gate_up =
        Linear(read.stacked({mlp + "gate_proj.weight", mlp + "up_proj.weight"}, {inner, inner}, {hidden}),
               bias(spec.mlp_bias, {mlp + "gate_proj.bias", mlp + "up_proj.bias"}, {inner, inner}));
    layer.down = Linear(read.one(mlp + "down_proj.weight", {hidden, inner}),
                        bias(spec.mlp_bias, {mlp + "down_proj.bias"}, {hidden}));
    layers_.push_back(std::move(layer));
  }
  final_norm_ = read.one("model.norm.weight", {hidden});
  head_ = Linear(spec.tie_word_embeddings ? embedding_ : read.one("lm_head.weight", {vocab, hidden}), {});
}

std::uint64_t Weights::bytes_per_step() const {
  std::uint64_t sum = final_norm_.nbytes() + head_.bytes();
  for (const LayerWeights& layer : layers_) {
    sum += layer.attn_norm.nbytes() + layer.mlp_norm.nbytes() + layer.qkv.bytes() + layer.attn_out.bytes() +
           layer.gate_up.bytes() + layer.down.bytes();
  }
  return sum;
}

std::uint64_t Weights::bytes() const {
  return bytes_per_step() + embedding_.nbytes();
}

}  // namespace qkscope

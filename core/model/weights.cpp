#include "core/model/weights.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/checkpoint.h"

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
  /// Nothing is held before all are known to be there.
  at::Tensor stacked(const std::vector<std::string>& names, const std::vector<std::int64_t>& rows,
                     const std::vector<std::int64_t>& tail) {
    std::vector<const TensorEntry*> entries;
    for (std::size_t i = 0; i < names.size(); ++i)
      entries.push_back(&checkpoint_.require(names[i], shape(rows[i], tail)));
    return read(entries, rows, tail);
  }
  at::Tensor one(const std::string& name, const std::vector<std::int64_t>& shape) {
    return stacked({name}, {shape.front()}, {shape.begin() + 1, shape.end()});
  }
  /// The same for biases, of which any may be missing: zeros in their place, no tensor where none is there.
  at::Tensor biases(const std::vector<std::string>& names, const std::vector<std::int64_t>& rows) {
    std::vector<const TensorEntry*> entries;
    for (std::size_t i = 0; i < names.size(); ++i)
      entries.push_back(checkpoint_.optional(names[i], shape(rows[i], {})));
    const bool any = std::ranges::any_of(entries, [](const auto* entry) { return entry != nullptr; });
    return any ? read(entries, rows, {}) : at::Tensor();
  }

  std::set<std::string> take_names() { return std::move(names_); }

 private:
  static std::vector<std::int64_t> shape(std::int64_t rows, std::vector<std::int64_t> tail) {
    tail.insert(tail.begin(), rows);
    return tail;
  }

  at::Tensor read(const std::vector<const TensorEntry*>& entries, const std::vector<std::int64_t>& rows,
                  const std::vector<std::int64_t>& tail) {
    const std::int64_t all = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
    at::Tensor result = at::empty(shape(all, tail), at::TensorOptions().dtype(dtype_).device(device_));
    std::int64_t start = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const at::Tensor part = result.narrow(0, start, rows[i]);
      start += rows[i];
      if (entries[i]) {
        read_into(*entries[i], part);
      } else {
        part.zero_();
      }
    }
    return result;
  }

  void read_into(const TensorEntry& entry, at::Tensor target) {
    progress_("reading weights", done_, total_);
    done_ += entry.bytes.size();
    names_.insert(entry.name);
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
  std::set<std::string> names_;
};

}  // namespace

Weights::Weights(const Checkpoint& checkpoint, const DecoderSpec& spec, at::Device device,
                 at::ScalarType dtype, const Progress& progress) {
  Reader read(checkpoint, device, dtype, progress);
  const std::int64_t hidden = spec.hidden_size, inner = spec.intermediate_size, vocab = spec.vocab_size;
  const std::int64_t q_rows = std::int64_t{spec.num_heads} * spec.head_dim;
  const std::int64_t kv_rows = std::int64_t{spec.num_kv_heads} * spec.head_dim;

  const char *embedding = "model.embed_tokens.weight", *head = "lm_head.weight";
  const bool head_is_all = spec.tie_word_embeddings && !checkpoint.stores(embedding);
  embedding_ = read.one(head_is_all && checkpoint.stores(head) ? head : embedding, {vocab, hidden});
  for (int l = 0; l < spec.num_layers; ++l) {
    const std::string prefix = "model.layers." + std::to_string(l) + ".";
    const auto linear = [&](const std::string& block, const std::vector<std::string>& parts,
                            const std::vector<std::int64_t>& rows, std::int64_t columns) {
      std::vector<std::string> weights, biases;
      for (const std::string& part : parts) {
        weights.push_back(prefix + block + part + "_proj.weight");
        biases.push_back(prefix + block + part + "_proj.bias");
      }
      at::Tensor weight = read.stacked(weights, rows, {columns});
      return Linear(std::move(weight), read.biases(biases, rows));
    };
    LayerWeights layer;
    layer.attn_norm = read.one(prefix + "input_layernorm.weight", {hidden});
    layer.mlp_norm = read.one(prefix + "post_attention_layernorm.weight", {hidden});
    layer.qkv = linear("self_attn.", {"q", "k", "v"}, {q_rows, kv_rows, kv_rows}, hidden);
    layer.attn_out = linear("self_attn.", {"o"}, {hidden}, q_rows);
    layer.gate_up = linear("mlp.", {"gate", "up"}, {inner, inner}, hidden);
    layer.down = linear("mlp.", {"down"}, {hidden}, inner);
    layers_.push_back(std::move(layer));
  }
  final_norm_ = read.one("model.norm.weight", {hidden});
  head_ = Linear(spec.tie_word_embeddings ? embedding_ : read.one(head, {vocab, hidden}), {});
  head_is_embedding_ = spec.tie_word_embeddings && !head_.packed();
  names_ = read.take_names();
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
  return bytes_per_step() + (head_is_embedding_ ? 0 : embedding_.nbytes());
}

}  // namespace qkscope

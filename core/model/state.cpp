#include "core/model/state.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/base/error.h"

namespace qkscope {

namespace {

/// `buffer` (G, capacity, D) copied to one with room for `needed` positions, of which `used` are kept. Room
/// doubles, so that decoding copies each position O(1) times.
at::Tensor grown(const at::Tensor& buffer, const at::Tensor& like, std::int64_t used, std::int64_t needed) {
  const std::int64_t capacity = std::max(needed + 64, 2 * used);
  at::Tensor result = at::empty({like.size(1), capacity, like.size(2)}, like.options());
  if (used > 0) result.narrow(1, 0, used).copy_(buffer.narrow(1, 0, used));
  return result;
}

/// `x` (T, G, D) into `buffer` (G, capacity, D) from position `start` on.
void put(const at::Tensor& x, const at::Tensor& buffer, std::int64_t start) {
  const bool as_it_lies = x.is_cpu() && x.scalar_type() == buffer.scalar_type() && x.stride(2) == 1;
  if (x.size(0) > 1 || !as_it_lies) {
    buffer.narrow(1, start, x.size(0)).copy_(x.transpose(0, 1));
    return;
  }
  // One position: in a decode step ATen's way costs more than the copying.
  const auto size = static_cast<std::int64_t>(x.element_size());
  auto* to = static_cast<std::byte*>(buffer.mutable_data_ptr()) + start * buffer.stride(1) * size;
  const auto* from = static_cast<const std::byte*>(x.const_data_ptr());
  for (std::int64_t head = 0; head < x.size(1); ++head)
    std::memcpy(to + head * buffer.stride(0) * size, from + head * x.stride(1) * size,
                static_cast<std::size_t>(x.size(2) * size));
}

}  // namespace

/// Keys and values of one layer, whoever reads them.
struct State::Buffer {
  at::Tensor keys, values;  // (G, capacity, D), (G, capacity, Dv)
  std::int64_t filled = 0;  // positions somebody has written
};

std::pair<at::Tensor, at::Tensor> State::append(int layer, const at::Tensor& key, const at::Tensor& value) {
  Layer& l = layers_[static_cast<std::size_t>(layer)];
  const std::int64_t end = length_ + key.size(0);
  const bool room = l.buffer && l.buffer->keys.size(1) >= end;
  const bool others_wrote = l.buffer && l.buffer.use_count() > 1 && l.buffer->filled > length_;
  if (!room || others_wrote) {
    auto buffer = std::make_shared<Buffer>();
    buffer->keys = grown(l.buffer ? l.buffer->keys : at::Tensor(), key, length_, end);
    buffer->values = grown(l.buffer ? l.buffer->values : at::Tensor(), value, length_, end);
    l.buffer = std::move(buffer);
  }
  l.buffer->filled = l.end = end;
  overwrite(layer, key, value);
  return appended(layer);
}

void State::overwrite(int layer, const at::Tensor& key, const at::Tensor& value) {
  const Buffer& buffer = *layers_[static_cast<std::size_t>(layer)].buffer;
  put(key, buffer.keys, length_);
  put(value, buffer.values, length_);
}

std::pair<at::Tensor, at::Tensor> State::appended(int layer) const {
  const Layer& l = layers_[static_cast<std::size_t>(layer)];
  return {l.buffer->keys.narrow(1, 0, l.end), l.buffer->values.narrow(1, 0, l.end)};
}

const std::vector<at::Tensor>& State::recurrent(int layer) const {
  static const std::vector<at::Tensor> none;
  for (const Snapshot& snapshot : layers_[static_cast<std::size_t>(layer)].snapshots) {
    if (snapshot.length == length_) return snapshot.tensors;
  }
  if (length_ > 0)
    throw Error("The state of layer " + std::to_string(layer + 1) + " after " + std::to_string(length_) +
                " positions is not kept.");
  return none;
}

void State::set_recurrent(int layer, std::vector<at::Tensor> tensors) {
  std::vector<Snapshot>& snapshots = layers_[static_cast<std::size_t>(layer)].snapshots;
  std::erase_if(snapshots, [&](const Snapshot& s) { return s.length != length_; });
  snapshots.push_back({pending, std::move(tensors)});
}

void State::advance(int positions) {
  length_ += positions;
  for (Layer& layer : layers_) {
    for (Snapshot& snapshot : layer.snapshots) {
      if (snapshot.length == pending) snapshot.length = length_;
    }
  }
}

State State::fork(int layers) const {
  State copy(static_cast<int>(layers_.size()));
  std::copy_n(layers_.begin(), layers, copy.layers_.begin());
  copy.length_ = length_;
  copy.layer_inputs = layer_inputs;
  return copy;
}

std::uint64_t State::bytes_beside(const State& other) const {
  const auto tensor_bytes = [](const at::Tensor& tensor) { return tensor.defined() ? tensor.nbytes() : 0; };
  std::uint64_t sum = layer_inputs.is_same(other.layer_inputs) ? 0 : tensor_bytes(layer_inputs);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const Layer* beside = l < other.layers_.size() ? &other.layers_[l] : nullptr;
    if (layer.buffer && (!beside || beside->buffer != layer.buffer))
      sum += layer.buffer->keys.nbytes() + layer.buffer->values.nbytes();
    for (const Snapshot& snapshot : layer.snapshots) {
      for (const at::Tensor& tensor : snapshot.tensors) sum += tensor.nbytes();
    }
  }
  return sum;
}

}  // namespace qkscope

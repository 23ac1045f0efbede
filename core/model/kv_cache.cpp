#include "core/model/kv_cache.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace qkscope {

namespace {

/// Room for `needed` positions, what is there kept. Doubles, so that decoding copies each position O(1)
/// times.
void reserve(at::Tensor& buffer, const at::Tensor& like, std::int64_t used, std::int64_t needed) {
  if (buffer.defined() && buffer.size(1) >= needed) return;
  const std::int64_t capacity = std::max(needed + 64, 2 * used);
  at::Tensor grown = at::empty({like.size(1), capacity, like.size(2)}, like.options());
  if (used > 0) grown.narrow(1, 0, used).copy_(buffer.narrow(1, 0, used));
  buffer = grown;
}

}  // namespace

std::pair<at::Tensor, at::Tensor> KvCache::append(int layer, const at::Tensor& key, const at::Tensor& value) {
  const auto l = static_cast<std::size_t>(layer);
  const std::int64_t end = length_ + key.size(0);
  reserve(keys_[l], key, length_, end);
  reserve(values_[l], value, length_, end);
  overwrite(layer, key, value);
  return {keys_[l].narrow(1, 0, end), values_[l].narrow(1, 0, end)};
}

void KvCache::overwrite(int layer, const at::Tensor& key, const at::Tensor& value) {
  const auto l = static_cast<std::size_t>(layer);
  keys_[l].narrow(1, length_, key.size(0)).copy_(key.transpose(0, 1));
  values_[l].narrow(1, length_, value.size(0)).copy_(value.transpose(0, 1));
}

KvCache KvCache::clone(int layers) const {
  KvCache copy(static_cast<int>(keys_.size()));
  for (std::size_t l = 0; l < static_cast<std::size_t>(layers); ++l) {
    if (!keys_[l].defined()) continue;
    copy.keys_[l] = keys_[l].clone();
    copy.values_[l] = values_[l].clone();
  }
  copy.length_ = length_;
  return copy;
}

std::uint64_t KvCache::bytes() const {
  std::uint64_t sum = 0;
  for (const auto* tensors : {&keys_, &values_}) {
    for (const at::Tensor& tensor : *tensors) sum += tensor.defined() ? tensor.nbytes() : 0;
  }
  return sum;
}

}  // namespace qkscope

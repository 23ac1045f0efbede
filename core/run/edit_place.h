#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <vector>

#include "core/base/site.h"

namespace qkscope {

/// What one edit does at one site of one layer, made ready for a pass on one device.
class EditPlace {
 public:
  virtual ~EditPlace() = default;
  /// Writes into `x`; returns how many columns or activations it replaced, () int64 on the device of `x`.
  virtual at::Tensor edit(at::Tensor& x) const = 0;

  bool every_step = false;       // goes on after the prefill
  bool reaches_kv_cache = true;  // later steps read what it leaves, of Key and Value
};
using EditPlaces = std::map<SiteId, std::vector<std::unique_ptr<EditPlace>>>;

}  // namespace qkscope

#include "core/base/capture_bytes.h"

namespace qkscope {

std::uint64_t bytes_of(const Capture& capture, std::set<const Array*>& counted) {
  std::uint64_t sum = 0;
  const auto add = [&](const auto& arrays) {
    for (const auto& [where, array] : arrays) {
      if (counted.insert(&*array).second) sum += array->data.size() * sizeof(float);
    }
  };
  add(capture.norms);
  add(capture.without);
  add(capture.values);
  add(capture.patterns);
  add(capture.row_norms);
  return sum;
}

std::uint64_t bytes_of(const Capture& capture) {
  std::set<const Array*> counted;
  return bytes_of(capture, counted);
}

}  // namespace qkscope

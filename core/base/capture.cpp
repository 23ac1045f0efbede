#include "core/base/capture.h"

namespace qkscope {
namespace {

const Array* find(const std::map<SiteId, SharedArray>& arrays, SiteId where) {
  const auto found = arrays.find(where);
  return found == arrays.end() ? nullptr : &*found->second;
}

}  // namespace

const Array* Capture::norm(int layer, Site site) const {
  return find(norms, {layer, site});
}
const Array* Capture::value(int layer, Site site) const {
  return find(values, {layer, site});
}

}  // namespace qkscope

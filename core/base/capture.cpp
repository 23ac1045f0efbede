#include "core/base/capture.h"

namespace qkscope {
namespace {

template <typename Id>
const Array* find(const std::map<Id, SharedArray>& arrays, const Id& where) {
  const auto found = arrays.find(where);
  return found == arrays.end() ? nullptr : &*found->second;
}

}  // namespace

const Array* Capture::norm(int layer, Site site) const {
  return find(norms, SiteId{layer, site});
}
const Array* Capture::value(int layer, Site site) const {
  return find(values, SiteId{layer, site});
}
const Array* Capture::pattern(HeadId head) const {
  return find(patterns, head);
}

}  // namespace qkscope

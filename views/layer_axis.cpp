#include "views/layer_axis.h"

#include <algorithm>
#include <cmath>

#include "views/shown.h"

namespace qkscope {

std::optional<double> LayerAxisView::selectedAt(const QString&) const {
  return state().selection().layer + 1;
}

Selection LayerAxisView::selected(const QString&, double x) const {
  Selection selection = state().selection();
  selection.layer = static_cast<int>(x) - 1;
  return clamped(selection, *data().spec(), shownPositions(data()));
}

double massiveCount(const Array& m, double lambda) {
  const auto flags = select(m, Pick{.kind = PickKind::Lambda, .lambda = lambda});
  return static_cast<double>(std::ranges::count(flags, 1));
}

double strongestRatio(const Array& m) {
  double most = nothing;
  for (const float ratio : strongest_ratios(m)) most = std::fmax(most, static_cast<double>(ratio));
  return most;
}

}  // namespace qkscope

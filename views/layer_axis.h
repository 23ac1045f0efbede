#pragma once
#include <array>
#include <limits>

#include "views/curves_view.h"

namespace qkscope {

/// A view of charts whose x axis is the layers, counted from 1.
class LayerAxisView : public CurvesView {
  Q_OBJECT
 public:
  using CurvesView::CurvesView;

 protected:
  std::optional<double> selectedAt(const QString& id) const override;
  Selection selected(const QString& id, double x) const override;
};

/// A point that is not there.
inline constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

/// How Q, K and V are drawn where they stand in one chart.
struct SiteLook {
  Site site;
  Ink ink;
  Marker marker;
};
inline constexpr std::array<SiteLook, 3> site_looks{SiteLook{Site::Query, Ink::Query, Marker::Disc},
                                                    SiteLook{Site::Key, Ink::Key, Marker::Square},
                                                    SiteLook{Site::Value, Ink::Value, Marker::Triangle}};

/// Of M of a layer (heads, dims): how many are over lambda times the mean of their head; the largest ratio of
/// one to that mean, or nothing.
double massiveCount(const Array& m, double lambda);
double strongestRatio(const Array& m);

}  // namespace qkscope

#pragma once
#include <QString>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "core/run/disruption.h"
#include "views/view_state.h"

namespace qkscope {

struct ModelSpec;
struct ViewData;

/// How much around a cell is meant by "this".
enum class Reach { Entry, Pair, DimInAllHeads, Head, Group, Layer, Band };
inline constexpr Reach all_reaches[] = {Reach::Entry, Reach::Pair,  Reach::DimInAllHeads, Reach::Head,
                                        Reach::Group, Reach::Layer, Reach::Band};
/// What becomes of the disruption of now: these columns and no others, these too, or all but these.
enum class Pointing { Only, Add, Remove };
inline constexpr Pointing all_pointings[] = {Pointing::Only, Pointing::Add, Pointing::Remove};

/// "This entry and its rotary partner"
QString reachWords(Reach reach);
/// The columns that are meant; none where `selection` has no dim and `reach` needs one, or there is no model.
std::vector<ColumnEntry> pointedEntries(const ViewData& data, const Selection& selection, Reach reach);

/// The columns that a disruption takes, one by one or with a * for all: those it lists, or what its rule
/// finds in the baseline. Nothing where that is not known: the rule looks at the disrupted pass itself, or M
/// of the baseline has not come yet.
std::optional<std::vector<ColumnEntry>> takenEntries(const Disruption& disruption, const ViewData& data);

/// `now` with other columns. Nothing where none are left, or where those of now are not known and have a say.
std::optional<Disruption> pointed(const Disruption& now, const ViewData& data,
                                  const std::vector<ColumnEntry>& entries, Pointing pointing);

/// Which columns of a picture are taken.
class TakenColumns {
 public:
  TakenColumns() = default;
  explicit TakenColumns(const std::vector<ColumnEntry>& entries);
  bool empty() const { return all_.empty(); }
  /// The dims of a head, in their order; `dims` in all.
  std::vector<int> of(Site site, int layer, int head, int dims) const;

 private:
  std::map<std::tuple<Site, int, int>, std::set<int>> all_;  // by site, layer, head, each as in the entries
};

}  // namespace qkscope

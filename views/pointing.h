#pragma once
#include <QString>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "core/analysis/frequency.h"
#include "core/run/edit.h"
#include "views/view_state.h"

namespace qkscope {

struct Arms;
struct ModelSpec;
struct ViewData;

/// How much around a cell is meant by "this".
enum class Reach { Entry, Pair, DimInAllHeads, Head, Group, Layer, Band };
inline constexpr Reach all_reaches[] = {Reach::Entry, Reach::Pair,  Reach::DimInAllHeads, Reach::Head,
                                        Reach::Group, Reach::Layer, Reach::Band};
/// What becomes of the edits of now: these columns and no others, these too, or all but these.
enum class Pointing { Only, Add, Remove };
inline constexpr Pointing all_pointings[] = {Pointing::Only, Pointing::Add, Pointing::Remove};

/// "This entry and its rotary partner"
QString reachWords(Reach reach);
/// The columns that are meant; none where `selection` has no dim and `reach` needs one, or there is no model.
std::vector<ColumnEntry> pointedEntries(const ViewData& data, const Selection& selection, Reach reach);

/// The columns of these sites, in all heads of all layers that rotate as the first that rotates does, whose
/// rotary pairs lie in bands first .. last of the chart of bands; none where there are no such bands.
std::vector<ColumnEntry> bandEntries(const ViewData& data, const std::vector<Site>& sites, int first,
                                     int last);
/// The rotary pairs, sorted, of the band of the ruler that a dim lies in; none where it does not rotate.
std::vector<int> bandPairs(const FrequencyAxis& axis, int dim);

/// The columns that a disruption takes, one by one or with a * for all: those it lists, or what its rule
/// finds in the baseline. Nothing where that is not known: the rule looks at the disrupted pass itself, or M
/// of the baseline has not come yet.
std::optional<std::vector<ColumnEntry>> takenEntries(const Disruption& disruption, const ViewData& data);

/// `now` with other columns. Nothing where none are left, or where those of now are not known and have a say.
std::optional<Disruption> pointed(const Disruption& now, const ViewData& data,
                                  const std::vector<ColumnEntry>& entries, Pointing pointing);

/// The edits of an arm with other columns. Those that are added go to the last list that is switched on, or
/// become one of their own, replaced as the first disruption has it; those taken away leave every disruption
/// that is switched on. Nothing where what is to be left is not known.
std::optional<Edits> pointed(const Edits& now, const ViewData& data, const std::vector<ColumnEntry>& entries,
                             Pointing pointing);

/// The columns that are to be marked as edited: those that the shown arm lists, and while it is run those
/// that its rules take, as far as they are known.
std::vector<ColumnEntry> markedEntries(const Arms& arms, const ViewData& data);

/// "Q: 12 in layer 3, 7 in layer 4" by site, with the sum: how many columns are taken. Nothing where that is
/// not known.
struct TakenCount {
  qint64 columns = 0;
  QString by_layer;
};
std::optional<TakenCount> takenCount(const Disruption& disruption, const ViewData& data);

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

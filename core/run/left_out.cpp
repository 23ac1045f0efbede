#include "core/run/left_out.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "core/base/blanks.h"
#include "core/run/disruption.h"
#include "core/run/option_settings.h"

namespace qkscope {

namespace {

using Which = LeftOut::Which;
constexpr std::array<std::pair<std::string_view, Which>, 3> names{
    {{"none", Which::None}, {"first", Which::First}, {"massive", Which::Massive}}};

}  // namespace

bool LeftOut::operator==(const LeftOut& other) const {
  return which == other.which && (which != Which::Chosen || positions == other.positions) &&
         (which != Which::Massive || rule == other.rule);
}

std::vector<int> left_out_positions(const LeftOut& asked, const Capture& baseline) {
  std::set<int> found;
  if (asked.which == Which::First) found = {0};
  if (asked.which == Which::Chosen) found = {asked.positions.begin(), asked.positions.end()};
  if (asked.which == Which::Massive) {
    for (const auto& [where, summary] : baseline.activations) {
      if (where.site != Site::ResidPost) continue;
      for (const ActivationAt& at : summary.taken_by(asked.rule)) found.insert(at.position);
    }
  }
  std::vector<int> positions;
  std::ranges::copy_if(found, std::back_inserter(positions),
                       [&](int position) { return position < baseline.positions; });
  return positions;
}

LeftOut parse_left_out(std::string_view text, std::string_view what) {
  const auto name = std::ranges::find(names, text, &std::pair<std::string_view, Which>::first);
  if (name != names.end()) return {name->second, {}, {}};
  const auto refuse = [&]() -> LeftOut {
    throw Error(std::string(what) + " is " + in_quotes(text) +
                ", expected none, first, massive or positions from 0 such as 0,5-7");
  };
  if (without_blanks(text) == "all")
    return refuse();  // of layers every one; here there would be nothing left
  try {
    return {Which::Chosen, parse_ranges(text, what, 0), {}};
  } catch (const Error&) {
    return refuse();
  }
}

std::string to_text(const LeftOut& left_out) {
  if (left_out.which == Which::Chosen) return format_ranges(left_out.positions, 0);
  return std::string(name_of(Names<Which>(names), left_out.which));
}

}  // namespace qkscope

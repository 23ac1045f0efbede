#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/capture.h"

namespace qkscope {

/// Positions of a prompt that M, a norm over positions, is to be told without.
struct LeftOut {
  /// Massive: those that have a massive activation after any layer of the undisturbed pass.
  enum class Which { None, First, Massive, Chosen };
  Which which = Which::None;
  std::vector<int> positions;  // Chosen: 0-based, sorted
  ActivationRule rule;         // Massive
  /// Two are equal where they leave out the same: fields that have no say do not count.
  bool operator==(const LeftOut& other) const;
};

/// Those of `asked` that the prompt of `baseline` has, sorted. Of Massive: by the summaries of the residual
/// stream that it holds.
std::vector<int> left_out_positions(const LeftOut& asked, const Capture& baseline);

/// "none", "first", "massive", or positions from 0 such as 0,5-7; the inverse. `what` names the option in
/// errors. Throws Error for anything else.
LeftOut parse_left_out(std::string_view text, std::string_view what);
std::string to_text(const LeftOut& left_out);

}  // namespace qkscope

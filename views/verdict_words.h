#pragma once
#include <QString>

namespace qkscope {

/// The rule by which a verdict is given, with what it found: the share of Q's and K's heads that hold a
/// massive value, and that of their massive values in the low-frequency half.
QString verdictRuleWords(double lambda, bool rope, double heads_share, double low_share);

}  // namespace qkscope

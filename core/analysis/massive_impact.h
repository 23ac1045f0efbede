#pragma once
#include <string_view>

namespace qkscope {

/// How much a model loses with its massive activations set to zero, in the three classes that the poster of
/// arXiv 2503.22329 colours its models by.
enum class MassiveImpact { None, Medium, High };

/// By how many times its perplexity grows. No cut-off is published; these two give every published model its
/// published class.
inline constexpr double medium_impact = 2, high_impact = 100;
constexpr MassiveImpact impact_of(double times) {
  return times >= high_impact     ? MassiveImpact::High
         : times >= medium_impact ? MassiveImpact::Medium
                                  : MassiveImpact::None;
}
constexpr std::string_view impact_name(MassiveImpact impact) {
  return impact == MassiveImpact::High ? "high" : impact == MassiveImpact::Medium ? "medium" : "none";
}

}  // namespace qkscope

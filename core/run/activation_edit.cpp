#include "core/run/activation_edit.h"

#include <algorithm>
#include <tuple>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/spec.h"
#include "core/run/activation_words.h"
#include "core/run/disruption.h"

namespace qkscope {

bool ActivationEdit::operator==(const ActivationEdit& other) const {
  const auto common = [](const ActivationEdit& e) {
    return std::tie(e.site, e.layers, e.entries, e.set, e.control);
  };
  if (common(*this) != common(other)) return false;
  if (finds() && (scope != other.scope || !(rule == other.rule))) return false;
  if (finds() && scope == Scope::Published && dims != other.dims) return false;
  return set == Set::Value ? value == other.value : set != Set::Mean || means == other.means;
}

namespace {

ActivationEdit massive(ActivationEdit::Set set, bool control = false) {
  ActivationEdit edit;
  edit.set = set;
  edit.control = control;
  return edit;
}

}  // namespace

const std::vector<ActivationPreset>& activation_presets() {
  using Set = ActivationEdit::Set;
  static const std::vector<ActivationPreset> list = {
      {"massive activations to zero",
       "The massive activations of the first layer that has any become zero at its output.",
       massive(Set::Zero)},
      {"massive activations to their mean",
       "They become the mean of their dim over these activations, the first position and the others apart.",
       massive(Set::Mean)},
      {"median activations to zero",
       "Control: as many activations of that layer, of median size, become zero.", massive(Set::Zero, true)},
  };
  return list;
}

std::string describe(const ActivationEdit& e) {
  std::string words = e.control ? "as many of median size as " : "";
  if (e.finds()) {
    words += "massive activations of " + std::string(site_name(e.site)) + " (over " +
             number_text(e.rule.least) + " and " + number_text(e.rule.times_median) + " x median), ";
    if (e.scope == ActivationEdit::Scope::Published) {
      words += "as published, ";
      words += e.dims.empty() ? "all their dims, " : "dims " + format_ranges(e.dims, 0) + ", ";
    } else {
      words += e.scope == ActivationEdit::Scope::First ? "first layer, " : "each layer, ";
    }
  } else {
    words += "activations " + format_activation_entries(e.entries) + " of " + std::string(site_name(e.site)) +
             ", ";
  }
  words += e.layers.empty() ? "of all layers" : "of layers " + format_ranges(e.layers);
  switch (e.set) {
    case ActivationEdit::Set::Zero:
      return words + ", to zero";
    case ActivationEdit::Set::Value:
      return words + ", to " + number_text(e.value);
    case ActivationEdit::Set::Mean:
      break;
  }
  return words + (e.means.empty() ? ", to their mean" : ", to a stored mean");
}

void check_activation_edit(const ActivationEdit& edit, const ModelSpec& spec) {
  const auto within = [](const char* what, int number, int count, int first) {
    if (number >= 0 && number < count) return;
    throw Error(std::string("The edit names ") + what + " " + std::to_string(number + first) +
                " of the residual stream; the model has " + std::to_string(count) + " " + what + "s" +
                (first == 0 ? ", counted from 0." : "."));
  };
  for (const int layer : edit.layers) within("layer", layer, spec.num_layers(), 1);
  for (const int dim : edit.dims) within("dim", dim, spec.hidden_size, 0);
  for (const ActivationEntry& entry : edit.entries) within("dim", entry.dim, spec.hidden_size, 0);
  for (const ActivationMean& mean : edit.means) {
    within("dim", mean.dim, spec.hidden_size, 0);
    if (mean.layer != ActivationMean::every) within("layer", mean.layer, spec.num_layers(), 1);
  }
}

}  // namespace qkscope

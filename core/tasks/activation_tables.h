#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/tasks/activation_experiments.h"

namespace qkscope {

// Results of the experiments as JSON, whose keys are an interface (app/cli/JSON.md), and as tables. Layers
// are counted from 1.

/// A list of {layer, max, median, massive}.
nlohmann::ordered_json existence_rows(const std::vector<LayerExistence>& layers);
/// A list of {layer, position, piece, dim, count, mean, std}; `piece`: the text of a token.
nlohmann::ordered_json place_rows(const std::vector<MassivePlace>& places,
                                  const std::function<std::string(int id)>& piece);
/// {arm: {dataset: perplexity}}
nlohmann::ordered_json intervention_json(const std::vector<InterventionResult>& arms);

/// The objects of a list as CSV, a column each key of the first.
std::string csv_of(const nlohmann::ordered_json& list);
/// What `activations EXPERIMENT` tells as CSV.
std::string activations_csv(const std::string& experiment, const nlohmann::ordered_json& document);

}  // namespace qkscope

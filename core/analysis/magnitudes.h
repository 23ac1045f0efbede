#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "core/base/capture.h"

namespace qkscope {

/// The largest activations of every layer of one run, as `qkscope-cli activations magnitude` tells them.
struct Magnitudes {
  struct Layer {
    int layer = 0;            // 0-based
    ActivationAt largest;     // of a file: its value without sign
    double median = 0;        // lower median of |h|
    std::vector<double> top;  // largest |h| first
    bool operator==(const Layer&) const = default;
  };
  std::optional<bool> bos;  // whether the sequence begins with BOS; nothing where it is not known
  TokenIds ids;
  std::vector<Layer> layers;  // in order
  bool operator==(const Magnitudes&) const = default;
};

/// Of what was kept of `site`; no layer where nothing was.
Magnitudes magnitudes_of(const Capture& capture, Site site, std::optional<bool> bos, TokenIds ids);

/// {bos, ids, layers: [{layer (from 1), max, position, dim, median, top}]}; null for a number that is not
/// finite.
nlohmann::ordered_json to_json(const Magnitudes& magnitudes);
/// What such a file says. Throws Error naming the file, what was found and what was expected.
Magnitudes read_magnitudes(const std::filesystem::path& path);

}  // namespace qkscope

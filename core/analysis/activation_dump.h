#pragma once
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/analysis/dump_layout.h"
#include "core/base/capture.h"
#include "core/model/spec.h"

namespace qkscope {

/// Files of activations and how to read them.
struct DumpSource {
  std::vector<std::filesystem::path> files;
  std::optional<DumpLayout> layout;  // nothing: as the shapes tell
  std::optional<double> rope_theta;  // no file says it; nothing: the wavelengths are not known
  bool operator==(const DumpSource&) const = default;
};

/// Q, K and V of some layers, as files hold them: what there is to look at without a model.
struct ActivationDump {
  DumpSource source;
  std::string name;                 // of the first file
  std::vector<std::string> layers;  // what the files call each layer of `spec`: "layer10"; empty: nothing
  /// Heads, dims and RoPE of what is there and nothing else: no architecture, no weights.
  ModelSpec spec;
  /// Values and M of Query, Key and Value, or of the sites before RoPE where the names say so; with a
  /// rope_theta also those before it that rotated ones were made from, the first row being position 0.
  Capture capture;
  std::vector<std::string> notes;  // how each tensor was read, a sentence each
  Shape shape;                     // of one of them, in its file
  LayoutGuess guess;               // what the layout may be, by all shapes together
  DumpLayout layout;               // ... and is taken for
};

/// Reads them. Which of Q, K and V a tensor is, and of which layer, is told by its name, else by its file's;
/// one alone that is named neither way counts as Q, and `notes` says so. Tensors that are named otherwise
/// (M, scores, token ids) are left out. Throws Error naming file and tensor where nothing is left, two are
/// the same, or shapes do not belong together; Cancelled.
ActivationDump read_activation_dump(const DumpSource& source, std::stop_token stop = {});

}  // namespace qkscope

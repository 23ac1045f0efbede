#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <string>

namespace qkscope::cli {

// What options refuse, in plain words.

/// What is not a number from `least` to `most`.
CLI::Validator number(double least, double most = std::numeric_limits<double>::max());
CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);
/// An empty text: what is left out is left out, not given as nothing.
CLI::Validator filled(const std::string& what);
/// Names a device as LoadOptions spells it; whether the machine has it is found out when a model is loaded.
CLI::Validator device_name();
/// A layout as parse_layout reads it, or auto.
CLI::Validator layout();

}  // namespace qkscope::cli

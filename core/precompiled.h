// Headers that cost seconds to parse; compiled once for all of core.
#pragma once
#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include "core/analysis/magnitudes.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"

namespace qkscope {

namespace {

using Json = nlohmann::ordered_json;
constexpr double not_finite = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t most = 1 << 24;  // of layers, positions and dims

Json number_or_null(double number) {
  return std::isfinite(number) ? Json(number) : Json(nullptr);
}

double read_number(const nlohmann::json& value, JsonFields& fields, const std::string& key) {
  if (value.is_null()) return not_finite;
  if (!value.is_number()) fields.fail(key, "holds " + short_json(value) + ", expected numbers");
  const auto number = value.get<double>();
  if (number < 0) fields.fail(key, "holds " + short_json(value) + ", expected none below 0");
  return number;
}

}  // namespace

Magnitudes magnitudes_of(const Capture& capture, Site site, std::optional<bool> bos, TokenIds ids) {
  Magnitudes found{bos, std::move(ids), {}};
  for (const auto& [where, summary] : capture.activations) {
    if (where.site != site || summary.top.empty()) continue;
    Magnitudes::Layer layer{where.layer, summary.top.front(), static_cast<double>(summary.median), {}};
    for (const ActivationAt& at : summary.top) layer.top.push_back(std::abs(static_cast<double>(at.value)));
    found.layers.push_back(std::move(layer));
  }
  return found;
}

Json to_json(const Magnitudes& magnitudes) {
  Json layers = Json::array();
  for (const Magnitudes::Layer& layer : magnitudes.layers) {
    Json top = Json::array();
    for (const double size : layer.top) top.push_back(number_or_null(size));
    layers.push_back({{"layer", layer.layer + 1},
                      {"max", number_or_null(std::abs(static_cast<double>(layer.largest.value)))},
                      {"position", layer.largest.position},
                      {"dim", layer.largest.dim},
                      {"median", number_or_null(layer.median)},
                      {"top", std::move(top)}});
  }
  return {{"bos", magnitudes.bos ? Json(*magnitudes.bos) : Json(nullptr)},
          {"ids", magnitudes.ids},
          {"layers", std::move(layers)}};
}

Magnitudes read_magnitudes(const std::filesystem::path& path) {
  const nlohmann::json json = read_json_object(path);
  JsonFields fields(json, in_quotes(path.string()));
  Magnitudes read;
  if (fields.has("bos") && !json["bos"].is_null()) read.bos = fields.flag("bos", false);
  read.ids = fields.wholes("ids");
  for (const auto& row : fields.list("layers")) {
    JsonFields own(row, fields.where() + ", layer " + std::to_string(read.layers.size() + 1));
    Magnitudes::Layer layer;
    layer.layer = static_cast<int>(own.whole("layer", -1, 1, most)) - 1;
    if (layer.layer < 0) own.fail("layer", "is missing");
    for (const char* key : {"max", "median"}) {
      if (!own.has(key)) own.fail(key, "is missing; expected what qkscope-cli activations magnitude writes");
    }
    layer.largest = {static_cast<int>(own.whole("position", 0, 0, most)),
                     static_cast<int>(own.whole("dim", 0, 0, most)),
                     static_cast<float>(read_number(row["max"], own, "max"))};
    layer.median = read_number(row["median"], own, "median");
    for (const auto& size : own.list("top")) layer.top.push_back(read_number(size, own, "top"));
    if (!read.layers.empty() && layer.layer <= read.layers.back().layer)
      own.fail("layer", "is " + std::to_string(layer.layer + 1) + ", expected one after the last");
    read.layers.push_back(std::move(layer));
  }
  if (read.layers.empty()) fields.fail("layers", "is empty; there is nothing to draw");
  return read;
}

}  // namespace qkscope

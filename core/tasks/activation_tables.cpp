#include "core/tasks/activation_tables.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/io/text_rows.h"

namespace qkscope {

namespace {

using Document = nlohmann::ordered_json;

std::string field(const Document& value) {
  if (value.is_null()) return {};
  return value.is_string() ? csv_field(value.get_ref<const std::string&>()) : value.dump();
}

std::string line(const std::vector<Document>& fields) {
  std::string text;
  for (const Document& each : fields) text += (&each == &fields.front() ? "" : ",") + field(each);
  return text + "\n";
}

/// `keys` of every object of a list, one column each.
std::string rows_of(const Document& list, const std::vector<std::string>& keys) {
  std::string text = line({keys.begin(), keys.end()});
  for (const Document& row : list) {
    std::vector<Document> fields;
    for (const std::string& key : keys) fields.push_back(row.at(key));
    text += line(fields);
  }
  return text;
}

std::string magnitude(const Document& document) {
  std::size_t most = 0;
  for (const Document& row : document["layers"]) most = std::max(most, row["top"].size());
  std::vector<Document> titles = {"layer", "max", "position", "dim", "median"};
  for (std::size_t i = 1; i <= most; ++i) titles.push_back("top" + std::to_string(i));
  std::string text = line(titles);
  for (const Document& row : document["layers"]) {
    std::vector<Document> fields = {row["layer"], row["max"], row["position"], row["dim"], row["median"]};
    fields.insert(fields.end(), row["top"].begin(), row["top"].end());
    fields.resize(titles.size());
    text += line(fields);
  }
  return text;
}

std::string intervention(const Document& document) {
  std::string text = line({"arm", "dataset", "perplexity"});
  for (const auto& [arm, datasets] : document.items()) {
    for (const auto& [dataset, perplexity] : datasets.items()) text += line({arm, dataset, perplexity});
  }
  return text;
}

std::string attention(const Document& document) {
  std::string text = line({"layer", "position", "id", "mass", "share", "added"});
  for (const Document& layer : document["layers"]) {
    for (std::size_t i = 0; i < layer["mass"].size(); ++i)
      text += line(
          {layer["layer"], i, document["ids"][i], layer["mass"][i], layer["share"][i], layer["added"][i]});
  }
  return text;
}

}  // namespace

Document existence_rows(const std::vector<LayerExistence>& layers) {
  Document rows = Document::array();
  for (const LayerExistence& layer : layers) {
    rows.push_back({{"layer", layer.layer + 1},
                    {"max", layer.max},
                    {"median", layer.median},
                    {"massive", layer.massive}});
  }
  return rows;
}

Document place_rows(const std::vector<MassivePlace>& places,
                    const std::function<std::string(int id)>& piece) {
  Document rows = Document::array();
  for (const MassivePlace& place : places) {
    rows.push_back({{"layer", place.layer + 1},
                    {"position", place.position},
                    {"piece", piece(place.id)},
                    {"dim", place.dim},
                    {"count", place.count},
                    {"mean", place.mean},
                    {"std", place.deviation}});
  }
  return rows;
}

Document intervention_json(const std::vector<InterventionResult>& arms) {
  Document document = Document::object();
  for (const InterventionResult& result : arms) {
    Document& own = document[result.arm.name] = Document::object();
    for (const auto& [dataset, perplexity] : result.perplexities) own[dataset] = perplexity;
  }
  return document;
}

std::string csv_of(const Document& list) {
  std::vector<std::string> keys;
  if (!list.empty()) {
    for (const auto& [key, value] : list.front().items()) keys.push_back(key);
  }
  return rows_of(list, keys);
}

std::string activations_csv(const std::string& experiment, const Document& document) {
  if (experiment == "magnitude") return magnitude(document);
  if (experiment == "existence") return rows_of(document["layers"], {"layer", "max", "median", "massive"});
  if (experiment == "tokens") return rows_of(document["tokens"], {"position", "piece", "count"});
  if (experiment == "intervention") return intervention(document);
  return attention(document);
}

}  // namespace qkscope

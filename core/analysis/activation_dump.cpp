#include "core/analysis/activation_dump.h"

#include <algorithm>
#include <map>
#include <regex>

#include "core/analysis/frequency.h"
#include "core/analysis/massive_values.h"
#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/dump_file.h"

namespace qkscope {
namespace {

/// What a name says of a tensor.
struct NameParts {
  std::optional<Site> site;
  std::string layer;  // "layer10", "layers.3"; empty: it says none
  int number = 0;
};

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Names are cut to what a pattern should be asked to look at.
constexpr std::size_t longest_name = 1000;

NameParts parts_of(const std::string& name) {
  static const std::map<std::string, Site> letters{
      {"q", Site::Query}, {"query", Site::Query}, {"queries", Site::Query},
      {"k", Site::Key},   {"key", Site::Key},     {"keys", Site::Key},
      {"v", Site::Value}, {"value", Site::Value}, {"values", Site::Value}};
  static const std::regex word("[a-z]+"), layer("(layers?|blocks?|blk|h)[._-]?([0-9]{1,4})");
  const std::string text = lower(name).substr(0, longest_name);
  NameParts parts;
  bool before = false;
  for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) {
    const std::string found = at->str();
    // Scores, M and weights are made of Q and K, and are neither.
    if (found == "norm" || found == "norms" || found == "scores" || found == "pattern" || found == "bias")
      return {};
    if (const auto letter = letters.find(found); letter != letters.end()) parts.site = letter->second;
    before = before || found == "pre" || found == "before" || found == "unrotated";
  }
  if (before && parts.site == Site::Query) parts.site = Site::QueryPreRope;
  if (before && parts.site == Site::Key) parts.site = Site::KeyPreRope;
  std::smatch found;
  if (std::regex_search(text, found, layer)) {
    parts.layer = name.substr(static_cast<std::size_t>(found.position()), found.str().size());
    parts.number = std::stoi(found[2]);
  }
  return parts;
}

/// A tensor with what its name, or else its file's, says of it.
struct Found {
  std::string name, file;
  NameParts parts;
  DumpTensor tensor;
};

std::string in_file(const Found& found) {
  return "tensor " + in_quotes(found.name) + " of " + in_quotes(found.file);
}

std::vector<Found> find_tensors(const DumpSource& source, std::stop_token stop) {
  std::vector<Found> all, named;
  for (const std::filesystem::path& file : source.files) {
    Budget budget(in_quotes(file.string()), stop);
    for (auto& [name, tensor] : read_dump_file(file, budget)) {
      NameParts parts = parts_of(name), of_file = parts_of(file.stem().string());
      const bool numbered =
          name.find_first_not_of("0123456789.") == name.npos;  // of a list, which has no names
      if (!parts.site && (numbered || name.starts_with("arr_"))) parts.site = of_file.site;
      if (parts.layer.empty()) parts.layer = of_file.layer, parts.number = of_file.number;
      all.push_back({name, file.string(), parts, std::move(tensor)});
    }
  }
  for (const Found& found : all) {
    if (found.parts.site) named.push_back(found);
  }
  if (!named.empty()) return named;
  if (all.size() == 1) return all;
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(4, all.size()); ++i)
    names += (i == 0 ? "" : ", ") + in_quotes(all[i].name);
  throw Error(in_quotes(source.files.front().string()) + " holds " + std::to_string(all.size()) +
              " tensors (" + names + (all.size() > 4 ? ", ..." : "") +
              "), and no name says which is Q, K or V; name them q, k and v");
}

/// The layers' numbers to their places, in order.
std::map<int, int> layer_places(const std::vector<Found>& tensors) {
  std::map<int, int> places;
  for (const Found& found : tensors) places[found.parts.number] = 0;
  int place = 0;
  for (auto& [number, at] : places) at = place++;
  return places;
}

DumpLayout choose_layout(const ActivationDump& dump, const std::vector<Found>& tensors) {
  const auto shapes = [&] {
    std::string text;
    for (const Found& found : tensors)
      text += (text.empty() ? "" : ", ") + found.name + " " + shape_text(found.tensor.array.shape);
    return text;
  };
  if (dump.source.layout) {
    for (const Found& found : tensors) {
      if (fits(found.tensor.array.shape, *dump.source.layout)) continue;
      throw Error(in_file(found) + " of shape " + shape_text(found.tensor.array.shape) + " cannot lie as " +
                  layout_name(*dump.source.layout) + "; choose another layout");
    }
    return *dump.source.layout;
  }
  if (dump.guess.layouts.empty()) {
    throw Error(in_quotes(tensors.front().file) + " is no dump of Q, K and V of one pass: the shapes are " +
                shapes() + ", expected (position, head, dim) with the same positions and dims in all");
  }
  return dump.guess.layouts.front();
}

void set_sizes(ActivationDump& dump) {
  AttentionSpec attention;
  for (const auto& [where, values] : dump.capture.values) {
    const int heads = static_cast<int>(values->size(1));
    const bool is_query = where.site == Site::Query || where.site == Site::QueryPreRope;
    int& mine = is_query ? attention.num_heads : attention.num_kv_heads;
    if (mine != 0 && mine != heads) {
      throw Error(in_quotes(dump.source.files.front().string()) + " has " + std::to_string(mine) + " and " +
                  std::to_string(heads) + " heads of K and V, expected as many in both");
    }
    mine = heads;
    const int dims = static_cast<int>(values->size(2));
    if (attention.head_dim != 0 && attention.head_dim != dims) {
      throw Error(in_quotes(dump.source.files.front().string()) + " has heads of " +
                  std::to_string(attention.head_dim) + " and of " + std::to_string(dims) +
                  " dims, expected as many in Q, K and V; choose another layout");
    }
    attention.head_dim = attention.value_dim = dims;
  }
  if (attention.num_heads == 0) attention.num_heads = attention.num_kv_heads;
  if (attention.num_kv_heads == 0) attention.num_kv_heads = attention.num_heads;
  if (attention.num_heads % attention.num_kv_heads != 0) {
    throw Error(in_quotes(dump.source.files.front().string()) + " has " +
                std::to_string(attention.num_heads) + " heads of Q and " +
                std::to_string(attention.num_kv_heads) +
                " of K and V, which cannot be shared out; choose another layout");
  }
  if (dump.source.rope_theta && attention.head_dim >= 2) {
    attention.rope = RopeSpec{};
    attention.rope->theta = *dump.source.rope_theta;
    attention.rope->rotary_dim = attention.head_dim / 2 * 2;
  }
  LayerSpec layer;
  layer.mixer = attention;
  dump.spec.layers.assign(dump.layers.size(), layer);
  dump.spec.max_position_embeddings = dump.capture.positions;
}

void add_before_rope(ActivationDump& dump) {
  if (!dump.spec.rope()) return;
  const FrequencyAxis axis(dump.spec, dump.capture.positions);
  for (int layer = 0; layer < dump.spec.num_layers(); ++layer) {
    for (const auto& [after, before] :
         {std::pair{Site::Query, Site::QueryPreRope}, {Site::Key, Site::KeyPreRope}}) {
      const Array* rotated = dump.capture.value(layer, after);
      if (rotated && !dump.capture.value(layer, before))
        dump.capture.values[{layer, before}] = before_rope(*rotated, axis);
    }
  }
}

}  // namespace

ActivationDump read_activation_dump(const DumpSource& source, std::stop_token stop) {
  if (source.files.empty()) throw Error("There is no file of activations to read");
  ActivationDump dump;
  dump.source = source;
  dump.name = source.files.front().stem().string();
  std::vector<Found> tensors = find_tensors(source, stop);
  std::vector<Shape> shapes;
  for (const Found& found : tensors) shapes.push_back(found.tensor.array.shape);
  dump.shape = shapes.front();
  dump.guess = guess_layout(shapes);
  dump.layout = choose_layout(dump, tensors);
  const std::map<int, int> places = layer_places(tensors);
  dump.layers.resize(places.size());
  for (Found& found : tensors) {
    if (stop.stop_requested()) throw Cancelled();
    const Shape shape = found.tensor.array.shape;
    const int layer = places.at(found.parts.number);
    dump.layers[static_cast<std::size_t>(layer)] = found.parts.layer;
    const SiteId where{layer, found.parts.site.value_or(Site::Query)};
    Array values = arrange(std::move(found.tensor.array), dump.layout);
    const int positions = static_cast<int>(values.size(0));
    if (dump.capture.positions != 0 && dump.capture.positions != positions) {
      throw Error(in_file(found) + " has " + std::to_string(positions) + " positions, expected " +
                  std::to_string(dump.capture.positions) + " as in the others; open tensors of one prompt");
    }
    dump.capture.positions = positions;
    if (!dump.capture.values.emplace(where, std::move(values)).second) {
      throw Error(in_file(found) + " is a second " + std::string(site_name(where.site)) +
                  " of the same layer; open the tensors of one pass");
    }
    dump.notes.push_back(in_file(found) + " is read as " + std::string(site_name(where.site)) + ": " +
                         layout_words(shape, dump.layout) +
                         (found.tensor.stored.empty() ? "" : ", stored as " + found.tensor.stored) +
                         (found.parts.site ? "" : "; its name says neither q, k nor v"));
  }
  set_sizes(dump);
  add_before_rope(dump);
  for (const auto& [where, values] : dump.capture.values)
    dump.capture.norms[where] = norms_over_positions(values);
  return dump;
}

}  // namespace qkscope

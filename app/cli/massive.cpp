#include <algorithm>
#include <cmath>
#include <set>

#include "app/cli/captured.h"
#include "app/cli/massive_dump.h"
#include "app/cli/output.h"
#include "core/analysis/frequency.h"
#include "core/io/safetensors_writer.h"

namespace qkscope::cli {

namespace {

/// The strongest M / mean of all heads; null where no head has one.
Document largest_ratio(const Capture& capture, Site site) {
  Document largest = nullptr;
  for (const auto& [where, m] : norms_of(capture)) {
    if (where.site != site) continue;
    for (const float ratio : strongest_ratios(*m)) {
      if (std::isfinite(ratio) && (largest.is_null() || ratio > largest.get<float>())) largest = ratio;
    }
  }
  return largest;
}

/// `with_layer`: whether the capture's layer numbers mean a layer of a model.
Document site_json(const Capture& capture, Site site, bool with_layer, const Options& options,
                   const LayerAxes& axes) {
  const MassiveCount count = count_massive(norms_of(capture), site, options.lambda, axes);
  const bool rotates = !axes.first().inv_freq().empty();
  Document entries = Document::array();
  for (const MassiveValue& v : massive_values(norms_of(capture), site, options.lambda)) {
    const auto rotary = axes.of(v.where.layer).at(v.dim);
    entries.push_back({{"layer", with_layer ? Document(v.where.layer) : Document(nullptr)},
                       {"head", v.head},
                       {"dim", v.dim},
                       {"m", v.m},
                       {"ratio", v.ratio},
                       {"wavelength", rotary ? Document(rotary->wavelength) : Document(nullptr)}});
  }
  Document json{{"count", count.massive},
                {"low_frequency_half", rotates ? Document(count.low_frequency_half) : Document(nullptr)},
                {"max_ratio", largest_ratio(capture, site)},
                {"of", count.entries}};
  if (options.left_out.which != LeftOut::Which::None) json["left_out"] = capture.left_out;
  json["entries"] = std::move(entries);
  return json;
}

void print(const Document& document, const Options& options, std::ostream& out) {
  Table counts({{"site", false}, {"massive"}, {"of"}, {"low frequency"}, {"max M / mean"}});
  const auto text = [](const Document& number, int digits) {
    return number.is_null() ? std::string("-") : fixed(number.get<double>(), digits);
  };
  for (const auto& [site, found] : document.items()) {
    counts.add({site, text(found["count"], 0), text(found["of"], 0), text(found["low_frequency_half"], 0),
                text(found["max_ratio"], 3)});
  }
  counts.print(out);
  Table rows({{"site", false}, {"layer"}, {"head"}, {"dim"}, {"M"}, {"M / mean"}, {"wavelength"}});
  std::size_t left_out = 0;
  for (const auto& [site, found] : document.items()) {
    const auto& entries = found["entries"];
    const std::size_t most = options.top == 0 ? entries.size() : static_cast<std::size_t>(options.top);
    for (std::size_t i = 0; i < std::min(most, entries.size()); ++i) {
      const auto& e = entries[i];
      const auto from_one = [](const Document& index) {
        return index.is_null() ? std::string("-") : std::to_string(index.get<int>() + 1);
      };
      rows.add({site, from_one(e["layer"]), from_one(e["head"]), text(e["dim"], 0), text(e["m"], 3),
                text(e["ratio"], 3), text(e["wavelength"], 1)});
    }
    left_out += entries.size() - std::min(most, entries.size());
  }
  out << "\n";
  rows.print(out);
  if (left_out > 0) out << left_out << " more; --top 0 shows all\n";
}

/// M of every site: (layers, heads, head_dim), the captured layers stacked. Of a site that some of them lack,
/// or whose heads differ from layer to layer, each layer's M by itself, (heads, head_dim).
void write_norms(const Captured& captured, const Options& options) {
  const Norms& norms = norms_of(captured.run->capture);
  std::set<int> layers;
  std::map<Site, std::vector<SharedArray>> by_site;
  for (const auto& [where, m] : norms) {
    layers.insert(where.layer);
    by_site[where.site].push_back(m);
  }
  const auto stacks = [&](Site site) {
    const auto& of_layers = by_site.at(site);
    return of_layers.size() == layers.size() &&
           std::ranges::all_of(of_layers, [&](const auto& m) { return m->shape == of_layers[0]->shape; });
  };
  SafetensorsWriter writer;
  std::map<Site, Array> written;  // until the writer is done
  for (const auto& [site, of_layers] : by_site) {
    if (!stacks(site)) continue;
    Array& stack = written[site] = {of_layers[0]->shape, {}};
    stack.shape.insert(stack.shape.begin(), std::ssize(of_layers));
    for (const auto& m : of_layers) stack.data.insert(stack.data.end(), m->data.begin(), m->data.end());
    writer.add(std::string(site_name(site)), stack);
  }
  for (const auto& [where, m] : norms) {
    if (!stacks(where.site)) writer.add(array_name(where) + ".norm", *m);
  }
  const std::vector<std::int64_t> numbers(layers.begin(), layers.end());
  writer.add("layers", numbers);
  for (auto& [key, value] : provenance(options, *captured.model, captured.prompt))
    writer.set_metadata(key, value);
  writer.write(options.out);
}

Document massive_of_dump(const Options& options) {
  Document document = Document::object();
  for (const auto& [name, tensor] : read_dump(options)) {
    const Array& values = tensor.values;
    FrequencyAxis axis;
    if (options.rope_theta) {
      RopeSpec rope;
      rope.theta = *options.rope_theta;
      rope.rotary_dim = static_cast<int>(values.shape[2]);
      axis = FrequencyAxis(&rope, rope.rotary_dim, 0, static_cast<int>(values.shape[0]));
    }
    Capture capture;
    capture.positions = static_cast<int>(values.shape[0]);
    check_left_out(options.left_out, capture.positions);
    capture.left_out = left_out_positions(options.left_out, capture);
    (capture.left_out.empty() ? capture.norms : capture.without)[{0, Site::Query}] =
        norms_over_positions(options.before_rope ? before_rope(values, axis) : values, capture.left_out);
    document[name] = site_json(capture, Site::Query, false, options, axis);
    document[name]["layout"] = tensor.layout;
  }
  return document;
}

}  // namespace

Document run_massive(const Context& context) {
  const Options& options = context.options;
  if (!options.dump.empty()) {
    if (options.out.ends_with(".safetensors"))
      throw UsageError("--dump writes JSON only: give --out another ending");
    if (options.left_out.which == LeftOut::Which::Massive)
      throw UsageError("--left-out massive needs a model: --dump holds no residual stream");
    const Document document = massive_of_dump(options);
    print(document, options, context.text);
    return document;
  }
  if (!std::ranges::all_of(options.sites, has_norm))
    throw UsageError(
        "massive looks at the sites query_pre, query, key_pre, key and value alone, which have an M");
  const Captured captured = capture_of(context, false);
  const LayerAxes axes(captured.model->spec(), captured.run->capture.positions);
  Document document = Document::object();
  for (const Site site : options.sites) {
    document[std::string(site_name(site))] = site_json(captured.run->capture, site, true, options, axes);
  }
  if (options.out.ends_with(".safetensors")) write_norms(captured, options);
  print(document, options, context.text);
  return document;
}

}  // namespace qkscope::cli

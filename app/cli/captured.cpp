#include "app/cli/captured.h"

#include "app/cli/scoring.h"
#include "core/run/runner.h"

namespace qkscope::cli {

bool has_norm(Site site) {
  return site == Site::QueryPreRope || site == Site::Query || site == Site::KeyPreRope || site == Site::Key ||
         site == Site::Value;
}

Captured capture_of(const Context& context, bool values) {
  const Options& options = context.options;
  Captured captured;
  captured.model = load_model(context);
  captured.prompt = prompt_of(*captured.model, options);
  RunRequest request = request_of(*captured.model, options, captured.prompt);
  request.needs.layers = request.needs.value_layers = options.layers;
  request.needs.left_out = options.left_out;
  check_left_out(options.left_out, static_cast<int>(captured.prompt.ids.size()));
  for (const Site site : options.sites) {
    if (has_norm(site)) request.needs.norms.insert(site);
    if (values) request.needs.values.insert(site);
  }
  const Comparison comparison = Runner(captured.model).compare(request, {}, context.stop);
  captured.run = comparison.disrupted ? comparison.disrupted : comparison.baseline;
  return captured;
}

void check_left_out(const LeftOut& left_out, int positions) {
  if (left_out.which != LeftOut::Which::Chosen || left_out.positions.back() < positions) return;
  throw UsageError("--left-out names position " + std::to_string(left_out.positions.back()) +
                   "; the prompt has " + std::to_string(positions) + ", counted from 0");
}

const Norms& norms_of(const Capture& capture) {
  return capture.left_out.empty() ? capture.norms : capture.without;
}

std::string array_name(SiteId where) {
  const std::string site(site_name(where.site));
  return where.layer >= 0 ? "layers." + std::to_string(where.layer) + "." + site : site;
}

std::map<std::string, std::string> provenance(const Options& options, const LanguageModel& model,
                                              const PromptTokens& prompt) {
  std::string sites;
  for (const Site site : options.sites) sites += (sites.empty() ? "" : ",") + std::string(site_name(site));
  return {{"program", "QKScope " QKSCOPE_VERSION},
          {"model", model.card().name},
          {"model_path", model.card().path.string()},
          {"device", model.card().device},
          {"dtype", model.card().dtype},
          {"weights", model.card().weights},
          {"rope", model.card().rope},
          {"prompt", prompt.rendered},
          {"prompt_format", prompt.format},
          {"token_ids", Document(prompt.ids).dump()},
          {"sites", sites},
          {"layers", format_ranges(options.layers)},
          {"left_out", to_text(options.left_out)},
          {"disruptions", disruptions_json(options).dump()}};
}

}  // namespace qkscope::cli

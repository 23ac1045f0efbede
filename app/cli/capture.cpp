#include <algorithm>

#include "app/cli/captured.h"
#include "app/cli/output.h"
#include "app/cli/scoring.h"
#include "core/base/wording.h"
#include "core/io/safetensors_writer.h"

namespace qkscope::cli {

Document run_capture(const Context& context) {
  const Options& options = context.options;
  if (!options.out.ends_with(".safetensors"))
    throw UsageError("capture needs --out FILE.safetensors to write to");
  if (options.norms_only && !std::ranges::all_of(options.sites, has_norm))
    throw UsageError(
        "--norms-only goes with query_pre, query, key_pre, key and value alone, which have an M");
  const Captured captured = capture_of(context, !options.norms_only);

  SafetensorsWriter writer;
  Document arrays = Document::object();
  Table table({{"array", false}, {"shape", false}});
  const auto add = [&](SiteId where, const Array& array, const char* ending) {
    const std::string name = array_name(where) + ending;
    writer.add(name, array);
    arrays[name] = array.shape;
    table.add({name, shape_text(array.shape)});
  };
  for (const auto& [where, array] : captured.run->capture.values) add(where, array, "");
  for (const auto& [where, array] : norms_of(captured.run->capture)) add(where, array, ".norm");
  if (arrays.empty()) throw Error("Nothing was captured of the sites asked for; try --sites query,key,value");
  const std::vector<std::int64_t> ids(captured.prompt.ids.begin(), captured.prompt.ids.end());
  writer.add("token_ids", ids);
  for (auto& [key, value] : provenance(options, *captured.model, captured.prompt))
    writer.set_metadata(key, value);
  writer.write(options.out);

  table.print(context.text);
  context.text << "Written to " << options.out << "\n";
  Document json{{"file", options.out},
                {"positions", captured.run->capture.positions},
                {"arrays", arrays},
                {"prompt_ids", captured.prompt.ids},
                {"disruptions", disruptions_json(options)}};
  if (options.left_out.which != LeftOut::Which::None) json["left_out"] = captured.run->capture.left_out;
  return json;
}

}  // namespace qkscope::cli

#include <algorithm>

#include "app/cli/command.h"
#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "core/analysis/frequency.h"

namespace qkscope::cli {

namespace {

Document rope_json(const ModelSpec& spec) {
  if (!spec.rope()) return nullptr;
  const FrequencyAxis axis(spec, spec.max_position_embeddings);
  Document rope = {{"type", spec.rope()->type},
                   {"theta", spec.rope()->theta},
                   {"factor", spec.rope()->factor},
                   {"rotary_dim", spec.rope()->rotary_dim},
                   {"attention_factor", axis.attention_factor()},
                   {"inv_freq", axis.inv_freq()}};
  for (int pair = 0; pair < static_cast<int>(axis.inv_freq().size()); ++pair)
    rope["wavelength"].push_back(axis.at(axis.dims_of(pair).first)->wavelength);
  return rope;
}

/// What mixes the positions in each layer.
std::vector<std::string> mixers(const ModelSpec& spec) {
  std::vector<std::string> mixers;
  for (const LayerSpec& layer : spec.layers)
    mixers.push_back(layer.attention()                                ? "attention"
                     : std::holds_alternative<MambaSpec>(layer.mixer) ? "mamba"
                                                                      : "delta_net");
  return mixers;
}

/// Whether each layer rotates Q and K.
std::vector<bool> rotations(const ModelSpec& spec) {
  std::vector<bool> rotations;
  for (int l = 0; l < spec.num_layers(); ++l)
    rotations.push_back(spec.attention(l) && spec.attention(l)->rope);
  return rotations;
}

/// Of each layer; 0 where it sees all positions or has no attention.
std::vector<int> windows(const ModelSpec& spec) {
  std::vector<int> windows;
  for (int l = 0; l < spec.num_layers(); ++l)
    windows.push_back(spec.attention(l) ? spec.attention(l)->window : 0);
  return windows;
}

Document sizes_json(const ModelSpec& spec) {
  Document document = {{"architecture", spec.architecture},
                       {"num_layers", spec.num_layers()},
                       {"num_heads", spec.num_heads()},
                       {"num_kv_heads", spec.num_kv_heads()},
                       {"head_dim", spec.head_dim()},
                       {"hidden_size", spec.hidden_size},
                       {"intermediate_size", spec.intermediate_size()},
                       {"vocab_size", spec.vocab_size},
                       {"max_position_embeddings", spec.max_position_embeddings},
                       {"sliding_window", windows(spec)},
                       {"tie_word_embeddings", spec.head.tied},
                       {"mixers", mixers(spec)},
                       {"rotates", rotations(spec)},
                       {"rope", rope_json(spec)}};
  return document;
}

/// "614.2 MB as float32 and 97.1 MB as stored"
std::string held_words(const ModelCard& card) {
  const std::string floats =
      bytes_text(static_cast<double>(card.needed_bytes - card.blocks_bytes)) + " as " + card.dtype;
  if (card.blocks_bytes == 0) return floats;
  return floats + " and " + bytes_text(static_cast<double>(card.blocks_bytes)) + " as stored";
}

void print(const ModelCard& card, std::ostream& out) {
  const ModelSpec& spec = card.spec;
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  Table table({{card.name, false}, {"", false}});
  table.add({"file", card.path.string()});
  table.add({"format", card.format + ", " + card.stored_types});
  table.add({"architecture", spec.architecture});
  const auto kinds = mixers(spec);
  const auto attending = std::ranges::count(kinds, "attention");
  table.add(
      {"layers", number(spec.num_layers()) +
                     (attending < spec.num_layers() ? ", " + number(attending) + " with attention" : "")});
  table.add({"heads", number(spec.num_heads()) + " query, " + number(spec.num_kv_heads()) +
                          " key and value, of " + number(spec.head_dim()) + " dims"});
  table.add({"hidden size", number(spec.hidden_size) + ", MLP " + number(spec.intermediate_size())});
  table.add({"vocabulary", number(spec.vocab_size)});
  table.add({"positions", number(spec.max_position_embeddings)});
  table.add({"RoPE", card.rope});
  table.add({"tokenizer", card.tokenizer});
  table.add({"chat format", card.chat});
  table.add({"parameters", fixed(static_cast<double>(card.parameters) / 1e6, 1) + " million"});
  table.add({"stored", bytes_text(static_cast<double>(card.stored_bytes))});
  table.add({"needed", held_words(card) + ", " + bytes_text(static_cast<double>(card.free_bytes)) + " free"});
  table.add({"device", card.device + (card.device_reason.empty() ? "" : " (" + card.device_reason + ")")});
  for (const std::string& note : card.notes) table.add({"note", note});
  table.print(out);
}

}  // namespace

Document run_info(const Context& context) {
  const ModelCard card = inspect_model(context).card;
  print(card, context.text);
  Document document = {{"name", card.name},
                       {"path", card.path.string()},
                       {"format", card.format},
                       {"stored_types", card.stored_types},
                       {"parameters", card.parameters},
                       {"stored_bytes", card.stored_bytes},
                       {"needed_bytes", card.needed_bytes},
                       {"free_bytes", card.free_bytes},
                       {"device", card.device},
                       {"device_reason", card.device_reason},
                       {"dtype", card.dtype},
                       {"weights", card.weights},
                       {"blocks_bytes", card.blocks_bytes},
                       {"tokenizer", card.tokenizer},
                       {"chat", card.chat},
                       {"notes", card.notes}};
  document.update(sizes_json(card.spec));
  return document;
}

}  // namespace qkscope::cli

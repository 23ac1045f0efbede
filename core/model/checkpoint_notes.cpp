#include "core/model/checkpoint_notes.h"

#include <algorithm>

#include "core/base/wording.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

// Tables and masks that older programs stored and every program computes itself.
bool is_ignorable(std::string_view name) {
  constexpr std::string_view endings[] = {
      "rotary_emb.inv_freq", ".attn.masked_bias", ".self_attn.masked_bias", ".attention.masked_bias",
      ".attn.bias",          ".self_attn.bias",   ".attention.bias",        "embeddings.position_ids"};
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

// "'a', 'b' and 2 more"
std::string list_text(const std::vector<std::string>& names) {
  constexpr std::size_t most = 4;
  const std::size_t shown = names.size() > most ? most - 1 : names.size();
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i > 0 && i + 1 == names.size();
    text += (i == 0 ? "" : last ? " and " : ", ") + in_quotes(names[i]);
  }
  return shown < names.size() ? text + " and " + std::to_string(names.size() - shown) + " more" : text;
}

std::string tensors_text(std::size_t count) {
  return count == 1 ? "a tensor" : std::to_string(count) + " tensors";
}

void note_unread(const Checkpoint& checkpoint, const std::set<std::string>& used,
                 std::vector<std::string>& notes) {
  std::set<std::string> unread;
  const auto look = [&](const std::string& name) {
    // part of the specification
    const bool is_rope = name == "rope_freqs.weight" || name.starts_with("rope_factors_");
    if (!is_rope && !is_ignorable(name) && !used.contains(name)) unread.insert(name);
  };
  for (const TensorEntry& entry : checkpoint.tensors()) look(entry.name);
  for (const auto& [name, why] : checkpoint.unreadable()) look(name);
  if (unread.empty()) return;
  notes.push_back("The file holds " + tensors_text(unread.size()) +
                  " that this architecture does not use: " + list_text({unread.begin(), unread.end()}) + ".");
}

// transformers does not read the key in all families, so that nobody trained one of the others with it.
void note_partial_rotation(const ModelSpec& spec, const Config& config, std::vector<std::string>& notes) {
  const bool whole_heads = std::ranges::all_of(spec.layers, [](const LayerSpec& layer) {
    const AttentionSpec* attention = layer.attention();
    return !attention || !attention->rope ||
           (attention->rope->rotary_dim == attention->head_dim && attention->rope->rotating_share == 1);
  });
  if (!whole_heads || !spec.rope()) return;
  for (const char* place : {"", "rope_scaling", "rope_parameters"}) {
    const nlohmann::json* settings = *place ? config.find(place) : &config.json();
    if (!settings || !settings->is_object()) continue;
    const nlohmann::json factor = settings->value("partial_rotary_factor", nlohmann::json(1));
    if (!factor.is_number() || factor == 1) continue;
    notes.push_back("The configuration says partial_rotary_factor " + short_json(factor) +
                    ", which this architecture does not use: whole heads rotate.");
    return;
  }
}

// transformers starts anew with the other divisors where an answer crosses the length (Phi3ForCausalLM,
// prepare_inputs_for_generation). Here the keys of a prompt stay as they were computed, and disrupted.
void note_length_of_rope(const ModelSpec& spec, std::vector<std::string>& notes) {
  const RopeSpec* rope = spec.rope();
  if (!rope || rope->type != "longrope" || rope->short_factor == rope->long_factor) return;
  const std::string length = std::to_string(rope->original_max_position_embeddings);
  notes.push_back("Its RoPE turns otherwise in texts of more than " + length +
                  " tokens (longrope). Where an answer grows past that length, what was computed before is "
                  "kept, while transformers computes it anew: from there on answers differ.");
}

/// Biases that are there unasked, and those that are asked for and not there.
void note_biases(const ModelSpec& spec, const std::set<std::string>& used, std::vector<std::string>& notes) {
  std::vector<std::string> missing, unasked;
  const auto add = [](std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);  // one may be of several roles
  };
  const auto look = [&](bool asked, Role role, int layer) {
    const auto known = spec.parameters.stored.find(role);
    if (known == spec.parameters.stored.end()) return;
    for (const Stored& stored : known->second) {
      for (const std::string& prefix : spec.parameters.prefixes) {
        const std::string name = prefix + layer_name(spec.parameters, layer, stored);
        if (!used.contains(name + ".weight")) continue;  // stored under another name
        const std::string bias = name + ".bias";
        if (used.contains(bias) != asked) add(asked ? missing : unasked, bias);
      }
    }
  };
  for (int l = 0; l < spec.num_layers(); ++l) {
    const LayerSpec& layer = spec.layers[static_cast<std::size_t>(l)];
    if (const AttentionSpec* attention = layer.attention()) {
      for (const Role role : {Role::Query, Role::Key, Role::Value}) look(attention->qkv_bias, role, l);
      look(attention->out_bias, Role::AttnOut, l);
    }
    if (const auto* mlp = std::get_if<MlpSpec>(&layer.ffn)) {
      for (const Role role : {Role::Gate, Role::Up, Role::Down}) look(mlp->bias, role, l);
    }
  }
  if (!missing.empty())
    notes.push_back("The configuration asks for biases that the file does not hold, taken as zero: " +
                    list_text(missing) + ".");
  if (!unasked.empty())
    notes.push_back("The file holds biases that the configuration does not ask for, and they are used: " +
                    list_text(unasked) + ".");
}

}  // namespace

std::vector<std::string> checkpoint_notes(const Checkpoint& checkpoint, const ModelSpec& spec,
                                          const std::set<std::string>& used) {
  std::vector<std::string> notes;
  const Config config(checkpoint);
  if (config.ties_head(false) && !spec.head.tied) {
    notes.push_back(
        "The configuration ties the head to the embedding, but the file holds a head of its own, " +
        std::string("which is used."));
  }
  if (!checkpoint.gguf()) {  // which says nothing of biases, and of a rotation what it means
    note_biases(spec, used, notes);
    note_partial_rotation(spec, config, notes);
  }
  note_length_of_rope(spec, notes);
  note_unread(checkpoint, used, notes);
  return notes;
}

}  // namespace qkscope

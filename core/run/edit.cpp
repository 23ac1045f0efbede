#include "core/run/edit.h"

#include <algorithm>
#include <iterator>

#include "core/base/blanks.h"
#include "core/base/error.h"
#include "core/model/spec.h"

namespace qkscope {

namespace {

constexpr std::string_view off = "off";

Edit parse_what(std::string_view text) {
  const auto preset = std::ranges::find(activation_presets(), text, &ActivationPreset::name);
  if (preset != activation_presets().end()) return preset->edit;
  if (is_activation_edit(text)) return parse_activation_edit(text);
  if (is_rotation_edit(text)) return parse_rotation_edit(text);
  return parse_disruption(text);
}

}  // namespace

Edits switched_on(const Edits& edits) {
  Edits made;
  std::ranges::copy_if(edits, std::back_inserter(made), &Edit::on);
  return made;
}

std::string describe(const Edit& edit) {
  return std::visit([](const auto& what) { return describe(what); }, edit.what);
}

Edit parse_edit(std::string_view text) {
  text = without_blanks(text);
  const std::string_view rest = text.starts_with(off) ? text.substr(off.size()) : text;
  const bool on = rest.size() == text.size() || without_blanks(rest).size() == rest.size();
  Edit edit = parse_what(without_blanks(on ? text : rest));
  edit.on = on;
  return edit;
}

std::string to_text(const Edit& edit) {
  return std::string(edit.on ? "" : "off ") +
         std::visit([](const auto& what) { return to_option(what); }, edit.what);
}

Edits parse_edits(std::string_view text) {
  Edits edits;
  for (bool more = true; more;) {
    const auto end = text.find_first_of(";\n");
    more = end != text.npos;
    if (const auto part = without_blanks(text.substr(0, end)); !part.empty())
      edits.push_back(parse_edit(part));
    if (more) text.remove_prefix(end + 1);
  }
  return edits;
}

std::string to_text(const Edits& edits) {
  std::string text;
  for (const Edit& edit : edits) text += (text.empty() ? "" : "\n") + to_text(edit);
  return text;
}

void seed_unless_named(Edit& edit, std::string_view text, std::uint64_t seed) {
  if (text.find("seed=") != text.npos) return;
  if (auto* disruption = std::get_if<Disruption>(&edit.what)) disruption->pick.seed = seed;
  if (auto* rotation = std::get_if<RotationEdit>(&edit.what)) rotation->seed = seed;
}

namespace {

Edit control(const Disruption& disruption, PickKind kind, std::uint64_t seed) {
  Disruption made = control_of(disruption, kind);
  made.pick.seed = seed;
  return made;
}

Edit control(ActivationEdit e, PickKind, std::uint64_t) {
  e.control = true;
  if (e.set == ActivationEdit::Set::Mean) {
    e.set = ActivationEdit::Set::Zero;
    e.means.clear();
  }
  return e;
}

Edit control(RotationEdit e, PickKind kind, std::uint64_t seed) {
  const bool drawn = kind == PickKind::Random;
  e.instead = drawn ? RotationEdit::Instead::Random : RotationEdit::Instead::Fastest;
  e.seed = drawn ? seed : 0;
  return e;
}

}  // namespace

Edit control_of(const Edit& edit, PickKind kind, std::uint64_t seed) {
  Edit made = std::visit([&](const auto& what) { return control(what, kind, seed); }, edit.what);
  made.on = edit.on;
  return made;
}

namespace {

void check(const ActivationEdit& edit, const ModelSpec& spec) {
  check_activation_edit(edit, spec);
}

void check(const RotationEdit& edit, const ModelSpec& spec) {
  check_rotation_edit(edit, spec);
}

void check(const Disruption& disruption, const ModelSpec& spec) {
  if (!disruption.entries.empty()) return check_entries(disruption.entries, spec);
  const auto within = [](const char* what, const std::vector<int>& named, int count, const char* all) {
    for (const int index : named) {
      if (index >= 0 && index < count) continue;
      throw Error(std::string("The disruption names ") + what + " " + std::to_string(index + 1) +
                  "; the model has " + std::to_string(count) + " " + all + ".");
    }
  };
  within("layer", disruption.layers, spec.num_layers(), "layers");
  within("head", disruption.heads, spec.num_heads(), "query heads");
}

}  // namespace

void check_edit(const Edit& edit, const ModelSpec& spec) {
  std::visit([&spec](const auto& what) { check(what, spec); }, edit.what);
}

}  // namespace qkscope

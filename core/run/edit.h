#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/run/activation_edit.h"
#include "core/run/disruption.h"
#include "core/run/rotation_edit.h"

namespace qkscope {

/// One change of the forward pass, as a value, and whether it is made. A run's edits are a list, made in its
/// order.
struct Edit {
  Edit() = default;
  Edit(Disruption disruption) : what(std::move(disruption)) {}
  Edit(ActivationEdit activations) : what(std::move(activations)) {}
  Edit(RotationEdit rotation) : what(std::move(rotation)) {}

  std::variant<Disruption, ActivationEdit, RotationEdit> what;
  bool on = true;

  /// Null where it is another kind of edit.
  const Disruption* disruption() const { return std::get_if<Disruption>(&what); }
  const ActivationEdit* activations() const { return std::get_if<ActivationEdit>(&what); }
  const RotationEdit* rotation() const { return std::get_if<RotationEdit>(&what); }
  bool operator==(const Edit&) const = default;
};
using Edits = std::vector<Edit>;

/// Those that are switched on.
Edits switched_on(const Edits& edits);

/// For toolbars, captions and logs; of one that is switched off, too.
std::string describe(const Edit& edit);
/// The one text of edits, which options, documents and the clipboard share: a preset's name or settings as
/// parse_disruption(), parse_activation_edit() and parse_rotation_edit() read them, after "off " where the
/// edit is switched off. The inverse spells every setting out.
Edit parse_edit(std::string_view text);
std::string to_text(const Edit& edit);
/// Several of them, one a line or with ; between them. Nothing but blanks: no edit.
Edits parse_edits(std::string_view text);
std::string to_text(const Edits& edits);
/// Takes over `seed` where the edit draws at random and its text named no seed.
void seed_unless_named(Edit& edit, std::string_view text, std::uint64_t seed);

/// The same edit of as many others: `kind` (Smallest or Random) in the same heads for columns, seeded by
/// `seed` where it draws; of median size in the same layers for activations, which become zero where the edit
/// sets them to a mean; the fastest other pairs (Smallest) or random ones of the same layers for rotations.
Edit control_of(const Edit& edit, PickKind kind, std::uint64_t seed = 0);

/// Throws Error for a layer, head, dim that the model has not.
void check_edit(const Edit& edit, const ModelSpec& spec);

}  // namespace qkscope

#pragma once
#include <QString>
#include <cstdint>
#include <vector>

#include "core/run/edit.h"

namespace qkscope {

/// Names an arm for as long as a session knows it, whatever its place, its name and its edits become.
using ArmId = std::uint64_t;

/// One arm of a document: what its runs change, under a name.
struct EditArm {
  QString name;  // empty = told by what it changes
  Edits edits;   // made in this order
  ArmId id = 0;  // given by the session; 0 = new, and so it stands in a document
  bool operator==(const EditArm&) const = default;
};

/// More would not be told apart beside each other.
inline constexpr int most_arms = 6;

/// The arms of a document beside the baseline; one of them is in the pictures.
struct Arms {
  std::vector<EditArm> list{EditArm()};  // one at least, most_arms at most
  int chosen = 0;                        // index into `list`
  bool on = false;                       // D: whether they are run at all

  int count() const { return static_cast<int>(list.size()); }
  const EditArm& shown() const { return list[static_cast<std::size_t>(chosen)]; }
  EditArm& shown() { return list[static_cast<std::size_t>(chosen)]; }
  bool operator==(const Arms&) const = default;
};

/// What a run for the pictures makes: the edits of the shown arm that are switched on; none while D is off.
Edits appliedEdits(const Arms& arms);

/// "λ=5 on Q + 3 entries of K", of those that are switched on.
QString editsWords(const Edits& edits);
/// Its name, or else what it changes.
QString armWords(const EditArm& arm);

/// The shown arm with other edits.
Arms withEdits(Arms arms, Edits edits);
/// Another arm behind the last, which is shown; as they were where there is room for no more.
Arms withArm(Arms arms, EditArm arm);
/// A copy of the shown arm, named as one.
Arms withCopy(const Arms& arms);
/// Without the shown arm; the one before it is shown then. One always stays.
Arms withoutShown(Arms arms);
/// Beside the shown arm, and behind the last, the smallest and random ones of as many in the same heads:
/// those that are not there yet and have room.
Arms withControls(Arms arms);
/// `step` arms further, round and round.
Arms moved(Arms arms, int step);

}  // namespace qkscope

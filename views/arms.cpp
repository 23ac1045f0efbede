#include "views/arms.h"

#include <QStringList>
#include <algorithm>
#include <utility>

#include "views/disruption_words.h"
#include "views/shown.h"

namespace qkscope {

Edits appliedEdits(const Arms& arms) {
  return arms.on ? switched_on(arms.shown().edits) : Edits();
}

QString editsWords(const Edits& edits) {
  QStringList words;
  for (const Edit& edit : switched_on(edits)) words << nameWords(edit);
  return words.isEmpty() ? Words::tr("no edit") : words.join(QStringLiteral(" + "));
}

QString armWords(const EditArm& arm) {
  return arm.name.isEmpty() ? editsWords(arm.edits) : arm.name;
}

Arms withEdits(Arms arms, Edits edits) {
  arms.shown().edits = std::move(edits);
  return arms;
}

Arms withArm(Arms arms, EditArm arm) {
  if (arms.count() >= most_arms) return arms;
  arm.id = 0;
  arms.list.push_back(std::move(arm));
  arms.chosen = arms.count() - 1;
  return arms;
}

Arms withCopy(const Arms& arms) {
  EditArm copy = arms.shown();
  copy.name = Words::tr("copy of %1").arg(armWords(copy));
  return withArm(arms, std::move(copy));
}

Arms withoutShown(Arms arms) {
  if (arms.count() < 2) return arms;
  arms.list.erase(arms.list.begin() + arms.chosen);
  arms.chosen = std::max(0, arms.chosen - 1);
  return arms;
}

Arms withControls(Arms arms) {
  const Edits edits = switched_on(arms.shown().edits);
  if (edits.empty()) return arms;
  for (const PickKind kind : {PickKind::Smallest, PickKind::Random}) {
    EditArm control;
    for (const Edit& edit : edits) control.edits.push_back(control_of(edit, kind));
    const auto same = [&](const EditArm& arm) { return switched_on(arm.edits) == control.edits; };
    if (arms.count() < most_arms && std::ranges::none_of(arms.list, same))
      arms.list.push_back(std::move(control));
  }
  return arms;
}

Arms moved(Arms arms, int step) {
  const int count = arms.count();
  arms.chosen = ((arms.chosen + step) % count + count) % count;
  return arms;
}

}  // namespace qkscope

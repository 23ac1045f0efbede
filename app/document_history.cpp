#include "app/document_history.h"

#include <QElapsedTimer>
#include <algorithm>
#include <utility>

#include "app/property.h"
#include "views/disruption_words.h"

namespace qkscope {

namespace {

constexpr int kLongest = 100;

Sight sightOf(const Document& document) {
  return {document.selection, document.look};
}

/// `document` with the properties of `from` that are no work.
void keepLooking(Document& document, const Sight& from) {
  Sight sight = sightOf(document);
  for (const Property& property : properties()) {
    if (property.is_looking) property.set(sight, property.text(from));
  }
  document.selection = sight.selection;
  document.look = sight.look;
}

QString promptWords(const std::vector<Prompt>& before, const std::vector<Prompt>& after) {
  if (after.size() > before.size()) return DocumentHistory::tr("a prompt more");
  if (after.size() < before.size()) return DocumentHistory::tr("a prompt less");
  return DocumentHistory::tr("a prompt edited");
}

/// What became of an arm's edits.
QString editWords(const Edits& before, const Edits& after) {
  const auto has = [](const Edits& edits, const Edit& edit) {
    return std::ranges::find(edits, edit) != edits.end();
  };
  for (std::size_t i = 0; i < after.size(); ++i) {
    const bool same = i < before.size() && before[i].what == after[i].what;
    if (same && before[i].on != after[i].on) {
      return (after[i].on ? DocumentHistory::tr("%1 switched on") : DocumentHistory::tr("%1 switched off"))
          .arg(shortWords(after[i]));
    }
  }
  for (const Edit& edit : after) {
    if (!has(before, edit)) return shortWords(edit);
  }
  for (const Edit& edit : before) {
    if (!has(after, edit)) return DocumentHistory::tr("without %1").arg(shortWords(edit));
  }
  return after.size() == before.size() ? DocumentHistory::tr("another order of edits")
                                       : DocumentHistory::tr("%1 edits").arg(after.size());
}

const EditArm* armOf(const Arms& arms, ArmId id) {
  const auto found = std::ranges::find(arms.list, id, &EditArm::id);
  return found == arms.list.end() ? nullptr : &*found;
}

QStringList armsWords(const Arms& before, const Arms& after) {
  QStringList words;
  for (const EditArm& arm : after.list) {
    const EditArm* was = armOf(before, arm.id);
    if (!was) {
      words << DocumentHistory::tr("arm %1 added").arg(armWords(arm));
      continue;
    }
    if (was->name != arm.name) words << DocumentHistory::tr("arm named %1").arg(armWords(arm));
    if (was->edits != arm.edits) words << editWords(was->edits, arm.edits);
  }
  for (const EditArm& arm : before.list) {
    if (!armOf(after, arm.id)) words << DocumentHistory::tr("arm %1 removed").arg(armWords(arm));
  }
  return words;
}

/// What differs, in words; empty where nothing does.
QStringList differences(const Document& before, const Document& after) {
  QStringList words;
  if (before.prompts != after.prompts) words << promptWords(before.prompts, after.prompts);
  words << armsWords(before.arms, after.arms);
  const Sight was = sightOf(before), is = sightOf(after);
  for (const Property& property : properties()) {
    if (!property.is_looking && property.text(was) != property.text(is))
      words << property.words + u' ' + property.valueWords(is);
  }
  return words;
}

/// Equal but for the numbers that sliders and spin boxes move.
bool differInNumbersOnly(const Edit& a, const Edit& b) {
  if (!a.disruption() || !b.disruption() || a.on != b.on) return false;
  Disruption moved = *a.disruption();
  const Pick& to = b.disruption()->pick;
  moved.pick.lambda = to.lambda;
  moved.pick.n = to.n;
  moved.pick.seed = to.seed;
  return moved == *b.disruption();
}

/// Which edit of which arm differs, where it is one in its numbers alone.
QString draggedEdit(const Arms& before, const Arms& after) {
  QStringList places;
  for (const EditArm& arm : after.list) {
    const EditArm* was = armOf(before, arm.id);
    if (!was || was->name != arm.name || was->edits.size() != arm.edits.size()) return {};
    for (std::size_t i = 0; i < arm.edits.size(); ++i) {
      if (was->edits[i] == arm.edits[i]) continue;
      if (!differInNumbersOnly(was->edits[i], arm.edits[i])) return {};
      places << QStringLiteral("%1:%2").arg(arm.id).arg(i);
    }
  }
  return places.size() == 1 && before.list.size() == after.list.size() ? places.front() : QString();
}

/// The one thing in which two differ and that can be dragged: a property by its name, an edit by its place;
/// empty where it is another, or more.
QString onlyDifference(const Document& before, const Document& after) {
  if (before.prompts != after.prompts) return {};
  QStringList names;
  if (!armsWords(before.arms, after.arms).isEmpty()) names << draggedEdit(before.arms, after.arms);
  const Sight was = sightOf(before), is = sightOf(after);
  for (const Property& property : properties()) {
    if (!property.is_looking && property.text(was) != property.text(is)) names << property.name;
  }
  return names.size() == 1 ? names.front() : QString();
}

}  // namespace

Document workOf(Document document) {
  keepLooking(document, Sight());
  document.selected_prompt = 0;
  document.arms.on = false;
  document.arms.chosen = 0;
  return document;
}

class DocumentHistory::Step : public QUndoCommand {
 public:
  Step(DocumentHistory& history, Held before, Held after, const QString& words, bool whole)
      : QUndoCommand(words),
        history_(history),
        before_(std::move(before)),
        after_(std::move(after)),
        whole_(whole),
        // Kept, for what is dragged may pass by where it began.
        only_(onlyDifference(before_.document, after_.document)) {
    clock_.start();
  }
  int id() const override { return 1; }
  void undo() override { history_.apply(before_, whole_); }
  void redo() override {
    if (!std::exchange(is_new_, false)) history_.apply(after_, whole_);
  }
  bool mergeWith(const QUndoCommand* other) override {
    const auto* next = static_cast<const Step*>(other);
    if (whole_ || next->whole_ || !next->continues(*this)) return false;
    after_ = next->after_;
    setText(next->text());
    clock_.restart();
    return true;
  }

 private:
  /// Whether this goes on with what `step` began: another number of the same setting, soon after.
  bool continues(const Step& step) const {
    if (only_.isEmpty() || only_ != step.only_) return false;
    const Property* row = propertyNamed(only_);
    const bool is_number = !row || row->values.empty();
    return is_number && step.clock_.elapsed() < kMergeTime.count();
  }

  DocumentHistory& history_;
  Held before_, after_;
  bool whole_, is_new_ = true;
  QString only_;
  QElapsedTimer clock_;
};

DocumentHistory::DocumentHistory(std::function<Held()> now, std::function<void(const Held&)> hold,
                                 QObject* parent)
    : QObject(parent), now_(std::move(now)), hold_(std::move(hold)) {
  steps_.setUndoLimit(kLongest);
  connect(&steps_, &QUndoStack::indexChanged, this, &DocumentHistory::changed);
}

void DocumentHistory::push(const Held& before, const Held& after, const QString& words, bool whole) {
  steps_.push(new Step(*this, before, after, words, whole));
  Q_EMIT changed();  // the words of a step that grew
}

void DocumentHistory::note() {
  if (is_applying_) return;
  const Held now = now_();
  const QStringList words = differences(last_.document, now.document);
  const Held before = std::exchange(last_, now);
  if (words.isEmpty()) return;
  push(before, now, words.join(QStringLiteral(", ")), false);
}

void DocumentHistory::replace(const QString& words, const std::function<void()>& change) {
  const Held before = now_();
  is_applying_ = true;
  change();
  is_applying_ = false;
  last_ = now_();
  push(before, last_, words, true);
}

void DocumentHistory::begin(const std::function<void()>& change) {
  is_applying_ = true;
  change();
  is_applying_ = false;
  last_ = now_();
  steps_.clear();
  Q_EMIT changed();
}

void DocumentHistory::apply(const Held& held, bool whole) {
  Held next = held;
  if (!whole) {
    next = now_();
    const Document now = std::exchange(next.document, held.document);
    Document& document = next.document;
    document.model = now.model;
    document.dump = now.dump;
    document.arms.on = now.arms.on;
    keepLooking(document, sightOf(now));
    // Whoever was looked at is still looked at, where there still is such an arm, such a prompt.
    if (const EditArm* shown = armOf(document.arms, now.arms.shown().id))
      document.arms.chosen = static_cast<int>(shown - document.arms.list.data());
    if (!now.prompts.empty()) {
      const auto looked = std::ranges::find(
          document.prompts, now.prompts[static_cast<std::size_t>(now.selected_prompt)].id, &Prompt::id);
      if (looked != document.prompts.end())
        document.selected_prompt = static_cast<int>(looked - document.prompts.begin());
    }
  }
  is_applying_ = true;
  hold_(next);
  is_applying_ = false;
  last_ = now_();
}

}  // namespace qkscope

#include "app/document_history.h"

#include <QElapsedTimer>
#include <algorithm>
#include <utility>

#include "app/disruption_stack.h"
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

/// What differs, in words; empty where nothing does.
QStringList differences(const Document& before, const Document& after) {
  QStringList words;
  if (before.prompts != after.prompts) words << promptWords(before.prompts, after.prompts);
  if (before.current() != after.current()) words << shortWords(after.current());
  const Sight was = sightOf(before), is = sightOf(after);
  for (const Property& property : properties()) {
    if (!property.is_looking && property.text(was) != property.text(is))
      words << property.words + u' ' + property.valueWords(is);
  }
  return words;
}

/// The one thing in which two differ: a property by its name, "disruption"; empty where it is another, or
/// more.
QString onlyDifference(const Document& before, const Document& after) {
  if (before.prompts != after.prompts) return {};
  QStringList names;
  if (before.current() != after.current()) names << QStringLiteral("disruption");
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
  document.disrupted = false;
  return document;
}

class DocumentHistory::Step : public QUndoCommand {
 public:
  Step(DocumentHistory& history, Held before, Held after, const QString& words, bool whole, bool merges)
      : QUndoCommand(words),
        history_(history),
        before_(std::move(before)),
        after_(std::move(after)),
        whole_(whole),
        merges_(merges),
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
    if (!row) return merges_;
    return row->values.empty() && step.clock_.elapsed() < DisruptionStack::kMergeTime.count();
  }

  DocumentHistory& history_;
  Held before_, after_;
  bool whole_, merges_, is_new_ = true;
  QString only_;
  QElapsedTimer clock_;
};

DocumentHistory::DocumentHistory(std::function<Held()> now, std::function<void(const Held&)> hold,
                                 QObject* parent)
    : QObject(parent), now_(std::move(now)), hold_(std::move(hold)) {
  steps_.setUndoLimit(kLongest);
  connect(&steps_, &QUndoStack::indexChanged, this, &DocumentHistory::changed);
}

void DocumentHistory::push(const Held& before, const Held& after, const QString& words, bool whole,
                           bool merges) {
  steps_.push(new Step(*this, before, after, words, whole, merges));
  Q_EMIT changed();  // the words of a step that grew
}

void DocumentHistory::note() {
  if (is_applying_) return;
  const Held now = now_();
  const QStringList words = differences(last_.document, now.document);
  const Held before = std::exchange(last_, now);
  if (words.isEmpty()) return;
  // The stack puts a dragged number in place of the one before.
  const bool merges = before.document.disruptions.size() == now.document.disruptions.size() &&
                      before.document.disruption_position == now.document.disruption_position &&
                      before.document.current() != now.document.current();
  push(before, now, words.join(QStringLiteral(", ")), false, merges);
}

void DocumentHistory::replace(const QString& words, const std::function<void()>& change) {
  const Held before = now_();
  is_applying_ = true;
  change();
  is_applying_ = false;
  last_ = now_();
  push(before, last_, words, true, false);
}

void DocumentHistory::begin(const std::function<void()>& change) {
  is_applying_ = true;
  change();
  is_applying_ = false;
  last_ = now_();
  steps_.clear();
  Held earlier = last_, later = last_;
  const std::vector<Disruption>& history = last_.document.disruptions;
  for (std::size_t i = 0; i < last_.document.disruption_position; ++i) {
    const auto end = history.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    earlier.document.disruptions.assign(history.begin(), end);
    later.document.disruptions.assign(history.begin(), end + 1);
    earlier.document.disruption_position = i;
    later.document.disruption_position = i + 1;
    push(earlier, later, shortWords(history[i + 1]), false, false);
  }
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
    document.disrupted = now.disrupted;
    keepLooking(document, sightOf(now));
    // Whoever was looked at is still looked at, where there still is such a prompt.
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

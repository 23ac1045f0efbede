#pragma once
#include <QUndoStack>
#include <chrono>
#include <functional>
#include <optional>

#include "app/document.h"

namespace qkscope {

/// A document with all that undo brings back: the ids of its prompts, its file, and what stands there.
struct Held {
  Document document;
  QString path;                   // of the document's file; empty = none
  std::optional<Document> saved;  // what stands there, or the beginning of a document without a file
};

/// Undo and redo over everything that a document holds, as values: whatever has changed since it last looked
/// becomes a step, named by what differs. Mere looking around is no step, and no step undoes it.
class DocumentHistory : public QObject {
  Q_OBJECT
 public:
  /// `now` tells the document, `hold` puts another in its place.
  DocumentHistory(std::function<Held()> now, std::function<void(const Held&)> hold,
                  QObject* parent = nullptr);
  /// The stack tells of its end, too, when there is nobody left to be told.
  ~DocumentHistory() override { steps_.disconnect(this); }

  /// Something may have changed. Numbers that are dragged, one within this time of the one before, make one
  /// step.
  static constexpr std::chrono::milliseconds kMergeTime{700};
  void note();
  /// `change` puts another document in place of the one of now: one step named `words`, and undone whole.
  void replace(const QString& words, const std::function<void()>& change);
  /// `change` is a new beginning.
  void begin(const std::function<void()>& change);

  bool canUndo() const { return steps_.canUndo(); }
  bool canRedo() const { return steps_.canRedo(); }
  /// "λ=5 on Q · all layers"; empty where there is nothing.
  QString undoWords() const { return steps_.undoText(); }
  QString redoWords() const { return steps_.redoText(); }
  void undo() { steps_.undo(); }
  void redo() { steps_.redo(); }

 Q_SIGNALS:
  void changed();

 private:
  class Step;
  void push(const Held& before, const Held& after, const QString& words, bool whole);
  /// `whole`: with all of the document; else the work alone.
  void apply(const Held& held, bool whole);

  std::function<Held()> now_;
  std::function<void(const Held&)> hold_;
  QUndoStack steps_;
  Held last_;
  bool is_applying_ = false;
};

/// The document without what changes by mere looking around: selection, properties that say so, which arm
/// is shown, whether D is pressed.
Document workOf(Document document);

}  // namespace qkscope

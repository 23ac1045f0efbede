#pragma once
#include <QDialog>
#include <functional>

#include "views/prompt.h"

class QComboBox;
class QLabel;
class QPlainTextEdit;

namespace qkscope {

/// Measures a prompt and tells `take`, now or later; a newer question makes it forget the older one.
using PromptMeasure = std::function<void(const Prompt& prompt, PromptSizeTaker take)>;

/// Edits one prompt: text, expected answer, kind, raw or chat, BOS.
class PromptEditor : public QDialog {
  Q_OBJECT
 public:
  /// `measure` may be empty (no model yet).
  PromptEditor(const Prompt& prompt, PromptMeasure measure, QWidget* parent);
  Prompt prompt() const;

 private:
  void measure();
  void showSize(const PromptSize& size);

  PromptMeasure measure_;
  QPlainTextEdit* text_;
  QPlainTextEdit* expected_;
  QComboBox* kind_;
  QComboBox* format_;
  QComboBox* bos_;
  QLabel* size_;
};

}  // namespace qkscope

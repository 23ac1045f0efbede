#pragma once
#include <QDialog>
#include <functional>

#include "views/prompt.h"

class QComboBox;
class QLabel;
class QPlainTextEdit;

namespace qkscope {

/// What the editor says of a prompt while it is typed.
struct PromptSize {
  int tokens = 0;
  QString format;  // "ChatML", "raw: the checkpoint has no chat template"
};

/// Edits one prompt: text, expected answer, kind, raw or chat.
class PromptEditor : public QDialog {
  Q_OBJECT
 public:
  /// `measure` may be empty (no model yet).
  PromptEditor(const Prompt& prompt, std::function<PromptSize(const Prompt&)> measure, QWidget* parent);
  Prompt prompt() const;

 private:
  void showSize();

  std::function<PromptSize(const Prompt&)> measure_;
  QPlainTextEdit* text_;
  QPlainTextEdit* expected_;
  QComboBox* kind_;
  QComboBox* format_;
  QLabel* size_;
};

}  // namespace qkscope

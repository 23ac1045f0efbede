#pragma once
#include <QDialog>

#include "core/model/language_model.h"

namespace qkscope {

/// What is known of a checkpoint before a weight is read, and whether it will load here.
class ModelDialog : public QDialog {
  Q_OBJECT
 public:
  /// `offer_load`: with a button that loads it; else it is the model of now. `held`: bytes that the model of
  /// now would give up for it.
  ModelDialog(const ModelCard& card, bool offer_load, QWidget* parent, std::uint64_t held = 0);
};

/// "Llama · 30 layers · 9/3 heads · Q4_1": for the toolbar.
QString modelDetails(const ModelCard& card);
/// "1.5 GB"
QString sizeWords(std::uint64_t bytes);

}  // namespace qkscope

#pragma once
#include <QDialog>

#include "app/model_store.h"

namespace qkscope {

/// What is known of a checkpoint before a weight is read, and whether it will load here.
class ModelDialog : public QDialog {
  Q_OBJECT
 public:
  /// `offer_load`: with a button that loads it; else it is what is shown. `store`: the models that would make
  /// room for it, or of which it is one.
  ModelDialog(const ModelCard& card, bool offer_load, const ModelStore& store, QWidget* parent);
};

/// "Llama · 30 layers · 9/3 heads · Q4_1": for the toolbar.
QString modelDetails(const ModelCard& card);
/// "1.5 GB"
QString sizeWords(std::uint64_t bytes);

}  // namespace qkscope

#pragma once
#include <QDialog>
#include <memory>

#include "core/analysis/activation_dump.h"

class QComboBox;

namespace qkscope {

/// How files of activations are read: what their axes are, where the shapes leave that open, and the
/// rope_theta that no file says.
class DumpDialog : public QDialog {
  Q_OBJECT
 public:
  /// `theta`: what was given last, offered first; 0 = none.
  DumpDialog(std::shared_ptr<const ActivationDump> dump, double theta, QWidget* parent);

  /// The files, read as chosen.
  DumpSource source() const;

 private:
  std::shared_ptr<const ActivationDump> dump_;
  QComboBox* layout_ = nullptr;
  QComboBox* theta_ = nullptr;
};

/// "2 layers · 32/8 heads of 128 · 66 positions": for the toolbar.
QString dumpDetails(const ActivationDump& dump);

}  // namespace qkscope

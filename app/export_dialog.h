#pragma once
#include <QDialog>

#include "app/options.h"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QLineEdit;
class QSpinBox;

namespace qkscope {

/// Asks which picture goes where, how large and with what beside it.
class ExportDialog : public QDialog {
  Q_OBJECT
 public:
  struct Figure {
    QString id, title;
  };
  ExportDialog(const std::vector<Figure>& figures, const QString& path, QWidget* parent);
  QString figureId() const;
  FigureOptions options() const;

 private:
  void choosePath();

  QComboBox* figure_;
  QComboBox* preset_;
  QLineEdit* path_;
  QDoubleSpinBox *width_, *height_;
  QSpinBox* dpi_;
  QCheckBox* data_;
};

}  // namespace qkscope

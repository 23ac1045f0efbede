#pragma once
#include <QDialog>
#include <functional>
#include <vector>

#include "app/options.h"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace qkscope {

/// Asks which picture goes where, how large and with what beside it, and stays until it is written: a file
/// that would be replaced is named first, and what fails is said here, with all entries kept. Sizes, choices
/// and the dialog's own size are remembered from one time to the next.
class ExportDialog : public QDialog {
  Q_OBJECT
 public:
  struct Figure {
    QString id;
    QString title;      // what it shows
    QString file_name;  // proposed, without suffix
  };
  /// Writes a figure; throws Error.
  using Save = std::function<void(const QString& figure, const FigureOptions& options)>;
  ExportDialog(const std::vector<Figure>& figures, const QString& folder, Save save, QWidget* parent);

  QString figureId() const;
  FigureOptions options() const;

 public Q_SLOTS:
  void accept() override;
  void done(int result) override;

 private:
  void choosePath();
  void proposePath();
  void entriesChanged();
  void say(const QString& sentence);
  void remember() const;
  void recall();

  std::vector<Figure> figures_;
  QString folder_;
  Save save_;
  QComboBox* figure_;
  QComboBox* preset_;
  QLineEdit* path_;
  QDoubleSpinBox *width_, *height_;
  QSpinBox* dpi_;
  QCheckBox* data_;
  QLabel* problem_;
  QPushButton* save_button_ = nullptr;
  bool path_is_proposed_ = true;  // until it is edited, it follows the figure
  bool replace_ = false;          // the files named may be replaced
};

}  // namespace qkscope

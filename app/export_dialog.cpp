#include "app/export_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>

namespace qkscope {

namespace {

struct SizePreset {
  const char* words;
  double width_mm, height_mm;
};
// Column widths of the usual templates: 3.25 to 3.5 inches single, 6.75 to 7.2 double.
constexpr SizePreset kPresets[] = {{QT_TRANSLATE_NOOP("ExportDialog", "two columns (170 mm)"), 170, 120},
                                   {QT_TRANSLATE_NOOP("ExportDialog", "one column (84 mm)"), 84, 70},
                                   {QT_TRANSLATE_NOOP("ExportDialog", "slide 16:9 (254 mm)"), 254, 143}};

}  // namespace

ExportDialog::ExportDialog(const std::vector<Figure>& figures, const QString& path, QWidget* parent)
    : QDialog(parent),
      figure_(new QComboBox(this)),
      preset_(new QComboBox(this)),
      path_(new QLineEdit(path, this)),
      width_(new QDoubleSpinBox(this)),
      height_(new QDoubleSpinBox(this)),
      dpi_(new QSpinBox(this)),
      data_(new QCheckBox(tr("with its numbers (.csv, .safetensors) and settings (.json)"), this)) {
  setWindowTitle(tr("Export a figure"));
  setObjectName(QStringLiteral("exportDialog"));
  for (const Figure& figure : figures) figure_->addItem(figure.title, figure.id);
  path_->setObjectName(QStringLiteral("exportPath"));
  path_->setMinimumWidth(360);
  auto* browse = new QPushButton(tr("Browse …"), this);
  connect(browse, &QPushButton::clicked, this, &ExportDialog::choosePath);
  auto* file = new QHBoxLayout;
  file->addWidget(path_, 1);
  file->addWidget(browse);

  for (const SizePreset& preset : kPresets)
    preset_->addItem(QCoreApplication::translate("ExportDialog", preset.words));
  for (QDoubleSpinBox* box : {width_, height_}) {
    box->setRange(20, 2000);
    box->setDecimals(1);
    box->setSuffix(tr(" mm"));
  }
  const auto take = [this](int index) {
    if (index < 0) return;
    width_->setValue(kPresets[index].width_mm);
    height_->setValue(kPresets[index].height_mm);
  };
  connect(preset_, &QComboBox::activated, this, take);
  take(0);
  dpi_->setRange(36, 2400);
  dpi_->setValue(300);
  dpi_->setSuffix(tr(" dpi (PNG)"));
  data_->setChecked(true);
  auto* size = new QHBoxLayout;
  size->addWidget(width_);
  size->addWidget(height_);
  size->addWidget(dpi_);

  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Save | QDialogButtonBox::Cancel, this);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* form = new QFormLayout(this);
  form->addRow(tr("&Figure"), figure_);
  form->addRow(tr("File (.pdf, .svg, .png)"), file);
  form->addRow(tr("For"), preset_);
  form->addRow(tr("Size"), size);
  form->addRow(QString(), data_);
  form->addRow(buttons);
}

void ExportDialog::choosePath() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Figure"), path_->text(), tr("Figures (*.pdf *.svg *.png)"));
  if (!path.isEmpty()) path_->setText(path);
}

QString ExportDialog::figureId() const {
  return figure_->currentData().toString();
}

FigureOptions ExportDialog::options() const {
  return {path_->text(), width_->value(), height_->value(), dpi_->value(), data_->isChecked()};
}

}  // namespace qkscope

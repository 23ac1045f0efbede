#include "app/export_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QDir>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <algorithm>

#include "app/export.h"
#include "app/settings.h"
#include "core/base/error.h"

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

// Names of what is remembered.
const QString kGeometry = QStringLiteral("geometry"), kSuffix = QStringLiteral("suffix"),
              kWidth = QStringLiteral("width"), kHeight = QStringLiteral("height"),
              kDpi = QStringLiteral("dpi"), kData = QStringLiteral("data");

}  // namespace

ExportDialog::ExportDialog(const std::vector<Figure>& figures, const QString& folder, Save save,
                           QWidget* parent)
    : QDialog(parent),
      figures_(figures),
      folder_(folder),
      save_(std::move(save)),
      figure_(new QComboBox(this)),
      preset_(new QComboBox(this)),
      path_(new QLineEdit(this)),
      width_(new QDoubleSpinBox(this)),
      height_(new QDoubleSpinBox(this)),
      dpi_(new QSpinBox(this)),
      data_(new QCheckBox(tr("with its numbers (.csv, .safetensors) and settings (.json)"), this)),
      problem_(new QLabel(this)) {
  setWindowTitle(tr("Export a figure"));
  setObjectName(QStringLiteral("exportDialog"));
  for (const Figure& figure : figures_) figure_->addItem(figure.title, figure.id);
  figure_->setObjectName(QStringLiteral("exportFigure"));
  path_->setObjectName(QStringLiteral("exportPath"));
  path_->setMinimumWidth(360);
  auto* browse = new QPushButton(tr("Browse …"), this);
  connect(browse, &QPushButton::clicked, this, &ExportDialog::choosePath);
  auto* file = new QHBoxLayout;
  file->addWidget(path_, 1);
  file->addWidget(browse);

  for (const SizePreset& preset : kPresets)
    preset_->addItem(QCoreApplication::translate("ExportDialog", preset.words));
  preset_->addItem(tr("a size of its own"));
  for (QDoubleSpinBox* box : {width_, height_}) {
    box->setRange(figure_limits.low, figure_limits.high);
    box->setDecimals(1);
    box->setSuffix(tr(" mm"));
    connect(box, &QDoubleSpinBox::valueChanged, this, &ExportDialog::entriesChanged);
  }
  width_->setObjectName(QStringLiteral("exportWidth"));
  height_->setObjectName(QStringLiteral("exportHeight"));
  connect(preset_, &QComboBox::activated, this, [this](int index) {
    if (index < 0 || index >= static_cast<int>(std::size(kPresets))) return;
    width_->setValue(kPresets[index].width_mm);
    height_->setValue(kPresets[index].height_mm);
  });
  dpi_->setRange(dpi_limits.low, dpi_limits.high);
  dpi_->setSuffix(tr(" dpi (PNG)"));
  auto* size = new QHBoxLayout;
  size->addWidget(width_);
  size->addWidget(height_);
  size->addWidget(dpi_);
  problem_->setObjectName(QStringLiteral("exportProblem"));
  problem_->setTextFormat(Qt::PlainText);
  problem_->setWordWrap(true);
  problem_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  problem_->hide();

  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Save | QDialogButtonBox::Cancel, this);
  save_button_ = buttons->button(QDialogButtonBox::Save);
  connect(buttons, &QDialogButtonBox::accepted, this, &ExportDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &ExportDialog::reject);
  auto* form = new QFormLayout(this);
  form->addRow(tr("&Figure"), figure_);
  form->addRow(tr("F&ile (.pdf, .svg, .png)"), file);
  form->addRow(tr("For"), preset_);
  form->addRow(tr("&Size"), size);
  form->addRow(QString(), data_);
  form->addRow(problem_);
  form->addRow(buttons);
  // A row of several has no one that its letter leads to.
  qobject_cast<QLabel*>(form->labelForField(file))->setBuddy(path_);
  qobject_cast<QLabel*>(form->labelForField(size))->setBuddy(width_);

  recall();
  proposePath();
  entriesChanged();
  connect(figure_, &QComboBox::currentIndexChanged, this, &ExportDialog::proposePath);
  connect(path_, &QLineEdit::textEdited, this, [this] { path_is_proposed_ = false; });
  connect(path_, &QLineEdit::textChanged, this, &ExportDialog::entriesChanged);
  connect(data_, &QCheckBox::toggled, this, &ExportDialog::entriesChanged);
}

void ExportDialog::proposePath() {
  if (!path_is_proposed_ || figure_->currentIndex() < 0) return;
  const Figure& figure = figures_[static_cast<std::size_t>(figure_->currentIndex())];
  const QString suffix = path_->text().isEmpty() ? Settings().dialog(objectName())[kSuffix].toString()
                                                 : QFileInfo(path_->text()).suffix();
  path_->setText(QDir(folder_).filePath(
      figure.file_name + u'.' + (figureSuffixes().contains(suffix) ? suffix : figureSuffixes().front())));
}

void ExportDialog::choosePath() {
  // What is there already is named on saving, the files beside the figure included.
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Figure"), path_->text(), tr("Figures (*.pdf *.svg *.png)"),
                                   nullptr, QFileDialog::DontConfirmOverwrite);
  if (path.isEmpty()) return;
  path_is_proposed_ = false;
  path_->setText(path);
}

void ExportDialog::entriesChanged() {
  replace_ = false;
  save_button_->setText(tr("Save"));
  problem_->hide();
  const auto preset = std::find_if(std::begin(kPresets), std::end(kPresets), [this](const SizePreset& p) {
    return qFuzzyCompare(p.width_mm, width_->value()) && qFuzzyCompare(p.height_mm, height_->value());
  });
  preset_->setCurrentIndex(static_cast<int>(preset - std::begin(kPresets)));
}

void ExportDialog::say(const QString& sentence) {
  problem_->setText(sentence);
  problem_->show();
}

void ExportDialog::accept() {
  FigureOptions figure = options();
  try {
    const QStringList there = replacedFiles(figure);
    if (!there.isEmpty() && !replace_) {
      QStringList names;
      for (const QString& file : there) names << QFileInfo(file).fileName();
      say(tr("There already, to be replaced: %1.").arg(names.join(QStringLiteral(", "))));
      save_button_->setText(tr("Replace"));
      replace_ = true;
      return;
    }
    figure.force = replace_;
    save_(figureId(), figure);
  } catch (const Error& error) {
    say(QString::fromUtf8(error.what()));
    return;
  }
  QDialog::accept();
}

void ExportDialog::done(int result) {
  remember();
  QDialog::done(result);
}

void ExportDialog::remember() const {
  Settings().setDialog(objectName(), {{kGeometry, saveGeometry()},
                                      {kSuffix, QFileInfo(path_->text()).suffix().toLower()},
                                      {kWidth, width_->value()},
                                      {kHeight, height_->value()},
                                      {kDpi, dpi_->value()},
                                      {kData, data_->isChecked()}});
}

void ExportDialog::recall() {
  const QVariantMap entries = Settings().dialog(objectName());
  const FigureOptions standard;
  width_->setValue(entries.value(kWidth, standard.width_mm).toDouble());
  height_->setValue(entries.value(kHeight, standard.height_mm).toDouble());
  dpi_->setValue(entries.value(kDpi, standard.dpi).toInt());
  data_->setChecked(entries.value(kData, standard.data).toBool());
  restoreGeometry(entries.value(kGeometry).toByteArray());
}

QString ExportDialog::figureId() const {
  return figure_->currentData().toString();
}

FigureOptions ExportDialog::options() const {
  FigureOptions options;
  options.path = QDir(folder_).absoluteFilePath(path_->text().trimmed());
  options.width_mm = width_->value();
  options.height_mm = height_->value();
  options.dpi = dpi_->value();
  options.data = data_->isChecked();
  return options;
}

}  // namespace qkscope

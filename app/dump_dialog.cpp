#include "app/dump_dialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>

#include "app/names.h"
#include "app/option_text.h"
#include "core/base/wording.h"
#include "views/counted.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

// Llama 2, Llama 3, Qwen2: what people have.
constexpr double usual_thetas[] = {10000, 500000, 1000000};

}  // namespace

QString dumpDetails(const ActivationDump& dump) {
  const ModelSpec& spec = dump.spec;
  return DumpDialog::tr("activations · %1 · %2/%3 heads of %4 · %5")
      .arg(counted(spec.num_layers(), DumpDialog::tr("1 layer"), DumpDialog::tr("%1 layers")))
      .arg(spec.num_heads())
      .arg(spec.num_kv_heads())
      .arg(spec.head_dim())
      .arg(positionsWords(dump.capture.positions));
}

DumpDialog::DumpDialog(std::shared_ptr<const ActivationDump> dump, double theta, QWidget* parent)
    : QDialog(parent), dump_(std::move(dump)) {
  setWindowTitle(tr("Activations"));
  setObjectName(QStringLiteral("dumpDialog"));
  auto* form = new QFormLayout(this);
  form->setHorizontalSpacing(18);
  form->addRow(new StyledLabel(Type::Title, Tone::Text, this, text(dump_->name)));
  QStringList notes;
  for (const std::string& note : dump_->notes) notes << text(note);
  auto* read = new QLabel(notes.mid(0, 8).join(u'\n'), this);
  read->setTextFormat(Qt::PlainText);
  read->setWordWrap(true);
  read->setTextInteractionFlags(Qt::TextSelectableByMouse);
  form->addRow(tr("Tensors"), read);
  form->addRow(tr("Shape"), new QLabel(text(shape_text(dump_->shape)), this));

  layout_ = new QComboBox(this);
  layout_->setObjectName(QStringLiteral("dumpLayout"));
  std::vector<DumpLayout> layouts = dump_->guess.layouts;
  if (std::ranges::find(layouts, dump_->layout) == layouts.end())
    layouts.insert(layouts.begin(), dump_->layout);
  for (const DumpLayout& layout : layouts) {
    layout_->addItem(text(layout_words(dump_->shape, layout)), text(layout_name(layout)));
    if (layout == dump_->layout) layout_->setCurrentIndex(layout_->count() - 1);
  }
  form->addRow(tr("Its axes"), layout_);

  theta_ = new QComboBox(this);
  theta_->setObjectName(QStringLiteral("dumpTheta"));
  theta_->setEditable(true);
  theta_->setInsertPolicy(QComboBox::NoInsert);
  theta_->addItem(tr("not known"));
  for (const double usual : usual_thetas) theta_->addItem(numberText(usual));
  if (const double shown = dump_->source.rope_theta.value_or(theta); shown > 0)
    theta_->setCurrentText(numberText(shown));
  theta_->setToolTip(tr("rope_theta of the model's config.json; without it there are no wavelengths"));
  form->addRow(tr("RoPE's theta"), theta_);

  auto* buttons = new QDialogButtonBox(this);
  buttons->addButton(tr("Show"), QDialogButtonBox::AcceptRole)->setObjectName(QStringLiteral("showDump"));
  buttons->addButton(QDialogButtonBox::Cancel);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  form->addRow(buttons);
  const auto check = [this, buttons] {
    const QString words = theta_->currentText().trimmed();
    const bool fine =
        words.isEmpty() || words == theta_->itemText(0) || plainNumber(words, rope_theta_limits);
    buttons->buttons().front()->setEnabled(fine);
  };
  connect(theta_, &QComboBox::currentTextChanged, this, check);
  check();
  setMinimumWidth(520);
}

DumpSource DumpDialog::source() const {
  DumpSource source = dump_->source;
  source.layout = parse_layout(layout_->currentData().toString().toStdString());
  source.rope_theta = plainNumber(theta_->currentText().trimmed(), rope_theta_limits);
  return source;
}

}  // namespace qkscope

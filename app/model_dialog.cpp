#include "app/model_dialog.h"

#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <algorithm>

#include "views/counted.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

QString sizeWords(std::uint64_t bytes) {
  return QLocale().formattedDataSize(static_cast<qint64>(bytes), 1, QLocale::DataSizeSIFormat);
}

QString modelDetails(const ModelCard& card) {
  const ModelSpec& spec = card.spec;
  QString family = text(spec.architecture);
  family.remove(QStringLiteral("ForCausalLM"));
  // The type of most of the weights stands first.
  const QString stored = text(card.stored_types).section(QStringLiteral(" x "), 0, 0);
  return ModelDialog::tr("%1 · %2 layers · %3/%4 heads · %5")
      .arg(family)
      .arg(spec.num_layers())
      .arg(spec.num_heads())
      .arg(spec.num_kv_heads())
      .arg(stored);
}

ModelDialog::ModelDialog(const ModelCard& card, bool offer_load, const ModelStore& store, QWidget* parent)
    : QDialog(parent) {
  setWindowTitle(tr("Model card"));
  setObjectName(QStringLiteral("modelDialog"));
  auto* form = new QFormLayout(this);
  form->setHorizontalSpacing(18);
  form->setVerticalSpacing(5);
  const auto row = [this, form](const QString& name, const QString& words) -> QLabel* {
    if (words.isEmpty()) return nullptr;
    auto* label = new QLabel(words, this);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    form->addRow(name, label);
    return label;
  };
  form->addRow(new StyledLabel(Type::Title, Tone::Text, this, text(card.name)));
  row(tr("File"), text(card.path.string()));
  row(tr("Format"), tr("%1, %2").arg(text(card.format), text(card.stored_types)));
  const ModelSpec& spec = card.spec;
  row(tr("Architecture"), text(spec.architecture));
  if (spec.num_layers() > 0) {
    const QLocale locale;
    row(tr("Sizes"), tr("%1 layers, %2 query heads, %3 KV heads, head_dim %4, hidden_size %5, vocab_size %6")
                         .arg(spec.num_layers())
                         .arg(spec.num_heads())
                         .arg(spec.num_kv_heads())
                         .arg(spec.head_dim())
                         .arg(spec.hidden_size)
                         .arg(locale.toString(spec.vocab_size)));
    row(tr("Parameters"), locale.toString(static_cast<qlonglong>(card.parameters)));
  }
  row(tr("RoPE"), text(card.rope));
  row(tr("Tokenizer"), text(card.tokenizer));
  row(tr("Chat format"), text(card.chat));
  if (card.needed_bytes > 0) {
    const QString needed = card.weights == "stored" ? tr("%1 needed as stored, %2 free on %3")
                           : card.weights == "both" ? tr("%1 needed as floats and as stored, %2 free on %3")
                                                    : tr("%1 needed, %2 free on %3");
    row(tr("Memory"), needed.arg(sizeWords(card.needed_bytes), sizeWords(card.free_bytes), text(card.device)))
        ->setObjectName(QStringLiteral("modelMemory"));
  }
  const std::uint64_t held = store.held(card.device);
  const auto open = std::ranges::count_if(
      store.models(), [&](const OpenModel& model) { return model.model->card().device == card.device; });
  if (!offer_load && open > 0) {
    const std::uint64_t budget = store.budget(card.device);
    const QString words = counted(open, tr("1 model, %1"), tr("%1 models, %2"));
    row(tr("Open models"), words.arg(sizeWords(held)) +
                               (budget > 0 ? tr(" of the %1 that open models may hold").arg(sizeWords(budget))
                                           : tr("; another one takes its place")))
        ->setObjectName(QStringLiteral("openModels"));
  }
  row(tr("Computes on"),
      card.device_reason.empty()
          ? tr("%1 in %2").arg(text(card.device), text(card.dtype))
          : tr("%1 in %2 (%3)").arg(text(card.device), text(card.dtype), text(card.device_reason)));

  // Of a model that is loaded, the free memory of before says nothing.
  const bool makes_room = offer_load && card.needed_bytes > card.free_bytes;
  const bool short_of_memory = makes_room && card.needed_bytes > card.free_bytes + held;
  const QString words = !card.problem.empty() ? text(card.problem)
                        : short_of_memory
                            ? tr("It needs more memory than is free now: close other programs first.")
                        : makes_room         ? tr("It will load; models that are open now make room for it.")
                        : offer_load         ? tr("It will load.")
                        : store.shown() != 0 ? tr("It is loaded.")
                                             : tr("It is not loaded: its recorded runs are shown.");
  auto* verdict = new StyledLabel(
      Type::Normal, card.problem.empty() && !short_of_memory ? Tone::Memory : Tone::Disrupted, this, words);
  verdict->setObjectName(QStringLiteral("modelVerdict"));
  verdict->setWordWrap(true);
  form->addRow(verdict);

  auto* buttons = new QDialogButtonBox(this);
  if (offer_load) {
    QPushButton* load = buttons->addButton(tr("Load"), QDialogButtonBox::AcceptRole);
    load->setObjectName(QStringLiteral("loadButton"));
    load->setEnabled(card.problem.empty());
    load->setDefault(true);
    buttons->addButton(QDialogButtonBox::Cancel);
  } else {
    buttons->addButton(QDialogButtonBox::Close);
  }
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  form->addRow(buttons);
  setMinimumWidth(560);
  // Words that wrap make a layout ask for the height of its narrowest form.
  resize(560, form->heightForWidth(560));
}

}  // namespace qkscope

#include "views/prompt_editor.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPointer>
#include <QPushButton>
#include <QShortcut>

#include "views/counted.h"
#include "views/prompt_card.h"

namespace qkscope {

namespace {

/// A few lines high, in the type of the moment.
class ShortEdit : public QPlainTextEdit {
 public:
  ShortEdit(const QString& text, QWidget* parent) : QPlainTextEdit(text, parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  }
  QSize sizeHint() const override { return {QPlainTextEdit::sizeHint().width(), 4 * fontMetrics().height()}; }
  QSize minimumSizeHint() const override { return {80, sizeHint().height()}; }
};

}  // namespace

PromptEditor::PromptEditor(const Prompt& prompt, PromptMeasure measure, QWidget* parent)
    : QDialog(parent),
      measure_(std::move(measure)),
      text_(new QPlainTextEdit(prompt.text, this)),
      expected_(new ShortEdit(prompt.expected, this)),
      kind_(new QComboBox(this)),
      format_(new QComboBox(this)),
      bos_(new QComboBox(this)),
      size_(new QLabel(this)) {
  setWindowTitle(tr("Prompt"));
  text_->setObjectName(QStringLiteral("promptText"));
  expected_->setObjectName(QStringLiteral("expectedText"));
  text_->setTabChangesFocus(true);
  expected_->setTabChangesFocus(true);
  expected_->setPlaceholderText(tr("none: the baseline's own answer is scored"));
  for (const PromptKind kind : {PromptKind::Context, PromptKind::Memory, PromptKind::Free}) {
    kind_->addItem(PromptCard::kindTitle(kind), static_cast<int>(kind));
  }
  kind_->setCurrentIndex(kind_->findData(static_cast<int>(prompt.kind)));
  format_->addItem(tr("the model's chat format"), false);
  format_->addItem(tr("raw: the text as it is"), true);
  format_->setCurrentIndex(prompt.raw ? 1 : 0);
  format_->setObjectName(QStringLiteral("promptFormat"));
  bos_->setObjectName(QStringLiteral("promptBos"));
  size_->setObjectName(QStringLiteral("promptSize"));
  bos_->addItem(tr("as the model's files say"), static_cast<int>(Bos::Auto));
  bos_->addItem(tr("on: the prompt begins with it"), static_cast<int>(Bos::On));
  bos_->addItem(tr("off: the prompt begins without it"), static_cast<int>(Bos::Off));
  bos_->setCurrentIndex(bos_->findData(static_cast<int>(prompt.bos)));

  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this);
  buttons->button(QDialogButtonBox::Ok)->setText(tr("Run"));
  buttons->button(QDialogButtonBox::Ok)->setToolTip(tr("Ctrl+Return"));
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* run = new QShortcut(QKeySequence(Qt::CTRL | Qt::Key_Return), this);
  connect(run, &QShortcut::activated, this, &QDialog::accept);

  auto* form = new QFormLayout(this);
  form->addRow(tr("&Prompt"), text_);
  form->addRow(QString(), size_);
  form->addRow(tr("&Expected answer"), expected_);
  form->addRow(tr("&Kind"), kind_);
  form->addRow(tr("&Given as"), format_);
  form->addRow(tr("&BOS token"), bos_);
  form->addRow(buttons);
  connect(text_, &QPlainTextEdit::textChanged, this, &PromptEditor::measure);
  connect(format_, &QComboBox::currentIndexChanged, this, &PromptEditor::measure);
  connect(bos_, &QComboBox::currentIndexChanged, this, &PromptEditor::measure);
  resize(640, 380);
  this->measure();
}

Prompt PromptEditor::prompt() const {
  return {static_cast<PromptKind>(kind_->currentData().toInt()), text_->toPlainText(),
          expected_->toPlainText(), format_->currentData().toBool(),
          static_cast<Bos>(bos_->currentData().toInt())};
}

void PromptEditor::measure() {
  if (!measure_) return;
  measure_(prompt(), [editor = QPointer(this)](const PromptSize& size) {
    if (editor) editor->showSize(size);
  });
}

void PromptEditor::showSize(const PromptSize& size) {
  size_->setText(size.problem.isEmpty() ? QStringLiteral("%1, %2").arg(tokensWords(size.tokens), size.format)
                                        : size.problem);
}

}  // namespace qkscope

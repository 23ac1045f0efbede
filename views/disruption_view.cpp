#include "views/disruption_view.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <limits>

#include "core/error.h"
#include "views/counted.h"
#include "views/disruption_words.h"
#include "views/styled_label.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

const ViewRegistration registration(
    {QStringLiteral("disruption"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Disruption")), Place::Right, 1,
     QKeySequence(Qt::CTRL | Qt::Key_3),
     [](ViewState& state, QWidget* parent) -> View* { return new DisruptionView(state, parent); }});

template <class Enum>
void fill(QComboBox* box, std::initializer_list<std::pair<Enum, QString>> entries) {
  for (const auto& [value, words] : entries) box->addItem(words, static_cast<int>(value));
  // A long entry must not widen the panel.
  box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  box->setMinimumContentsLength(8);
}

template <class Enum>
void choose(QComboBox* box, Enum value) {
  box->setCurrentIndex(box->findData(static_cast<int>(value)));
}

template <class Enum>
Enum chosen(const QComboBox* box) {
  return static_cast<Enum>(box->currentData().toInt());
}

}  // namespace

DisruptionView::DisruptionView(ViewState& state, QWidget* parent) : View(state, parent) {
  auto* scroll = new QScrollArea(this);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* inside = new QWidget(scroll);
  auto* column = new QVBoxLayout(inside);
  column->setContentsMargins(10, 8, 10, 8);
  column->setSpacing(7);

  toggle_ = new QPushButton(this);
  toggle_->setObjectName(QStringLiteral("disruptionSwitch"));
  toggle_->setCheckable(true);
  toggle_->setProperty("role", QStringLiteral("disrupt"));
  connect(toggle_, &QPushButton::clicked, this, &DisruptionView::onRequested);
  undo_ = new QToolButton(this);
  undo_->setText(QStringLiteral("↶"));
  undo_->setToolTip(tr("Back to the disruption before (Ctrl+Z)"));
  undo_->setAccessibleName(tr("Undo"));
  connect(undo_, &QToolButton::clicked, this, &DisruptionView::undoRequested);
  redo_ = new QToolButton(this);
  redo_->setText(QStringLiteral("↷"));
  redo_->setToolTip(tr("Forward again (Ctrl+Shift+Z)"));
  redo_->setAccessibleName(tr("Redo"));
  connect(redo_, &QToolButton::clicked, this, &DisruptionView::redoRequested);
  auto* top = new QHBoxLayout;
  top->addWidget(toggle_, 1);
  top->addWidget(undo_);
  top->addWidget(redo_);
  column->addLayout(top);

  preset_ = new QComboBox(this);
  preset_->setObjectName(QStringLiteral("disruptionPreset"));
  preset_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  preset_->setMinimumContentsLength(12);
  for (const DisruptionPreset& preset : presets()) {
    preset_->addItem(QString::fromStdString(preset.name));
    preset_->setItemData(preset_->count() - 1, QString::fromStdString(preset.about), Qt::ToolTipRole);
  }
  preset_->addItem(tr("own settings"));
  connect(preset_, &QComboBox::activated, this, [this](int index) {
    const auto i = static_cast<std::size_t>(index);
    if (i < presets().size()) Q_EMIT disruptionRequested(presets()[i].disruption);
  });

  auto* controls = new QHBoxLayout;
  controls->setSpacing(4);
  const auto arm = [this, controls](const QString& words, const QString& about) {
    auto* button = new QPushButton(words, this);
    button->setCheckable(true);
    button->setToolTip(about);
    controls->addWidget(button, 1);
    return button;
  };
  massive_ = arm(tr("massive"), tr("Disrupt the massive values themselves"));
  smallest_ = arm(tr("smallest"), tr("Control: in each head as many, but the smallest"));
  random_ = arm(tr("random"), tr("Control: in each head as many, drawn at random with the seed"));
  connect(massive_, &QPushButton::clicked, this, [this] {
    showValue();
    Q_EMIT disruptionRequested(massiveArm(disruption_));
  });
  connect(smallest_, &QPushButton::clicked, this, [this] {
    showValue();
    Q_EMIT disruptionRequested(controlArm(disruption_, PickKind::Smallest));
  });
  connect(random_, &QPushButton::clicked, this, [this] {
    showValue();
    Q_EMIT disruptionRequested(controlArm(disruption_, PickKind::Random));
  });

  auto* form = new QFormLayout;
  form->setVerticalSpacing(5);
  form->setHorizontalSpacing(8);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->addRow(tr("Preset"), preset_);
  form->addRow(tr("Control"), controls);
  buildFields(form);
  column->addLayout(form);

  words_ = new StyledLabel(Type::Normal, Tone::Text, this);
  words_->setObjectName(QStringLiteral("disruptionWords"));
  words_->setWordWrap(true);
  column->addWidget(words_);
  column->addStretch(1);

  scroll->setWidget(inside);
  inside->setAutoFillBackground(false);
  scroll->viewport()->setAutoFillBackground(false);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(scroll);
  showValue();
}

void DisruptionView::buildFields(QFormLayout* form) {
  const auto edited = [this] { fieldsEdited(); };
  auto* sites = new QHBoxLayout;
  sites->setSpacing(4);
  const auto site = [&](const QString& letter, const QString& name) {
    auto* button = new QToolButton(this);
    button->setText(letter);
    button->setCheckable(true);
    button->setObjectName(name);
    button->setAccessibleName(tr("Disrupt %1").arg(letter));
    button->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    connect(button, &QToolButton::clicked, this, edited);
    sites->addWidget(button);
    return button;
  };
  query_ = site(QStringLiteral("Q"), QStringLiteral("disruptQuery"));
  key_ = site(QStringLiteral("K"), QStringLiteral("disruptKey"));
  value_ = site(QStringLiteral("V"), QStringLiteral("disruptValue"));
  form->addRow(tr("Site"), sites);

  const auto combo = [&] {
    auto* box = new QComboBox(this);
    connect(box, &QComboBox::activated, this, edited);
    return box;
  };
  pick_ = combo();
  fill<PickKind>(pick_, {{PickKind::Lambda, tr("over λ · mean")},
                         {PickKind::Largest, tr("largest")},
                         {PickKind::Smallest, tr("smallest")},
                         {PickKind::Random, tr("random")}});
  lambda_ = new QDoubleSpinBox(this);
  lambda_->setObjectName(QStringLiteral("disruptLambda"));
  lambda_->setPrefix(QStringLiteral("λ "));
  lambda_->setRange(0.1, 1000);
  lambda_->setSingleStep(0.5);
  lambda_->setDecimals(2);
  connect(lambda_, &QDoubleSpinBox::valueChanged, this, edited);
  count_ = new QSpinBox(this);
  count_->setPrefix(QStringLiteral("n "));
  count_->setRange(0, 65536);
  connect(count_, &QSpinBox::valueChanged, this, edited);
  auto* numbers = new QHBoxLayout;
  numbers->setSpacing(4);
  numbers->addWidget(pick_, 1);
  numbers->addWidget(lambda_);
  numbers->addWidget(count_);
  form->addRow(tr("Take"), numbers);
  matched_ = new QCheckBox(tr("as many as λ finds"), this);
  matched_->setToolTip(tr("In each head as many dims as lie over λ · mean there"));
  connect(matched_, &QCheckBox::clicked, this, edited);
  form->addRow(QString(), matched_);
  seed_ = new QSpinBox(this);
  seed_->setRange(0, std::numeric_limits<int>::max());
  connect(seed_, &QSpinBox::valueChanged, this, edited);
  form->addRow(tr("Seed"), seed_);

  replace_ = combo();
  fill<Replace>(replace_, {{Replace::Mean, tr("the mean")},
                           {Replace::Zero, tr("zero")},
                           {Replace::Max, tr("the maximum")},
                           {Replace::Min, tr("the minimum")}});
  form->addRow(tr("Put"), replace_);
  pool_ = combo();
  fill<Pool>(pool_, {{Pool::Chosen, tr("the chosen dims")},
                     {Pool::Head, tr("the whole head")},
                     {Pool::Own, tr("the dim itself")}});
  form->addRow(tr("… of"), pool_);
  mask_ = combo();
  fill<Mask>(mask_, {{Mask::Clean, tr("in the baseline")}, {Mask::Live, tr("in the disrupted pass")}});
  mask_->setToolTip(tr("Where the dims are chosen: those outlined in the baseline, or live, as published"));
  form->addRow(tr("Chosen"), mask_);
  phase_ = combo();
  fill<Phase>(phase_, {{Phase::Prefill, tr("reading the prompt")}, {Phase::EveryStep, tr("every step")}});
  form->addRow(tr("When"), phase_);
  cache_ = new QCheckBox(tr("reaches the KV cache"), this);
  cache_->setToolTip(
      tr("The answer reads the disrupted K and V of the prompt, as published; else the clean ones"));
  connect(cache_, &QCheckBox::clicked, this, edited);
  form->addRow(QString(), cache_);

  const auto line = [&](const QString& name) {
    auto* edit = new QLineEdit(this);
    edit->setObjectName(name);
    edit->setPlaceholderText(tr("all, or e.g. 1-4,7"));
    connect(edit, &QLineEdit::editingFinished, this, edited);
    return edit;
  };
  layers_ = line(QStringLiteral("disruptLayers"));
  form->addRow(tr("Layers"), layers_);
  heads_ = line(QStringLiteral("disruptHeads"));
  heads_->setToolTip(tr("Query heads; for K and V the KV heads that serve them"));
  form->addRow(tr("Heads"), heads_);
}

void DisruptionView::setDisruption(const Disruption& disruption, bool on, bool can_undo, bool can_redo) {
  disruption_ = disruption;
  on_ = on;
  undo_->setEnabled(can_undo);
  redo_->setEnabled(can_redo);
  showValue();
}

void DisruptionView::showValue() {
  showing_ = true;
  const Disruption& d = disruption_;
  toggle_->setChecked(on_);
  toggle_->setText(on_ ? tr("Disrupted (D)") : tr("Disrupt (D)"));
  int preset = static_cast<int>(presets().size());
  for (std::size_t i = presets().size(); i-- > 0;) {
    if (presets()[i].disruption == d) preset = static_cast<int>(i);
  }
  preset_->setCurrentIndex(preset);
  massive_->setChecked(d.pick.kind == PickKind::Lambda || d.pick.kind == PickKind::Largest);
  smallest_->setChecked(d.pick.kind == PickKind::Smallest);
  random_->setChecked(d.pick.kind == PickKind::Random);
  query_->setChecked(d.query);
  key_->setChecked(d.key);
  value_->setChecked(d.value);
  choose(pick_, d.pick.kind);
  lambda_->setValue(d.pick.lambda);
  count_->setValue(d.pick.n);
  matched_->setChecked(d.pick.as_many_as_lambda);
  seed_->setValue(static_cast<int>(d.pick.seed));
  const bool by_lambda = d.pick.kind == PickKind::Lambda;
  lambda_->setVisible(by_lambda || d.pick.as_many_as_lambda);
  count_->setVisible(!by_lambda && !d.pick.as_many_as_lambda);
  matched_->setEnabled(!by_lambda);
  seed_->setEnabled(d.pick.kind == PickKind::Random);
  choose(replace_, d.replace);
  choose(pool_, d.pool);
  pool_->setEnabled(d.replace != Replace::Zero);
  choose(mask_, d.mask);
  choose(phase_, d.phase);
  cache_->setChecked(d.reaches_kv_cache);
  cache_->setEnabled(d.key || d.value);
  if (!layers_->hasFocus()) layers_->setText(QString::fromStdString(format_ranges(d.layers)));
  if (!heads_->hasFocus()) heads_->setText(QString::fromStdString(format_ranges(d.heads)));
  showing_ = false;
  refresh();
}

void DisruptionView::refresh() {
  QString words = longWords(disruption_);
  const auto& comparison = data().comparison;
  if (on_ && !data().stale && comparison && comparison->disrupted) {
    words +=
        u'\n' + counted(comparison->disrupted->replaced, tr("1 column of the prompt's pass was replaced."),
                        tr("%1 columns of the prompt's pass were replaced."));
  }
  words_->setText(words);
  words_->setTone(Tone::Text);
  words_->setType(Type::Normal);
}

bool DisruptionView::readFields(Disruption& d) {
  d.query = query_->isChecked();
  d.key = key_->isChecked();
  d.value = value_->isChecked();
  d.pick.kind = chosen<PickKind>(pick_);
  d.pick.lambda = lambda_->value();
  d.pick.n = count_->value();
  d.pick.as_many_as_lambda = matched_->isChecked() && d.pick.kind != PickKind::Lambda;
  d.pick.seed = static_cast<std::uint64_t>(seed_->value());
  d.replace = chosen<Replace>(replace_);
  d.pool = chosen<Pool>(pool_);
  d.mask = chosen<Mask>(mask_);
  d.phase = chosen<Phase>(phase_);
  d.reaches_kv_cache = cache_->isChecked();
  try {
    const auto text = [](const QLineEdit* edit) {
      return edit->text().trimmed().isEmpty() ? std::string("all") : edit->text().toStdString();
    };
    d.layers = parse_ranges(text(layers_), "layers");
    d.heads = parse_ranges(text(heads_), "heads");
    const DecoderSpec* spec = data().card ? &data().card->spec : nullptr;
    if (spec && !d.layers.empty() && d.layers.back() >= spec->num_layers) {
      throw Error(counted(spec->num_layers, tr("The model has one layer."), tr("The model has %1 layers."))
                      .toStdString());
    }
    if (spec && !d.heads.empty() && d.heads.back() >= spec->num_heads) {
      throw Error(
          counted(spec->num_heads, tr("The model has one query head."), tr("The model has %1 query heads."))
              .toStdString());
    }
  } catch (const Error& error) {
    words_->setText(QString::fromUtf8(error.what()));
    words_->setTone(Tone::Disrupted);
    words_->setType(Type::Strong);
    return false;
  }
  return true;
}

void DisruptionView::fieldsEdited() {
  if (showing_) return;
  Disruption edited = disruption_;
  if (readFields(edited) && !(edited == disruption_)) Q_EMIT disruptionRequested(edited);
}

}  // namespace qkscope

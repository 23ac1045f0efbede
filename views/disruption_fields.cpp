#include "views/disruption_fields.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QToolButton>
#include <algorithm>
#include <functional>
#include <limits>

#include "core/base/error.h"
#include "views/counted.h"
#include "views/disruption_words.h"
#include "views/exact_boxes.h"
#include "views/shown.h"
#include "views/styled_label.h"

namespace qkscope {

namespace {

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

/// "1-4,7" or "all"; nothing means all.
std::vector<int> readRanges(const QLineEdit* edit, std::string_view name) {
  const QString text = edit->text().trimmed();
  return parse_ranges(text.isEmpty() ? "all" : text.toStdString(), name);
}

}  // namespace

DisruptionFields::DisruptionFields(ViewState& state, QWidget* parent) : QWidget(parent), state_(state) {
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
    if (i < presets().size()) Q_EMIT edited(presets()[i].disruption);
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
    Q_EMIT edited(massiveArm(disruption_));
  });
  connect(smallest_, &QPushButton::clicked, this, [this] {
    showValue();
    Q_EMIT edited(control_of(disruption_, PickKind::Smallest));
  });
  connect(random_, &QPushButton::clicked, this, [this] {
    showValue();
    Q_EMIT edited(control_of(disruption_, PickKind::Random));
  });

  auto* form = new QFormLayout(this);
  form->setContentsMargins(0, 0, 0, 0);
  form->setVerticalSpacing(5);
  form->setHorizontalSpacing(8);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->addRow(tr("Preset"), preset_);
  form->addRow(tr("Control"), controls);
  buildFields(form);
  showValue();
}

void DisruptionFields::buildFields(QFormLayout* form) {
  // Every field writes its own part of the disruption; what nobody touched stays as it is, bit by bit.
  using Set = std::function<void(Disruption&)>;
  const auto touched = [this](const Set& set) { return [this, set] { change(set); }; };
  // What belongs to a rule puts one in place of columns that were pointed at.
  const auto ruled = [](const Set& set) -> Set {
    return [set](Disruption& d) { set(d), d.entries.clear(); };
  };
  auto* sites = new QHBoxLayout;
  sites->setSpacing(4);
  const auto site = [&](const QString& letter, const QString& name, bool Disruption::*member) {
    auto* button = new QToolButton(this);
    button->setText(letter);
    button->setCheckable(true);
    button->setObjectName(name);
    button->setAccessibleName(tr("Disrupt %1").arg(letter));
    button->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    connect(button, &QToolButton::clicked, this,
            touched(ruled([button, member](Disruption& d) { d.*member = button->isChecked(); })));
    sites->addWidget(button);
    return button;
  };
  query_ = site(QStringLiteral("Q"), QStringLiteral("disruptQuery"), &Disruption::query);
  key_ = site(QStringLiteral("K"), QStringLiteral("disruptKey"), &Disruption::key);
  value_ = site(QStringLiteral("V"), QStringLiteral("disruptValue"), &Disruption::value);
  form->addRow(tr("Site"), sites);

  const auto combo = [&](const char* name, const Set& set) {
    auto* box = new QComboBox(this);
    box->setObjectName(QLatin1String(name));
    connect(box, &QComboBox::activated, this, touched(set));
    return box;
  };
  pick_ = combo("disruptPick", ruled([this](Disruption& d) { d.pick.kind = chosen<PickKind>(pick_); }));
  fill<PickKind>(pick_, {{PickKind::Lambda, tr("over λ · mean")},
                         {PickKind::Largest, tr("largest")},
                         {PickKind::Smallest, tr("smallest")},
                         {PickKind::Random, tr("random")}});
  lambda_ = new ExactDoubleBox(this);
  lambda_->setObjectName(QStringLiteral("disruptLambda"));
  lambda_->setPrefix(QStringLiteral("λ "));
  lambda_->setRange(0, std::numeric_limits<double>::max());
  lambda_->setSingleStep(0.5);
  connect(lambda_, &QDoubleSpinBox::valueChanged, this,
          touched(ruled([this](Disruption& d) { d.pick.lambda = lambda_->value(); })));
  count_ = new QSpinBox(this);
  count_->setObjectName(QStringLiteral("disruptCount"));
  count_->setPrefix(QStringLiteral("n "));
  count_->setRange(0, std::numeric_limits<int>::max());
  count_->setKeyboardTracking(false);
  count_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);  // its hint has room for ten digits
  connect(count_, &QSpinBox::valueChanged, this,
          touched(ruled([this](Disruption& d) { d.pick.n = count_->value(); })));
  auto* numbers = new QHBoxLayout;
  numbers->setSpacing(4);
  numbers->addWidget(pick_, 1);
  numbers->addWidget(lambda_);
  numbers->addWidget(count_, 1);
  form->addRow(tr("Take"), numbers);
  outlines_ = new StyledLabel(Type::Small, Tone::Muted, this);
  outlines_->setObjectName(QStringLiteral("outlineWords"));
  outlines_->setWordWrap(true);
  same_outlines_ = new QPushButton(this);
  same_outlines_->setObjectName(QStringLiteral("sameOutlines"));
  same_outlines_->setToolTip(tr("Outlines, counts and table take the λ of the disruption; nothing is run"));
  connect(same_outlines_, &QPushButton::clicked, this, [this] {
    Look look = state_.look();
    look.lambda = disruption_.pick.lambda;
    state_.setLook(look);
  });
  connect(&state_, &ViewState::lookChanged, this, &DisruptionFields::showOutlines);
  auto* outlines = new QHBoxLayout;
  outlines->setSpacing(4);
  outlines->addWidget(outlines_, 1);
  outlines->addWidget(same_outlines_);
  form->addRow(QString(), outlines);
  matched_ = new QCheckBox(tr("as many as λ finds"), this);
  matched_->setToolTip(tr("In each head as many dims as lie over λ · mean there"));
  matched_->setObjectName(QStringLiteral("disruptMatched"));
  connect(matched_, &QCheckBox::clicked, this,
          touched(ruled([this](Disruption& d) { d.pick.as_many_as_lambda = matched_->isChecked(); })));
  form->addRow(QString(), matched_);
  seed_ = new SeedBox(this);
  seed_->setObjectName(QStringLiteral("disruptSeed"));
  connect(seed_, &SeedBox::valueChanged, this,
          touched([this](Disruption& d) { d.pick.seed = seed_->value(); }));
  form->addRow(tr("Seed"), seed_);

  replace_ = combo("disruptReplace", [this](Disruption& d) { d.replace = chosen<Replace>(replace_); });
  fill<Replace>(replace_, {{Replace::Mean, tr("the mean")},
                           {Replace::Zero, tr("zero")},
                           {Replace::Max, tr("the maximum")},
                           {Replace::Min, tr("the minimum")}});
  form->addRow(tr("Put"), replace_);
  pool_ = combo("disruptPool", [this](Disruption& d) { d.pool = chosen<Pool>(pool_); });
  fill<Pool>(pool_, {{Pool::Chosen, tr("the chosen dims")},
                     {Pool::Head, tr("the whole head")},
                     {Pool::Own, tr("the dim itself")}});
  form->addRow(tr("… of"), pool_);
  mask_ = combo("disruptMask", ruled([this](Disruption& d) { d.mask = chosen<Mask>(mask_); }));
  fill<Mask>(mask_, {{Mask::Clean, tr("in the baseline")},
                     {Mask::Live, tr("in the disrupted pass")},
                     {Mask::Position, tr("there, at each position")}});
  mask_->setToolTip(
      tr("Where the dims are chosen: those outlined in the baseline, or live, as published; for "
         "Gemma 2 at each position, in all heads at once"));
  form->addRow(tr("Chosen"), mask_);
  phase_ = combo("disruptPhase", [this](Disruption& d) { d.phase = chosen<Phase>(phase_); });
  fill<Phase>(phase_, {{Phase::Prefill, tr("reading the prompt")}, {Phase::EveryStep, tr("every step")}});
  form->addRow(tr("When"), phase_);
  cache_ = new QCheckBox(tr("reaches the KV cache"), this);
  cache_->setToolTip(
      tr("The answer reads the disrupted K and V of the prompt, as published; else the clean ones"));
  cache_->setObjectName(QStringLiteral("disruptCache"));
  connect(cache_, &QCheckBox::clicked, this,
          touched([this](Disruption& d) { d.reaches_kv_cache = cache_->isChecked(); }));
  form->addRow(QString(), cache_);

  const auto line = [&](const QString& name, const Set& set) {
    auto* edit = new QLineEdit(this);
    edit->setObjectName(name);
    edit->setPlaceholderText(tr("all, or e.g. 1-4,7"));
    connect(edit, &QLineEdit::editingFinished, this, [this, edit, set, ruled] {
      if (edit->isModified()) change(ruled(set));
    });
    return edit;
  };
  layers_ = line(QStringLiteral("disruptLayers"), [this](Disruption& d) {
    d.layers = readRanges(layers_, "layers");
    const int count = layers_of_model_;
    if (count > 0 && !d.layers.empty() && d.layers.back() >= count)
      throw Error(
          counted(count, tr("The model has one layer."), tr("The model has %1 layers.")).toStdString());
  });
  form->addRow(tr("Layers"), layers_);
  heads_ = line(QStringLiteral("disruptHeads"), [this](Disruption& d) {
    d.heads = readRanges(heads_, "heads");
    const int count = heads_of_model_;
    if (count > 0 && !d.heads.empty() && d.heads.back() >= count) {
      throw Error(counted(count, tr("The model has one query head."), tr("The model has %1 query heads."))
                      .toStdString());
    }
  });
  heads_->setToolTip(tr("Query heads; for K and V the KV heads that serve them"));
  form->addRow(tr("Heads"), heads_);
}

void DisruptionFields::setValue(const Disruption& disruption) {
  disruption_ = disruption;
  showValue();
}

void DisruptionFields::setSpec(const ModelSpec* spec) {
  layers_of_model_ = spec ? spec->num_layers() : 0;
  heads_of_model_ = spec ? spec->num_heads() : 0;
}

void DisruptionFields::showValue() {
  showing_ = true;
  const Disruption& d = disruption_;
  int preset = static_cast<int>(presets().size());
  for (std::size_t i = presets().size(); i-- > 0;) {
    if (presets()[i].disruption == d) preset = static_cast<int>(i);
  }
  preset_->setCurrentIndex(preset);
  const bool themselves = !d.entries.empty() && !d.instead_of_entries;
  const PickKind kind = themselves ? PickKind::Largest : d.pick.kind;
  massive_->setChecked(kind == PickKind::Lambda || kind == PickKind::Largest);
  smallest_->setChecked(kind == PickKind::Smallest);
  random_->setChecked(kind == PickKind::Random);
  query_->setChecked(d.covers_site(Site::Query));
  key_->setChecked(d.covers_site(Site::Key));
  value_->setChecked(d.covers_site(Site::Value));
  choose(pick_, d.pick.kind);
  lambda_->setValue(d.pick.lambda);
  count_->setValue(d.pick.n);
  matched_->setChecked(d.pick.as_many_as_lambda);
  seed_->setValue(d.pick.seed);
  const bool by_lambda = d.pick.kind == PickKind::Lambda;
  lambda_->setVisible(by_lambda || d.pick.as_many_as_lambda);
  count_->setVisible(!by_lambda && !d.pick.as_many_as_lambda);
  matched_->setEnabled(!by_lambda);
  seed_->setEnabled(kind == PickKind::Random);
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
  showOutlines();
}

void DisruptionFields::showOutlines() {
  const Pick& pick = disruption_.pick;
  const bool by_lambda = pick.kind == PickKind::Lambda || pick.as_many_as_lambda;
  const bool differ = by_lambda && pick.lambda != state_.look().lambda;
  outlines_->setVisible(differ);
  same_outlines_->setVisible(differ);
  if (!differ) return;
  outlines_->setText(tr("The outlines are at λ = %1.").arg(exactWords(state_.look().lambda)));
  same_outlines_->setText(tr("Set them to %1").arg(exactWords(pick.lambda)));
}

void DisruptionFields::change(const std::function<void(Disruption&)>& set) {
  if (showing_) return;
  Disruption next = disruption_;
  try {
    set(next);
  } catch (const Error& error) {
    Q_EMIT refused(QString::fromUtf8(error.what()));
    return;
  }
  if (!(next == disruption_)) Q_EMIT edited(next);
}

}  // namespace qkscope

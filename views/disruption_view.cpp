#include "views/disruption_view.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
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

/// "1-4,7" or "all"; nothing means all.
std::vector<int> readRanges(const QLineEdit* edit, std::string_view name) {
  const QString text = edit->text().trimmed();
  return parse_ranges(text.isEmpty() ? "all" : text.toStdString(), name);
}

}  // namespace

DisruptionView::DisruptionView(ViewState& state, QWidget* parent) : View(state, parent) {
  auto* scroll = new QScrollArea(this);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setFocusPolicy(Qt::NoFocus);
  auto* inside = new QWidget(scroll);
  auto* column = new QVBoxLayout(inside);
  column->setContentsMargins(10, 8, 10, 8);
  column->setSpacing(7);

  toggle_ = new QPushButton(this);
  toggle_->setObjectName(QStringLiteral("disruptionSwitch"));
  toggle_->setCheckable(true);
  toggle_->setProperty("role", QStringLiteral("disrupt"));
  connect(toggle_, &QPushButton::clicked, this, &View::disruptionSwitched);
  undo_ = new QToolButton(this);
  undo_->setText(QStringLiteral("↶"));
  undo_->setToolTip(tr("Back to the disruption before (Ctrl+Z)"));
  undo_->setAccessibleName(tr("Undo"));
  connect(undo_, &QToolButton::clicked, this, &View::undoRequested);
  redo_ = new QToolButton(this);
  redo_->setText(QStringLiteral("↷"));
  redo_->setToolTip(tr("Forward again (Ctrl+Shift+Z)"));
  redo_->setAccessibleName(tr("Redo"));
  connect(redo_, &QToolButton::clicked, this, &View::redoRequested);
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
    if (i < presets().size()) Q_EMIT disruptionRequested(presets()[i].disruption, /*turn_on=*/false);
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
    Q_EMIT disruptionRequested(massiveArm(disruption_), /*turn_on=*/false);
  });
  connect(smallest_, &QPushButton::clicked, this, [this] {
    showValue();
    Q_EMIT disruptionRequested(control_of(disruption_, PickKind::Smallest), /*turn_on=*/false);
  });
  connect(random_, &QPushButton::clicked, this, [this] {
    showValue();
    Q_EMIT disruptionRequested(control_of(disruption_, PickKind::Random), /*turn_on=*/false);
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
  // Every field writes its own part of the disruption; what nobody touched stays as it is, bit by bit.
  using Set = std::function<void(Disruption&)>;
  const auto edited = [this](const Set& set) { return [this, set] { change(set); }; };
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
            edited(ruled([button, member](Disruption& d) { d.*member = button->isChecked(); })));
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
    connect(box, &QComboBox::activated, this, edited(set));
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
          edited(ruled([this](Disruption& d) { d.pick.lambda = lambda_->value(); })));
  count_ = new QSpinBox(this);
  count_->setObjectName(QStringLiteral("disruptCount"));
  count_->setPrefix(QStringLiteral("n "));
  count_->setRange(0, std::numeric_limits<int>::max());
  count_->setKeyboardTracking(false);
  count_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);  // its hint has room for ten digits
  connect(count_, &QSpinBox::valueChanged, this,
          edited(ruled([this](Disruption& d) { d.pick.n = count_->value(); })));
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
    Look look = state().look();
    look.lambda = disruption_.pick.lambda;
    state().setLook(look);
  });
  connect(&state(), &ViewState::lookChanged, this, &DisruptionView::showOutlines);
  auto* outlines = new QHBoxLayout;
  outlines->setSpacing(4);
  outlines->addWidget(outlines_, 1);
  outlines->addWidget(same_outlines_);
  form->addRow(QString(), outlines);
  matched_ = new QCheckBox(tr("as many as λ finds"), this);
  matched_->setToolTip(tr("In each head as many dims as lie over λ · mean there"));
  matched_->setObjectName(QStringLiteral("disruptMatched"));
  connect(matched_, &QCheckBox::clicked, this,
          edited(ruled([this](Disruption& d) { d.pick.as_many_as_lambda = matched_->isChecked(); })));
  form->addRow(QString(), matched_);
  seed_ = new SeedBox(this);
  seed_->setObjectName(QStringLiteral("disruptSeed"));
  connect(seed_, &SeedBox::valueChanged, this,
          edited([this](Disruption& d) { d.pick.seed = seed_->value(); }));
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
          edited([this](Disruption& d) { d.reaches_kv_cache = cache_->isChecked(); }));
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
    const int count = data().spec() ? data().spec()->num_layers() : 0;
    if (count > 0 && !d.layers.empty() && d.layers.back() >= count)
      throw Error(
          counted(count, tr("The model has one layer."), tr("The model has %1 layers.")).toStdString());
  });
  form->addRow(tr("Layers"), layers_);
  heads_ = line(QStringLiteral("disruptHeads"), [this](Disruption& d) {
    d.heads = readRanges(heads_, "heads");
    const int count = data().spec() ? data().spec()->num_heads() : 0;
    if (count > 0 && !d.heads.empty() && d.heads.back() >= count) {
      throw Error(counted(count, tr("The model has one query head."), tr("The model has %1 query heads."))
                      .toStdString());
    }
  });
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

std::vector<PlacedCommands> DisruptionView::commands() {
  return {{{tr("&Disrupt")},
           {{.id = QStringLiteral("disruptionSettings"),
             .text = tr("All settings …"),
             .keys = {QKeySequence(Qt::CTRL | Qt::Key_D)},
             .run = [this] { Q_EMIT showRequested(); }}}}};
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
  refresh();
}

void DisruptionView::showOutlines() {
  const Pick& pick = disruption_.pick;
  const bool by_lambda = pick.kind == PickKind::Lambda || pick.as_many_as_lambda;
  const bool differ = by_lambda && pick.lambda != state().look().lambda;
  outlines_->setVisible(differ);
  same_outlines_->setVisible(differ);
  if (!differ) return;
  outlines_->setText(tr("The outlines are at λ = %1.").arg(exactWords(state().look().lambda)));
  same_outlines_->setText(tr("Set them to %1").arg(exactWords(pick.lambda)));
}

void DisruptionView::refresh() {
  QString words = longWords(disruption_);
  const auto preset = std::find_if(presets().begin(), presets().end(), [this](const DisruptionPreset& one) {
    return one.disruption == disruption_;
  });
  if (preset != presets().end()) words.prepend(QString::fromStdString(preset->about) + u'\n');
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

void DisruptionView::change(const std::function<void(Disruption&)>& set) {
  if (showing_) return;
  Disruption edited = disruption_;
  try {
    set(edited);
  } catch (const Error& error) {
    words_->setText(QString::fromUtf8(error.what()));
    words_->setTone(Tone::Disrupted);
    words_->setType(Type::Strong);
    return;
  }
  if (!(edited == disruption_)) Q_EMIT disruptionRequested(edited, /*turn_on=*/false);
}

}  // namespace qkscope

// The massive activations of the residual stream, one by one, and what becomes of them at a click.
#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLocale>
#include <QMenu>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QStandardItemModel>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "views/activation_pointing.h"
#include "views/arms.h"
#include "views/counted.h"
#include "views/exact_boxes.h"
#include "views/residual.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

constexpr int sort_role = Qt::UserRole, place_role = Qt::UserRole + 1;  // place: QPoint(position, layer)
enum Column { LayerColumn, PositionColumn, TokenColumn, DimColumn, ValueColumn, RatioColumn, ColumnCount };

QStandardItem* item(const QString& text, const QVariant& sorted, const QPoint& place,
                    Qt::Alignment alignment) {
  auto* item = new QStandardItem(text);
  item->setData(sorted, sort_role);
  item->setData(place, place_role);
  item->setTextAlignment(alignment | Qt::AlignVCenter);
  item->setEditable(false);
  return item;
}

}  // namespace

class ActivationsView : public View {
  Q_OBJECT
 public:
  ActivationsView(ViewState& state, QWidget* parent) : View(state, parent) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(10, 8, 10, 8);
    layout->setSpacing(6);
    auto* head = new QHBoxLayout;
    head->addWidget(new StyledLabel(Type::Title, Tone::Text, this, tr("Massive activations")));
    which_ = new StyledLabel(Type::Small, Tone::Text, this);
    head->addWidget(which_, 1, Qt::AlignRight);
    layout->addLayout(head);
    // Under each other: beside each other they would widen the panel where type is large.
    auto* rule = new QFormLayout;
    rule->setVerticalSpacing(4);
    rule->setFieldGrowthPolicy(QFormLayout::FieldsStayAtSizeHint);
    least_ = threshold(rule, tr("|h| over"), &ActivationRule::least);
    times_ = threshold(rule, tr("and × median over"), &ActivationRule::times_median);
    layout->addLayout(rule);
    words_ = StyledLabel::reading(Type::Normal, Tone::Text, this);
    layout->addWidget(words_);

    model_ = new QStandardItemModel(0, ColumnCount, this);
    sorted_ = new QSortFilterProxyModel(this);
    sorted_->setSourceModel(model_);
    sorted_->setSortRole(sort_role);
    table_ = rowsTable(sorted_, this);
    table_->setObjectName(QStringLiteral("activationsTable"));
    table_->sortByColumn(LayerColumn, Qt::AscendingOrder);
    table_->setAccessibleName(tr("Massive activations, sortable; a row leads to its layer and position"));
    layout->addWidget(table_, 1000);
    layout->addStretch(1);  // where the table is away
    layout->addLayout(makeButtons());
    table_->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(table_, &QTableView::customContextMenuRequested, this, &ActivationsView::showMenu);
    connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
            [this](const QItemSelection& chosen) { goTo(chosen.indexes().value(0)); });
    connect(table_, &QTableView::clicked, this, &ActivationsView::goTo);
    connect(table_, &QTableView::activated, this, &ActivationsView::goTo);

    connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
  }

  Needs needs() const override { return residualNeeds(state().look()); }
  void setArms(const Arms& arms) override { arms_ = arms; }
  QSize sizeHint() const override { return {330, 560}; }

  std::vector<PlacedCommands> commands() override {
    std::vector<Command> rows;
    for (const ActivationReach reach : all_activation_reaches) {
      for (const ActivationChange change : all_activation_changes) {
        rows.push_back({.id = QStringLiteral("activations%1_%2")
                                  .arg(static_cast<int>(reach))
                                  .arg(static_cast<int>(change)),
                        .text = tr("%1: %2").arg(reachWords(reach), changeWords(change)),
                        .run = [this, reach, change] { set(reach, change); },
                        .about = changeAbout(change)});
        if (reach == ActivationReach::This) rows.back().enabled = [this] { return pointed().has_value(); };
      }
      rows.emplace_back();
    }
    rows.pop_back();
    return {{{tr("&Disrupt"), tr("Massive &activations")}, std::move(rows)}};
  }

 protected:
  void refresh() override {
    const Look& look = state().look();
    const QString nothing = whyNoResidual(data(), look);
    following_ = true;  // what goes from the table is nobody's choice
    model_->setRowCount(0);
    which_->setText(nothing.isEmpty() ? shownWords(residualRun(look)) : QString());
    showRule();
    if (nothing.isEmpty()) {
      fill(look.activations);
    } else {
      words_->setText(nothing);
    }
    table_->setVisible(model_->rowCount() > 0);
    table_->setEnabled(!data().stale);
    dress();
    following_ = false;
    tellNeeds();
  }

  void changeEvent(QEvent* event) override {
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) scheduleRefresh();
  }

 private:
  std::optional<PointedActivation> pointed() const {
    return pointedActivation(data(), state().look(), state().selection());
  }

  void set(ActivationReach reach, ActivationChange change) {
    if (const auto edit = activationEdit(state().look(), reach, change, pointed()))
      Q_EMIT armsEdited(withActivations(arms_, *edit));
  }

  /// Which of them, and a button for everything that they can become.
  QLayout* makeButtons() {
    reach_ = new QComboBox(this);
    reach_->setObjectName(QStringLiteral("activationsReach"));
    reach_->setAccessibleName(tr("Which activations the buttons set"));
    reach_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    reach_->addItem(tr("of the first layer that has any"), static_cast<int>(ActivationReach::FirstLayer));
    reach_->addItem(tr("of each layer"), static_cast<int>(ActivationReach::EachLayer));
    auto* column = new QVBoxLayout;
    column->addWidget(reach_);
    auto* row = new QHBoxLayout;
    row->setSpacing(6);
    const std::array<QString, std::size(all_activation_changes)> words{tr("Zero"), tr("Mean"), tr("Control")};
    for (const ActivationChange change : all_activation_changes) {
      auto* button = new QPushButton(words[static_cast<std::size_t>(change)], this);
      button->setObjectName(QStringLiteral("activationsSet%1").arg(static_cast<int>(change)));
      button->setToolTip(changeAbout(change));
      // Of no width that it must have: large type does not widen the panel.
      button->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
      button->setAccessibleName(tr("%1: %2").arg(button->text(), tr("what the box above says")));
      connect(button, &QPushButton::clicked, this,
              [this, change] { set(static_cast<ActivationReach>(reach_->currentData().toInt()), change); });
      row->addWidget(button, 1);
    }
    column->addLayout(row);
    return column;
  }

  void showMenu(const QPoint& place) {
    const QModelIndex row = table_->indexAt(place);
    if (!row.isValid()) return;
    const QPoint at = row.data(place_role).toPoint();
    const int dim = row.siblingAtColumn(DimColumn).data(sort_role).toInt();
    QMenu menu(this);
    fillActivationMenu(
        menu, state().look(), PointedActivation{at.y(), at.x(), dim},
        [this](const ActivationEdit& edit) { Q_EMIT armsEdited(withActivations(arms_, edit)); });
    menu.exec(table_->viewport()->mapToGlobal(place));
  }

  ExactDoubleBox* threshold(QFormLayout* form, const QString& words, double ActivationRule::*member) {
    auto* box = new ExactDoubleBox(this);
    box->setRange(0, 1e9);
    box->setSingleStep(100);
    box->setAccessibleName(words);
    auto* label = new StyledLabel(Type::Small, Tone::Muted, this, words);
    label->setBuddy(box);
    form->addRow(label, box);
    connect(box, &QDoubleSpinBox::valueChanged, this, [this, member](double value) {
      Look look = state().look();
      look.activations.*member = value;
      state().setLook(look);
    });
    return box;
  }

  void showRule() {
    const QSignalBlocker quiet_least(least_), quiet_times(times_);
    least_->setValue(state().look().activations.least);
    times_->setValue(state().look().activations.times_median);
  }

  void fill(const ActivationRule& rule) {
    std::set<int> layers, positions;
    int computed = 0, strongest_layer = 0;
    ActivationAt strongest;
    float median = 0;
    const QStringList names = layerLabels(data());
    for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
      const ActivationSummary* summary = shownResidual(data(), residualRun(state().look()), layer);
      if (!summary) continue;
      ++computed;
      if (!summary->top.empty() && std::abs(summary->top.front().value) > std::abs(strongest.value)) {
        strongest = summary->top.front();
        strongest_layer = layer;
        median = summary->median;
      }
      for (const ActivationAt& at : summary->taken_by(rule)) {
        layers.insert(layer);
        positions.insert(at.position);
        add(layer, at, summary->median, names.value(layer));
      }
    }
    const int all = data().spec()->num_layers();
    if (computed == 0) return words_->setText(tr("No layer has been computed yet."));
    const QString most = tr("Largest: %1.").arg(residualWords(data(), strongest_layer, strongest, median));
    if (layers.empty())
      return words_->setText(tr("None in %1 of %2 layers. %3").arg(computed).arg(all).arg(most));
    const QString where =
        counted(static_cast<qint64>(positions.size()), tr("one position"), tr("%1 positions"));
    words_->setText(tr("In %1 of %2 layers (%3 – %4), at %5. %6")
                        .arg(layers.size())
                        .arg(all)
                        .arg(names.value(*layers.begin()), names.value(*layers.rbegin()), where, most));
  }

  void add(int layer, const ActivationAt& at, float median, const QString& name) {
    const QLocale locale;
    const QPoint place(at.position, layer);
    const double value = static_cast<double>(at.value), ratio = std::abs(value) / static_cast<double>(median);
    model_->appendRow({item(name, layer, place, Qt::AlignRight),
                       item(QString::number(at.position), at.position, place, Qt::AlignRight),
                       item(visibleToken(data().pieces.value(at.position)), data().pieces.value(at.position),
                            place, Qt::AlignLeft),
                       item(QString::number(at.dim), at.dim, place, Qt::AlignRight),
                       item(numberWords(value), value, place, Qt::AlignRight),
                       item(numberWords(ratio), ratio, place, Qt::AlignRight)});
  }

  void dress() {
    const PlotStyle style = PlotStyle::of(*this);
    const QStringList titles{tr("layer"), tr("pos"), tr("token"), tr("dim"), tr("h"), tr("ratio")};
    model_->setHorizontalHeaderLabels(titles);
    QFont small_figures = style.figures;
    small_figures.setPointSizeF(small_figures.pointSizeF() * 0.92);
    const TextMetrics figures = style.metrics(small_figures);
    table_->setFont(small_figures);
    table_->verticalHeader()->setDefaultSectionSize(static_cast<int>(figures.height() * 1.35));
    constexpr std::array<const char*, ColumnCount> longest{"00", "0000", "", "0000", "−00,000", "00,000"};
    for (int column = 0; column < ColumnCount; ++column) {
      QStandardItem* title = model_->horizontalHeaderItem(column);
      title->setFont(style.small);
      title->setTextAlignment((column == TokenColumn ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
      if (column == TokenColumn) continue;
      const QString number = QString::fromUtf8(longest[static_cast<std::size_t>(column)]);
      const double width = std::max(figures.horizontalAdvance(number) + 12,
                                    style.metrics(style.small).horizontalAdvance(titles.at(column)) + 18);
      table_->setColumnWidth(column, static_cast<int>(std::ceil(width)));
    }
    table_->horizontalHeader()->setSectionResizeMode(TokenColumn, QHeaderView::Stretch);
  }

  void goTo(const QModelIndex& index) {
    if (!index.isValid() || following_) return;
    const QPoint place = index.data(place_role).toPoint();
    Selection selection = state().selection();
    selection.position = place.x();
    selection.layer = place.y();
    state().setSelection(clamped(selection, *data().spec(), shownPositions(data())));
  }

  StyledLabel *which_, *words_;
  ExactDoubleBox *least_, *times_;
  QStandardItemModel* model_;
  QSortFilterProxyModel* sorted_;
  QTableView* table_;
  QComboBox* reach_ = nullptr;
  Arms arms_;
  bool following_ = false;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("activations"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Massive activations")),
     Place::Right, 3, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new ActivationsView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "activations_view.moc"

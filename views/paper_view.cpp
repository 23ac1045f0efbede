// What the first paper published as tables and figures, and what experiments measured of it here: a panel and
// a figure of files alone.
#include <QDateTime>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QPushButton>
#include <QVBoxLayout>

#include "core/base/error.h"
#include "core/tasks/experiment_table.h"
#include "views/color_bar.h"
#include "views/counted.h"
#include "views/curve_plot.h"
#include "views/paper_picture.h"
#include "views/paper_tables.h"
#include "views/styled_label.h"
#include "views/text.h"
#include "views/view_registry.h"

namespace qkscope {

class PaperView : public View {
  Q_OBJECT
 public:
  PaperView(ViewState& state, QWidget* parent) : View(state, parent), tables_(new PaperTables(this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(10, 6, 10, 6);
    auto* row = new QHBoxLayout;
    auto* add = new QPushButton(tr("&Results …"), this);
    add->setToolTip(tr("A folder that an experiment wrote its results into, to stand beside the paper's"));
    add->setAutoDefault(false);
    clear_ = new QPushButton(tr("&Without"), this);
    clear_->setToolTip(tr("What was published alone"));
    clear_->setAutoDefault(false);
    words_ = StyledLabel::reading(Type::Small, Tone::Text, this);
    row->addWidget(add);
    row->addWidget(clear_);
    row->addWidget(words_, 1);
    column->addLayout(row);
    column->addWidget(tables_, 1);
    connect(add, &QPushButton::clicked, this, &PaperView::addFolder);
    connect(clear_, &QPushButton::clicked, this, [this] { setFolders({}); });
    connect(tables_, &PaperTables::chosen, this, [this] {
      Look look = this->state().look();
      look.paper_part = tables_->chosenPart();
      look.paper_layout = tables_->chosenLayout();
      this->state().setLook(look);
    });
    // At once, seen or not: what is exported is what the look asks for.
    connect(&state, &ViewState::lookChanged, this, [this](const Look& look) {
      if (look.paper_part != tables_->chosenPart() || look.paper_layout != tables_->chosenLayout() ||
          look.results != folders_)
        showPart();
    });
    showPart();
  }

  QSize sizeHint() const override { return {900, 300}; }
  bool showsRuns() const override { return false; }
  bool isFigure() const override { return true; }
  QString figureTitle() const override {
    const PaperTable* table = tables_->shown();
    return table ? text(table->title) : tr("Tables of the paper");
  }
  QString whyNoFigure() const override { return tables_->shown() ? problem_ : tables_->problem(); }

  void paintFigure(QPainter& painter, const QRectF& area) const override {
    const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
    painter.fillRect(area, style.background);
    const QString why = whyNoFigure();
    if (!why.isEmpty()) return paintMessage(painter, style, area, why);
    const double u = style.unit;
    const QRectF inside = area.adjusted(10 * u, 6 * u, -10 * u, -6 * u);
    const double title = paintTitle(painter, style, inside, figureTitle());
    const PaperTable& table = *tables_->shown();
    const double foot = caveatsHeight(painter, style, inside);
    QRectF picture = inside.adjusted(0, title, 0, -foot);
    if (isTypeset(table, tables_->chosenLayout())) {
      picture.setHeight(paintTable(painter, style, picture, paperText(table, style, /*folded=*/true)));
    } else {
      CurvePlot::paint(painter, picture, paperCharts(table, tables_->chosenLayout()));
    }
    painter.setFont(style.small);
    painter.setPen(style.muted);
    painter.drawText(QRectF(inside.left(), picture.bottom() + caveats_gap * u, inside.width(), foot),
                     Qt::TextWordWrap | Qt::AlignTop, tables_->caveats());
  }

  /// A number each: "Llama3-8B / vanilla / GSM8K".
  std::vector<FigureArray> figureArrays() const override {
    std::vector<FigureArray> arrays;
    QHash<QString, int> times;
    const PaperTable* table = tables_->shown();
    if (!table) return arrays;
    for (const PaperTable::Row& row : table->rows) {
      for (std::size_t i = 0; i < row.values.size(); ++i) {
        if (!row.values[i]) continue;
        QStringList name{row.here ? tr("here: %1").arg(text(row.model)) : text(row.model)};
        if (!row.arm.empty()) name << text(row.arm);
        name << text(table->columns[i].title);
        QString unique = name.join(QStringLiteral(" / "));
        // A model may have been asked the same in two experiments.
        if (const int before = times[unique]++; before > 0) unique += tr(" (%1)").arg(before + 1);
        arrays.push_back({unique, {}, {{}, {static_cast<float>(*row.values[i])}}});
      }
    }
    return arrays;
  }

 protected:
  void refresh() override { showPart(); }

 private:
  static constexpr double caveats_gap = 6;

  /// With the gap above them; of half of the figure at most.
  double caveatsHeight(QPainter& painter, const PlotStyle& style, const QRectF& inside) const {
    painter.setFont(style.small);
    const QRectF most(inside.topLeft(), QSizeF(inside.width(), inside.height() / 2));
    const QRectF taken = painter.boundingRect(most, Qt::TextWordWrap | Qt::AlignTop, tables_->caveats());
    return std::min(most.height(), taken.height()) + caveats_gap * style.unit;
  }

  void addFolder() {
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Results of an experiment"));
    if (folder.isEmpty()) return;
    QStringList folders = state().look().results;
    folders.removeAll(folder);
    setFolders(folders << folder);
  }

  void setFolders(const QStringList& folders) {
    Look look = state().look();
    look.results = folders;
    state().setLook(look);
  }

  void showPart() {
    const Look look = state().look();
    readResults(look.results);
    tables_->choose(look.paper_part, look.paper_layout);
    clear_->setVisible(!look.results.isEmpty());
    words_->setTone(problem_.isEmpty() ? Tone::Text : Tone::Disrupted);
    words_->setText(!problem_.isEmpty() ? problem_
                    : look.results.isEmpty()
                        ? tr("As published. Experiments write their results into folders, "
                             "which stand beside it.")
                        : tr("Beside it: %1").arg(names_.join(QStringLiteral("; "))));
  }

  /// Where folders or what is in them have changed.
  void readResults(const QStringList& folders) {
    QList<QDateTime> changed;
    for (const QString& folder : folders) {
      for (const QFileInfo& file : QDir(folder).entryInfoList(QDir::Files)) changed << file.lastModified();
    }
    if (folders == folders_ && changed == changed_) return;
    folders_ = folders;
    changed_ = changed;
    problem_.clear();
    names_.clear();
    std::vector<ExperimentTable> measured;
    try {
      if (!folders.isEmpty()) {
        std::vector<std::filesystem::path> paths;
        for (const QString& folder : folders) paths.emplace_back(folder.toStdString());
        const ExperimentFolders all = read_experiments(paths);
        for (const Plan& plan : all.plans) {
          measured.push_back(tabulate(plan, all.store));
          names_ << tr("%1 on %2").arg(text(plan.experiment), text(plan.model));
        }
      }
    } catch (const Error& error) {
      problem_ = QString::fromUtf8(error.what());
    }
    tables_->setMeasured(std::move(measured));
  }

  PaperTables* tables_;
  QPushButton* clear_;
  StyledLabel* words_;
  QStringList folders_, names_;
  QList<QDateTime> changed_;
  QString problem_;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("paper"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Tables of the paper")),
     Place::Bottom, 16, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new PaperView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "paper_view.moc"

// The largest activations layer by layer, as Figure 1 of "Massive Activations in Large Language Models" and
// its refinement draw them; other runs beside, of the same prompt or not, of the same model or not.
#include <QContextMenuEvent>
#include <QFileDialog>
#include <QMenu>
#include <QMessageBox>
#include <QStandardPaths>
#include <array>
#include <cmath>

#include "core/base/error.h"
#include "views/layer_axis.h"
#include "views/magnitude_files.h"
#include "views/residual.h"
#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

constexpr double largest_float16 = 65504;

/// Curves of runs beside this one take these in turn, solid first, then dashed.
constexpr std::array<std::pair<Ink, Marker>, 3> beside_looks{std::pair{Ink::Key, Marker::Square},
                                                             std::pair{Ink::Query, Marker::Triangle},
                                                             std::pair{Ink::Value, Marker::Disc}};

/// Of a text, what may stand in a file's name.
QString fileName(QString text) {
  for (QChar& letter : text) {
    if (QStringLiteral("/\\:*?\"<>|").contains(letter) || !letter.isPrint()) letter = u'_';
  }
  return text.left(80);
}

}  // namespace

class ResidualCurvesView : public LayerAxisView {
  Q_OBJECT
 public:
  ResidualCurvesView(ViewState& state, QWidget* parent) : LayerAxisView(state, parent) {
    setAccessibleName(tr("Largest activations of every layer"));
  }

  Needs needs() const override { return residualNeeds(state().look()); }
  QString whyNoFigure() const override {
    const QString none = whyNoResidual(data(), state().look());
    if (!none.isEmpty()) return none;
    for (const MagnitudeFile& file : files_.read(state().look().magnitudes)) {
      if (!file.problem.isEmpty())
        return tr("%1 The right button takes the curves beside away.").arg(file.problem);
    }
    return {};
  }
  QString figureTitle() const override {
    return tr("Largest |h| and median of the residual stream by layer");
  }
  void setPrompts(const std::vector<Prompt>& prompts, const std::vector<PromptResult>&,
                  int selected) override {
    prompts_ = prompts;
    selected_ = selected;
  }

  std::vector<PlacedCommands> commands() override {
    const auto shows = [this] { return magnitudes().has_value(); };
    rows_ = {{.id = QStringLiteral("magnitudesOtherBos"),
              .text = tr("Compare with and without &BOS"),
              .run = [this] { compareBos(); },
              .enabled = [this, shows] { return shows() && beginsWithBos() && prompt(); },
              .about = tr("Keeps these curves and asks the same prompt with the other beginning")},
             {.id = QStringLiteral("magnitudesKeep"),
              .text = tr("&Keep these curves …"),
              .run = [this] { keep(); },
              .enabled = shows,
              .about = tr("Writes them into a file, to stand beside those of other prompts and models")},
             {.id = QStringLiteral("magnitudesAdd"),
              .text = tr("&Add kept curves …"),
              .run = [this] { add(); },
              .about = tr("Files that were kept, or that qkscope-cli activations magnitude wrote")},
             {.id = QStringLiteral("magnitudesClear"),
              .text = tr("&Take the curves beside away"),
              .run = [this] { show({}); },
              .enabled = [this] { return !state().look().magnitudes.isEmpty(); }}};
    return {{{tr("&View"), tr("Largest acti&vations")}, rows_}};
  }

 protected:
  std::vector<Chart> charts() const override {
    const std::vector<MagnitudeFile> beside = files_.read(state().look().magnitudes);
    Chart chart{QStringLiteral("residual"),
                beside.empty() ? tr("Largest three |h| and median, after each layer")
                               : tr("Largest |h|, marked, and median, after each layer"),
                tr("layer"), QStringLiteral("|h|")};
    chart.log_y = true;
    Curve over;
    over.name = tr("massive above");
    over.ink = Ink::Muted;
    over.dashed = true;
    for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
      const ActivationSummary* summary = shownResidual(data(), Shown::Baseline, layer);
      const ActivationRule& rule = state().look().activations;
      over.x.push_back(layer + 1);
      over.y.push_back(
          summary ? std::max(rule.least, rule.times_median * static_cast<double>(summary->median)) : nothing);
    }
    chart.levels.push_back({largest_float16, tr("largest float16, 65,504")});
    const Comparison& comparison = *data().comparison;
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      if (!run) continue;
      const bool disrupted = run == comparison.disrupted;
      for (int rank = 0; rank <= ranks; ++rank) {
        // Beside the baseline what matters most: more would bury both.
        if ((disrupted || !beside.empty()) && rank != 0 && rank != ranks) continue;
        chart.curves.push_back(curve(*run, disrupted, rank));
      }
    }
    for (std::size_t i = 0; i < beside.size(); ++i) {
      for (Curve& each : curvesOf(beside[i], i)) chart.curves.push_back(std::move(each));
    }
    if (beside.empty()) chart.curves.push_back(std::move(over));
    return {std::move(chart)};
  }
  void contextMenuEvent(QContextMenuEvent* event) override {
    QMenu menu(this);
    for (const Command& row : rows_) {
      QAction* action = menu.addAction(row.text, &menu, row.run);
      action->setEnabled(!row.enabled || row.enabled());
      action->setToolTip(row.about);
    }
    menu.setToolTipsVisible(true);
    menu.exec(event->globalPos());
  }

 private:
  static constexpr int ranks = 3;  // and after them the median

  Curve curve(const Run& run, bool disrupted, int rank) const {
    const std::array<QString, ranks + 1> names{tr("largest"), tr("second"), tr("third"), tr("median")};
    constexpr std::array<Marker, ranks + 1> markers{Marker::Disc, Marker::Square, Marker::Triangle,
                                                    Marker::None};
    const auto at = static_cast<std::size_t>(rank);
    Curve curve;
    curve.name = names[at] + (disrupted ? tr(" disrupted") : QString());
    curve.ink = disrupted ? Ink::Disrupted : rank == ranks ? Ink::Muted : Ink::Baseline;
    curve.dashed = disrupted;
    curve.marker = markers[at];
    for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
      const auto found = run.capture.activations.find({layer, Site::ResidPost});
      curve.x.push_back(layer + 1);
      double y = nothing;
      if (found != run.capture.activations.end()) {
        const ActivationSummary& summary = found->second;
        if (rank == ranks)
          y = static_cast<double>(summary.median);
        else if (at < summary.top.size())
          y = std::abs(static_cast<double>(summary.top[at].value));
      }
      curve.y.push_back(y);
    }
    return curve;
  }

  /// Its largest, with marks, and its median, without.
  static std::array<Curve, 2> curvesOf(const MagnitudeFile& file, std::size_t index) {
    const auto& [ink, marker] = beside_looks[index % beside_looks.size()];
    Curve largest, median;
    largest.name = file.name;
    median.name = tr("%1, median").arg(file.name);
    largest.ink = median.ink = ink;
    largest.marker = marker;
    largest.dashed = median.dashed = index / beside_looks.size() % 2 == 1;
    for (const Magnitudes::Layer& layer : file.magnitudes.layers) {
      for (Curve* curve : {&largest, &median}) curve->x.push_back(layer.layer + 1);
      largest.y.push_back(std::abs(static_cast<double>(layer.largest.value)));
      median.y.push_back(layer.median);
    }
    return {largest, median};
  }

  const Prompt* prompt() const {
    const auto at = static_cast<std::size_t>(selected_);
    return selected_ >= 0 && at < prompts_.size() ? &prompts_[at] : nullptr;
  }

  std::optional<bool> beginsWithBos() const {
    if (!data().bos) return std::nullopt;
    const TokenIds& ids = data().comparison->request.prompt;
    return !ids.empty() && ids.front() == *data().bos;
  }
  /// Of the run that is shown, where it is there.
  std::optional<Magnitudes> magnitudes() const {
    if (!whyNoResidual(data(), state().look()).isEmpty() || data().stale) return std::nullopt;
    const Capture* capture = shownCapture(data(), residualRun(state().look()));
    if (!capture) return std::nullopt;
    const TokenIds& ids = data().comparison->request.prompt;
    Magnitudes found = magnitudes_of(*capture, Site::ResidPost, beginsWithBos(), ids);
    return found.layers.empty() ? std::nullopt : std::optional(std::move(found));
  }
  /// "SmolLM2-135M-Instruct from The"
  QString ownName() const {
    return fileName(tr("%1 from %2")
                        .arg(data().card ? QString::fromStdString(data().card->name) : data().recorded,
                             visibleToken(data().pieces.value(0))));
  }

  void show(const QStringList& files) {
    Look look = state().look();
    look.magnitudes = files;
    state().setLook(look);
  }
  void showToo(QStringList files) {
    QStringList all = state().look().magnitudes;
    for (const QString& file : files) {
      if (!all.contains(file)) all << file;
    }
    show(all);
  }
  bool write(const Magnitudes& magnitudes, const QString& path) {
    try {
      writeMagnitudes(magnitudes, path);
    } catch (const Error& error) {
      QMessageBox::warning(this, tr("Keep these curves"), QString::fromUtf8(error.what()));
      return false;
    }
    return true;
  }

  void keep() {
    const auto own = magnitudes();
    if (!own) return;
    QString path = QFileDialog::getSaveFileName(
        this, tr("Keep these curves"), ownName() + QStringLiteral(".json"), tr("Magnitudes (*.json)"));
    if (path.isEmpty()) return;
    if (QFileInfo(path).suffix().isEmpty()) path += QStringLiteral(".json");
    if (write(*own, path)) showToo({path});
  }
  void add() {
    showToo(QFileDialog::getOpenFileNames(this, tr("Add kept curves"), {}, tr("Magnitudes (*.json)")));
  }

  /// Keeps what is there in a folder of its own, by the tokens, and asks the same prompt with the other
  /// beginning, as a prompt beside it.
  void compareBos() {
    const auto own = magnitudes();
    if (!own || !own->bos || !prompt()) return;
    const QString folder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) +
                           QStringLiteral("/magnitudes/") +
                           QString::number(qHashRange(own->ids.begin(), own->ids.end()), 16);
    const QString path = folder + u'/' + ownName() + QStringLiteral(".json");
    if (!write(*own, path)) return;
    showToo({path});
    Prompt other = *prompt();
    other.bos = *own->bos ? Bos::Off : Bos::On;
    other.id = 0;
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      const Prompt& each = prompts_[i];
      if (each.text == other.text && each.raw == other.raw && each.bos == other.bos)
        return Q_EMIT promptSelected(static_cast<int>(i));
    }
    std::vector<Prompt> prompts = prompts_;
    prompts.insert(prompts.begin() + selected_ + 1, other);
    Q_EMIT promptsEdited(prompts, selected_ + 1);
  }

  mutable MagnitudeFiles files_;
  std::vector<Command> rows_;
  std::vector<Prompt> prompts_;
  int selected_ = -1;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("magnitudes"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Largest activations")),
     Place::Bottom, 4, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new ResidualCurvesView(state, parent); },
     false});

}  // namespace

}  // namespace qkscope

#include "residual_curves_view.moc"

// What the paper's Table 3 would say of this model, with the numbers and the rule it says it by.
#include <QGridLayout>
#include <QLocale>
#include <QScrollArea>
#include <QTimer>
#include <QVBoxLayout>
#include <array>
#include <chrono>

#include "core/analysis/verdict.h"
#include "views/shown.h"
#include "views/styled_label.h"
#include "views/verdict_words.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

using namespace std::chrono_literals;

constexpr int rows = 6;

QString part(std::int64_t some, std::int64_t all) {
  if (all == 0) return QStringLiteral("–");
  return percentWords(static_cast<double>(some) / static_cast<double>(all));
}

}  // namespace

class VerdictView : public View {
  Q_OBJECT
 public:
  VerdictView(ViewState& state, QWidget* parent) : View(state, parent) {
    setAccessibleName(tr("Verdict on the model"));
    // Scrolled, so that large type does not widen the window.
    auto* scroll = new QScrollArea(this);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->addWidget(scroll);
    auto* inside = new QWidget(scroll);
    scroll->setWidget(inside);
    auto* layout = new QVBoxLayout(inside);
    layout->setContentsMargins(10, 8, 10, 8);
    layout->setSpacing(8);
    layout->addWidget(new StyledLabel(Type::Title, Tone::Text, this, tr("Concentrated massive values?")));
    sentence_ = StyledLabel::reading(Type::Normal, Tone::Text, this);
    layout->addWidget(sentence_);
    rule_ = StyledLabel::reading(Type::Small, Tone::Muted, this);
    layout->addWidget(rule_);
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(14);
    grid->setVerticalSpacing(4);
    const std::array<QString, rows> names{tr("massive values"),
                                          tr("in the low-frequency half"),
                                          tr("heads that have one"),
                                          tr("stripes (dims in half of the heads)"),
                                          tr("shared by two heads / by chance"),
                                          tr("p of so much by chance")};
    for (std::size_t i = 0; i < all_sites.size(); ++i) {
      const QString control = all_sites[i] == Site::Value ? tr(" (control)") : QString();
      grid->addWidget(new StyledLabel(Type::Small, Tone::Muted, this, siteLetter(all_sites[i]) + control), 0,
                      static_cast<int>(i) + 1, Qt::AlignRight);
    }
    for (std::size_t row = 0; row < rows; ++row) {
      auto* name = StyledLabel::reading(Type::Small, Tone::Muted, this);
      name->setText(names[row]);
      grid->addWidget(name, static_cast<int>(row) + 1, 0);
      for (std::size_t i = 0; i < all_sites.size(); ++i) {
        numbers_[row][i] = new StyledLabel(Type::Normal, Tone::Text, this);
        grid->addWidget(numbers_[row][i], static_cast<int>(row) + 1, static_cast<int>(i) + 1,
                        Qt::AlignRight | Qt::AlignVCenter);
      }
    }
    grid->setColumnStretch(0, 1);
    layout->addLayout(grid);
    stripes_ = StyledLabel::reading(Type::Small, Tone::Text, this);
    layout->addWidget(stripes_);
    layout->addStretch(1);

    // A thousand random placements take longer than a step of the slider.
    settled_.setSingleShot(true);
    connect(&settled_, &QTimer::timeout, this, &VerdictView::judge);
    connect(&state, &ViewState::lookChanged, this, [this] { settled_.start(120ms); });
  }

  Needs needs() const override { return allNorms(); }
  QSize sizeHint() const override { return {330, 560}; }

 protected:
  void refresh() override {
    // The pictures come first, where there is something to see already.
    if (sentence_->text().isEmpty()) return judge();
    settled_.start(0ms);
  }

 private:
  void judge() {
    const Look& look = state().look();
    const QString nothing = whyNothing(data(), look);
    const Norms* norms = nothing.isEmpty() ? ruleNorms(data(), look) : nullptr;
    for (auto& row : numbers_) {
      for (StyledLabel* number : row) number->clear();
    }
    stripes_->clear();
    rule_->clear();
    if (!norms) return sentence_->setText(nothing);
    std::array<Site, 3> sites{};
    for (std::size_t i = 0; i < sites.size(); ++i) sites[i] = shownSite(all_sites[i], look.after_rope);
    // Data are told anew whenever what is known of them changes, with the same runs.
    std::shared_ptr<const void> of = data().comparison;
    if (!of) of = data().dump;
    if (norms != judged_.norms || of != judged_.of || look.lambda != judged_.lambda || sites != judged_.sites)
      judged_ = {of, norms, look.lambda, sites, verdict(*norms, sites, look.lambda, shownAxes(data()))};
    const Verdict& found = judged_.verdict;
    say(found);
    const std::array<const SiteVerdict*, 3> by_site{&found.query, &found.key, &found.value};
    const QLocale locale;
    const auto whole = [&](std::int64_t n) { return locale.toString(static_cast<qlonglong>(n)); };
    for (std::size_t i = 0; i < by_site.size(); ++i) {
      const SiteVerdict& site = *by_site[i];
      numbers_[0][i]->setText(whole(site.count.massive));
      numbers_[1][i]->setText(found.rope ? part(site.count.low_frequency_half, site.count.massive)
                                         : QStringLiteral("–"));
      numbers_[2][i]->setText(part(site.heads_with, site.heads));
      numbers_[3][i]->setText(whole(static_cast<std::int64_t>(site.stripes.size())));
      numbers_[4][i]->setText(whole(site.shared) + QStringLiteral(" / ") +
                              locale.toString(site.expected_shared, 'f', 1));
      numbers_[5][i]->setText(site.p ? locale.toString(*site.p, 'f', 3) : QStringLiteral("–"));
    }
    sayStripes(by_site);
  }

  void say(const Verdict& found) {
    const QString which =
        shownWords(state().look().shown == Shown::Disrupted ? Shown::Disrupted : Shown::Baseline);
    sentence_->setText(tr("Table 3 would print: RoPE %1, concentrated massive values %2 (%3, one prompt).")
                           .arg(found.rope ? tr("yes") : tr("no"), found.concentrated ? tr("yes") : tr("no"),
                                which + QStringLiteral(", ") + overPositions(data(), state().look())));
    rule_->setText(verdictRuleWords(state().look().lambda, found.rope, found.heads_share, found.low_share));
  }

  void sayStripes(const std::array<const SiteVerdict*, 3>& by_site) {
    QStringList lines;
    for (std::size_t i = 0; i < by_site.size(); ++i) {
      QStringList widest;
      constexpr std::size_t most = 5;
      const auto& stripes = by_site[i]->stripes;
      for (std::size_t s = 0; s < std::min(most, stripes.size()); ++s) {
        widest << tr("%1 dim %2 (%3 of %4)")
                      .arg(layerWords(data(), stripes[s].layer))
                      .arg(stripes[s].dim)
                      .arg(stripes[s].heads)
                      .arg(stripes[s].of_heads);
      }
      if (!widest.isEmpty())
        lines << tr("Widest stripes of %1: %2")
                     .arg(siteLetter(all_sites[i]), widest.join(QStringLiteral(", ")));
    }
    stripes_->setText(lines.join(QLatin1Char('\n')));
  }

  StyledLabel *sentence_, *rule_, *stripes_;
  std::array<std::array<StyledLabel*, 3>, rows> numbers_{};
  QTimer settled_;
  struct Judged {
    std::shared_ptr<const void> of;  // holds on to what `norms` points to
    const Norms* norms = nullptr;
    double lambda = 0;
    std::array<Site, 3> sites{};
    Verdict verdict;
  } judged_;
};

namespace {

const ViewRegistration registration({QStringLiteral("verdict"),
                                     QStringLiteral(QT_TRANSLATE_NOOP("Views", "Verdict")), Place::Right, 2,
                                     QKeySequence(), [](ViewState& state, QWidget* parent) -> View* {
                                       return new VerdictView(state, parent);
                                     }});

}  // namespace

}  // namespace qkscope

#include "verdict_view.moc"

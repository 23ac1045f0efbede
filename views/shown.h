#pragma once
#include <QCoreApplication>
#include <QString>
#include <array>
#include <optional>

#include "core/analysis/frequency.h"
#include "views/view.h"

namespace qkscope {

/// Translations for what is no QObject.
struct Words {
  Q_DECLARE_TR_FUNCTIONS(Views)
};

/// What pictures and panels are about, in their order.
inline constexpr std::array<Site, 3> all_sites{Site::Query, Site::Key, Site::Value};

/// M of Q and K before and after RoPE and of V, of all layers: a look at another of them then runs nothing.
Needs allNorms();

/// The capture site that a selected Query, Key or Value means before or after RoPE.
Site shownSite(Site site, bool after_rope);
/// "Q", "K", "V".
QString siteLetter(Site site);
/// Heads of a site: query heads, or KV heads.
int siteHeads(const ModelSpec& spec, Site site);
/// What of Q, K or V a picture shows, by what the model does to it: "after RoPE", "before RoPE", "normed,
/// after RoPE", "no RoPE" (V, or a layer that does not rotate). `layer`: of all layers where there is none.
QString ropeWords(const ViewData& data, Site site, bool after_rope, std::optional<int> layer = {});
/// Why a layer has no heads of `site` to show; empty where it has.
QString whyNoHeads(const ModelSpec& spec, int layer, Site site);
/// In how many layers `site` is there to be shown.
int layersWith(const ModelSpec& spec, Site site);
/// "baseline", "disrupted", "disrupted − baseline".
QString shownWords(Shown shown);
/// "Layer 17 [16]", or what the files call it: "layer10".
QString layerWords(const ViewData& data, int layer);
/// Every layer in short, for rows and tables: "10", counted from one; of files what they call it, or "–".
QStringList layerLabels(const ViewData& data);
/// Of a dim without a rotary pair: "not rotated", or that the files do not say.
QString unrotatedWords(const ViewData& data);
/// What stands in place of numbers that are not there: they come yet, or the files do not have them.
QString absentWords(const ViewData& data);
/// A number for people: about four significant digits, grouped by the locale.
QString numberWords(double value);

/// A share of 1 for people: "0", "< 0.1 %", "4.4 %", "44 %".
QString percentWords(double part);

/// A setting for people: as few digits as read back as this very number, "5", "4.999999".
QString exactWords(double value);

/// What a view cannot show yet, in a sentence that says what to do; empty where there is something to see.
QString whyNothing(const ViewData& data, const Look& look);

/// Positions of the prompt: those captured, else those asked for.
int shownPositions(const ViewData& data);
/// Of one layer; of the first that rotates where there is none.
FrequencyAxis shownAxis(const ViewData& data, std::optional<int> layer = {});
LayerAxes shownAxes(const ViewData& data);
/// What stands in place of the ruler's bars where nothing rotates; empty where something does.
QString whyNoRuler(const ModelSpec& spec, std::optional<int> layer = {});
/// What was kept of one run; of Difference the baseline's. May be null.
const Capture* shownCapture(const ViewData& data, Shown run);
/// "0,4-7": positions, as many as fit into a few words; "none".
QString positionList(const std::vector<int>& positions);
/// Which positions runs are to tell M without.
LeftOut leftOut(const Look& look);
/// Those that the M of what is shown is without; empty for none, and where it has not come yet: what is shown
/// is then over all positions.
std::vector<int> shownLeftOut(const ViewData& data, const Look& look);
/// "37 positions", "36 of 37 positions, without 0": what M is over.
QString overPositions(const ViewData& data, const Look& look);
/// M of all layers of the run that `look` means; for Difference of the baseline, by which values are called
/// massive. May be null.
const Norms* ruleNorms(const ViewData& data, const Look& look);
/// M (heads, head_dim) of the baseline or the disrupted run; null where it has not come yet.
const Array* runNorm(const ViewData& data, const Look& look, Shown run, int layer, Site site);
/// M (heads, head_dim) of a layer: of one run, or disrupted minus baseline. Nothing where it has not come
/// yet.
std::optional<Array> shownNorm(const ViewData& data, const Look& look, int layer, Site site);
/// M, or the number at a position, of one cell of what is shown, where `site` is that of a capture.
std::optional<double> shownM(const ViewData& data, const Look& look, const Selection& cell, Site site);
std::optional<double> shownValue(const ViewData& data, const Look& look, const Selection& cell, Site site);
/// Values (positions, heads, head_dim) of the baseline or the disrupted run; null where they have not come
/// yet.
const Array* capturedValue(const ViewData& data, Shown run, int layer, Site site);
/// The M that the massive-value rule is applied to in what is shown; null where it has not come yet.
const Array* ruleNorm(const ViewData& data, const Look& look, int layer, Site site);

/// `selection` moved into what the model has (heads, layers, dims), so that no view can point beside it.
Selection clamped(const Selection& selection, const ModelSpec& spec, int positions);

/// Everything about one cell, what matters most first: value and ratio; site, layer, head (KV head),
/// position, dim and rotary partner; inv_freq, wavelength, turns over this prompt. Lines without words are
/// left out.
QStringList cellLines(const ViewData& data, const Look& look, const Selection& selection);
/// The same in one line, which may be cut off at its end: for the status bar and screen readers.
QString cellWords(const ViewData& data, const Look& look, const Selection& selection);

}  // namespace qkscope

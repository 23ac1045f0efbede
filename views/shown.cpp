#include "views/shown.h"

#include <QLocale>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "views/token_text.h"

namespace qkscope {

Site shownSite(Site site, bool after_rope) {
  if (site == Site::Query) return after_rope ? Site::Query : Site::QueryPreRope;
  if (site == Site::Key) return after_rope ? Site::Key : Site::KeyPreRope;
  return site;
}

QString siteLetter(Site site) {
  switch (site) {
    case Site::Query:
    case Site::QueryPreRope:
      return QStringLiteral("Q");
    case Site::Key:
    case Site::KeyPreRope:
      return QStringLiteral("K");
    default:
      return QStringLiteral("V");
  }
}

int siteHeads(const ModelSpec& spec, Site site) {
  return site == Site::Query || site == Site::QueryPreRope ? spec.num_heads() : spec.num_kv_heads();
}

namespace {

/// The attention of `layer`; of the first layer that has one where none is given. Null where there is none.
const AttentionSpec* attentionOf(const ModelSpec& spec, std::optional<int> layer) {
  if (layer) return *layer < spec.num_layers() ? spec.attention(*layer) : nullptr;
  const auto found = std::ranges::find_if(spec.layers, [](const LayerSpec& l) { return l.attention(); });
  return found == spec.layers.end() ? nullptr : found->attention();
}

bool hasRope(const ModelSpec& spec, std::optional<int> layer) {
  if (!layer) return spec.rope() != nullptr;
  const AttentionSpec* attention = attentionOf(spec, layer);
  return attention && attention->rope;
}

}  // namespace

QString ropeWords(const ViewData& data, Site site, bool after_rope, std::optional<int> layer) {
  const AttentionSpec* attention = data.spec() ? attentionOf(*data.spec(), layer) : nullptr;
  if (!attention) return Words::tr("no RoPE");
  if (data.dump && site != Site::Value && !hasRope(*data.spec(), layer)) return unrotatedWords(data);
  const bool is_value = site == Site::Value, rotates = !is_value && hasRope(*data.spec(), layer);
  const auto& norm = is_value                                      ? attention->v_norm
                     : siteLetter(site) == siteLetter(Site::Query) ? attention->q_norm
                                                                   : attention->k_norm;
  const bool normed = norm && (is_value || after_rope || !attention->norms_after_rotation);
  const QString rope = !rotates     ? Words::tr("no RoPE")
                       : after_rope ? Words::tr("after RoPE")
                                    : Words::tr("before RoPE");
  return normed ? Words::tr("normed, %1").arg(rope) : rope;
}

QString whyNoHeads(const ModelSpec& spec, int layer, Site site) {
  if (layer >= spec.num_layers() || spec.has_site({layer, site})) return {};
  const QString number = QString::number(layer + 1);
  if (const AttentionSpec* attention = spec.attention(layer))
    return Words::tr("layer %1 has no %2 of its own: it reads those of layer %3")
        .arg(number, siteLetter(site), QString::number(attention->keys_of_layer + 1));
  const bool is_mamba =
      std::holds_alternative<MambaSpec>(spec.layers.at(static_cast<std::size_t>(layer)).mixer);
  return (is_mamba ? Words::tr("layer %1 has no attention: it is a Mamba layer")
                   : Words::tr("layer %1 has no attention: it is a gated delta-net layer"))
      .arg(number);
}

int layersWith(const ModelSpec& spec, Site site) {
  int count = 0;
  for (int layer = 0; layer < spec.num_layers(); ++layer) count += spec.has_site({layer, site});
  return count;
}

QString whyNoRuler(const ModelSpec& spec, std::optional<int> layer) {
  if (hasRope(spec, layer)) return {};
  if (spec.rope()) {
    return spec.attention(*layer) ? Words::tr("layer %1 does not rotate its Q and K").arg(*layer + 1)
                                  : whyNoHeads(spec, *layer, Site::Query);
  }
  const bool alibi = std::ranges::any_of(
      spec.layers, [](const LayerSpec& l) { return l.attention() && l.attention()->alibi; });
  const QString positions = alibi ? Words::tr("its positions are ALiBi's")
                            : spec.embedding.positions > 0
                                ? Words::tr("it has learned positions")
                                : Words::tr("it knows positions by their order alone");
  return Words::tr("this model has no rotary embedding (%1): a negative control").arg(positions);
}

QString shownWords(Shown shown) {
  switch (shown) {
    case Shown::Baseline:
      return Words::tr("baseline");
    case Shown::Disrupted:
      return Words::tr("disrupted");
    case Shown::Difference:
      break;
  }
  return Words::tr("disrupted − baseline");
}

QString layerWords(const ViewData& data, int layer) {
  if (data.dump && layer < static_cast<int>(data.dump->layers.size())) {
    const std::string& name = data.dump->layers[static_cast<std::size_t>(layer)];
    return name.empty() ? Words::tr("Layer of the file") : QString::fromStdString(name);
  }
  return Words::tr("Layer %1 [%2]").arg(layer + 1).arg(layer);
}

QStringList layerLabels(const ViewData& data) {
  QStringList labels;
  const int layers = data.spec() ? data.spec()->num_layers() : 0;
  for (int layer = 0; layer < layers; ++layer) {
    if (!data.dump) {
      labels << QString::number(layer + 1);
      continue;
    }
    const std::string& name = data.dump->layers.at(static_cast<std::size_t>(layer));
    labels << (name.empty() ? QStringLiteral("–") : QString::fromStdString(name));
  }
  return labels;
}

QString unrotatedWords(const ViewData& data) {
  return data.dump && !data.dump->spec.rope() ? Words::tr("no RoPE known") : Words::tr("not rotated");
}

QString absentWords(const ViewData& data) {
  return data.dump || !data.recorded.isEmpty() ? Words::tr("not in the file") : Words::tr("not computed yet");
}

QString numberWords(double value) {
  const QLocale locale;
  if (std::isnan(value)) return Words::tr("NaN");
  if (std::isinf(value)) return value > 0 ? Words::tr("+infinite") : Words::tr("−infinite");
  const double magnitude = std::abs(value);
  if (magnitude == 0) return locale.toString(0);
  if (magnitude >= 1e7 || magnitude < 1e-3) return locale.toString(value, 'g', 3);
  if (magnitude >= 1000) return locale.toString(value, 'f', 0);
  return locale.toString(value, 'f', magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : 3);
}

QString percentWords(double part) {
  const QLocale locale;
  if (part == 0) return QStringLiteral("0");
  if (part < 0.0005) return QStringLiteral("< ") + locale.toString(0.1, 'f', 1) + QStringLiteral(" %");
  return locale.toString(part * 100, 'f', part < 0.095 ? 1 : 0) + QStringLiteral(" %");
}

QString exactWords(double value) {
  QLocale locale;
  locale.setNumberOptions(QLocale::OmitGroupSeparator);
  return locale.toString(value, 'g', QLocale::FloatingPointShortest);
}

QString whyNothing(const ViewData& data, const Look& look) {
  if (data.state == DataState::Loading && !data.comparison) return Words::tr("The model is being loaded.");
  if (!data.spec()) return Words::tr("Open a model to see its queries, keys and values.");
  const bool needs_disrupted = look.shown != Shown::Baseline;
  const bool baseline = data.comparison && data.comparison->baseline;
  if (data.dump && needs_disrupted)
    return Words::tr("These are activations from a file: there is no model to disrupt.");
  if (baseline && (!needs_disrupted || data.comparison->disrupted)) return {};
  switch (data.state) {
    case DataState::NoPrompt:
      return Words::tr("There is no prompt: add one with Ctrl+P.");
    case DataState::Stopped:
      return Words::tr("Stopped before it was computed: press F5 to run it.");
    case DataState::Failed:
      return data.problem;
    case DataState::Running:
      return baseline ? Words::tr("The disrupted pass is under way.")
                      : Words::tr("The first pass over the prompt is under way.");
    default:
      return baseline ? Words::tr("There is no disrupted run: switch a disruption on (D).")
                      : Words::tr("Run a prompt to see it here.");
  }
}

int shownPositions(const ViewData& data) {
  if (!data.comparison) return 0;
  if (data.comparison->baseline && data.comparison->baseline->capture.positions > 0) {
    return data.comparison->baseline->capture.positions;
  }
  return static_cast<int>(data.comparison->request.prompt.size());
}

FrequencyAxis shownAxis(const ViewData& data, std::optional<int> layer) {
  if (!data.spec()) return {};
  const int positions = std::max(1, shownPositions(data));
  const ModelSpec& spec = *data.spec();
  return layer && *layer < spec.num_layers() ? FrequencyAxis(spec, *layer, positions)
                                             : FrequencyAxis(spec, positions);
}

LayerAxes shownAxes(const ViewData& data) {
  return data.spec() ? LayerAxes(*data.spec(), std::max(1, shownPositions(data))) : LayerAxes();
}

Selection clamped(const Selection& selection, const ModelSpec& spec, int positions) {
  Selection inside = selection;
  if (selection.site != Site::Key && selection.site != Site::Value) inside.site = Site::Query;
  inside.layer = std::clamp(selection.layer, 0, std::max(0, spec.num_layers() - 1));
  inside.head = std::clamp(selection.head, 0, std::max(0, siteHeads(spec, inside.site) - 1));
  inside.dim = std::clamp(selection.dim, -1, std::max(0, spec.head_dim() - 1));
  inside.position = std::clamp(selection.position, -1, std::max(-1, positions - 1));
  inside.key = std::clamp(selection.key, -1, std::max(-1, positions - 1));
  return inside;
}

namespace {

QString between() {
  return QStringLiteral(" · ");
}

/// "M 133.6 · ratio 10.8", or "value 0.482" where a position is looked at.
QStringList numberOf(const ViewData& data, const Look& look, const Selection& cell) {
  const Site site = shownSite(cell.site, look.after_rope);
  const bool difference = look.shown == Shown::Difference;
  if (const QString none = whyNoHeads(*data.spec(), cell.layer, cell.site); !none.isEmpty()) return {none};
  if (cell.position >= 0) {
    const auto value = shownValue(data, look, cell, site);
    if (!value) return {absentWords(data)};
    return {(difference ? Words::tr("Δ value %1") : Words::tr("value %1")).arg(numberWords(*value))};
  }
  const auto m = shownM(data, look, cell, site);
  if (!m) return {absentWords(data)};
  QStringList words{(difference ? Words::tr("ΔM %1") : Words::tr("M %1")).arg(numberWords(*m))};
  if (const Array* rule = ruleNorm(data, look, cell.layer, site)) {
    const double mean = head_means(*rule)[static_cast<std::size_t>(cell.head)];
    words << (difference ? Words::tr("baseline ratio %1") : Words::tr("ratio %1"))
                 .arg(QLocale().toString(rule->at(cell.head, cell.dim) / mean, 'f', 1));
  }
  if (const Array* all = difference ? nullptr : runNorm(data, look, look.shown, cell.layer, site)) {
    const auto larger = std::ranges::count_if(all->data, [&m](float other) { return other > *m; });
    words << Words::tr("rank %1 of %2 in its layer").arg(larger + 1).arg(all->data.size());
  }
  if (!shownLeftOut(data, look).empty()) words << overPositions(data, look);
  return words;
}

}  // namespace

QStringList cellLines(const ViewData& data, const Look& look, const Selection& selection) {
  if (!data.spec()) return {};
  const ModelSpec& spec = *data.spec();
  const Selection cell = clamped(selection, spec, shownPositions(data));
  QStringList place{siteLetter(cell.site),
                    data.dump ? layerWords(data, cell.layer) : Words::tr("layer %1").arg(cell.layer + 1)},
      numbers, rotation;
  const bool is_query = cell.site == Site::Query;
  const AttentionSpec* attention = attentionOf(spec, cell.layer);
  const int groups = attention ? attention->num_kv_groups() : 1;
  if (is_query && groups > 1) {
    place << Words::tr("head %1 (KV head %2)").arg(cell.head + 1).arg(cell.head / groups + 1);
  } else if (!is_query && groups > 1) {
    place << Words::tr("KV head %1").arg(cell.head + 1);
  } else {
    place << Words::tr("head %1").arg(cell.head + 1);
  }
  if (cell.position >= 0) {
    place << (cell.position < data.pieces.size()
                  ? Words::tr("position %1 “%2”")
                        .arg(QString::number(cell.position), visibleToken(data.pieces.at(cell.position)))
                  : Words::tr("position %1").arg(cell.position));
  }
  if (cell.dim >= 0) {
    numbers = numberOf(data, look, cell);
    const auto rotary = shownAxis(data, cell.layer).at(cell.dim);
    if (cell.site == Site::Value || !rotary) {
      place << Words::tr("dim %1").arg(cell.dim);
      rotation << (cell.site == Site::Value ? Words::tr("not rotated") : unrotatedWords(data));
    } else {
      place << Words::tr("dim %1 ↔ %2").arg(cell.dim).arg(rotary->partner);
      const double turns = shownPositions(data) * rotary->inv_freq / (2 * std::numbers::pi);
      rotation << Words::tr("inv_freq %1").arg(QLocale().toString(rotary->inv_freq, 'g', 3))
               << (rotary->inv_freq == 0
                       ? Words::tr("stands still")
                       : Words::tr("wavelength %1 tokens (%2 turns over this prompt)")
                             .arg(numberWords(rotary->wavelength), QLocale().toString(turns, 'g', 2)));
    }
  }
  QStringList lines;
  for (const QStringList& words : {numbers, place, rotation}) {
    if (!words.isEmpty()) lines << words.join(between());
  }
  return lines;
}

QString cellWords(const ViewData& data, const Look& look, const Selection& selection) {
  return cellLines(data, look, selection).join(between());
}

}  // namespace qkscope

#pragma once
#include <cmath>
#include <filesystem>

#include "core/analysis/massive_values.h"
#include "core/io/safetensors.h"
#include "tests/support/plain_spec.h"
#include "tests/support/test_case.h"
#include "views/view.h"

namespace qkscope::test {

inline std::filesystem::path smollm2Norms() {
  return shared_data() / "goldens" / "smollm2_passkey_M.safetensors";
}

/// The default model as far as views ask.
inline std::shared_ptr<const ModelCard> smollm2Card() {
  ModelCard card;
  card.name = "SmolLM2-135M-Instruct.Q4_1";
  card.spec = plain_spec({.layers = 30,
                          .heads = 9,
                          .kv_heads = 3,
                          .head_dim = 64,
                          .max_position_embeddings = 2048,
                          .rope_theta = 100000});
  return std::make_shared<const ModelCard>(card);
}

/// A residual stream whose position 0 holds 24,000 in dim 507 from layer 12 to 28 (from 1), and elsewhere 20
/// + layer + position in dim position % 576, over a median of 2.
inline ActivationSummary residualSample(int layer, int positions) {
  ActivationSummary summary;
  summary.median = 2;
  for (int t = 0; t < positions; ++t)
    summary.largest.push_back({t, t % 576, static_cast<float>(20 + layer + t)});
  const bool massive = layer >= 11 && layer < 28;
  if (massive) summary.largest.front() = {0, 507, -24000};
  summary.top = {summary.largest.front(), summary.largest.back(),
                 summary.largest[summary.largest.size() - 2]};
  if (!massive) std::swap(summary.top.front(), summary.top.back());
  if (massive) summary.massive = {summary.largest.front()};
  return summary;
}

/// A pattern whose every later query gives `first` to position 0 and the rest to itself.
inline Array patternSample(int positions, float first) {
  Array pattern{{positions, positions},
                std::vector<float>(static_cast<std::size_t>(positions * positions), 0)};
  for (int query = 0; query < positions; ++query) {
    float* row = pattern.data.data() + query * positions;
    row[query] = query == 0 ? 1 : 1 - first;
    if (query > 0) row[0] = first;
  }
  return pattern;
}

/// What the panels of massive positions look at: in every layer a mean pattern that gives 0.9 to position 0,
/// and lengths of 500 at position 0 and 10 elsewhere; at layer `layer` h, 24,000 at position 0, dim 507 and 2
/// elsewhere; M without position 0 half of M.
inline void addMassivePositions(Capture& capture, int layers, int layer) {
  const int positions = capture.positions;
  Array lengths{{positions}, std::vector<float>(static_cast<std::size_t>(positions), 10)};
  lengths.data.front() = 500;
  for (int l = 0; l < layers; ++l) {
    capture.patterns[{l, HeadId::mean}] = patternSample(positions, 0.9f);
    for (const Site site :
         {Site::ResidPre, Site::AttnIn, Site::MlpIn, Site::MlpOut, Site::Query, Site::Key, Site::Value})
      capture.row_norms[{l, site}] = lengths;
  }
  Array h{{positions, 576}, std::vector<float>(static_cast<std::size_t>(positions) * 576, 2)};
  h.data[507] = -24000;
  capture.values[{layer, Site::ResidPost}] = std::move(h);
  capture.left_out = {0};
  for (const auto& [where, norm] : capture.norms) {
    Array half = *norm;
    for (float& m : half.data) m /= 2;
    capture.without[where] = std::move(half);
  }
}

/// M of all layers of the default model, prompt "passkey": numbers computed with transformers. As disrupted
/// run the same with every massive Q entry at its head's mean, which is what a disruption leaves of it.
inline ViewData smollm2Data(bool disrupted = true) {
  const ArrayFile file = read_safetensors(smollm2Norms());
  auto baseline = std::make_shared<Run>();
  baseline->capture.positions = 109;
  for (const Site site : {Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value}) {
    const Array& all = file.arrays.at(std::string(site_name(site)));  // (layer, head, dim)
    const auto size = all.size(1) * all.size(2);
    for (int layer = 0; layer < all.size(0); ++layer) {
      Array m{{all.size(1), all.size(2)}, {}};
      m.data.assign(all.data.begin() + layer * size, all.data.begin() + (layer + 1) * size);
      // One waveform a column whose norm over the positions is M: the shape a test needs, not a model's
      // values.
      if (layer == 16) {
        Array values{{109, all.size(1), all.size(2)}, {}};
        for (int position = 0; position < 109; ++position) {
          for (std::int64_t i = 0; i < size; ++i) {
            const double wave = std::sqrt(2.0) * std::cos(0.9 * position + 0.37 * static_cast<double>(i));
            values.data.push_back(
                static_cast<float>(m.data[static_cast<std::size_t>(i)] / std::sqrt(109.0) * wave));
          }
        }
        baseline->capture.values[{layer, site}] = std::move(values);
      }
      baseline->capture.norms[{layer, site}] = std::move(m);
    }
  }
  for (int layer = 0; layer < 30; ++layer)
    baseline->capture.activations[{layer, Site::ResidPost}] = residualSample(layer, 109);
  for (const int head : {0, 6}) baseline->capture.patterns[{16, head}] = patternSample(109, 0.5f);
  addMassivePositions(baseline->capture, 30, 16);
  auto comparison = std::make_shared<Comparison>();
  comparison->baseline = baseline;
  if (disrupted) {
    auto run = std::make_shared<Run>(*baseline);
    for (auto& [where, shared] : run->capture.norms) {
      if (where.site != Site::Query) continue;
      Array m = *shared;
      const auto means = head_means(m);
      const auto flags = select(m, Pick{});
      for (std::size_t i = 0; i < flags.size(); ++i) {
        if (flags[i]) m.data[i] = means[i / 64];
      }
      shared = std::move(m);
    }
    for (auto& [where, summary] : run->capture.activations) {
      for (ActivationAt& at : summary.largest) at.value *= 0.5f;
    }
    for (auto& [where, pattern] : run->capture.patterns) pattern = patternSample(109, 0.25f);
    comparison->disrupted = run;
  }
  ViewData data;
  data.card = smollm2Card();
  data.comparison = comparison;
  for (int i = 0; i < 109; ++i)
    data.pieces << (i % 3 == 0 ? QStringLiteral("·pass") : QStringLiteral("·key"));
  return data;
}

/// Changes one number of a captured M.
inline void setCell(Capture& capture, SiteId where, std::size_t index, float value) {
  Array m = *capture.norms[where];
  m.data[index] = value;
  capture.norms[where] = std::move(m);
}

/// A model of 2 layers, 4/2 heads and 8 dims whose M is known cell by cell: 1 everywhere, but `strong` at
/// query head 1, dim 5 of layer 0.
inline ViewData tinyData(float strong = 20.0f) {
  ModelCard card;
  card.name = "tiny";
  card.spec = plain_spec({.layers = 2, .heads = 4, .kv_heads = 2});
  auto run = std::make_shared<Run>();
  run->capture.positions = 6;
  for (int layer = 0; layer < 2; ++layer) {
    for (const Site site : {Site::QueryPreRope, Site::Query}) {
      run->capture.norms[{layer, site}] = Array{{4, 8}, std::vector<float>(32, 1.0f)};
    }
    for (const Site site : {Site::KeyPreRope, Site::Key, Site::Value}) {
      run->capture.norms[{layer, site}] = Array{{2, 8}, std::vector<float>(16, 1.0f)};
    }
  }
  setCell(run->capture, {0, Site::Query}, 8 + 5, strong);
  auto comparison = std::make_shared<Comparison>();
  comparison->baseline = run;
  ViewData data;
  data.card = std::make_shared<const ModelCard>(card);
  data.comparison = comparison;
  data.pieces = QStringList(6, QStringLiteral("a"));
  return data;
}

inline void lightPalette(QWidget& widget) {
  QPalette palette;
  palette.setColor(QPalette::Base, QColor(0xffffff));
  palette.setColor(QPalette::Window, QColor(0xf5f6f8));
  palette.setColor(QPalette::Text, QColor(0x14181f));
  palette.setColor(QPalette::WindowText, QColor(0x14181f));
  palette.setColor(QPalette::Highlight, QColor(0x2457d6));
  widget.setPalette(palette);
}

inline void darkPalette(QWidget& widget) {
  QPalette palette;
  palette.setColor(QPalette::Base, QColor(0x1a1d21));
  palette.setColor(QPalette::Window, QColor(0x1f2328));
  palette.setColor(QPalette::Text, QColor(0xe8eaed));
  palette.setColor(QPalette::WindowText, QColor(0xe8eaed));
  palette.setColor(QPalette::Highlight, QColor(0x7da2ff));
  widget.setPalette(palette);
}

}  // namespace qkscope::test

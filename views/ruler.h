#pragma once
#include <QPainter>

#include "core/analysis/frequency.h"
#include "views/heatmap.h"
#include "views/plot_style.h"

namespace qkscope {

/// Colour of a rotary pair: the same for both of its dims, from the fastest to the slowest.
QColor pairColor(const FrequencyAxis& axis, int dim, bool dark);
/// "6.3", "471", "2.0k", "149k", "still": a wavelength on an axis.
QString wavelengthWords(double positions);

/// What is said at its sides: nothing, the decades, or all; Inside: the decades there, the rest over the
/// short bars.
enum class RulerText { None, Decades, Inside, All };

/// The RoPE ruler over the columns of `grid`: bar = wavelength in tokens (log), colour = rotary pair, shaded
/// = the low-frequency half, dashed line = length of the prompt. Dims that do not rotate have no bar.
/// `nothing` is said where none rotates.
void paintRuler(QPainter& painter, const PlotStyle& style, const QRectF& area, const CellGrid& grid,
                const FrequencyAxis& axis, int positions, RulerText text, const QString& nothing);
/// The frame around the bars of a dim and its partner.
void paintRulerLink(QPainter& painter, const PlotStyle& style, const QRectF& area, const CellGrid& grid,
                    const FrequencyAxis& axis, int dim);

}  // namespace qkscope

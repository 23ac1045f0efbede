#pragma once
#include <QStringList>

#include "app/document.h"
#include "app/options.h"
#include "views/view.h"

namespace qkscope {

/// Draws a picture into a file at its physical size and writes beside it, with the same base name, its
/// numbers
/// (.csv, .safetensors) and a .json that says how it was made and by which command line it is made again.
/// Returns the files written. Throws Error.
QStringList exportFigure(const View& view, const QString& view_id, const Document& document,
                         const LoadOptions& load, const FigureOptions& options);

/// The numbers as one tidy table: array, its axes (0-based), value. Floats round-trip; C locale.
QByteArray figureCsv(const std::vector<FigureArray>& arrays);

/// The picture as it would be on paper, for the clipboard.
QImage figureImage(const View& view, double width_mm, double height_mm, int dpi);

}  // namespace qkscope

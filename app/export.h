#pragma once
#include <QStringList>

#include "app/document.h"
#include "app/options.h"
#include "views/view.h"

namespace qkscope {

/// Where a figure's files go: the picture and, with data, .csv, .safetensors and .json beside it under the
/// same base name.
QStringList figureFiles(const FigureOptions& options);
/// Those of them that are there already and would be replaced. Throws Error where one cannot be replaced: a
/// file beside the picture that no export of QKScope wrote, such as a model's config.json, never is.
QStringList replacedFiles(const FigureOptions& options);
/// Throws Error naming those files unless they may be replaced.
void checkReplaced(const FigureOptions& options);

/// Draws what `view` shows into a file at its physical size and writes beside it its numbers (.csv,
/// .safetensors) and a .json that says how they were made and by which command line they are made again. All
/// files are there in the end, or none is touched. Returns the files written. Throws Error, also where files
/// would be replaced and `options` does not say so, and where the picture is not that of `document`.
QStringList exportFigure(const View& view, const QString& view_id, Document document, const LoadOptions& load,
                         FigureOptions options);

/// The numbers as one tidy table: array, its axes (0-based), value. Floats round-trip; C locale.
QByteArray figureCsv(const std::vector<FigureArray>& arrays);

}  // namespace qkscope

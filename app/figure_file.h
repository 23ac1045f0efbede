#pragma once
#include <QByteArray>
#include <QImage>

#include "app/options.h"
#include "views/view.h"

namespace qkscope {

/// A picture as the bytes of a .pdf, .svg or .png, whichever `options.path` ends in, at its physical size:
/// page and width of exactly so many mm, a PNG with its resolution. The same picture gives the same bytes.
/// Throws Error.
QByteArray figureFile(const View& view, const FigureOptions& options);

/// The picture as it would be on paper, for the clipboard. Throws Error where that is too large.
QImage figureImage(const View& view, const FigureOptions& options);

}  // namespace qkscope

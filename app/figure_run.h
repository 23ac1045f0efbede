#pragma once
#include "app/options.h"

namespace qkscope {

/// Loads the model, runs the prompt, draws the figure that `options` asks for with the view's own painter,
/// and returns the files written. Needs an application but no display; returns when all is done. Throws
/// Error.
QStringList runFigure(const Options& options);

}  // namespace qkscope

#pragma once
#include <QSize>
#include <QString>
#include <QStringList>
#include <map>
#include <optional>
#include <vector>

#include "app/document.h"
#include "app/names.h"
#include "app/settings.h"
#include "core/model/language_model.h"
#include "views/view.h"

namespace qkscope {

/// What a figure's file may end in.
const QStringList& figureSuffixes();
/// Width and height, mm.
inline constexpr Limits figure_limits{20, 2000};
/// Of a PNG.
struct DpiLimits {
  int low, high;
};
inline constexpr DpiLimits dpi_limits{36, 2400};

/// A figure on paper.
struct FigureOptions {
  QString path;  // .pdf, .svg or .png
  double width_mm = 170, height_mm = 120;
  int dpi = 300;       // PNG
  bool data = true;    // .csv, .safetensors and .json beside it
  bool force = false;  // files of these names are replaced
  FigureZoom zoom = whole_figure;
  bool operator==(const FigureOptions&) const = default;
};

/// What the command line of qkscope says.
struct Options {
  QString model;    // path or name, or a .qkscope document; empty = the last, else the default model
  DumpSource dump;  // files in place of a model
  std::optional<QString> prompt;  // one prompt in place of the document's
  QString expected;
  bool raw = false;
  Bos bos = Bos::Auto;
  Edits edits;                          // not empty: one arm, which is on
  std::map<QString, QString> settings;  // texts of properties, by their names
  QString view = QStringLiteral("picture");
  std::optional<FigureOptions> figure;
  QString screenshot;
  std::optional<QSize> size;
  std::optional<Theme> theme;
  LoadOptions load;
  std::optional<int> answer_length;
  bool help = false, version = false;

  /// Draws into a file and ends: needs no display.
  bool isOffscreen() const { return figure || !screenshot.isEmpty() || help || version; }
};

/// `arguments` without the program's name. Throws Error naming the option and what is allowed.
Options parseOptions(const QStringList& arguments);
/// What --help prints.
QString optionsHelp();

/// The arguments that make a figure of `document` again: parseOptions reads them back.
QStringList figureArguments(const Document& document, const QString& view, const FigureOptions& figure,
                            const LoadOptions& load);
/// "0.25,0,0.5,1": what --zoom reads.
QString zoomText(const FigureZoom& zoom);
/// As typed in a shell: quoted where needed.
QString shellLine(const QStringList& arguments);

/// `document` as the options want it.
void applyOptions(const Options& options, Document& document);
/// Throws Error naming the option that asks for a layer, head, dim or position that the model or its prompt
/// of `positions` tokens does not have, and those there are. `positions` 0: not known yet.
void checkSelection(const Options& options, const Document& document, const ModelSpec& spec, int positions);

}  // namespace qkscope

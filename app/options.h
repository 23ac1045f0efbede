#pragma once
#include <QSize>
#include <QString>
#include <QStringList>
#include <functional>
#include <optional>
#include <vector>

#include "app/document.h"
#include "app/settings.h"
#include "core/model/language_model.h"

namespace qkscope {

/// A figure on paper.
struct FigureOptions {
  QString path;  // .pdf, .svg or .png
  double width_mm = 170, height_mm = 120;
  int dpi = 300;     // PNG
  bool data = true;  // .csv, .safetensors and .json beside it
  bool operator==(const FigureOptions&) const = default;
};

/// What the command line of qkscope says.
struct Options {
  QString model;   // path or name, or a .qkscope document; empty = the last, else the default model
  QString prompt;  // one prompt in place of the document's
  QString expected;
  bool raw = false;
  std::optional<Disruption> disruption;           // set: it is on
  std::optional<int> layer, head, dim, position;  // 0-based
  std::optional<Site> site;
  std::vector<std::function<void(Look&)>> look;  // what the options change of the document's look
  QString view = QStringLiteral("picture");
  std::optional<FigureOptions> figure;
  QString screenshot;
  QSize size{1280, 800};
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
/// As typed in a shell: quoted where needed.
QString shellLine(const QStringList& arguments);

/// `document` as the options want it.
void applyOptions(const Options& options, Document& document);

}  // namespace qkscope

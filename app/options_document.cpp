#include <QCoreApplication>
#include <QRegularExpression>

#include "app/look_options.h"
#include "app/option_text.h"
#include "app/options.h"
#include "views/shown.h"

// The half of the options that knows documents: what they change of one, and how one is said by them.

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Options", text);
}

}  // namespace

QStringList figureArguments(const Document& document, const QString& view, const FigureOptions& figure,
                            const LoadOptions& load) {
  QStringList arguments;
  const auto add = [&arguments](const char* name, const QString& value) {
    arguments << u"--" + QLatin1String(name) << value;
  };
  const bool is_dump = !document.dump.files.empty();
  if (is_dump) {
    for (const auto& file : document.dump.files) arguments << QString::fromStdString(file.string());
    add("layout", dumpLayoutName(document.dump));
    if (document.dump.rope_theta) add("rope-theta", numberText(*document.dump.rope_theta));
  } else if (!document.model.isEmpty()) {
    arguments << document.model;
  }
  if (!is_dump && document.selected_prompt < static_cast<int>(document.prompts.size())) {
    const Prompt& prompt = document.prompts[static_cast<std::size_t>(document.selected_prompt)];
    add("prompt", prompt.text);
    if (!prompt.expected.isEmpty()) add("expect", prompt.expected);
    arguments << (prompt.raw ? QStringLiteral("--raw") : QStringLiteral("--chat"));
    if (prompt.bos != Bos::Auto) add("bos", nameOf(prompt.bos));
  }
  if (document.disrupted)
    add("disrupt", QString::fromStdString(to_option(document.disruptions[document.disruption_position])));
  const Selection& selection = document.selection;
  const std::string_view site = site_name(selection.site);
  add("site", QString::fromUtf8(site.data(), static_cast<qsizetype>(site.size())));
  add("layer", QString::number(selection.layer + 1));
  add("head", QString::number(selection.head + 1));
  const auto orNone = [](int index) { return index < 0 ? QStringLiteral("none") : QString::number(index); };
  add("dim", orNone(selection.dim));
  add("position", orNone(selection.position));
  const Look& look = document.look;
  for (const LookOption& option : lookOptions()) {
    const std::optional<QString> text = option.write(look);
    if (!text) continue;
    arguments << u"--" + option.name;
    if (!option.value.isEmpty()) arguments << *text;
  }
  if (!is_dump) {
    add("device", QString::fromStdString(load.device));
    add("dtype", QString::fromStdString(load.dtype));
  }
  if (!is_dump && load.threads > 0) add("threads", QString::number(load.threads));
  add("view", view);
  add("width", numberText(figure.width_mm));
  add("height", numberText(figure.height_mm));
  add("dpi", QString::number(figure.dpi));
  if (figure.zoom != whole_figure) add("zoom", zoomText(figure.zoom));
  if (!figure.data) arguments << QStringLiteral("--no-data");
  add("export", figure.path);
  return arguments;
}

QString zoomText(const FigureZoom& zoom) {
  QStringList numbers;
  for (const double part : {zoom.x(), zoom.y(), zoom.width(), zoom.height()}) numbers << numberText(part);
  return numbers.join(u',');
}

QString shellLine(const QStringList& arguments) {
  // Anchored at the very end: a plain $ would let a newline at the end through.
  static const QRegularExpression plain(
      QRegularExpression::anchoredPattern(QStringLiteral("[A-Za-z0-9_@%+=:,./-]+")));
  QStringList words{QStringLiteral("qkscope")};
  for (QString argument : arguments) {
    if (!plain.match(argument).hasMatch()) {
      argument = u'\'' + argument.replace(u'\'', QStringLiteral("'\\''")) + u'\'';
    }
    words << argument;
  }
  return words.join(u' ');
}

void applyOptions(const Options& options, Document& document) {
  if (!options.dump.files.empty()) {
    document.dump = options.dump;
    document.model.clear();
    document.disrupted = false;
    document.look.shown = Shown::Baseline;
  } else if (!options.model.isEmpty() && !options.model.endsWith(QStringLiteral(".qkscope"))) {
    document.dump = {};
  }
  if (options.prompt) {
    document.prompts = {{PromptKind::Free, *options.prompt, options.expected, options.raw, options.bos}};
    document.selected_prompt = 0;
  }
  if (options.disruption) {
    document.disruptions = {*options.disruption};
    document.disruption_position = 0;
    document.disrupted = true;
  }
  for (const auto& change : options.look) change(document.look);
  if (options.site) document.selection.site = *options.site;
  if (options.layer) document.selection.layer = *options.layer;
  if (options.head) document.selection.head = *options.head;
  if (options.dim) document.selection.dim = *options.dim;
  if (options.position) document.selection.position = *options.position;
}

void checkSelection(const Options& options, const Document& document, const ModelSpec& spec, int positions) {
  const auto within = [](const char* option, const std::optional<int>& index, int count, int from,
                         const QString& things) {
    if (!index || *index < count) return;
    refuseOption(QString::fromLatin1(option), QString::number(*index + from),
                 tr("from %1 to %2: %3").arg(from).arg(count - 1 + from).arg(things));
  };
  const Site site = document.selection.site;
  within("layer", options.layer, spec.num_layers(), 1, tr("the model has %1 layers").arg(spec.num_layers()));
  within("head", options.head, siteHeads(spec, site), 1,
         tr("%1 has %2 heads").arg(siteLetter(site)).arg(siteHeads(spec, site)));
  within("dim", options.dim, spec.head_dim(), 0, tr("a head has %1 dims").arg(spec.head_dim()));
  if (positions > 0)
    within("position", options.position, positions, 0, tr("the prompt has %1 tokens").arg(positions));
}

}  // namespace qkscope

#include <QCoreApplication>
#include <QRegularExpression>

#include "app/option_text.h"
#include "app/options.h"
#include "app/property.h"

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
  for (const Edit& edit : appliedEdits(document.arms)) add("disrupt", QString::fromStdString(to_text(edit)));
  const Sight sight{document.selection, document.look};
  for (const Property& property : properties()) {
    const QString text = property.text(sight);
    for (const Property::Option& option : property.options) {
      if (option.value.isEmpty() && option.means != text) continue;
      if (option.value.isEmpty()) {
        arguments << u"--" + option.name;
        continue;
      }
      for (const QString& each : option.several ? text.split(u'\n') : QStringList{text})
        arguments << u"--" + option.name << each;
    }
  }
  if (!is_dump) {
    add("device", QString::fromStdString(load.device));
    add("dtype", QString::fromStdString(load.dtype));
    if (load.weights != "auto") add("weights", QString::fromStdString(load.weights));
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
    document.arms.on = false;
    document.look.shown = Shown::Baseline;
  } else if (!options.model.isEmpty() && !options.model.endsWith(QStringLiteral(".qkscope"))) {
    document.dump = {};
  }
  if (options.prompt) {
    document.prompts = {{PromptKind::Free, *options.prompt, options.expected, options.raw, options.bos}};
    document.selected_prompt = 0;
  }
  if (!options.edits.empty()) {
    document.arms = {};
    document.arms.shown().edits = options.edits;
    document.arms.on = true;
  }
  Sight sight{document.selection, document.look};
  for (const auto& [name, text] : options.settings) propertyNamed(name)->set(sight, text);
  document.selection = sight.selection;
  document.look = sight.look;
}

void checkSelection(const Options& options, const Document& document, const ModelSpec& spec, int positions) {
  for (const Property& property : properties()) {
    const auto given = options.settings.find(property.name);
    if (given == options.settings.end() || !property.bound) continue;
    const auto bound = property.bound(spec, document.selection.site, positions);
    bool is_number = false;  // or "none"
    const int value = given->second.toInt(&is_number);
    if (!bound || !is_number || value - property.first < bound->count) continue;
    refuseOption(
        property.name, given->second,
        tr("from %1 to %2: %3").arg(property.first).arg(bound->count - 1 + property.first).arg(bound->words));
  }
}

}  // namespace qkscope

#include "app/options.h"

#include <QCommandLineParser>
#include <QCoreApplication>
#include <QFile>
#include <QFileInfo>
#include <QRegularExpression>

#include "app/names.h"
#include "core/error.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Options", text);
}

[[noreturn]] void fail(const QString& option, const QString& found, const QString& expected) {
  throw Error(tr("--%1 is \"%2\", but must be %3.").arg(option, found, expected).toStdString());
}

void addOptions(QCommandLineParser& parser) {
  const auto option = [&parser](const QStringList& names, const QString& about, const QString& value = {}) {
    parser.addOption(QCommandLineOption(names, about, value));
  };
  const auto s = [](const char* text) { return QString::fromLatin1(text); };
  option({s("h"), s("help")}, tr("This text."));
  option({s("v"), s("version")}, tr("The program's version."));
  option({s("prompt")}, tr("Run this prompt in place of those of the document."), s("TEXT"));
  option({s("prompt-file")}, tr("The same, read from a file."), s("FILE"));
  option({s("expect")}, tr("The answer whose perplexity is told; else the baseline's answer."), s("TEXT"));
  option({s("raw")}, tr("Pass the prompt as it is, without the model's chat format."));
  option({s("chat")}, tr("Pass the prompt in the model's chat format (the default)."));
  option({s("max-new")}, tr("Longest answer, in tokens."), s("N"));
  option({s("disrupt")},
         tr("Disrupt: a preset's name or site=q,pick=lambda:5,replace=mean,pool=head,...; turns it on."),
         s("WHAT"));
  option({s("site")}, tr("Look at query, key or value."), s("SITE"));
  option({s("layer")}, tr("Look at this layer, from 1."), s("N"));
  option({s("head")}, tr("Look at this head, from 1."), s("N"));
  option({s("dim")}, tr("Mark this dim, from 0."), s("N"));
  option({s("position")}, tr("Mark this position, from 0."), s("N"));
  option({s("picture")}, allowedNames<Picture>() + u'.', s("WHICH"));
  option({s("shown")}, allowedNames<Shown>() + u'.', s("WHICH"));
  option({s("before-rope")}, tr("Q and K before the rotation."));
  option({s("lambda")}, tr("Outline entries over this many times the mean of their head (5)."), s("X"));
  option({s("color-map")}, tr("viridis, cividis, magma, inferno, plasma, coolwarm or RdBu_r."), s("NAME"));
  option({s("scale")}, allowedNames<ColorScale>() + u'.', s("WHICH"));
  option({s("range")}, tr("Limits of the colours: full, percentile:99 or exact:LOW,HIGH."), s("WHICH"));
  option({s("separate-scales")}, tr("Q, K and V each with a colour scale of its own."));
  option({s("export")},
         tr("Draw the figure into FILE (.pdf, .svg or .png) with its data beside it, and end."), s("FILE"));
  option({s("view")}, tr("The view that is drawn (picture)."), s("ID"));
  option({s("width")}, tr("Width of the figure in mm (170)."), s("MM"));
  option({s("height")}, tr("Height of the figure in mm (120)."), s("MM"));
  option({s("dpi")}, tr("Resolution of a PNG (300)."), s("N"));
  option({s("no-data")}, tr("The figure alone, without data and settings."));
  option({s("screenshot")}, tr("Draw the whole window into a PNG once everything has run, and end."),
         s("FILE"));
  option({s("size")}, tr("Size of the window (1280x800)."), s("WxH"));
  option({s("theme")}, tr("light, dark or system."), s("WHICH"));
  option({s("device")}, tr("auto, cpu, cuda or cuda:N."), s("NAME"));
  option({s("dtype")}, tr("auto, float32, bfloat16 or float16."), s("NAME"));
  option({s("threads")}, tr("CPU threads; 0 = as many as there are cores."), s("N"));
  parser.addPositionalArgument(
      s("MODEL"),
      tr("A Hugging Face folder, a .gguf or .safetensors file, the name of an installed "
         "model, or a .qkscope document."),
      s("[MODEL]"));
}

class Reader {
 public:
  explicit Reader(const QCommandLineParser& parser) : parser_(parser) {}

  bool has(const char* name) const { return parser_.isSet(QString::fromLatin1(name)); }
  QString text(const char* name) const { return parser_.value(QString::fromLatin1(name)); }
  double number(const char* name, double low, double high) const {
    bool ok = false;
    const double value = text(name).toDouble(&ok);
    if (!ok || !(value >= low && value <= high)) {
      fail(QString::fromLatin1(name), text(name), tr("a number from %1 to %2").arg(low).arg(high));
    }
    return value;
  }
  int integer(const char* name, int low, int high) const {
    bool ok = false;
    const int value = text(name).toInt(&ok);
    if (!ok || value < low || value > high) {
      fail(QString::fromLatin1(name), text(name), tr("a whole number from %1 to %2").arg(low).arg(high));
    }
    return value;
  }
  template <class Enum>
  Enum choice(const char* name) const {
    const std::optional<Enum> value = fromName<Enum>(text(name));
    if (!value) fail(QString::fromLatin1(name), text(name), allowedNames<Enum>());
    return *value;
  }

 private:
  const QCommandLineParser& parser_;
};

constexpr int kMany = 1'000'000;

/// Sets one member of a Look.
template <class Value>
std::function<void(Look&)> setting(Value Look::*member, Value value) {
  return [member, value](Look& look) { look.*member = value; };
}

std::function<void(Look&)> rangeSetting(const QString& text) {
  static const QRegularExpression pattern(
      QStringLiteral("^(full|percentile:([0-9.]+)|exact:([-+0-9.eE]+),([-+0-9.eE]+))$"));
  const QRegularExpressionMatch match = pattern.match(text);
  if (!match.hasMatch()) fail(QStringLiteral("range"), text, tr("full, percentile:99 or exact:LOW,HIGH"));
  return [match](Look& look) {
    if (match.captured(1).startsWith(u'p')) {
      look.range = ColorRange::Percentile;
      look.percentile = match.captured(2).toDouble();
    } else if (match.captured(1).startsWith(u'e')) {
      look.range = ColorRange::Exact;
      look.exact_low = match.captured(3).toDouble();
      look.exact_high = match.captured(4).toDouble();
    } else {
      look.range = ColorRange::Full;
    }
  };
}

void readLook(const Reader& reader, Options& options) {
  std::vector<std::function<void(Look&)>>& look = options.look;
  if (reader.has("picture")) look.push_back(setting(&Look::picture, reader.choice<Picture>("picture")));
  if (reader.has("shown")) {
    look.push_back(setting(&Look::shown, reader.choice<Shown>("shown")));
  } else if (reader.has("disrupt")) {
    look.push_back(setting(&Look::shown, Shown::Disrupted));
  }
  if (reader.has("before-rope")) look.push_back(setting(&Look::after_rope, false));
  if (reader.has("lambda")) look.push_back(setting(&Look::lambda, reader.number("lambda", 0, kMany)));
  if (reader.has("color-map")) look.push_back(setting(&Look::color_map, reader.text("color-map")));
  if (reader.has("scale")) look.push_back(setting(&Look::scale, reader.choice<ColorScale>("scale")));
  if (reader.has("range")) look.push_back(rangeSetting(reader.text("range")));
  if (reader.has("separate-scales")) look.push_back(setting(&Look::one_scale, false));
}

void readFigure(const Reader& reader, Options& options) {
  if (!reader.has("export")) return;
  FigureOptions figure;
  figure.path = reader.text("export");
  const QString suffix = QFileInfo(figure.path).suffix().toLower();
  if (suffix != QStringLiteral("pdf") && suffix != QStringLiteral("svg") && suffix != QStringLiteral("png")) {
    fail(QStringLiteral("export"), figure.path, tr("a file that ends in .pdf, .svg or .png"));
  }
  if (reader.has("width")) figure.width_mm = reader.number("width", 20, 2000);
  if (reader.has("height")) figure.height_mm = reader.number("height", 20, 2000);
  if (reader.has("dpi")) figure.dpi = reader.integer("dpi", 36, 2400);
  figure.data = !reader.has("no-data");
  options.figure = figure;
}

QString numberText(double value) {
  return QString::number(value, 'g', 10);
}

}  // namespace

Options parseOptions(const QStringList& arguments) {
  QCommandLineParser parser;
  addOptions(parser);
  QStringList with_program = arguments;
  with_program.prepend(QStringLiteral("qkscope"));
  if (!parser.parse(with_program)) {
    throw Error(tr("%1 (qkscope --help lists the options)").arg(parser.errorText()).toStdString());
  }
  const Reader reader(parser);
  Options options;
  options.help = reader.has("help");
  options.version = reader.has("version");
  const QStringList positional = parser.positionalArguments();
  if (positional.size() > 1) {
    throw Error(tr("One MODEL at a time: \"%1\" and \"%2\" were given.")
                    .arg(positional[0], positional[1])
                    .toStdString());
  }
  if (!positional.isEmpty()) options.model = positional.front();

  if (reader.has("prompt")) options.prompt = reader.text("prompt");
  if (reader.has("prompt-file")) {
    QFile file(reader.text("prompt-file"));
    if (!file.open(QIODevice::ReadOnly)) {
      throw Error(tr("%1 could not be opened: %2.").arg(file.fileName(), file.errorString()).toStdString());
    }
    options.prompt = QString::fromUtf8(file.readAll());
  }
  options.expected = reader.text("expect");
  if (reader.has("raw") && reader.has("chat"))
    throw Error(tr("Give --raw or --chat, not both.").toStdString());
  options.raw = reader.has("raw");
  if (reader.has("max-new")) options.answer_length = reader.integer("max-new", 1, 4096);
  if (reader.has("disrupt")) options.disruption = parse_disruption(reader.text("disrupt").toStdString());
  if (reader.has("site")) {
    const std::optional<Site> site = site_from_name(reader.text("site").toStdString());
    if (site != Site::Query && site != Site::Key && site != Site::Value) {
      fail(QStringLiteral("site"), reader.text("site"), tr("query, key or value"));
    }
    options.site = site;
  }
  if (reader.has("layer")) options.layer = reader.integer("layer", 1, kMany) - 1;
  if (reader.has("head")) options.head = reader.integer("head", 1, kMany) - 1;
  if (reader.has("dim")) options.dim = reader.integer("dim", 0, kMany);
  if (reader.has("position")) options.position = reader.integer("position", 0, kMany);
  readLook(reader, options);
  readFigure(reader, options);
  if (reader.has("view")) options.view = reader.text("view");
  options.screenshot = reader.text("screenshot");
  if (reader.has("size")) {
    static const QRegularExpression pattern(QStringLiteral("^([0-9]{2,5})x([0-9]{2,5})$"));
    const QRegularExpressionMatch match = pattern.match(reader.text("size"));
    if (!match.hasMatch())
      fail(QStringLiteral("size"), reader.text("size"), tr("WIDTHxHEIGHT, such as 1280x800"));
    options.size = {match.captured(1).toInt(), match.captured(2).toInt()};
  }
  if (reader.has("theme")) {
    const QString theme = reader.text("theme");
    if (theme == QStringLiteral("light"))
      options.theme = Theme::Light;
    else if (theme == QStringLiteral("dark"))
      options.theme = Theme::Dark;
    else if (theme == QStringLiteral("system"))
      options.theme = Theme::System;
    else
      fail(QStringLiteral("theme"), theme, tr("light, dark or system"));
  }
  if (reader.has("device")) options.load.device = reader.text("device").toStdString();
  if (reader.has("dtype")) options.load.dtype = reader.text("dtype").toStdString();
  if (reader.has("threads")) options.load.threads = reader.integer("threads", 0, 4096);
  return options;
}

QString optionsHelp() {
  QCommandLineParser parser;
  parser.setApplicationDescription(
      tr("Explorer of massive values in the attention of language models.\n\n"
         "  qkscope                                              the window, as it was left\n"
         "  qkscope model.gguf --layer 17 --disrupt \"lambda 5 on Q\"\n"
         "  qkscope model.gguf --layer 17 --export figure.pdf    the picture as a file; needs no display"));
  addOptions(parser);
  return parser.helpText();
}

QStringList figureArguments(const Document& document, const QString& view, const FigureOptions& figure,
                            const LoadOptions& load) {
  QStringList arguments;
  const auto add = [&arguments](const char* name, const QString& value) {
    arguments << u"--" + QLatin1String(name) << value;
  };
  if (!document.model.isEmpty()) arguments << document.model;
  if (document.selected_prompt < static_cast<int>(document.prompts.size())) {
    const Prompt& prompt = document.prompts[static_cast<std::size_t>(document.selected_prompt)];
    add("prompt", prompt.text);
    if (!prompt.expected.isEmpty()) add("expect", prompt.expected);
    arguments << (prompt.raw ? QStringLiteral("--raw") : QStringLiteral("--chat"));
  }
  if (document.disrupted)
    add("disrupt", QString::fromStdString(to_option(document.disruptions[document.disruption_position])));
  const Selection& selection = document.selection;
  const std::string_view site = site_name(selection.site);
  add("site", QString::fromUtf8(site.data(), static_cast<qsizetype>(site.size())));
  add("layer", QString::number(selection.layer + 1));
  add("head", QString::number(selection.head + 1));
  if (selection.dim >= 0) add("dim", QString::number(selection.dim));
  if (selection.position >= 0) add("position", QString::number(selection.position));
  const Look& look = document.look;
  add("picture", nameOf(look.picture));
  add("shown", nameOf(look.shown));
  if (!look.after_rope) arguments << QStringLiteral("--before-rope");
  add("lambda", numberText(look.lambda));
  add("color-map", look.color_map);
  add("scale", nameOf(look.scale));
  switch (look.range) {
    case ColorRange::Full:
      add("range", QStringLiteral("full"));
      break;
    case ColorRange::Percentile:
      add("range", u"percentile:" + numberText(look.percentile));
      break;
    case ColorRange::Exact:
      add("range", u"exact:" + numberText(look.exact_low) + u',' + numberText(look.exact_high));
      break;
  }
  if (!look.one_scale) arguments << QStringLiteral("--separate-scales");
  add("device", QString::fromStdString(load.device));
  add("dtype", QString::fromStdString(load.dtype));
  add("view", view);
  add("width", numberText(figure.width_mm));
  add("height", numberText(figure.height_mm));
  add("dpi", QString::number(figure.dpi));
  if (!figure.data) arguments << QStringLiteral("--no-data");
  add("export", figure.path);
  return arguments;
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
  if (!options.prompt.isEmpty()) {
    document.prompts = {{PromptKind::Free, options.prompt, options.expected, options.raw}};
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

}  // namespace qkscope

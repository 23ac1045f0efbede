#include "app/options.h"

#include <QCommandLineParser>
#include <QCoreApplication>
#include <QFile>
#include <QFileInfo>
#include <QRegularExpression>
#include <QStringDecoder>
#include <algorithm>

#include "app/option_text.h"
#include "app/property.h"
#include "app/usage_error.h"
#include "core/io/dump_file.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Options", text);
}

void addOptions(QCommandLineParser& parser) {
  const auto option = [&parser](const QStringList& names, const QString& about, const QString& value = {}) {
    parser.addOption(QCommandLineOption(names, about, value));
  };
  const auto s = [](const char* text) { return QString::fromLatin1(text); };
  option({s("h"), s("help")}, tr("This text."));
  option({s("v"), s("version")}, tr("The program's version."));
  option({s("layout")},
         tr("How the axes of activations lie: bshd (batch, position, head, dim), bhsd or flat:N (heads of N "
            "dims); auto goes by the shape."),
         s("NAME"));
  option({s("rope-theta")}, tr("rope_theta of the model that activations are of; no file says it."), s("X"));
  option({s("prompt")}, tr("Run this prompt in place of those of the document."), s("TEXT"));
  option({s("prompt-file")}, tr("The same, read from a file."), s("FILE"));
  option({s("expect")}, tr("The answer whose perplexity is told; else the baseline's answer."), s("TEXT"));
  option({s("raw")}, tr("Pass the prompt as it is, without the model's chat format."));
  option({s("chat")}, tr("Pass the prompt in the model's chat format (the default)."));
  option({s("bos")}, tr("Begin the prompt with the BOS token: auto (as the model's files say), on or off."),
         s("WHICH"));
  option({s("max-new")}, tr("Longest answer, in tokens."), s("N"));
  option(
      {s("disrupt")},
      tr("Disrupt: a preset's name or site=q,pick=lambda:5,replace=mean,pool=head,...; turns it on. Several "
         "are made in their order."),
      s("WHAT"));
  for (const Property& property : properties()) {
    for (const Property::Option& one : property.options) option({one.name}, one.about, one.value);
  }
  option({s("export")},
         tr("Draw the figure into FILE (.pdf, .svg or .png) with its data beside it, and end."), s("FILE"));
  option({s("view")}, tr("The view that is drawn (picture)."), s("ID"));
  option({s("width")}, tr("Width of the figure in mm (170)."), s("MM"));
  option({s("height")}, tr("Height of the figure in mm (120)."), s("MM"));
  option({s("dpi")}, tr("Resolution of a PNG (300)."), s("N"));
  option({s("zoom")},
         tr("The part of the maps that is drawn, as fractions of their dims and rows; all is 0,0,1,1."),
         s("LEFT,TOP,WIDTH,HEIGHT"));
  option({s("no-data")}, tr("The figure alone, without data and settings."));
  option({s("force")}, tr("Replace files of the same names; else they are named and nothing is written."));
  option({s("screenshot")}, tr("Draw the whole window into a PNG once everything has run, and end."),
         s("FILE"));
  option({s("size")}, tr("Size of the window (1280x800)."), s("WxH"));
  option({s("theme")}, tr("light, dark, high-contrast or system."), s("WHICH"));
  option({s("device")}, tr("auto, cpu, cuda or cuda:N."), s("NAME"));
  option({s("dtype")}, tr("auto, float32, bfloat16 or float16."), s("NAME"));
  option({s("weights")}, tr("auto, float or stored: how matrices are held on a CPU."), s("HOW"));
  option({s("threads")}, tr("CPU threads; 0 = as many as there are cores."), s("N"));
  parser.addPositionalArgument(
      s("MODEL"),
      tr("A Hugging Face folder, a .gguf or .safetensors file, the name of an installed "
         "model, org/name of the Hugging Face cache, a .qkscope document, or files of activations (.npy, "
         ".npz, "
         ".pt, .safetensors with Q, K and V)."),
      s("[MODEL]"));
}

class Reader {
 public:
  explicit Reader(const QCommandLineParser& parser) : parser_(parser) {}

  bool has(const char* name) const { return parser_.isSet(QString::fromLatin1(name)); }
  QString text(const char* name) const { return parser_.value(QString::fromLatin1(name)); }
  QStringList texts(const char* name) const { return parser_.values(QString::fromLatin1(name)); }
  double number(const char* name, const Limits& limits) const {
    return numberOption(QString::fromLatin1(name), text(name), limits);
  }
  int integer(const char* name, int low, int high) const {
    return integerOption(QString::fromLatin1(name), text(name), low, high);
  }
  /// A value that may not be empty.
  QString filled(const char* name, const QString& allowed) const {
    if (text(name).trimmed().isEmpty()) refuseOption(QString::fromLatin1(name), text(name), allowed);
    return text(name);
  }
  /// Refuses any of `names` that is given: it means nothing without `other`.
  void needs(std::initializer_list<const char*> names, const char* other) const {
    for (const char* name : names) {
      if (has(name)) {
        throw UsageError(tr("--%1 means nothing without --%2.")
                             .arg(QString::fromLatin1(name), QString::fromLatin1(other))
                             .toStdString());
      }
    }
  }
  /// Refuses both at once.
  void excludes(const char* one, const char* other) const {
    if (has(one) && has(other)) {
      throw UsageError(tr("Give --%1 or --%2, not both.")
                           .arg(QString::fromLatin1(one), QString::fromLatin1(other))
                           .toStdString());
    }
  }

 private:
  const QCommandLineParser& parser_;
};

void readPrompt(const Reader& reader, Options& options) {
  reader.excludes("prompt", "prompt-file");
  reader.excludes("raw", "chat");
  if (!reader.has("prompt") && !reader.has("prompt-file"))
    reader.needs({"expect", "raw", "chat", "bos"}, "prompt");
  if (reader.has("prompt")) options.prompt = reader.text("prompt");
  if (reader.has("prompt-file")) {
    const QString path = reader.filled("prompt-file", tr("a text file"));
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
      throw Error(
          tr("--prompt-file %1 could not be opened: %2.").arg(path, file.errorString()).toStdString());
    QByteArray bytes = file.readAll();
    if (bytes.endsWith('\n')) bytes.chop(1);
    QStringDecoder decode(QStringDecoder::Utf8);
    options.prompt = decode(bytes);
    if (decode.hasError())
      throw Error(tr("--prompt-file %1 is no UTF-8 text; save it as UTF-8.").arg(path).toStdString());
  }
  if (options.prompt && options.prompt->isEmpty()) {
    refuseOption(reader.has("prompt") ? QStringLiteral("prompt") : QStringLiteral("prompt-file"),
                 reader.has("prompt") ? QString() : reader.text("prompt-file"),
                 tr("a text that is not empty"));
  }
  if (reader.has("expect")) options.expected = reader.filled("expect", tr("the answer that is scored"));
  options.raw = reader.has("raw");
  if (reader.has("bos")) options.bos = choiceOption<Bos>(QStringLiteral("bos"), reader.text("bos"));
}

void readDump(const Reader& reader, const QStringList& positional, Options& options) {
  const auto is_dump = [](const QString& path) { return is_dump_file(path.toStdString()); };
  if (positional.isEmpty() || !std::ranges::all_of(positional, is_dump)) {
    for (const char* name : {"layout", "rope-theta"}) {
      if (!reader.has(name)) continue;
      throw UsageError(tr("--%1 means nothing without files of activations in place of MODEL.")
                           .arg(QString::fromLatin1(name))
                           .toStdString());
    }
    return;
  }
  for (const QString& path : positional)
    options.dump.files.emplace_back(QFileInfo(path).absoluteFilePath().toStdString());
  if (reader.has("layout")) {
    const QString layout = reader.text("layout");
    options.dump.layout = parse_layout(layout.toStdString());
    if (!options.dump.layout && layout != QStringLiteral("auto"))
      refuseOption(QStringLiteral("layout"), layout, tr("auto, bshd, bhsd or flat:N"));
  }
  if (reader.has("rope-theta")) options.dump.rope_theta = reader.number("rope-theta", rope_theta_limits);
}

void readSettings(const Reader& reader, Options& options) {
  // A disruption is given to be looked at.
  if (reader.has("disrupt")) options.settings[QStringLiteral("shown")] = nameOf(Shown::Disrupted);
  for (const Property& property : properties()) {
    QByteArray given;
    for (const Property::Option& one : property.options) {
      const QByteArray name = one.name.toLatin1();
      if (!reader.has(name.constData())) continue;
      if (!given.isEmpty()) reader.excludes(given.constData(), name.constData());
      given = name;
      const QString text = one.value.isEmpty() ? one.means
                           : one.several       ? reader.texts(name.constData()).join(u'\n')
                                               : reader.text(name.constData());
      Sight tried;
      property.set(tried, text);  // refused here, not when it is applied
      options.settings[property.name] = text;
    }
  }
}

FigureZoom zoomOf(const QString& text) {
  const QStringList parts = text.split(u',');
  std::vector<double> numbers;
  for (const QString& part : parts) {
    if (const auto number = plainNumber(part, {0, 1})) numbers.push_back(*number);
  }
  const auto fits = [](double from, double extent) { return extent > 0 && from + extent <= 1 + 1e-9; };
  if (parts.size() != 4 || numbers.size() != 4 || !fits(numbers[0], numbers[2]) ||
      !fits(numbers[1], numbers[3])) {
    refuseOption(QStringLiteral("zoom"), text,
                 tr("LEFT,TOP,WIDTH,HEIGHT, fractions that stay within 0 to 1, such as 0.25,0,0.5,1"));
  }
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

void readFigure(const Reader& reader, Options& options) {
  reader.excludes("export", "screenshot");
  if (!reader.has("export"))
    return reader.needs({"view", "width", "height", "dpi", "zoom", "no-data", "force"}, "export");
  FigureOptions figure;
  figure.path = reader.text("export");
  const QString suffix = QFileInfo(figure.path).suffix().toLower();
  if (!figureSuffixes().contains(suffix)) {
    QStringList endings = figureSuffixes();
    for (QString& ending : endings) ending.prepend(u'.');
    refuseOption(QStringLiteral("export"), figure.path, tr("a file that ends in %1").arg(orList(endings)));
  }
  if (reader.has("view")) options.view = reader.text("view");
  if (reader.has("width")) figure.width_mm = reader.number("width", figure_limits);
  if (reader.has("height")) figure.height_mm = reader.number("height", figure_limits);
  if (reader.has("dpi")) figure.dpi = reader.integer("dpi", dpi_limits.low, dpi_limits.high);
  if (reader.has("zoom")) figure.zoom = zoomOf(reader.text("zoom"));
  figure.data = !reader.has("no-data");
  figure.force = reader.has("force");
  options.figure = figure;
}

void readWindow(const Reader& reader, Options& options) {
  if (reader.has("screenshot")) {
    options.screenshot = reader.text("screenshot");
    if (QFileInfo(options.screenshot).suffix().toLower() != QStringLiteral("png"))
      refuseOption(QStringLiteral("screenshot"), options.screenshot, tr("a file that ends in .png"));
  }
  if (reader.has("size")) {
    constexpr int least = 200, most = 16384;
    static const QRegularExpression pattern(QStringLiteral("\\A([0-9]{3,5})x([0-9]{3,5})\\z"));
    const QRegularExpressionMatch match = pattern.match(reader.text("size"));
    const QSize size(match.captured(1).toInt(), match.captured(2).toInt());
    if (std::min(size.width(), size.height()) < least || std::max(size.width(), size.height()) > most) {
      refuseOption(QStringLiteral("size"), reader.text("size"),
                   tr("WIDTHxHEIGHT of %1 to %2 each, such as 1280x800").arg(least).arg(most));
    }
    options.size = size;
  }
  if (reader.has("theme")) options.theme = choiceOption<Theme>(QStringLiteral("theme"), reader.text("theme"));
}

void readLoad(const Reader& reader, LoadOptions& load) {
  if (reader.has("device")) {
    static const QRegularExpression pattern(QStringLiteral("\\A(auto|cpu|cuda(:[0-9]{1,3})?)\\z"));
    if (!pattern.match(reader.text("device")).hasMatch())
      refuseOption(QStringLiteral("device"), reader.text("device"), tr("auto, cpu, cuda or cuda:N"));
    load.device = reader.text("device").toStdString();
  }
  if (reader.has("dtype")) {
    const QStringList known{QStringLiteral("auto"), QStringLiteral("float32"), QStringLiteral("bfloat16"),
                            QStringLiteral("float16")};
    if (!known.contains(reader.text("dtype")))
      refuseOption(QStringLiteral("dtype"), reader.text("dtype"), orList(known));
    load.dtype = reader.text("dtype").toStdString();
  }
  if (reader.has("weights")) {
    const QStringList known{QStringLiteral("auto"), QStringLiteral("float"), QStringLiteral("stored")};
    if (!known.contains(reader.text("weights")))
      refuseOption(QStringLiteral("weights"), reader.text("weights"), orList(known));
    load.weights = reader.text("weights").toStdString();
  }
  if (reader.has("threads")) load.threads = reader.integer("threads", 0, 1024);
}

}  // namespace

const QStringList& figureSuffixes() {
  static const QStringList suffixes{QStringLiteral("pdf"), QStringLiteral("svg"), QStringLiteral("png")};
  return suffixes;
}

Options parseOptions(const QStringList& arguments) {
  QCommandLineParser parser;
  addOptions(parser);
  QStringList with_program = arguments;
  with_program.prepend(QStringLiteral("qkscope"));
  if (!parser.parse(with_program)) {
    throw UsageError(tr("%1 (qkscope --help lists the options)").arg(parser.errorText()).toStdString());
  }
  const Reader reader(parser);
  Options options;
  options.help = reader.has("help");
  options.version = reader.has("version");
  const QStringList positional = parser.positionalArguments();
  readDump(reader, positional, options);
  if (positional.size() > 1 && options.dump.files.empty()) {
    throw UsageError(tr("One MODEL at a time: \"%1\" and \"%2\" were given.")
                         .arg(positional[0], positional[1])
                         .toStdString());
  }
  if (!positional.isEmpty() && options.dump.files.empty()) {
    options.model = positional.front();
    if (options.model.trimmed().isEmpty())
      throw UsageError(
          tr("MODEL is \"%1\", but must be a path or the name of a model.").arg(options.model).toStdString());
  }

  readPrompt(reader, options);
  if (reader.has("max-new")) options.answer_length = reader.integer("max-new", 1, 4096);
  for (const QString& text : reader.texts("disrupt")) {
    try {
      options.edits.push_back(parse_edit(text.toStdString()));
    } catch (const Error& error) {
      throw UsageError(
          tr("--disrupt is \"%1\": %2").arg(text, QString::fromUtf8(error.what())).toStdString());
    }
  }
  readSettings(reader, options);
  readFigure(reader, options);
  readWindow(reader, options);
  readLoad(reader, options.load);
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

}  // namespace qkscope

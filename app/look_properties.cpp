#include "app/look_properties.h"

#include <QCoreApplication>
#include <QFileInfo>
#include <algorithm>

#include "app/names.h"
#include "app/option_text.h"
#include "core/base/error.h"
#include "views/colormap.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Options", text);
}

QString optionName(QString name) {
  return name.replace(u'_', u'-');
}

Property ofLook(const QString& name, const QString& words) {
  return {.part = QStringLiteral("look"), .name = name, .words = words};
}

/// One of the values of an enum; `values` have the words of the controls.
template <class Enum>
Property choice(const QString& name, const QString& words, Enum Look::*member,
                std::initializer_list<std::pair<Enum, Property::Value>> values) {
  Property p = ofLook(name, words);
  const QString option = optionName(name);
  p.options = {{option, allowedNames<Enum>() + u'.', QStringLiteral("WHICH"), {}}};
  for (auto [value, entry] : values) {
    entry.text = nameOf(value);
    p.values.push_back(entry);
  }
  p.text = [member](const Sight& sight) { return nameOf(sight.look.*member); };
  p.set = [option, member](Sight& sight, const QString& text) {
    sight.look.*member = choiceOption<Enum>(option, text);
  };
  p.write = [name, member](const Sight& sight, QJsonObject& json) {
    json[name] = nameOf(sight.look.*member);
  };
  p.read = [name, member](Sight& sight, const JsonReader& json) {
    sight.look.*member = json.choice(name, sight.look.*member);
  };
  return p;
}

/// Off or on, each with a flag of its own.
Property toggle(const QString& name, const QString& words, bool Look::*member, Property::Option off,
                const QString& off_words, Property::Option on, const QString& on_words) {
  Property p = ofLook(name, words);
  const QString no = QStringLiteral("off"), yes = QStringLiteral("on");
  off.means = no;
  on.means = yes;
  p.options = {off, on};
  p.values = {{no, off_words}, {yes, on_words}};
  p.text = [=](const Sight& sight) { return sight.look.*member ? yes : no; };
  p.set = [=](Sight& sight, const QString& text) {
    if (text != yes && text != no) refuseOption(optionName(name), text, tr("on or off"));
    sight.look.*member = text == yes;
  };
  p.write = [=](const Sight& sight, QJsonObject& json) { json[name] = sight.look.*member; };
  p.read = [=](Sight& sight, const JsonReader& json) {
    sight.look.*member = json.boolean(name, sight.look.*member);
  };
  return p;
}

/// A number of the look; `of` gives its place in one.
Property number(const QString& name, const QString& words, const QString& about, const Limits& limits,
                double& (*of)(Look&), const QStringList& samples) {
  Property p = ofLook(name, words);
  p.options = {{optionName(name), about, QStringLiteral("X"), {}}};
  p.samples = samples;
  const auto value = [of](const Sight& sight) {
    Look look = sight.look;
    return of(look);
  };
  p.text = [value](const Sight& sight) { return numberText(value(sight)); };
  p.set = [=](Sight& sight, const QString& text) {
    of(sight.look) = numberOption(optionName(name), text, limits);
  };
  p.write = [=](const Sight& sight, QJsonObject& json) { json[name] = value(sight); };
  p.read = [=](Sight& sight, const JsonReader& json) {
    of(sight.look) = json.number(name, of(sight.look), limits);
  };
  return p;
}

/// Which positions M is without.
Property leftOutPositions() {
  const QString name = QStringLiteral("left_out"), option = optionName(name);
  Property p = ofLook(name, tr("M without"));
  p.options = {
      {option,
       tr("Tell M without some positions: none, first, massive or positions from 0, as 0,5-7 (none)."),
       QStringLiteral("WHICH"),
       {}}};
  p.values = {{QStringLiteral("none"), tr("no position")},
              {QStringLiteral("first"), tr("the first position")},
              {QStringLiteral("massive"), tr("positions of massive activations")}};
  p.samples = {QStringLiteral("0"), QStringLiteral("0,5-7")};
  p.text = [](const Sight& sight) { return QString::fromStdString(to_text(sight.look.left_out)); };
  p.set = [option](Sight& sight, const QString& text) {
    try {
      sight.look.left_out = parse_left_out(text.toStdString(), {});
    } catch (const Error&) {
      refuseOption(option, text, tr("none, first, massive or positions from 0, such as 0,5-7"));
    }
  };
  p.write = [name](const Sight& sight, QJsonObject& json) {
    json[name] = QString::fromStdString(to_text(sight.look.left_out));
  };
  p.read = [name](Sight& sight, const JsonReader& json) {
    const QString text = json.string(name, QString::fromStdString(to_text(sight.look.left_out)));
    try {
      sight.look.left_out = parse_left_out(text.toStdString(), {});
    } catch (const Error&) {
      json.fail(name, text, tr("none, first, massive or positions from 0, such as 0,5-7"));
    }
  };
  return p;
}

/// Paths, a line each.
Property paths(const QString& name, const QString& words, const QString& about, const QString& value,
               const QString& what, QStringList Look::*member) {
  const QString none = QStringLiteral("none"), allowed = tr("%1, or none").arg(what);
  Property p = ofLook(name, words);
  p.options = {{name, tr("%1; may be given several times.").arg(about), value, {}, true}};
  p.values = {{none, none}};
  p.samples = {QStringLiteral("/runs/a.json"), QStringLiteral("/runs/a.json\n/runs/b c.json")};
  p.text = [=](const Sight& sight) {
    const QStringList& files = sight.look.*member;
    return files.isEmpty() ? none : files.join(u'\n');
  };
  p.set = [=](Sight& sight, const QString& text) {
    QStringList files;
    for (const QString& file : text == none ? QStringList() : text.split(u'\n')) {
      if (file.trimmed().isEmpty()) refuseOption(name, text, allowed);
      files << QFileInfo(file).absoluteFilePath();
    }
    sight.look.*member = files;
  };
  p.write = [=](const Sight& sight, QJsonObject& json) {
    json[name] = QJsonArray::fromStringList(sight.look.*member);
  };
  p.read = [=](Sight& sight, const JsonReader& json) {
    if (!json.has(name)) return;
    QStringList& files = sight.look.*member;
    files.clear();
    for (const QJsonValue& file : json.array(name)) {
      if (file.toString().isEmpty() || file.toString().contains(u'\n'))
        json.fail(name, file.toVariant().toString(), allowed);
      files << file.toString();
    }
  };
  return p;
}

Property colors() {
  const QString name = QStringLiteral("color_map");
  Property p = ofLook(name, tr("colors"));
  p.options = {{optionName(name), orList(colorMapNames()) + u'.', QStringLiteral("NAME"), {}}};
  for (const QString& map : colorMapNames()) p.values.push_back({map, map});
  p.text = [](const Sight& sight) { return colorMap(sight.look.color_map).name; };
  p.set = [name](Sight& sight, const QString& text) {
    if (!colorMapNames().contains(text)) refuseOption(optionName(name), text, orList(colorMapNames()));
    sight.look.color_map = text;
  };
  p.write = [name](const Sight& sight, QJsonObject& json) { json[name] = sight.look.color_map; };
  p.read = [name](Sight& sight, const JsonReader& json) {
    sight.look.color_map = json.string(name, sight.look.color_map);
    if (!colorMapNames().contains(sight.look.color_map))
      json.fail(name, sight.look.color_map, orList(colorMapNames()));
  };
  return p;
}

void setRange(Look& look, const QString& text) {
  const QString option = QStringLiteral("range");
  const QString kind = text.section(u':', 0, 0), rest = text.section(u':', 1);
  const std::optional<ColorRange> range = fromName<ColorRange>(kind);
  const QStringList numbers = rest.isEmpty() ? QStringList() : rest.split(u',');
  const auto counts = [](ColorRange wanted) -> qsizetype {
    return wanted == ColorRange::Full ? 0 : wanted == ColorRange::Percentile ? 1 : 2;
  };
  if (!range || numbers.size() != counts(*range) || (*range == ColorRange::Full && kind != text))
    refuseOption(option, text, tr("full, percentile:99 or exact:LOW,HIGH"));
  if (range == ColorRange::Percentile) {
    const auto percentile = plainNumber(numbers[0], percentile_limits);
    if (!percentile) {
      refuseOption(
          option, text,
          tr("percentile:P with P from %1 to %2").arg(percentile_limits.low).arg(percentile_limits.high));
    }
    look.percentile = *percentile;
  }
  if (range == ColorRange::Exact) {
    const auto low = plainNumber(numbers[0], color_limits), high = plainNumber(numbers[1], color_limits);
    if (!low || !high || !(*low < *high))
      refuseOption(option, text, tr("exact:LOW,HIGH with the number LOW below the number HIGH"));
    look.exact_low = *low;
    look.exact_high = *high;
  }
  look.range = *range;
}

QString rangeText(const Look& look) {
  const QString name = nameOf(look.range);
  if (look.range == ColorRange::Percentile) return name + u':' + numberText(look.percentile);
  if (look.range == ColorRange::Exact)
    return name + u':' + numberText(look.exact_low) + u',' + numberText(look.exact_high);
  return name;
}

/// The limits of the colours; the numbers of the kinds that are not chosen are kept for when they will be.
Property range() {
  const QString name = QStringLiteral("range"), percentile = QStringLiteral("percentile"),
                low = QStringLiteral("exact_low"), high = QStringLiteral("exact_high");
  Property p = ofLook(name, tr("color limits"));
  p.options = {{name,
                tr("Limits of the colours: full, percentile:99 or exact:LOW,HIGH."),
                QStringLiteral("WHICH"),
                {}}};
  p.samples = {QStringLiteral("full"), QStringLiteral("percentile:97.5"), QStringLiteral("percentile:50"),
               QStringLiteral("exact:-1.5,33")};
  p.text = [](const Sight& sight) { return rangeText(sight.look); };
  p.set = [](Sight& sight, const QString& text) { setRange(sight.look, text); };
  p.write = [=](const Sight& sight, QJsonObject& json) {
    json[name] = nameOf(sight.look.range);
    json[percentile] = sight.look.percentile;
    json[low] = sight.look.exact_low;
    json[high] = sight.look.exact_high;
  };
  p.read = [=](Sight& sight, const JsonReader& json) {
    Look& look = sight.look;
    look.range = json.choice(name, look.range);
    look.percentile = json.number(percentile, look.percentile, percentile_limits);
    look.exact_low = json.number(low, look.exact_low, color_limits);
    look.exact_high = json.number(high, look.exact_high, color_limits);
    if (!(look.exact_low < look.exact_high)) {
      json.fail(low, QString::number(look.exact_low),
                QStringLiteral("below \"exact_high\", which is %1").arg(look.exact_high));
    }
  };
  return p;
}

}  // namespace

std::vector<Property> lookProperties() {
  const auto keys = [](auto... each) { return QList<QKeySequence>{QKeySequence(each)...}; };
  Property picture = choice(QStringLiteral("picture"), tr("picture"), &Look::picture,
                            {{Picture::HeadsDims, {{}, tr("Heads × dims"), keys(Qt::Key_1)}},
                             {Picture::PositionsDims, {{}, tr("Positions × dims"), keys(Qt::Key_2)}},
                             {Picture::AllLayers, {{}, tr("All layers"), keys(Qt::Key_3)}}});
  Property shown = choice(QStringLiteral("shown"), tr("shown"), &Look::shown,
                          {{Shown::Baseline, {{}, tr("baseline"), keys(Qt::SHIFT | Qt::Key_1)}},
                           {Shown::Disrupted, {{}, tr("disrupted"), keys(Qt::SHIFT | Qt::Key_2)}},
                           {Shown::Difference, {{}, tr("difference"), keys(Qt::SHIFT | Qt::Key_3)}}});
  Property after =
      toggle(QStringLiteral("after_rope"), tr("RoPE"), &Look::after_rope,
             {QStringLiteral("before-rope"), tr("Q and K before the rotation."), {}, {}}, tr("before RoPE"),
             {QStringLiteral("after-rope"), tr("Q and K after the rotation (the default)."), {}, {}},
             tr("after RoPE"));
  for (Property* looking : {&picture, &shown, &after}) looking->is_looking = true;
  return {
      picture,
      shown,
      after,
      number(
          QStringLiteral("lambda"), tr("outlines at λ ="),
          tr("Outline entries over this many times the mean of their head (5)."), lambda_limits,
          [](Look& look) -> double& { return look.lambda; },
          {QStringLiteral("0"), QStringLiteral("2.5"), QStringLiteral("4.999999"), QStringLiteral("1e+06")}),
      number(QStringLiteral("activations_over"), tr("massive activations over"),
             tr("Call activations of the residual stream massive over this magnitude (100)."),
             activation_limits, [](Look& look) -> double& { return look.activations.least; },
             {QStringLiteral("0"), QStringLiteral("20.5"), QStringLiteral("1e+09")}),
      number(QStringLiteral("activations_times"), tr("massive activations over × median"),
             tr("And over this many times the median of their layer (1000)."), activation_limits,
             [](Look& look) -> double& { return look.activations.times_median; },
             {QStringLiteral("0"), QStringLiteral("50"), QStringLiteral("1e+09")}),
      leftOutPositions(),
      colors(),
      choice(QStringLiteral("scale"), tr("color scale"), &Look::scale,
             {{ColorScale::Linear, {{}, tr("linear")}},
              {ColorScale::Log, {{}, tr("logarithmic")}},
              {ColorScale::SymLog, {{}, tr("symmetric logarithmic")}}}),
      range(),
      toggle(
          QStringLiteral("one_scale"), tr("color scales of Q, K and V"), &Look::one_scale,
          {QStringLiteral("separate-scales"), tr("Q, K and V each with a colour scale of its own."), {}, {}},
          tr("apart"),
          {QStringLiteral("one-scale"), tr("Q, K and V on one colour scale (the default)."), {}, {}},
          tr("one")),
      toggle(
          QStringLiteral("head_mean"), tr("attention"), &Look::head_mean,
          {QStringLiteral("one-head"), tr("Attention of the selected head (the default)."), {}, {}},
          tr("of one head"),
          {QStringLiteral("mean-of-heads"), tr("Attention as the mean over the heads of a layer."), {}, {}},
          tr("mean over the heads")),
      toggle(QStringLiteral("times_value"), tr("attention"), &Look::times_value,
             {QStringLiteral("attention-alone"), tr("Attention as it is (the default)."), {}, {}},
             tr("as it is"),
             {QStringLiteral("attention-times-value"),
              tr("Attention times the length of each key's value."),
              {},
              {}},
             tr("times the length of the value")),
      paths(QStringLiteral("magnitudes"), tr("largest activations beside"),
            tr("Draw beside the largest activations those that qkscope-cli activations magnitude wrote into "
               "FILE"),
            QStringLiteral("FILE"), tr("a file that qkscope-cli activations magnitude wrote"),
            &Look::magnitudes),
      choice(QStringLiteral("paper_part"), tr("table of the paper"), &Look::paper_part,
             {{PaperPart::Table1, {{}, tr("table 1")}},
              {PaperPart::Figure3a, {{}, tr("figure 3a")}},
              {PaperPart::Figure3b, {{}, tr("figure 3b")}},
              {PaperPart::Figure3c, {{}, tr("figure 3c")}},
              {PaperPart::Figure5, {{}, tr("figure 5")}},
              {PaperPart::Table3, {{}, tr("table 3")}}}),
      choice(QStringLiteral("paper_layout"), tr("layout of the paper's tables"), &Look::paper_layout,
             {{PaperLayout::Published, {{}, tr("as published")}},
              {PaperLayout::ByTask, {{}, tr("task by task")}}}),
      paths(QStringLiteral("results"), tr("results beside the paper's"),
            tr("Draw beside the paper's tables what qkscope-cli experiment wrote into FOLDER"),
            QStringLiteral("FOLDER"), tr("a folder that qkscope-cli experiment wrote"), &Look::results),
      choice(QStringLiteral("token_colors"), tr("colors of tokens"), &Look::token_colors,
             {{TokenColors::None, {{}, tr("plain tokens")}},
              {TokenColors::Baseline, {{}, tr("loss in the baseline")}},
              {TokenColors::Disrupted, {{}, tr("loss under the arm")}},
              {TokenColors::Change, {{}, tr("change under the arm")}}})};
}

}  // namespace qkscope

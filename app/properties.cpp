#include <QCoreApplication>
#include <algorithm>

#include "app/look_properties.h"
#include "app/option_text.h"
#include "app/property.h"
#include "views/shown.h"
#include "views/text.h"

// The table of properties.

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Options", text);
}

constexpr int kMany = 1'000'000;

/// `first`: what a person counts from. Where that is 0, there may be none, -1.
Property index(const QString& name, const QString& about, int Selection::*member, int first) {
  const QString none = QStringLiteral("none");
  const bool has_none = first == 0;
  Property p{.part = QStringLiteral("selection"), .name = name, .words = name, .is_looking = true};
  p.first = first;
  p.options = {{name, about, QStringLiteral("N"), {}}};
  p.samples = {QString::number(first), QString::number(first + 3)};
  if (has_none) p.samples << none;
  p.text = [=](const Sight& sight) {
    const int value = sight.selection.*member;
    return value < 0 ? none : QString::number(value + first);
  };
  p.set = [=](Sight& sight, const QString& text) {
    sight.selection.*member = has_none && text == none ? -1 : integerOption(name, text, first, kMany) - first;
  };
  p.write = [=](const Sight& sight, QJsonObject& json) { json[name] = sight.selection.*member; };
  p.read = [=](Sight& sight, const JsonReader& json) {
    sight.selection.*member = std::max(has_none ? -1 : 0, json.integer(name, sight.selection.*member));
  };
  return p;
}

Property site() {
  const QString name = QStringLiteral("site");
  const auto known = [](const QString& text) -> std::optional<Site> {
    const std::optional<Site> site = site_from_name(text.toStdString());
    return site == Site::Query || site == Site::Key || site == Site::Value ? site : std::nullopt;
  };
  const auto nameOfSite = [](Site site) { return text(site_name(site)); };
  Property p{.part = QStringLiteral("selection"), .name = name, .words = name, .is_looking = true};
  p.options = {{name, tr("Look at query, key or value."), QStringLiteral("SITE"), {}}};
  for (const Site site : {Site::Query, Site::Key, Site::Value})
    p.values.push_back({nameOfSite(site), siteLetter(site)});
  const QString allowed = tr("query, key or value");
  p.text = [=](const Sight& sight) { return nameOfSite(sight.selection.site); };
  p.set = [=](Sight& sight, const QString& text) {
    if (!known(text)) refuseOption(name, text, allowed);
    sight.selection.site = *known(text);
  };
  p.write = [=](const Sight& sight, QJsonObject& json) { json[name] = nameOfSite(sight.selection.site); };
  p.read = [=](Sight& sight, const JsonReader& json) {
    const QString text = json.string(name, nameOfSite(sight.selection.site));
    if (!known(text)) json.fail(name, text, allowed);
    sight.selection.site = *known(text);
  };
  return p;
}

std::vector<Property> selectionTable() {
  using Bound = Property::Bound;
  Property layer = index(QStringLiteral("layer"), tr("Look at this layer, from 1."), &Selection::layer, 1);
  layer.bound = [](const ModelSpec& spec, Site, int) -> std::optional<Bound> {
    return Bound{spec.num_layers(), tr("the model has %1 layers").arg(spec.num_layers())};
  };
  Property head = index(QStringLiteral("head"), tr("Look at this head, from 1."), &Selection::head, 1);
  head.bound = [](const ModelSpec& spec, Site site, int) -> std::optional<Bound> {
    const int heads = siteHeads(spec, site);
    return Bound{heads, tr("%1 has %2 heads").arg(siteLetter(site)).arg(heads)};
  };
  Property dim = index(QStringLiteral("dim"), tr("Mark this dim, from 0, or none."), &Selection::dim, 0);
  dim.bound = [](const ModelSpec& spec, Site, int) -> std::optional<Bound> {
    return Bound{spec.head_dim(), tr("a head has %1 dims").arg(spec.head_dim())};
  };
  Property position =
      index(QStringLiteral("position"), tr("Mark this position, from 0, or none."), &Selection::position, 0);
  position.bound = [](const ModelSpec&, Site, int positions) -> std::optional<Bound> {
    if (positions == 0) return std::nullopt;
    return Bound{positions, tr("the prompt has %1 tokens").arg(positions)};
  };
  Property key =
      index(QStringLiteral("key"), tr("Look from there at the key at this position, from 0, or none."),
            &Selection::key, 0);
  key.words = tr("key position");
  key.bound = position.bound;
  return {site(), layer, head, dim, position, key};
}

}  // namespace

const std::vector<Property>& properties() {
  static const std::vector<Property> all = [] {
    std::vector<Property> table = selectionTable();
    std::ranges::move(lookProperties(), std::back_inserter(table));
    return table;
  }();
  return all;
}

const Property* propertyNamed(const QString& name) {
  const auto found = std::ranges::find(properties(), name, &Property::name);
  return found == properties().end() ? nullptr : &*found;
}

QString Property::valueWords(const Sight& sight) const {
  const QString now = text(sight);
  const auto value = std::ranges::find(values, now, &Value::text);
  return value == values.end() ? now : value->words;
}

}  // namespace qkscope

#include "views/published_activations.h"

#include <QCoreApplication>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <algorithm>

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("PublishedActivations", text);
}

template <typename Number>
std::vector<Number> numbers(const QJsonValue& list) {
  std::vector<Number> all;
  for (const QJsonValue& value : list.toArray()) all.push_back(static_cast<Number>(value.toDouble()));
  return all;
}

}  // namespace

MassiveImpact PublishedActivations::impact() const {
  double times = 1;
  for (std::size_t i = 0; i < std::min(original.size(), zero.size()); ++i)
    times = std::max(times, zero[i] / original[i]);
  return impact_of(times);
}

QString impactWords(MassiveImpact impact) {
  switch (impact) {
    case MassiveImpact::High:
      return tr("high");
    case MassiveImpact::Medium:
      return tr("medium");
    case MassiveImpact::None:
      break;
  }
  return tr("none");
}

QColor impactColor(const PlotStyle& style, MassiveImpact impact) {
  if (impact == MassiveImpact::High) return style.context;
  if (impact == MassiveImpact::None) return style.memory;
  return style.dark ? QColor(0xf0a34a) : QColor(0xa85a00);
}

const std::vector<PublishedActivations>& publishedActivations() {
  static const std::vector<PublishedActivations> all = [] {
    std::vector<PublishedActivations> rows;
    QFile file(QStringLiteral(":/qkscope/massive_activations.json"));
    if (!file.open(QIODevice::ReadOnly)) return rows;
    const QJsonObject root = QJsonDocument::fromJson(file.readAll()).object();
    for (const QJsonValue& value : root[QStringLiteral("models")].toArray()) {
      const QJsonObject row = value.toObject();
      rows.push_back(
          {row[QStringLiteral("model")].toString(), row[QStringLiteral("architecture")].toString(),
           row[QStringLiteral("num_layers")].toInt(), row[QStringLiteral("bos")].toBool(),
           row[QStringLiteral("context_length")].toInt(), numbers<int>(row[QStringLiteral("layers")]),
           row[QStringLiteral("largest")].toDouble(), numbers<int>(row[QStringLiteral("dims")]),
           numbers<double>(row[QStringLiteral("original")]), numbers<double>(row[QStringLiteral("zero")]),
           numbers<double>(row[QStringLiteral("mean")])});
    }
    return rows;
  }();
  return all;
}

bool sameFamily(const QString& a, const QString& b) {
  const auto family = [](const QString& name) { return name.section(QStringLiteral("For"), 0, 0).toLower(); };
  return !a.isEmpty() && family(a) == family(b);
}

}  // namespace qkscope

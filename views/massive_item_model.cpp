#include "views/massive_item_model.h"

#include <QLocale>
#include <algorithm>

namespace qkscope {

namespace {

/// The site a selection names: pre and post RoPE are one there.
Site selectedSite(Site site) {
  if (site == Site::QueryPreRope) return Site::Query;
  return site == Site::KeyPreRope ? Site::Key : site;
}

}  // namespace

void MassiveItemModel::setValues(std::vector<MassiveValue> values, LayerAxes axes, QStringList layers) {
  beginResetModel();
  values_ = std::move(values);
  axes_ = std::move(axes);
  layers_ = std::move(layers);
  endResetModel();
}

void MassiveItemModel::setLayer(int layer, const QColor& tint) {
  if (layer == layer_ && tint == tint_) return;
  layer_ = layer;
  tint_ = tint;
  if (!values_.empty()) {
    Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1), {Qt::BackgroundRole});
  }
}

int MassiveItemModel::rowOf(const Selection& cell) const {
  const auto found = std::find_if(values_.begin(), values_.end(), [&](const MassiveValue& value) {
    return selectedSite(value.where.site) == cell.site && value.where.layer == cell.layer &&
           value.head == cell.head && value.dim == cell.dim;
  });
  return found == values_.end() ? -1 : static_cast<int>(found - values_.begin());
}

int MassiveItemModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(values_.size());
}

int MassiveItemModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : ColumnCount;
}

double MassiveItemModel::wavelength(const MassiveValue& value) const {
  if (value.where.site == Site::Value) return 0;
  const auto rotary = axes_.of(value.where.layer).at(value.dim);
  return rotary && rotary->inv_freq > 0 ? rotary->wavelength : 0;
}

QVariant MassiveItemModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const MassiveValue& value = values_[static_cast<std::size_t>(index.row())];
  const QLocale locale;
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case SiteColumn:
          return siteLetter(value.where.site);
        case LayerColumn:
          return layers_.value(value.where.layer);
        case HeadColumn:
          return value.head + 1;
        case DimColumn:
          return value.dim;
        case MColumn:
          return numberWords(static_cast<double>(value.m));
        case RatioColumn:
          return locale.toString(static_cast<double>(value.ratio), 'f', 1);
        case WavelengthColumn:
          if (const double length = wavelength(value); length > 0)
            return locale.toString(length, 'f', length < 100 ? 1 : 0);
          return tr("–");
      }
      break;
    case SortRole:
      switch (index.column()) {
        case SiteColumn:
          return siteLetter(value.where.site);
        case LayerColumn:
          return value.where.layer;
        case HeadColumn:
          return value.head;
        case DimColumn:
          return value.dim;
        case MColumn:
          return value.m;
        case RatioColumn:
          return value.ratio;
        case WavelengthColumn:
          return wavelength(value);
      }
      break;
    case Qt::TextAlignmentRole:
      return static_cast<int>(index.column() == SiteColumn ? Qt::AlignCenter
                                                           : Qt::AlignRight | Qt::AlignVCenter);
    case Qt::FontRole: {
      QFont font = figures_;
      font.setBold(index.column() == RatioColumn || index.column() == SiteColumn);
      return font;
    }
    case Qt::BackgroundRole:
      if (value.where.layer == layer_) return tint_;
      break;
    default:
      break;
  }
  return {};
}

QVariant MassiveItemModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) return {};
  if (role == Qt::TextAlignmentRole) {
    return static_cast<int>(section == SiteColumn ? Qt::AlignCenter : Qt::AlignRight | Qt::AlignVCenter);
  }
  if (role == Qt::FontRole) return titles_;
  if (role == Qt::DisplayRole) {
    switch (section) {
      case SiteColumn:
        return tr("site");
      case LayerColumn:
        return tr("layer");
      case HeadColumn:
        return tr("head");
      case DimColumn:
        return tr("dim");
      case MColumn:
        return tr("M");
      case RatioColumn:
        return tr("ratio");
      case WavelengthColumn:
        return tr("wavelength");
    }
  }
  if (role == Qt::ToolTipRole) {
    switch (section) {
      case SiteColumn:
        return tr("Q, K or V; V is the control: it has no rotary embedding");
      case LayerColumn:
        return tr("Layer, counted from 1");
      case HeadColumn:
        return tr("Head, counted from 1; for K and V the KV head");
      case DimColumn:
        return tr("Dim of the head, counted from 0");
      case MColumn:
        return tr("L2 norm of the column over all positions of the prompt");
      case RatioColumn:
        return tr("M divided by the mean M of its head");
      case WavelengthColumn:
        return tr("Tokens that one turn of the rotary pair takes");
    }
  }
  return {};
}

}  // namespace qkscope

#pragma once
#include <QAbstractTableModel>
#include <QFont>
#include <vector>

#include "views/shown.h"

namespace qkscope {

/// The massive values of one run as a table: site, layer, head, dim, M, ratio, wavelength.
class MassiveItemModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column {
    SiteColumn,
    LayerColumn,
    HeadColumn,
    DimColumn,
    MColumn,
    RatioColumn,
    WavelengthColumn,
    ColumnCount
  };
  static constexpr int SortRole = Qt::UserRole;  // numbers, or text for the site

  using QAbstractTableModel::QAbstractTableModel;

  /// `layers`: what the layers are called.
  void setValues(std::vector<MassiveValue> values, LayerAxes axes, QStringList layers);
  /// Rows of this layer are tinted.
  void setLayer(int layer, const QColor& tint);
  void setFonts(const QFont& figures, const QFont& titles) {
    figures_ = figures;
    titles_ = titles;
  }
  const MassiveValue& value(int row) const { return values_[static_cast<std::size_t>(row)]; }
  /// Row of a cell; -1 where it is not massive.
  int rowOf(const Selection& cell) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  /// Tokens a turn of its rotary pair takes; 0 where it does not turn.
  double wavelength(const MassiveValue& value) const;

  std::vector<MassiveValue> values_;
  LayerAxes axes_;
  QStringList layers_;
  int layer_ = -1;
  QColor tint_;
  QFont figures_, titles_;
};

}  // namespace qkscope

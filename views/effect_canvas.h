#pragma once
#include <QWidget>
#include <optional>
#include <vector>

#include "core/tasks/effect_map.h"
#include "views/heatmap.h"

namespace qkscope {

/// What each layer, or each head, does to an answer when it alone is disrupted: nine small maps on one colour
/// scale, Q, K and both below each other, the massive values, the smallest and random ones side by side. A
/// column is a layer, a row a query head, or all of the layer. Cells that are not there yet are left empty; a
/// dot stands where the answer is another.
class EffectCanvas : public QWidget {
  Q_OBJECT
 public:
  explicit EffectCanvas(QWidget* parent);

  /// `heads`: rows of a map; 1 for whole layers.
  void setCells(int layers, int heads, std::vector<EffectCell> cells);
  const std::vector<EffectCell>& cells() const { return cells_; }
  QSize sizeHint() const override { return {900, 420}; }
  QSize minimumSizeHint() const override { return {480, 240}; }
  /// Where a cell stands; empty where it is not there.
  QRectF rectOf(const EffectCell& cell) const;

 Q_SIGNALS:
  void cellChosen(const qkscope::EffectCell& cell);
  /// The cell under the pointer in words; nothing when it leaves.
  void hovered(const QString& words);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Panel {
    EffectSite site;
    EffectPick pick;
    Heatmap map;  // NaN: not there yet
    CellGrid grid;
  };
  void layOut();
  const EffectCell* cellAt(const QPointF& at) const;

  int layers_ = 0, heads_ = 1;
  std::vector<EffectCell> cells_;
  std::vector<Panel> panels_;
  QRectF bar_, bar_label_;
  double most_ = 0;  // nats, of the strongest cell
};

/// "layer 14, Q, massive: +0.07 nats ..." in one sentence.
QString effectWords(const EffectCell& cell);

}  // namespace qkscope

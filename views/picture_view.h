#pragma once
#include <QPixmap>

#include "views/map_painter.h"
#include "views/view.h"

namespace qkscope {

/// The picture in the middle: heads x dims, positions x dims or all layers, as Look::picture says. Wheel
/// zooms at the cursor (Ctrl: dims only, Shift: rows only), drag pans, Ctrl + drag zooms into a box, double
/// click fits, Backspace zooms back; arrows walk the cells, Page Up and Page Down the layers. Shift + click
/// and Shift + drag disrupt what they point at, too; the right button offers more.
class PictureView : public View {
  Q_OBJECT
 public:
  PictureView(ViewState& state, QWidget* parent);

  Needs needs() const override;
  bool isFigure() const override { return true; }
  void paintFigure(QPainter& painter, const QRectF& area) const override;
  std::vector<FigureArray> figureArrays() const override;
  QString figureTitle() const override;
  QString whyNoFigure() const override { return whyNothing(data(), state().look()); }
  FigureZoom figureZoom() const override { return zoom_; }
  void setFigureZoom(const FigureZoom& zoom) override { setZoom(zoom, true); }
  std::optional<ColorLimits> colorLimits() const override { return shownLimits(model_); }

  void setArms(const Arms& arms) override;
  /// Blocks of cells of each map whose columns are taken, as (column, row).
  const std::vector<std::vector<QRect>>& edited() const { return edited_; }

  /// What is drawn. Where the values of the selected layer are still to come, the picture before them.
  const MapModel& model() const { return model_; }
  /// Why it is not yet what is asked for; empty where it is.
  const QString& awaited() const { return awaited_; }
  const MapLayout& layoutNow() const { return layout_; }
  const MapZoom& zoom() const { return zoom_; }
  QSize minimumSizeHint() const override { return {420, 300}; }
  QSize sizeHint() const override { return {860, 620}; }

  void fit();
  void zoomBack();
  /// `factor` > 1 comes closer, `at` keeps its place.
  void zoomAt(const QPointF& at, double factor, bool dims, bool rows);

 protected:
  void refresh() override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool event(QEvent* event) override;
  void changeEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  void selectionMoved();
  void take(MapModel model);
  void layOut();
  void setZoom(const MapZoom& zoom, bool remember);
  void hover();
  void select(const CellRef& cell);
  /// The cell at a point of the maps, or of the ruler and the dims above them: of the row that is selected.
  std::optional<CellRef> pointedAt(const QPointF& at) const;
  /// What a click or a frame with Shift means, from one cell to another of a map.
  void point(const CellRef& from, const CellRef& to);
  void markEdited();
  void walk(int rows, int dims);
  void walkLayers(int layers);
  void sayCell();

  MapModel model_;
  QString awaited_;
  // What model_ is a picture of.
  std::shared_ptr<const void> pictured_source_;  // the model or the files
  TokenIds pictured_prompt_;
  MapLayout layout_;
  MapZoom zoom_ = whole_map;
  std::vector<MapZoom> zoom_history_;
  QPixmap scene_;                   // everything but the marks
  bool scene_due_ = true;           // it has to be painted anew
  std::optional<QPointF> pointer_;  // while it is over the picture
  std::optional<CellRef> hovered_;
  Arms arms_;
  TakenColumns taken_;                      // by the shown arm; none where they are not to be marked
  std::vector<std::vector<QRect>> edited_;  // see edited()

  // A drag that has begun; `moved` once it is no click any more.
  struct Drag {
    QPointF from;
    MapZoom zoom;
    std::size_t panel = 0;
    enum { Pan, Zoom, Frame } kind = Pan;
    bool moved = false;
    QPointF to;
  };
  std::optional<Drag> drag_;
};

}  // namespace qkscope

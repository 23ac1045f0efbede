#pragma once
#include "tests/views/sample.h"
#include "views/picture_view.h"

namespace qkscope::test {

/// A picture in a window.
struct PictureStage {
  explicit PictureStage(const ViewData& data, const Look& look = {}) {
    state.setLook(look);
    view = new PictureView(state, &window);
    lightPalette(*view);
    view->resize(700, 500);
    window.resize(700, 500);
    window.show();
    view->setData(data);
    settle();
  }
  void settle() {
    QCoreApplication::processEvents();
    QCoreApplication::processEvents();
  }
  QRectF cell(std::size_t panel, int row, int column) const {
    return view->layoutNow().cell({panel, row, column});
  }
  /// A point of the cell that neither its number nor its frame covers.
  QPoint ground(std::size_t panel, int row, int column) const {
    const QRectF r = cell(panel, row, column);
    return QPointF(r.center().x(), r.bottom() - 5).toPoint();
  }
  QImage image() {
    settle();
    return view->grab().toImage();
  }
  void key(Qt::Key key) { QTest::keyClick(view, key); }

  ViewState state;
  QWidget window;
  PictureView* view;
};

}  // namespace qkscope::test

#pragma once
#include "tests/views/sample.h"
#include "views/view_registry.h"

namespace qkscope::test {

/// One registered panel in a window.
struct Stage {
  Stage(const QString& id, const ViewData& data, const QSize& size = {330, 600}) {
    for (const ViewEntry& entry : viewRegistry()) {
      if (entry.id == id) view = entry.make(state, &window);
    }
    view->resize(size);
    window.resize(size);
    window.show();
    view->setData(data);
    settle();
  }
  void settle() {
    QCoreApplication::processEvents();
    QCoreApplication::processEvents();
  }
  ViewState state;
  QWidget window;
  View* view = nullptr;
};

}  // namespace qkscope::test

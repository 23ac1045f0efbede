#pragma once
#include <QAction>
#include <QDockWidget>
#include <QImage>
#include <map>

#include "tests/app/window_test.h"
#include "views/view_registry.h"

namespace qkscope::test {

using Pictures = std::map<QString, QImage>;

/// Every registered view, and every picture, as the window shows it; the window is as before then.
inline Pictures viewPictures(MainWindow& window) {
  const auto settle = [&window] {
    WindowTestCase::settle();
    QVERIFY(QTest::qWaitFor([&window] { return !window.session().isBusy(); }, 60000));
    WindowTestCase::settle();
  };
  Pictures pictures;
  // A panel that came and went leaves its neighbours a little higher or lower.
  const QByteArray layout = window.saveState();
  for (const ViewEntry& entry : viewRegistry()) {
    View* view = window.findChild<View*>(entry.id);
    auto* dock = qobject_cast<QDockWidget*>(view->parentWidget());
    const auto toggle = [&] { window.findChild<QAction*>(QStringLiteral("panel_") + entry.id)->trigger(); };
    if (!entry.at_start) toggle();
    if (dock) dock->raise();
    settle();
    pictures[entry.id] = view->grab().toImage();
    if (!entry.at_start) toggle();
  }
  window.restoreState(layout);
  window.findChild<QDockWidget*>(QStringLiteral("dockMassive"))->raise();
  const Look before = window.state().look();
  for (const Picture picture : {Picture::PositionsDims, Picture::AllLayers}) {
    Look look = before;
    look.picture = picture;
    window.state().setLook(look);
    settle();
    pictures[QStringLiteral("picture %1").arg(static_cast<int>(picture))] =
        window.findChild<View*>(QStringLiteral("picture"))->grab().toImage();
  }
  window.state().setLook(before);
  return pictures;
}

/// Fails where they differ, and names them; QKSCOPE_SNAPSHOTS is the folder for those that do.
inline void comparePictures(const Pictures& seen, const Pictures& wanted, const QString& how) {
  QCOMPARE(seen.size(), wanted.size());
  QStringList wrong;
  const QString folder = qEnvironmentVariable("QKSCOPE_SNAPSHOTS");
  for (const auto& [name, image] : wanted) {
    if (seen.at(name) == image) continue;
    wrong << name;
    if (folder.isEmpty()) continue;
    const QString file = folder + QStringLiteral("/%1, %2").arg(name, how);
    seen.at(name).save(file + QStringLiteral(" seen.png"));
    image.save(file + QStringLiteral(" wanted.png"));
  }
  QVERIFY2(wrong.isEmpty(), qPrintable(how + QStringLiteral(": ") + wrong.join(QStringLiteral(", "))));
}

}  // namespace qkscope::test

#pragma once
#include <QDropEvent>
#include <QMimeData>
#include <QUrl>

#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

/// A test of a window in which the small model has answered two prompts, one edit ready in its arm.
class LoadedWindowTestCase : public AppTestCase {
 protected:
  struct Ready {
    MainWindow window;
    bool there = false;
    Ready() {
      window.session().setMaxNewTokens(6);
      Document document = window.document();
      document.prompts = smallPrompts();
      document.arms.shown().edits = {parse_disruption("site=q,pick=largest:2,replace=zero")};
      window.setDocument(document);
      window.show();
      window.activateWindow();
      window.loadModel(QString::fromStdString(smallModel().string()), onOneThread());
      there = finish(window.session()) && window.session().model();
    }
  };

  static void drop(QWidget& widget, const QList<QUrl>& urls) {
    QMimeData mime;
    mime.setUrls(urls);
    QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&widget, &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent event(QPointF(50, 50), Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&widget, &event);
  }

  static QString message(const MainWindow& window) { return window.findChild<MessageBar*>()->text(); }
};

}  // namespace qkscope::test

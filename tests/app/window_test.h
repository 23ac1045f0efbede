#pragma once
#include <memory>

#include "app/mainwindow.h"
#include "tests/app/app_test.h"
#include "tests/support/tiny_model.h"

namespace qkscope::test {

/// A test of the whole window, on a model of the repository itself, so that it never skips.
class WindowTestCase : public AppTestCase {
 public:
  /// Until layouts, timers of no time and paints have caught up with each other.
  static void settle() {
    for (int i = 0; i < 6; ++i) {
      View::refreshAllDue();
      QCoreApplication::sendPostedEvents();
      QCoreApplication::processEvents();
    }
  }

 protected:
  TinyModel model_;

  Document document(const QString& text = QStringLiteral("Ab cd efg h")) const {
    Document document;
    document.model = QString::fromStdString(model_.folder().string());
    document.prompts = {{PromptKind::Context, text, QStringLiteral(" xy"), true},
                        {PromptKind::Memory, QStringLiteral("what is it?"), QString(), true}};
    document.arms.shown().edits = {parse_disruption("site=q,pick=largest:2,replace=zero")};
    document.arms.on = true;
    document.look.shown = Shown::Disrupted;
    document.look.lambda = 1.5;
    document.selection = {Site::Query, 0, 1, 3, -1};
    return document;
  }

  /// A window of 1280 x 800 with everything in it that can be seen: answers of both arms, massive values, a
  /// message. Null where the model did not load.
  std::unique_ptr<MainWindow> makeWindow(const Document& document) const {
    auto window = std::make_unique<MainWindow>();
    window->session().setMaxNewTokens(6);
    window->setDocument(document);
    window->resize(1280, 800);
    window->show();
    window->loadModel(document.model, {});
    if (!finish(window->session()) || !window->session().model()) return nullptr;
    window->showError(QStringLiteral("A sentence that says what went wrong."));
    settle();
    return window;
  }
  std::unique_ptr<MainWindow> makeWindow() const { return makeWindow(document()); }
};

}  // namespace qkscope::test

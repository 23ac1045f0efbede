#include <QElapsedTimer>

#include "app/prompt_text.h"
#include "tests/app/app_test.h"
#include "tests/support/tiny_model.h"
#include "views/picture_view.h"

namespace qkscope::test {

/// A picture and the session that runs for it, wired as the window does.
class TestPictureRuns : public AppTestCase {
  Q_OBJECT
 private Q_SLOTS:
  // Layer and head of positions x dims change without a run: the values of all layers are there.
  void lookingAroundRunsNothing() {
    const TinyModel tiny;
    ViewState state;
    Session session;
    session.setMaxNewTokens(0);
    QWidget window;
    auto* view = new PictureView(state, &window);
    view->resize(700, 500);
    window.resize(700, 500);
    const auto needs = [&] { session.setNeeds(view->needs()); };
    connect(view, &View::needsChanged, &session, needs);
    connect(&session, &Session::dataChanged, view, [&] {
      view->setData(session.data());
      needs();
    });
    window.show();
    Look look;
    look.picture = Picture::PositionsDims;
    state.setLook(look);
    session.load(tiny.folder());
    session.setPrompts({{PromptKind::Free, QStringLiteral("positions"), QString(), true}}, 0);
    QVERIFY(finish(session));
    QCoreApplication::processEvents();
    QVERIFY(finish(session));
    QCOMPARE(session.data().prompt_tokens,
             static_cast<int>(session.data().comparison->request.prompt.size()));

    const ModelSpec& spec = session.model()->spec();
    QVERIFY(spec.num_heads() > spec.num_kv_heads() && spec.num_layers() > 1);
    QSignalSpy busy(&session, &Session::busyChanged);
    QSignalSpy data(&session, &Session::dataChanged);
    for (int layer = 0; layer < spec.num_layers(); ++layer) {
      for (int head = 0; head < spec.num_kv_heads(); ++head) {
        state.setSelection({Site::Value, layer, head, 0, 1});
        QCoreApplication::processEvents();
        QCoreApplication::processEvents();
        QVERIFY(view->awaited().isEmpty());
        const MapPanel& panel = view->model().panels[2];
        QCOMPARE(panel.layer, layer);
        QCOMPARE(panel.head, head);
        const Array* values = session.data().comparison->baseline->capture.value(layer, Site::Value);
        QVERIFY(values);
        const auto at = static_cast<std::size_t>(((1 * spec.num_kv_heads()) + head) * spec.head_dim());
        QCOMPARE(panel.map.at(1, 0), std::abs(values->data[at]));
      }
    }
    QCOMPARE(busy.count(), 0);
    QCOMPARE(data.count(), 0);

    // The length of a new prompt is told before it is run.
    session.setPrompts({{PromptKind::Free, QStringLiteral("other"), QString(), true}}, 0);
    const auto length = static_cast<int>(readPrompt(*session.model(), session.prompts()[0]).ids.size());
    bool told = false;
    connect(&session, &Session::dataChanged, &session, [&] {
      const auto& comparison = session.data().comparison;
      const bool run = comparison && static_cast<int>(comparison->request.prompt.size()) == length;
      told = told || (!run && session.data().prompt_tokens == length);
    });
    QVERIFY(finish(session));
    QVERIFY(told);
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPictureRuns)
#include "test_picture_runs.moc"

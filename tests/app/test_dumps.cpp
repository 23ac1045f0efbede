// Files of activations in the window, without a model.
#include <QAction>
#include <QComboBox>
#include <QDropEvent>
#include <QMimeData>
#include <QPushButton>

#include "app/dump_dialog.h"
#include "app/export.h"
#include "tests/app/window_test.h"
#include "tests/support/npy_bytes.h"
#include "views/map_model.h"
#include "views/massive_item_model.h"
#include "views/overview_painter.h"
#include "views/shown.h"

using namespace qkscope;
using namespace qkscope::test;

class TestDumps : public WindowTestCase {
  Q_OBJECT
 private:
  static QString s(const char* text) { return QString::fromUtf8(text); }
  /// (11, heads, 16): ones, and a massive value at dim 5 of the last head.
  QString npy(const char* name, int heads, int positions = 11) const {
    std::vector<float> numbers(static_cast<std::size_t>(positions * heads * 16), 1.0f);
    for (int p = 0; p < positions; ++p)
      numbers[static_cast<std::size_t>((p * heads + heads - 1) * 16 + 5)] = 50;
    return writeFile(s(name),
                     QByteArray::fromStdString(npy_bytes("<f4", {positions, heads, 16}, raw_bytes(numbers))));
  }
  static DumpSource source(const QStringList& files) {
    DumpSource all;
    for (const QString& file : files) all.files.emplace_back(file.toStdString());
    return all;
  }
  static bool shows(MainWindow& window) {
    return QTest::qWaitFor([&] { return !window.session().isBusy() && window.session().dump(); }, 10000);
  }

 private Q_SLOTS:
  void picturesWithoutAModel() {
    MainWindow window;
    window.setDocument(defaultDocument());
    window.show();
    window.openDump(source({npy("q_layer7.npy", 4), npy("k_layer7.npy", 2), npy("v_layer7.npy", 2)}), true);
    QVERIFY(shows(window));
    QVERIFY(!window.session().model());
    const ViewData& data = window.session().data();
    QVERIFY(data.state == DataState::Current && data.spec() && !data.card);
    for (const Picture picture : {Picture::HeadsDims, Picture::PositionsDims, Picture::AllLayers}) {
      Look look = window.state().look();
      look.picture = picture;
      window.state().setLook(look);
      const MapModel map = mapModel(data, window.state().selection(), look);
      QVERIFY2(map.message.isEmpty(), qPrintable(map.message));
      for (const MapPanel& panel : map.panels) QVERIFY2(!panel.map.empty(), qPrintable(panel.missing));
      QVERIFY2(map.no_ruler.contains(s("no RoPE is known")), qPrintable(map.no_ruler));
      // No wavelength is made up for the data beside a figure.
      for (const FigureArray& array : mapArrays(data, window.state().selection(), look))
        QVERIFY(array.name != s("wavelength"));
    }
    // No picture or table takes it for a model's first layer.
    QCOMPARE(layerWords(data, 0), s("layer7"));
    QCOMPARE(layerLabels(data), QStringList{s("layer7")});
    QCOMPARE(layersModel(data, window.state().selection(), window.state().look()).row_names,
             layerLabels(data));
    QCOMPARE(overviewOf(data, window.state().look(), false).layer_labels, layerLabels(data));
    const auto* table = window.findChild<MassiveItemModel*>();
    QVERIFY(table);
    QTRY_COMPARE(table->rowCount(), 3);  // of Q, K and V
    QCOMPARE(table->index(0, MassiveItemModel::LayerColumn).data().toString(), s("layer7"));
    const auto found = massive_values(data.comparison->baseline->capture.norms, Site::Query, 5);
    QCOMPARE(found.size(), 1u);
    QCOMPARE(found[0].head, 3);
    QCOMPARE(found[0].dim, 5);
    QVERIFY(window.windowTitle().contains(s("q_layer7")));
    settle();
    QVERIFY(!window.grab().isNull());
  }

  /// M of files without positions, too, which the look alone asks for.
  void positionsAreLeftOut() {
    MainWindow window;
    window.show();
    window.openDump(source({npy("q.npy", 4)}), true);
    QVERIFY(shows(window));
    const Array all = *window.session().data().comparison->baseline->capture.norm(0, Site::Query);
    window.findChild<QAction*>(s("left_out_first"))->trigger();
    settle();
    const ViewData& data = window.session().data();
    const Look& look = window.state().look();
    QCOMPARE(shownLeftOut(data, look), std::vector<int>{0});
    const Array& values = *data.comparison->baseline->capture.value(0, Site::Query);
    const Array without = *shownNorm(data, look, 0, Site::Query);
    for (std::size_t i = 0; i < all.data.size(); ++i) {
      const double first = static_cast<double>(values.data[i]), whole = static_cast<double>(all.data[i]);
      QVERIFY(std::abs(static_cast<double>(without.data[i]) - std::sqrt(whole * whole - first * first)) <
              1e-3 * whole);
    }
    window.findChild<QAction*>(s("undo"))->trigger();
    settle();
    QVERIFY(shownLeftOut(window.session().data(), window.state().look()).empty());
    QVERIFY(*shownNorm(window.session().data(), window.state().look(), 0, Site::Query) == all);
  }

  /// A site that no file has is said to be absent, not to come.
  void whatIsNotThereIsSaid() {
    MainWindow window;
    window.show();
    window.openDump(source({npy("q.npy", 4)}), true);
    QVERIFY(shows(window));
    const ViewData& data = window.session().data();
    QCOMPARE(layerLabels(data), QStringList{s("–")});  // the file does not say
    const MapModel map = mapModel(data, {}, {});
    for (const MapPanel& panel : map.panels)
      QCOMPARE(panel.missing, panel.site == Site::Query ? QString() : s("not in the file"));
    Look disrupted;
    disrupted.shown = Shown::Disrupted;
    QVERIFY(whyNothing(data, disrupted).contains(s("no model")));
  }

  /// D, the presets and the prompts say why there is nothing for them to do.
  void nothingRuns() {
    MainWindow window;
    window.setDocument(document());  // its disruption is on
    window.show();
    window.openDump(source({npy("q.npy", 4)}), true);
    QVERIFY(shows(window));
    QVERIFY(!window.session().arms().on);
    window.findChild<QAction*>(s("disrupt"))->trigger();
    settle();
    QVERIFY(!window.session().arms().on);
    QVERIFY(!window.findChild<QAction*>(s("disrupt"))->isChecked());
    const PromptResult& result = window.session().results().front();
    QCOMPARE(result.baseline.status.state, ArmState::Failed);
    QVERIFY2(result.baseline.problem.contains(s("no model")), qPrintable(result.baseline.problem));
    // One sentence, and no word of D.
    QCOMPARE(stateWords(result, result.baseline), result.baseline.problem);
    QCOMPARE(stateWords(result, result.arms[0]), QString());
    window.session().resume();
    settle();
    QVERIFY(window.session().data().state == DataState::Current);
    QVERIFY(window.session().data().comparison);
  }

  /// The axes are asked for where sizes leave them open, and the answer holds for the next file of that
  /// shape.
  void ambiguousAxesAreAskedFor() {
    MainWindow window;
    window.show();
    const QString file = npy("q_amb.npy", 4, 8);  // (8, 4, 16): either may be the heads
    window.openPath(file, true);
    QVERIFY(QTest::qWaitFor([&] { return window.findChild<DumpDialog*>() != nullptr; }, 10000));
    auto* dialog = window.findChild<DumpDialog*>();
    auto* layout = dialog->findChild<QComboBox*>(s("dumpLayout"));
    QCOMPARE(layout->currentText(), s("8 positions, 4 heads of 16"));
    const int other = layout->findText(s("4 positions, 8 heads of 16"));
    QVERIFY(other >= 0);
    layout->setCurrentIndex(other);
    auto* theta = dialog->findChild<QComboBox*>(s("dumpTheta"));
    auto* show = dialog->findChild<QPushButton*>(s("showDump"));
    theta->setCurrentText(s("ten"));
    QVERIFY(!show->isEnabled());
    theta->setCurrentText(s("500000"));
    QVERIFY(show->isEnabled());
    show->click();
    QVERIFY(shows(window));
    QCOMPARE(window.session().dump()->spec.num_heads(), 8);
    QCOMPARE(window.session().dump()->spec.rope()->theta, 500000.0);
    QVERIFY(window.document().dump == window.session().dump()->source);

    MainWindow next;
    next.show();
    next.openPath(file, true);
    QVERIFY(shows(next));
    QCOMPARE(next.session().dump()->spec.num_heads(), 8);
  }

  /// A model takes the place of files, and files that of a model.
  void modelsAndFilesTakeTurns() {
    auto window = makeWindow();
    QVERIFY(window);
    window->openDump(source({npy("q.npy", 4)}), true);
    QVERIFY(shows(*window));
    QVERIFY(!window->session().model());
    QVERIFY(window->document().model.isEmpty());
    window->loadModel(QString::fromStdString(model_.folder().string()), {});
    QVERIFY(finish(window->session()));
    QVERIFY(window->session().model() && !window->session().dump());
    QVERIFY(window->document().dump.files.empty());
    QVERIFY(window->session().data().card);
  }

  void severalFilesAreDroppedTogether() {
    MainWindow window;
    window.show();
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(npy("q.npy", 4)), QUrl::fromLocalFile(npy("k.npy", 2))});
    QDragEnterEvent enter(QPoint(5, 5), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&window, &enter);
    QDropEvent drop(QPointF(5, 5), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&window, &drop);
    QVERIFY(shows(window));
    QCOMPARE(window.session().dump()->spec.num_kv_heads(), 2);
  }

  /// What cannot be read leaves what is there, with a sentence.
  void brokenFiles() {
    MainWindow window;
    window.show();
    window.openDump(source({npy("q.npy", 4)}), true);
    QVERIFY(shows(window));
    const auto before = window.session().dump();
    QSignalSpy failed(&window.session(), &Session::failed);
    window.openPath(writeFile(s("bad.npz"), "PK\x03\x04 nothing"), true);
    QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, 10000);
    QVERIFY2(failed[0][0].toString().contains(s("bad.npz")), qPrintable(failed[0][0].toString()));
    QCOMPARE(window.session().dump(), before);
  }
};

QTEST_MAIN(TestDumps)
#include "test_dumps.moc"

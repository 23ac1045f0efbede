#include <QAbstractButton>
#include <QClipboard>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSignalSpy>
#include <QSpinBox>
#include <QToolButton>
#include <cstring>
#include <limits>

#include "tests/views/sample.h"
#include "views/disruption_view.h"
#include "views/disruption_words.h"
#include "views/edit_list.h"
#include "views/exact_boxes.h"
#include "views/shown.h"

namespace qkscope::test {

namespace {

/// The edit panel in a window; what it asks for becomes what it shows, as in the application.
struct Stage {
  explicit Stage(const Disruption& disruption) {
    view = new DisruptionView(state, &window);
    view->resize(330, 700);
    window.resize(330, 700);
    window.show();
    show({disruption});
    QObject::connect(view, &View::armsEdited, view, [this](const Arms& edited) {
      ++asked;
      arms = edited;
      if (!edits().empty() && edits()[0].disruption()) now = *edits()[0].disruption();
      view->setArms(arms);
    });
    now = disruption;
    QCoreApplication::processEvents();
  }
  void show(const Edits& edits) {
    arms = withEdits(arms, edits);
    view->setArms(arms);
  }
  const Edits& edits() const { return arms.shown().edits; }
  template <class Widget>
  Widget& find(const char* name) {
    return *view->findChild<Widget*>(QLatin1String(name));
  }

  ViewState state;
  QWidget window;
  DisruptionView* view;
  Arms arms;
  Disruption now;  // the first edit
  int asked = 0;
};

bool sameBits(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// Every field at a value that no ordinary box holds.
Disruption oddDisruption(double lambda, std::uint64_t seed, int n) {
  Disruption d = parse_disruption(
      "site=kv,pick=random:3,replace=max,pool=own,mask=live,phase=every,cache=clean,layers=2-3,heads=1,4");
  d.pick.lambda = lambda;
  d.pick.seed = seed;
  d.pick.n = n;
  return d;
}

/// Equal in every member, those that the kind does not look at included.
bool identical(const Disruption& a, const Disruption& b) {
  return a == b && sameBits(a.pick.lambda, b.pick.lambda) && a.pick.seed == b.pick.seed &&
         a.pick.n == b.pick.n && a.pick.as_many_as_lambda == b.pick.as_many_as_lambda;
}

}  // namespace

class TestDisruptionView : public TestCase {
  Q_OBJECT

  static void oddNumbers() {
    QTest::addColumn<double>("lambda");
    QTest::addColumn<quint64>("seed");
    QTest::addColumn<int>("n");
    const quint64 most = std::numeric_limits<quint64>::max();
    QTest::newRow("digits") << 4.999999 << (quint64{1} << 63) + 1 << 70000;
    QTest::newRow("tiny") << 1e-30 << most << std::numeric_limits<int>::max();
    QTest::newRow("minute") << 1.25e-300 << most - 1 << 0;
    QTest::newRow("largest") << std::numeric_limits<double>::max() << quint64{0} << 1;
    QTest::newRow("third") << 1.0 / 3.0 << (quint64{1} << 31) << 12;
    QTest::newRow("zero") << 0.0 << (quint64{1} << 53) + 1 << 2;
  }

 private Q_SLOTS:
  void untouchedFieldsStayAsTheyAre_data() { oddNumbers(); }
  void untouchedFieldsStayAsTheyAre() {
    QFETCH(double, lambda);
    QFETCH(quint64, seed);
    QFETCH(int, n);
    for (const PickKind kind : {PickKind::Lambda, PickKind::Largest, PickKind::Random}) {
      for (const bool matched : {false, true}) {
        Disruption odd = oddDisruption(lambda, seed, n);
        odd.pick.kind = kind;
        odd.pick.as_many_as_lambda = matched;
        Stage stage(odd);
        stage.window.activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(&stage.window));
        // Tab through every field and press Enter in each: looking asks for nothing.
        QWidget* first = stage.view->findChild<QLineEdit*>(QStringLiteral("disruptHeads"));
        first->setFocus();
        for (int i = 0; i < 40; ++i) {
          QWidget* field = stage.window.focusWidget();
          if (!qobject_cast<QAbstractButton*>(field)) QTest::keyClick(field, Qt::Key_Return);
          QTest::keyClick(field, Qt::Key_Tab);
        }
        QCOMPARE(stage.asked, 0);
        // One field is touched: it alone changes.
        stage.find<QAbstractButton>("disruptQuery").click();
        Disruption expected = odd;
        expected.query = true;
        QCOMPARE(stage.asked, 1);
        QVERIFY(identical(stage.now, expected));
        auto& mask = stage.find<QComboBox>("disruptMask");
        mask.setCurrentIndex(0);
        Q_EMIT mask.activated(0);
        expected.mask = Mask::Clean;
        QVERIFY(identical(stage.now, expected));
      }
    }
  }

  // What the boxes show reads back as what they hold.
  void boxesShowTheWholeNumber_data() { oddNumbers(); }
  void boxesShowTheWholeNumber() {
    QFETCH(double, lambda);
    QFETCH(quint64, seed);
    QFETCH(int, n);
    Stage stage(oddDisruption(lambda, seed, n));
    auto& box = stage.find<ExactDoubleBox>("disruptLambda");
    QVERIFY(sameBits(box.value(), lambda));
    QString text = box.text();
    text.remove(box.prefix());
    QVERIFY(sameBits(QLocale().toDouble(text), lambda));
    QCOMPARE(stage.find<SeedBox>("disruptSeed").text(), QString::number(seed));
    QCOMPARE(stage.find<QSpinBox>("disruptCount").value(), n);
    Disruption words = oddDisruption(lambda, seed, n);
    words.pick.kind = PickKind::Lambda;
    QVERIFY(shortWords(words).contains(u'=' + exactWords(lambda) + u' '));
    QVERIFY(longWords(words).contains(u' ' + exactWords(lambda) + u' '));
  }

  void fieldsAreTaken() {
    Stage stage(oddDisruption(4.999999, 7, 3));
    const auto type = [&](QWidget& field, const QString& text) {
      QTest::keyClick(&field, Qt::Key_A, Qt::ControlModifier);
      QTest::keyClicks(&field, text);
      QTest::keyClick(&field, Qt::Key_Return);
    };
    auto& seed = stage.find<SeedBox>("disruptSeed");
    type(seed, QStringLiteral("18446744073709551615"));
    QCOMPARE(stage.now.pick.seed, std::numeric_limits<std::uint64_t>::max());
    seed.stepBy(1);  // there is none above
    QCOMPARE(stage.now.pick.seed, std::numeric_limits<std::uint64_t>::max());
    seed.stepBy(-10);
    QCOMPARE(stage.now.pick.seed, std::numeric_limits<std::uint64_t>::max() - 10);
    type(seed, QStringLiteral("18446744073709551616"));  // one too many: the last digit is not taken
    QCOMPARE(stage.now.pick.seed, std::uint64_t{1844674407370955161});
    type(seed, QStringLiteral("3"));
    seed.stepBy(-5);
    QCOMPARE(stage.now.pick.seed, std::uint64_t{0});
    auto& matched = stage.find<QAbstractButton>("disruptMatched");
    matched.click();
    QVERIFY(stage.now.pick.as_many_as_lambda);
    type(stage.find<ExactDoubleBox>("disruptLambda"), QStringLiteral("3.25"));
    QCOMPARE(stage.now.pick.lambda, 3.25);
    matched.click();
    type(stage.find<QSpinBox>("disruptCount"), QStringLiteral("12"));
    QCOMPARE(stage.now.pick.n, 12);
    type(stage.find<QLineEdit>("disruptLayers"), QStringLiteral("1-2, 5"));
    QCOMPARE(stage.now.layers, (std::vector<int>{0, 1, 4}));
    const auto choose = [&](const char* name, int index) {
      auto& box = stage.find<QComboBox>(name);
      box.setCurrentIndex(index);
      Q_EMIT box.activated(index);
    };
    choose("disruptReplace", 3);
    QCOMPARE(stage.now.replace, Replace::Min);
    choose("disruptPool", 0);
    QCOMPARE(stage.now.pool, Pool::Chosen);
    choose("disruptPhase", 0);
    QCOMPARE(stage.now.phase, Phase::Prefill);
    choose("disruptPick", 1);
    QCOMPARE(stage.now.pick.kind, PickKind::Largest);
    stage.find<QAbstractButton>("disruptCache").click();
    QVERIFY(stage.now.reaches_kv_cache);
    const int asked = stage.asked;
    type(stage.find<QLineEdit>("disruptHeads"), QStringLiteral("9-2"));
    QCOMPARE(stage.asked, asked);
    auto* words = stage.view->findChild<QWidget*>(QStringLiteral("disruptionWords"));
    QVERIFY(words->property("text").toString().contains(QStringLiteral("9-2")));
  }

  // Every edit of the arm has its row; what is done to one is asked for as a whole list.
  void editsAreAList() {
    const Edit q = parse_disruption("lambda 5 on Q"), k = parse_disruption("lambda 5 on K");
    const Edit zero = parse_edit("massive activations to zero");
    Stage stage(*q.disruption());
    stage.show({q, k, zero});
    const auto row = [&](int i) {
      return stage.view->findChild<EditRow*>(QStringLiteral("editRow%1").arg(i));
    };
    const auto press = [&](int i, const char* name) {
      row(i)->findChild<QAbstractButton*>(QLatin1String(name))->click();
    };
    QVERIFY(row(2) && !row(3));
    QVERIFY(!row(0)->findChild<QAbstractButton*>(QStringLiteral("editUp"))->isEnabled());
    QVERIFY(!row(2)->findChild<QAbstractButton*>(QStringLiteral("editDown"))->isEnabled());
    press(1, "editSwitch");
    Edit off = k;
    off.on = false;
    QVERIFY(stage.edits() == (Edits{q, off, zero}));
    press(1, "editUp");
    QVERIFY(stage.edits() == (Edits{off, q, zero}));
    press(1, "editDown");
    QVERIFY(stage.edits() == (Edits{off, zero, q}));
    QTest::keyClick(row(0), Qt::Key_Down, Qt::ControlModifier);
    QVERIFY(stage.edits() == (Edits{zero, off, q}));
    Q_EMIT row(2)->duplicated();
    QVERIFY(stage.edits() == (Edits{zero, off, q, q}));
    QTest::keyClick(row(1), Qt::Key_Delete);
    QVERIFY(stage.edits() == (Edits{zero, q, q}));
    Q_EMIT row(0)->copied();
    QCOMPARE(QGuiApplication::clipboard()->text(), QString::fromStdString(to_text(zero)));
    while (!stage.edits().empty()) QTest::keyClick(row(0), Qt::Key_Delete);
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    QVERIFY(!row(0));
  }

  // The fields are those of the selected row, and so is the text, which takes every kind of edit.
  void theSelectedEditIsChanged() {
    const Edit q = parse_disruption("lambda 5 on Q"), k = parse_disruption("lambda 5 on K");
    Stage stage(*q.disruption());
    stage.show({q, k});
    stage.show({q, k, k});  // what came last is selected
    auto& text = stage.find<QLineEdit>("editText");
    QCOMPARE(text.text(), QString::fromStdString(to_text(k)));
    QTest::mouseClick(stage.view->findChild<EditRow*>(QStringLiteral("editRow1")), Qt::LeftButton);
    stage.find<QAbstractButton>("disruptValue").click();
    Disruption kv = *k.disruption();
    kv.value = true;
    QVERIFY(stage.edits() == (Edits{q, kv, k}));
    QCOMPARE(text.text(), QString::fromStdString(to_text(Edit(kv))));
    const auto type = [&](const QString& typed) {
      text.selectAll();
      QTest::keyClicks(&text, typed);
      QTest::keyClick(&text, Qt::Key_Return);
    };
    type(QStringLiteral("massive activations to zero; off lambda 5 on Q"));
    const Edit zero = parse_edit("massive activations to zero");
    QVERIFY(stage.edits() == (Edits{q, zero, parse_edit("off lambda 5 on Q"), k}));
    // Of an activation edit there are no fields but its text.
    QTest::mouseClick(stage.view->findChild<EditRow*>(QStringLiteral("editRow1")), Qt::LeftButton);
    QVERIFY(!stage.find<QWidget>("disruptQuery").isVisible());
    QCOMPARE(text.text(), QString::fromStdString(to_text(zero)));
    const int asked = stage.asked;
    type(QStringLiteral("site=z"));
    QCOMPARE(stage.asked, asked);
    QVERIFY(stage.find<QWidget>("disruptionWords").property("text").toString().contains(u'z'));
    text.selectAll();
    QTest::keyClick(&text, Qt::Key_Delete);
    QTest::keyClick(&text, Qt::Key_Return);
    QVERIFY(stage.edits() == (Edits{q, parse_edit("off lambda 5 on Q"), k}));
    stage.show({});
    type(QStringLiteral("lambda 5 on K"));
    QVERIFY(stage.edits() == Edits{k});
    auto* menu = stage.find<QToolButton>("addEdit").menu();
    menu->actions().front()->trigger();
    QVERIFY(stage.edits() == (Edits{k, presets().front().disruption}));
  }

  // Beside each edit stands how much it takes, as far as that is known.
  void rowsTellHowMuchTheyTake() {
    Stage stage(parse_disruption("lambda 5 on Q"));
    Disruption listed;
    listed.entries = {{Site::Key, 0, ColumnEntry::every, 3}, {Site::Query, 1, 2, ColumnEntry::every}};
    stage.show({parse_disruption("lambda 5 on Q"), listed, parse_disruption("site=q,mask=live"),
                parse_edit("off lambda 5 on Q")});
    const auto note = [&](int i) {
      return stage.view->findChild<EditRow*>(QStringLiteral("editRow%1").arg(i))
          ->findChild<QLabel*>(QStringLiteral("editNote"))
          ->text();
    };
    QCOMPARE(note(0), QString());  // nothing has run
    stage.view->setData(tinyData());
    QCoreApplication::processEvents();
    QCOMPARE(note(0), QStringLiteral("1 column"));
    QCOMPARE(note(1), QStringLiteral("10 columns"));  // 2 KV heads, and a head of 8 dims
    QCOMPARE(note(2), QStringLiteral("found in the disrupted pass itself"));
    QCOMPARE(note(3), QStringLiteral("1 column, switched off"));
    QCOMPARE(takenCount(listed, tinyData())->by_layer, QStringLiteral("Q: 8 in layer 2\nK: 2 in layer 1"));
  }

  // The lambda of the outlines is the look's, that of the disruption its own: said where they differ.
  void twoLambdasAreTold() {
    Stage stage(parse_disruption("lambda 5 on Q"));
    auto& words = stage.find<QWidget>("outlineWords");
    auto& same = stage.find<QAbstractButton>("sameOutlines");
    QVERIFY(!words.isVisible() && !same.isVisible());
    Look look;
    look.lambda = 3.5;
    stage.state.setLook(look);
    QVERIFY(words.isVisible());
    QVERIFY(words.property("text").toString().contains(QStringLiteral("λ = 3.5")));
    QVERIFY(same.text().contains(u'5'));
    same.click();
    QCOMPARE(stage.state.look().lambda, 5.0);
    QVERIFY(!words.isVisible() && !same.isVisible());
    QCOMPARE(stage.asked, 0);
    // A pick without a lambda has nothing to differ in.
    look.lambda = 4;
    stage.state.setLook(look);
    stage.show({parse_disruption("published")});
    QVERIFY(!same.isVisible());
    stage.show({parse_disruption("same number of smallest on Q")});
    QVERIFY(same.isVisible());
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestDisruptionView)
#include "test_disruption_view.moc"

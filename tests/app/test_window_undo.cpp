#include <QAction>
#include <QApplication>

#include "app/mainwindow.h"
#include "app/property.h"
#include "app/theme.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

/// Everything that a document holds is undone, in order, in steps that say what they are.
class TestWindowUndo : public AppTestCase {
  Q_OBJECT

  static QStringList texts(MainWindow& window) {
    QStringList texts;
    for (const Prompt& prompt : window.session().prompts()) texts << prompt.text;
    return texts;
  }
  static QAction* action(MainWindow& window, const char* id) {
    return window.findChild<QAction*>(QString::fromLatin1(id));
  }
  static Document small() {
    Document document = defaultDocument();
    document.prompts = smallPrompts();
    return document;
  }

 private Q_SLOTS:
  void newDocumentIsUndone() {
    MainWindow window;
    window.setDocument(small());
    const QStringList mine = texts(window);
    setEdits(window.session(), {parse_disruption("site=k,pick=lambda:3")});
    action(window, "newDocument")->trigger();
    QVERIFY(texts(window) != mine);
    QVERIFY(action(window, "undo")->isEnabled());
    action(window, "undo")->trigger();
    QCOMPARE(texts(window), mine);
    QVERIFY(firstEdit(window.session()) == parse_disruption("site=k,pick=lambda:3"));
    action(window, "undo")->trigger();
    QVERIFY(firstEdit(window.session()) == parse_disruption("lambda 5 on Q"));
    QVERIFY(!action(window, "undo")->isEnabled());
    action(window, "redo")->trigger();
    QCOMPARE(texts(window), mine);
    QVERIFY(firstEdit(window.session()) == parse_disruption("site=k,pick=lambda:3"));
    action(window, "redo")->trigger();
    QCOMPARE(texts(window).size(), 2);
    QVERIFY(texts(window) != mine);
    QVERIFY(!action(window, "redo")->isEnabled());
  }

  /// Steps of prompts and of disruptions are taken back in the order in which they were taken.
  void undoKeepsTheOrder() {
    MainWindow window;
    window.setDocument(small());
    auto* prompts = window.findChild<View*>(QStringLiteral("prompts"));
    const auto edit = [&](std::vector<Prompt> next) {
      QMetaObject::invokeMethod(prompts, "promptsEdited", Qt::DirectConnection,
                                Q_ARG(std::vector<qkscope::Prompt>, next), Q_ARG(int, 0));
    };
    const auto push = [&](const char* text) { setEdits(window.session(), {parse_disruption(text)}); };
    const auto now = [&]() -> QString {
      return texts(window).join(u',') + u'|' + QString::fromStdString(to_text(firstEdit(window.session())));
    };
    QStringList states{now()};
    push("site=k,pick=lambda:3");
    states << now();
    edit({window.session().prompts()[1]});
    states << now();
    edit({});
    states << now();
    push("site=v,pick=lambda:7");
    states << now();
    edit({smallPrompts()[0]});
    states << now();
    for (qsizetype i = states.size() - 1; i-- > 0;) {
      action(window, "undo")->trigger();
      QCOMPARE(now(), states[i]);
    }
    for (qsizetype i = 1; i < states.size(); ++i) {
      action(window, "redo")->trigger();
      QCOMPARE(now(), states[i]);
    }
    action(window, "undo")->trigger();
    push("site=q,pick=lambda:2");  // what was undone is gone
    QVERIFY(!action(window, "redo")->isEnabled());
  }

  /// Every property that is work is a step with words of its own; mere looking is none, and no step undoes
  /// it.
  void everyPropertyIsUndone() {
    MainWindow window;
    for (const Property& row : properties()) {
      window.setDocument(small());
      QAction* undo = action(window, "undo");
      const auto now = [&] { return row.text({window.state().selection(), window.state().look()}); };
      const QString before = now();
      QStringList texts = row.samples;
      for (const Property::Value& value : row.values) texts << value.text;
      texts.removeAll(before);
      Sight sight{window.state().selection(), window.state().look()};
      row.set(sight, texts.front());
      window.state().setSelection(sight.selection);
      window.state().setLook(sight.look);
      QCOMPARE(now(), texts.front());
      QCOMPARE(undo->isEnabled(), !row.is_looking);
      QCOMPARE(window.isWindowModified(), !row.is_looking);
      if (row.is_looking) continue;
      QVERIFY2(undo->text().contains(row.words + u' ' + row.valueWords(sight)), qPrintable(undo->text()));
      const Selection looked{Site::Value, 1, 0, 2, 1};
      window.state().setSelection(looked);
      undo->trigger();
      QCOMPARE(now(), before);
      QVERIFY(!window.isWindowModified());
      QCOMPARE(window.state().selection(), looked);
      action(window, "redo")->trigger();
      QCOMPARE(now(), texts.front());
      QCOMPARE(window.state().selection(), looked);
    }
  }

  void stepsHaveWords() {
    MainWindow window;
    window.setDocument(small());
    QAction *undo = action(window, "undo"), *redo = action(window, "redo");
    QCOMPARE(undo->text().remove(u'&'), QStringLiteral("Undo"));
    setEdits(window.session(), {parse_disruption("site=k,pick=lambda:3")});
    const QString lambda = QStringLiteral("Undo: λ=3 on K · all layers");
    QCOMPARE(undo->text().remove(u'&'), lambda);
    std::vector<Prompt> prompts = window.session().prompts();
    prompts.pop_back();
    window.session().setPrompts(prompts, 0);
    QCOMPARE(undo->text().remove(u'&'), QStringLiteral("Undo: a prompt less"));
    action(window, "newDocument")->trigger();
    QCOMPARE(undo->text().remove(u'&'), QStringLiteral("Undo: new document"));
    undo->trigger();
    undo->trigger();
    QCOMPARE(undo->text().remove(u'&'), lambda);
    QCOMPARE(redo->text().remove(u'&'), QStringLiteral("Redo: a prompt less"));
    undo->trigger();
    QVERIFY(!undo->isEnabled());
    QCOMPARE(redo->text().remove(u'&'), QStringLiteral("Redo: λ=3 on K · all layers"));
  }

  /// What is dragged is one step; the same again later, or another setting, is another.
  void draggedNumbersAreOneStep() {
    MainWindow window;
    window.setDocument(small());
    QAction* undo = action(window, "undo");
    const auto outline = [&](double lambda) {
      Look look = window.state().look();
      look.lambda = lambda;
      window.state().setLook(look);
    };
    for (double lambda = 4.9; lambda > 3; lambda -= 0.1) outline(lambda);
    Look colored = window.state().look();
    colored.color_map = QStringLiteral("magma");
    window.state().setLook(colored);
    for (int n = 2; n < 9; ++n) {
      Disruption d = *firstEdit(window.session()).disruption();
      d.pick.lambda = n;
      setEdits(window.session(), {d});
    }
    undo->trigger();
    QVERIFY(firstEdit(window.session()) == parse_disruption("lambda 5 on Q"));
    QCOMPARE(window.state().look().color_map, QStringLiteral("magma"));
    undo->trigger();
    QCOMPARE(window.state().look().color_map, QStringLiteral("viridis"));
    QVERIFY(window.state().look().lambda < 3.2);
    undo->trigger();
    QCOMPARE(window.state().look().lambda, 5.0);
    QVERIFY(!undo->isEnabled());
    // Between two drags of one slider something else was done.
    const auto drag = [&](double lambda) {
      Disruption d = *firstEdit(window.session()).disruption();
      d.pick.lambda = lambda;
      setEdits(window.session(), {d});
    };
    drag(6);
    window.session().setPrompts({window.session().prompts()[1]}, 0);
    drag(7);
    undo->trigger();
    QCOMPARE(window.session().prompts().size(), std::size_t(1));
    QCOMPARE(firstEdit(window.session()).disruption()->pick.lambda, 6.0);
    undo->trigger();
    QCOMPARE(window.session().prompts().size(), std::size_t(2));
    undo->trigger();
    QCOMPARE(firstEdit(window.session()).disruption()->pick.lambda, 5.0);
    outline(4);
    QTest::qWait(static_cast<int>(DocumentHistory::kMergeTime.count()) + 50);
    outline(3);
    undo->trigger();
    QCOMPARE(window.state().look().lambda, 4.0);
  }

  /// D, the picture, the selected prompt: where one stands, which no undo changes.
  void undoLeavesWhatIsLookedAt() {
    MainWindow window;
    window.setDocument(small());
    setEdits(window.session(), {parse_disruption("site=k,pick=lambda:3")});
    disrupt(window.session());
    window.session().selectPrompt(1);
    Look look = window.state().look();
    look.picture = Picture::AllLayers;
    window.state().setLook(look);
    action(window, "undo")->trigger();
    QVERIFY(firstEdit(window.session()) == parse_disruption("lambda 5 on Q"));
    QVERIFY(window.session().arms().on);
    QCOMPARE(window.session().selectedPrompt(), 1);
    QCOMPARE(window.state().look().picture, Picture::AllLayers);
    // The prompt that is looked at moves, and is looked at still.
    std::vector<Prompt> prompts = window.session().prompts();
    std::swap(prompts[0], prompts[1]);
    window.session().setPrompts(prompts, 0);
    action(window, "undo")->trigger();
    QCOMPARE(window.session().selectedPrompt(), 1);
  }

  /// Whatever becomes of arms and their edits is a step with words of its own and is taken back; which arm is
  /// shown, and whether they run, is looking.
  void armsAreUndone() {
    MainWindow window;
    window.setDocument(small());
    const auto shown = [&] { return window.session().arms(); };
    const auto take = [&](Arms arms) { window.session().setArms(std::move(arms)); };
    const Edit q = parse_disruption("lambda 5 on Q"), k = parse_disruption("lambda 5 on K");
    struct Case {
      QString words;
      std::function<Arms(Arms)> change;
    };
    const std::vector<Case> cases{
        {QStringLiteral("λ=5 on K · all layers"),
         [&](Arms a) {
           return withEdits(a, {q, k});
         }},
        {QStringLiteral("another order of edits"),
         [&](Arms a) {
           return withEdits(a, {k, q});
         }},
        {QStringLiteral("λ=5 on K · all layers switched off"),
         [](Arms a) {
           a.shown().edits[0].on = false;
           return a;
         }},
        {QStringLiteral("λ=5 on K · all layers switched on"),
         [](Arms a) {
           a.shown().edits[0].on = true;
           return a;
         }},
        {QStringLiteral("without λ=5 on Q · all layers"), [&](Arms a) { return withEdits(a, {k}); }},
        {QStringLiteral("arm named Kaa"),
         [](Arms a) {
           a.shown().name = QStringLiteral("Kaa");
           return a;
         }},
        {QStringLiteral("arm copy of Kaa added"), [](Arms a) { return withCopy(a); }},
        {QStringLiteral("arm copy of Kaa removed"), [](Arms a) { return withoutShown(a); }},
        {QStringLiteral("arm smallest as many as λ=5 on K added, arm random as many as λ=5 on K added"),
         [](Arms a) { return withControls(a); }},
    };
    std::vector<Arms> states{shown()};
    for (const Case& one : cases) {
      take(one.change(shown()));
      QCOMPARE(action(window, "undo")->text().remove(u'&'), QStringLiteral("Undo: ") + one.words);
      states.push_back(shown());
    }
    take(moved(shown(), 2));
    Arms on = shown();
    on.on = true;
    take(on);
    for (std::size_t i = cases.size(); i-- > 0;) {
      action(window, "undo")->trigger();
      QVERIFY(shown().list == states[i].list);
      QVERIFY(shown().on);
    }
    QVERIFY(!action(window, "undo")->isEnabled());
    for (std::size_t i = 1; i < states.size(); ++i) {
      action(window, "redo")->trigger();
      QVERIFY(shown().list == states[i].list);
    }
    // The arm that is looked at stays in the pictures while another is undone.
    Arms other = shown();
    other.chosen = 1;
    take(other);
    other = shown();
    other.list[0].edits = {q};
    take(other);
    action(window, "undo")->trigger();
    QCOMPARE(shown().chosen, 1);
  }

  /// The saved document is not modified by looking at another arm.
  void lookingAtArmsModifiesNothing() {
    MainWindow window;
    Document document = small();
    document.arms = withControls(document.arms);
    window.setDocument(document);
    window.commands().run(QStringLiteral("armAfter"));
    QCOMPARE(window.session().arms().chosen, 1);
    window.commands().run(QStringLiteral("armBefore"));
    window.commands().run(QStringLiteral("armBefore"));
    QCOMPARE(window.session().arms().chosen, 2);
    QVERIFY(!window.isWindowModified() && !action(window, "undo")->isEnabled());
    window.commands().run(QStringLiteral("removeArm"));
    QVERIFY(window.isWindowModified());
    action(window, "undo")->trigger();
    QVERIFY(!window.isWindowModified());
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestWindowUndo test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_window_undo.moc"

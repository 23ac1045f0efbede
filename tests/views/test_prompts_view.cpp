#include <QScreen>
#include <limits>

#include "tests/views/sample.h"
#include "views/prompt_bars.h"
#include "views/prompt_card.h"
#include "views/prompts_view.h"
#include "views/styled_label.h"

namespace qkscope::test {

namespace {

PromptArm arm(const QString& answer) {
  PromptArm arm;
  arm.answer = answer;
  arm.complete = arm.stopped = true;
  arm.next = {{QStringLiteral("a"), 0.5}, {QStringLiteral("b"), 0.25}, {QStringLiteral("c"), 0.125}};
  return arm;
}

PromptResult answered(const QString& baseline, const QString& disrupted) {
  PromptResult result;
  result.pieces = {QStringLiteral("one")};
  result.user_end = 1;
  result.baseline = {arm(baseline), {ArmState::Done, false}, {}};
  result.arms = {{arm(disrupted), {ArmState::Done, false}, {}}};
  return result;
}

Prompt prompt(const QString& text) {
  return {PromptKind::Free, text, QString(), true};
}

struct Stage {
  explicit Stage(const QSize& size) {
    view = new PromptsView(state, &window);
    lightPalette(window);
    view->resize(size);
    window.resize(size);
    window.show();
    settle();
  }
  static void settle() {
    for (int i = 0; i < 6; ++i) {
      QCoreApplication::sendPostedEvents();
      QCoreApplication::processEvents();
    }
  }
  PromptCard* card(int i) const {
    return view->findChild<PromptCard*>(QStringLiteral("promptCard%1").arg(i));
  }

  ViewState state;
  QWidget window;
  PromptsView* view = nullptr;
};

}  // namespace

class TestPromptsView : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// On one scale the losses of an arm that is lost leave those of the baseline to be told apart, and what is
  /// no number is seen.
  void lossesOfALostArmLeaveTheOthersReadable() {
    Stage stage({700, 330});
    PromptResult result = answered(QStringLiteral("yes"), QStringLiteral("no"));
    const float none = std::numeric_limits<float>::quiet_NaN();
    const auto set = [](ArmResult& arm, std::vector<float> nll) {
      arm.run->continuation = Perplexity{PerplexityDefinition::Continuation, TokenIds(nll.size(), 1), nll};
      arm.run->continuation_pieces = QStringList(static_cast<int>(nll.size()), QStringLiteral("a"));
    };
    set(result.baseline, {0.1f, 1.0f, 0.5f});
    set(result.arms[0], {18.2f, 19.5f, none});
    stage.view->setPrompts({prompt(QStringLiteral("one"))}, {result}, 0);
    Arms arms;
    arms.on = true;
    stage.view->setArms(arms);
    Stage::settle();
    std::vector<std::vector<int>> heights;  // in pixels, of each bar of each row
    for (LossBars* bars : stage.card(0)->findChildren<LossBars*>()) {
      QVERIFY(bars->isVisible());
      const QImage image = bars->grab().toImage();
      const QRgb ground = image.pixel(image.width() - 1, 0);
      heights.emplace_back();
      for (const int x : {3, 10, 17}) {
        int height = 0;
        for (int y = 0; y < image.height() - 1; ++y) height += image.pixel(x, y) != ground;
        heights.back().push_back(height);
      }
    }
    QCOMPARE(heights.size(), std::size_t{2});
    QVERIFY(heights[0][0] < heights[0][2] && heights[0][2] < heights[0][1]);
    QVERIFY(heights[1][0] > 2 * heights[0][1]);
    QVERIFY(heights[1][2] > 4);  // hatched: every other pixel or so
    bool said = false;
    for (const StyledLabel* label : stage.card(0)->findChildren<StyledLabel*>())
      said = said || label->text().contains(QStringLiteral("full 20 nats"));
    QVERIFY(said);
  }

  void aNewCardComesIntoView() {
    Stage stage({900, 280});
    std::vector<Prompt> prompts(2, prompt(QStringLiteral("one")));
    stage.view->setPrompts(prompts, std::vector<PromptResult>(2), 0);
    Stage::settle();
    while (prompts.size() < 5) {
      prompts.push_back(prompt(QStringLiteral("more")));
      const int last = static_cast<int>(prompts.size()) - 1;
      stage.view->setPrompts(prompts, std::vector<PromptResult>(prompts.size()), last);
      Stage::settle();
      QCOMPARE(stage.card(last)->visibleRegion().boundingRect().width(), stage.card(last)->width());
    }
    // Chosen by key it comes into view, too; an answer that arrives moves nothing.
    stage.view->setPrompts(prompts, std::vector<PromptResult>(prompts.size()), 0);
    Stage::settle();
    QCOMPARE(stage.card(0)->visibleRegion().boundingRect().width(), stage.card(0)->width());
    const QPoint place = stage.card(0)->mapTo(stage.view, QPoint());
    stage.view->setResult(4, answered(QStringLiteral("yes"), QStringLiteral("no")));
    Stage::settle();
    QCOMPARE(stage.card(0)->mapTo(stage.view, QPoint()), place);
  }

  // What stands on the screen after every change is what painting it anew would give.
  void rowsLeaveNothingBehind() {
    Stage stage({700, 330});
    stage.view->setPrompts({prompt(QStringLiteral("one"))}, {PromptResult()}, 0);
    Stage::settle();
    const QString word = QStringLiteral("word ");
    for (const int words : {3, 60, 1, 40, 90, 2}) {
      stage.view->setResult(0, answered(word.repeated(words), word.repeated(words / 2 + 1)));
      Stage::settle();
      QTest::qWait(30);  // until the window system has it
      const QImage seen = stage.window.screen()->grabWindow(stage.window.winId()).toImage();
      const QImage anew = stage.window.grab().toImage();
      QCOMPARE(seen.size(), anew.size());
      QCOMPARE(seen.convertToFormat(QImage::Format_RGB32), anew.convertToFormat(QImage::Format_RGB32));
    }
  }

  // However long: every line of both answers can be reached, none is cut off by its card.
  void noAnswerIsCutOff_data() {
    QTest::addColumn<int>("width");
    QTest::addColumn<int>("words");
    for (const int width : {700, 1200}) {
      for (const int words : {1, 30, 200}) QTest::addRow("%d px, %d words", width, words) << width << words;
    }
  }
  void noAnswerIsCutOff() {
    QFETCH(int, width);
    QFETCH(int, words);
    Stage stage({width, 270});
    const std::vector<PromptResult> results(
        3, answered(QStringLiteral("word ").repeated(words), QStringLiteral("other ").repeated(words)));
    stage.view->setPrompts(std::vector<Prompt>(3, prompt(QStringLiteral("one"))), results, 0);
    Stage::settle();
    for (const char* name : {"baselineAnswer", "disruptedAnswer"}) {
      for (const StyledLabel* label : stage.view->findChildren<StyledLabel*>(QString::fromLatin1(name))) {
        QVERIFY(label->height() >= label->heightForWidth(label->width()));
        const auto* card = qobject_cast<const PromptCard*>(label->parentWidget());
        QVERIFY(card->rect().contains(label->geometry()));
      }
    }
  }

  // The words themselves are in the picture: another answer is another picture, and only there.
  void answersAreSeen() {
    Stage stage({700, 330});
    const QString paris = QStringLiteral("Paris");
    stage.view->setPrompts({prompt(QStringLiteral("one"))}, {answered(paris, paris)}, 0);
    Stage::settle();
    auto* label = stage.card(0)->findChild<StyledLabel*>(QStringLiteral("disruptedAnswer"));
    QCOMPARE(label->text(), QStringLiteral("Paris (unchanged)"));
    const QImage same = label->grab().toImage();
    const auto reds = [](const QImage& image) {
      int count = 0;
      for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
          const QColor color = image.pixelColor(x, y);
          count += color.red() > color.green() + 60 && color.red() > color.blue() + 60;
        }
      }
      return count;
    };
    QCOMPARE(reds(same), 0);
    stage.view->setResult(0, answered(paris, QStringLiteral("Rome")));
    Stage::settle();
    const QImage changed = label->grab().toImage();
    QVERIFY(reds(changed) > 20);
    // Never by colour alone: a line under the whole word.
    int line = 0;
    for (int y = 0; y < changed.height(); ++y)
      line = std::max(line, reds(changed.copy(0, y, changed.width(), 1)));
    QVERIFY(line >= QFontMetrics(label->font()).horizontalAdvance(QStringLiteral("Rome")));
    QCOMPARE(reds(stage.card(0)->findChild<StyledLabel*>(QStringLiteral("baselineAnswer"))->grab().toImage()),
             0);
  }

  // Every arm has its row with its name; a click on it asks for it, and the shown one is marked.
  void armsAreRows() {
    Stage stage({900, 500});
    Arms arms;
    arms.shown().edits = {parse_disruption("lambda 5 on Q")};
    arms = withControls(arms);
    arms.list[2].name = QStringLiteral("a random one with a long name that has to break");
    arms.on = true;
    PromptResult result = answered(QStringLiteral("The key is 48213."), QStringLiteral("The key is a word."));
    result.arms.push_back({arm(QStringLiteral("The key is 48213.")), {ArmState::Done, false}, {}});
    result.arms.push_back({{}, {ArmState::Waiting, false}, {}});
    result.arms[0].run->replaced = 270;
    stage.view->setArms(arms);
    stage.view->setPrompts({prompt(QStringLiteral("one"))}, {result}, 0);
    Stage::settle();
    const auto labels = [&](const char* name) {
      return stage.card(0)->findChildren<StyledLabel*>(QLatin1String(name));
    };
    const auto answers = labels("disruptedAnswer"), names = labels("disruptedName");
    QCOMPARE(answers.size(), 3);
    QCOMPARE(answers[1]->text(), QStringLiteral("The key is 48213. (unchanged)"));
    QCOMPARE(answers[2]->text(), QStringLiteral("waiting"));
    QCOMPARE(names[0]->text(), QStringLiteral("λ=5 on Q\u00a0◉\n270 replaced"));
    QCOMPARE(names[1]->text(), QStringLiteral("smallest as many as λ=5 on Q"));
    QCOMPARE(names[2]->text(), arms.list[2].name);
    QVERIFY(names[2]->height() >= names[2]->heightForWidth(names[2]->width()));
    QVERIFY(names[2]->width() < stage.card(0)->width() / 4);
    const QImage first = stage.card(0)->grab().toImage();
    Arms asked;
    int times = 0;
    connect(stage.view, &View::armsEdited, stage.view, [&](const Arms& edited) {
      asked = edited;
      ++times;
      stage.view->setArms(edited);
    });
    QTest::mouseClick(answers[1], Qt::LeftButton);
    QCOMPARE(asked.chosen, 1);
    QVERIFY(asked.list == arms.list);
    Stage::settle();
    QVERIFY(names[1]->text().contains(u'◉') && !names[0]->text().contains(u'◉'));
    QVERIFY(stage.card(0)->grab().toImage() != first);
    QTest::mouseClick(answers[1], Qt::LeftButton);  // nothing to ask for
    QTest::mouseClick(labels("baselineAnswer")[0], Qt::LeftButton);
    QCOMPARE(times, 1);
    // Rows come and go with their arms, and leave nothing behind.
    stage.view->setArms(withoutShown(asked));
    Stage::settle();
    QCOMPARE(labels("disruptedAnswer").size(), 2);
    stage.view->setArms({});
    Stage::settle();
    QCOMPARE(labels("disruptedName").size(), 1);
    QCOMPARE(labels("disruptedName")[0]->text(), QStringLiteral("disrupted\n270 replaced"));
  }

  // A perplexity that is no number is said so, and its bars leave the others' as they are.
  void whatIsNoNumberIsSaid() {
    Stage stage({900, 330});
    PromptResult result = answered(QStringLiteral("a"), QStringLiteral("b"));
    const auto scored = [](float nll) {
      Perplexity perplexity;
      perplexity.tokens = {1};
      perplexity.nll = {nll};
      return perplexity;
    };
    result.baseline.run->continuation = scored(1.0f);
    const auto words = [&](float nll) {
      result.arms[0].run->continuation = scored(nll);
      stage.view->setPrompts({prompt(QStringLiteral("one"))}, {result}, 0);
      Stage::settle();
      stage.card(0)->grab();
      return stage.card(0)->findChild<StyledLabel*>(QStringLiteral("disruptedPerplexity"))->text();
    };
    QCOMPARE(words(std::numeric_limits<float>::quiet_NaN()), QStringLiteral("not a number"));
    QCOMPARE(words(std::numeric_limits<float>::infinity()), QStringLiteral("∞"));
    QCOMPARE(words(1.0f), QStringLiteral("2.718\u00a0 ×1.00"));
  }

  void markupIsNotRead() {
    const QString words = QStringLiteral("<b>x</b> &amp; <img src=x>");
    Stage stage({700, 330});
    stage.view->setPrompts({prompt(words)}, {answered(words, words)}, 0);
    Stage::settle();
    const auto* label = stage.card(0)->findChild<StyledLabel*>(QStringLiteral("baselineAnswer"));
    QCOMPARE(label->text(), words);
    QCOMPARE(label->textFormat(), Qt::PlainText);
    const QFontMetrics metrics(label->font());
    QVERIFY(label->sizeHint().width() >= metrics.horizontalAdvance(words) / 2);
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestPromptsView)
#include "test_prompts_view.moc"

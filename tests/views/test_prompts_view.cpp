#include <QScreen>

#include "tests/views/sample.h"
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
  result.baseline = arm(baseline);
  result.disrupted = arm(disrupted);
  result.baseline_status.state = result.disrupted_status.state = ArmState::Done;
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

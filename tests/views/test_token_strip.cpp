#include <QHelpEvent>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QToolTip>
#include <limits>

#include "tests/views/grouped.h"
#include "tests/views/sample.h"
#include "views/picture_view.h"
#include "views/prompts_view.h"
#include "views/token_strip.h"
#include "views/token_text.h"

namespace qkscope::test {

namespace {

QImage painted(TokenStrip& strip, const QStringList& pieces) {
  lightPalette(strip);
  strip.setTokens(pieces, 0, static_cast<int>(pieces.size()), {});
  strip.resize(600, strip.heightForWidth(600));
  return strip.grab().toImage();
}

/// A prompt of the grouped model: tokens 1 to 3 are the user's.
struct Stage {
  Stage() {
    prompts = new PromptsView(state, &window);
    picture = new PictureView(state, &window);
    window.resize(900, 800);
    picture->setGeometry(0, 0, 900, 500);
    prompts->setGeometry(0, 500, 900, 300);
    lightPalette(*picture);
    window.show();
    Look look;
    look.picture = Picture::PositionsDims;
    state.setLook(look);
    ViewData data = groupedData();
    data.prompt_tokens = 5;
    picture->setData(data);
    PromptResult result;
    result.pieces = data.pieces;
    result.user_begin = 1;
    result.user_end = 4;
    Prompt prompt;
    prompt.text = QStringLiteral("The pass key");
    prompts->setPrompts({prompt, prompt}, {result, result}, 0);
    settle();
    strip = prompts->findChild<TokenStrip*>(QStringLiteral("promptTokens"));
  }
  void settle() {
    QCoreApplication::processEvents();
    QCoreApplication::processEvents();
  }
  QImage grabbed(QWidget& widget) {
    settle();
    return widget.grab().toImage();
  }

  ViewState state;
  QWidget window;
  PromptsView* prompts;
  PictureView* picture;
  TokenStrip* strip = nullptr;
};

}  // namespace

class TestTokenStrip : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void textsAreMadeVisible() {
    QCOMPARE(visibleToken(QStringLiteral(" a b\n\t")), QStringLiteral("·a·b↵→"));
    QCOMPARE(visibleToken(QString(QChar(0x07))), QString(QChar(0x2407)));
    QCOMPARE(visibleToken(QString(QChar(0x7f))), QString(QChar(0x2421)));
    QCOMPARE(visibleToken(QStringLiteral("a\u202eb")), QStringLiteral("a‹202e›b"));
    QCOMPARE(visibleToken(QStringLiteral("\u0301")), QStringLiteral("\u25cc\u0301"));
    for (const char* whole : {"e\u0301", "😀", "日本", "\\xF0\\x9F", "👩‍🔬", "שלום"})
      QCOMPARE(visibleToken(QString::fromUtf8(whole)), QString::fromUtf8(whole));
  }

  // Letters of two code units, and marks over letters, are drawn as the one letter they are.
  void lettersStayWhole_data() {
    QTest::addColumn<QString>("letter");
    QTest::newRow("beyond the basic plane") << QStringLiteral("😀");
    QTest::newRow("mathematical") << QStringLiteral("𝔸");
    QTest::newRow("combining") << QStringLiteral("e\u0301");
    QTest::newRow("two marks") << QStringLiteral("o\u0302\u0323");
  }
  void lettersStayWhole() {
    QFETCH(QString, letter);
    TokenStrip strip(nullptr);
    const QImage image = painted(strip, {letter});
    const PlotStyle style = PlotStyle::of(strip);
    QImage expected = image;
    expected.fill(style.background);
    QPainter painter(&expected);
    const double width = style.metrics(style.mono).horizontalAdvance(letter);
    const QRect cell = strip.cell(0);
    QVERIFY(std::abs(cell.width() - width) < 3);
    const QRectF ground = QRectF(0, 0, width + style.unit, TokenStrip::lineHeight(strip))
                              .adjusted(0, 0, -style.unit, -3 * style.unit);
    painter.fillRect(ground, style.surface);
    painter.setFont(style.mono);
    painter.setPen(style.text);
    painter.drawText(QPointF(0, style.metrics(style.mono).ascent()), letter);
    painter.end();
    const QRect inside = ground.toRect().adjusted(0, 0, -2, -2);
    QCOMPARE(image.copy(inside), expected.copy(inside));
  }

  // One numbering: the position in the rendered prompt, whoever wrote the token.
  void aTokenIsItsPosition() {
    Stage stage;
    QCOMPARE(stage.strip->cell(0).top(), 0);
    QVERIFY(stage.strip->cell(1).top() > 0);  // the user's words begin a line
    QCOMPARE(stage.strip->cell(1).left(), 0);
    for (const int position : {2, 0, 4, 1, 3}) {
      QTest::mouseClick(stage.strip, Qt::LeftButton, {}, stage.strip->cell(position).center());
      QCOMPARE(stage.state.selection().position, position);
      const auto cell = stage.picture->model().find(stage.state.selection());
      QVERIFY(cell);
      QCOMPARE(cell->row, position);
      QCOMPARE(stage.picture->model().row_names[position],
               visibleToken(stage.picture->data().pieces[position]));
      QHelpEvent rest(QEvent::ToolTip, stage.strip->cell(position).center(), QPoint(50, 50));
      QCoreApplication::sendEvent(stage.strip, &rest);
      QVERIFY2(QToolTip::text().contains(QStringLiteral("position %1 “").arg(position)),
               qPrintable(QToolTip::text()));
      QCOMPARE(QToolTip::text().contains(QStringLiteral("chat format")), position == 0 || position == 4);
    }
    QToolTip::hideText();
  }

  void keysWalkOverTheTokens() {
    Stage stage;
    const auto press = [&](Qt::Key key) {
      QTest::keyClick(stage.strip, key);
      return stage.state.selection().position;
    };
    QCOMPARE(press(Qt::Key_Right), 1);  // the walk begins at the user's first token
    QCOMPARE(press(Qt::Key_Right), 2);
    QCOMPARE(press(Qt::Key_Left), 1);
    QCOMPARE(press(Qt::Key_Up), 0);
    QCOMPARE(press(Qt::Key_Left), 0);
    QCOMPARE(press(Qt::Key_Down), 1);
    QCOMPARE(press(Qt::Key_End), 4);
    QCOMPARE(press(Qt::Key_Right), 4);
    QCOMPARE(press(Qt::Key_Home), 0);
  }

  void stripAndPictureShowWhatTheOtherHas() {
    Stage stage;
    const QImage strip = stage.grabbed(*stage.strip);
    const QImage picture = stage.grabbed(*stage.picture);
    stage.strip->setFocus();
    // A token under the pointer stands out in both.
    QTest::mouseMove(stage.strip, stage.strip->cell(2).center());
    QCOMPARE(stage.state.hoverPosition(), 2);
    QVERIFY(stage.state.hover().startsWith(QStringLiteral("position 2 “·pass”")));
    QVERIFY(stage.grabbed(*stage.picture) != picture);
    stage.state.setHover({});
    QVERIFY(stage.grabbed(*stage.picture) == picture);
    // So does a row of the picture.
    stage.prompts->setFocus();
    const QImage before = stage.grabbed(*stage.strip);
    QTest::mouseMove(stage.picture, stage.picture->layoutNow().cell({1, 3, 2}).center().toPoint());
    QCOMPARE(stage.state.hoverPosition(), 3);
    const QImage hovered = stage.grabbed(*stage.strip);
    QVERIFY(hovered.copy(stage.strip->cell(3)) != before.copy(stage.strip->cell(3)));
    QCOMPARE(hovered.copy(stage.strip->cell(1)), before.copy(stage.strip->cell(1)));
    // A selected position is framed in the picture even where no dim is selected.
    stage.state.setHover({});
    stage.state.setSelection({Site::Query, 0, 0, -1, -1});
    const QImage none = stage.grabbed(*stage.picture);
    stage.state.setSelection({Site::Query, 0, 0, -1, 3});
    const QImage framed = stage.grabbed(*stage.picture);
    for (std::size_t panel = 0; panel < 3; ++panel) {
      const QRect row = stage.picture->layoutNow().cell({panel, 3, 4}).toRect();
      const QPoint edge(row.center().x(), row.top() - 2);
      QVERIFY(framed.pixel(edge) != none.pixel(edge));
    }
    QVERIFY(stage.grabbed(*stage.strip).copy(stage.strip->cell(3)) != before.copy(stage.strip->cell(3)));
    // Also where the first dims are out of sight.
    stage.picture->zoomAt(stage.picture->layoutNow().grids[0].target.topRight() + QPointF(-1, 9), 2, true,
                          false);
    QVERIFY(stage.picture->zoom().x() > 0.1);
    const QImage near_row = stage.grabbed(*stage.picture);
    stage.state.setSelection({Site::Query, 0, 0, -1, -1});
    QVERIFY(stage.grabbed(*stage.picture) != near_row);
  }

  // A token of another prompt chooses that prompt, then the position.
  void aTokenOfAnotherPromptChoosesThatPrompt() {
    Stage stage;
    auto* other = stage.prompts->findChildren<TokenStrip*>(QStringLiteral("promptTokens")).at(1);
    QSignalSpy chosen(stage.prompts, &PromptsView::promptSelected);
    QTest::mouseClick(other, Qt::LeftButton, {}, other->cell(2).center());
    QCOMPARE(chosen.count(), 1);
    QCOMPARE(chosen[0][0].toInt(), 1);
    QCOMPARE(stage.state.selection().position, 2);
  }

  /// The ground of a token tells its loss in either run or the change, on one scale for all tokens of prompt
  /// and answer; hovering tells the numbers, and what each run would have had there.
  void lossesColourTheTokens() {
    Stage stage;
    const float none = std::numeric_limits<float>::quiet_NaN();
    const auto scores = [](std::vector<float> nll) {
      auto made = std::make_shared<TokenScores>();
      for (std::size_t i = 0; i < nll.size(); ++i)
        made->likely.push_back({{QStringLiteral(" w%1").arg(i), 0.5}, {QStringLiteral("v"), 0.25}});
      made->nll = std::move(nll);
      return made;
    };
    PromptResult result;
    result.pieces = stage.picture->data().pieces;  // five, of which the first has no loss
    result.user_end = 5;
    PromptArm run;
    run.continuation_pieces = {QStringLiteral("x"), QStringLiteral("y")};
    run.continuation_scores = scores({2, 0});
    result.baseline = {run, {ArmState::Done, false}, {}, scores({2, 2, 8, none})};
    run.continuation_scores = scores({2, 6});
    result.arms = {{run, {ArmState::Done, false}, {}, scores({2, 6, 4, 1})}};
    Arms arms;
    arms.on = true;
    stage.prompts->setArms(arms);
    const Prompt prompt;
    stage.prompts->setPrompts({prompt, prompt}, {result, result}, 0);
    auto* answer = stage.prompts->findChild<TokenStrip*>(QStringLiteral("answerTokens"));
    auto* legend = stage.prompts->findChild<TokenLegend*>();
    const PlotStyle style = PlotStyle::of(*stage.strip);
    const auto ground = [&](TokenStrip& strip, int position) {
      const QImage image = stage.grabbed(strip);
      return QColor(image.pixel(strip.cell(position).topLeft() + QPoint(2, 1)));
    };
    const auto expected = [&](int position, const QColor& tint) {
      QImage image(1, 1, QImage::Format_RGB32);
      image.fill(stage.strip->palette().color(QPalette::Window));
      QPainter painter(&image);
      if (position % 2 == 0) painter.fillRect(image.rect(), style.surface);
      painter.fillRect(image.rect(), tint);
      return QColor(image.pixel(0, 0));
    };
    const auto near = [](const QColor& a, const QColor& b) {
      return std::abs(a.red() - b.red()) + std::abs(a.green() - b.green()) + std::abs(a.blue() - b.blue()) <
             9;
    };
    struct Case {
      TokenColors colors;
      std::vector<std::optional<double>> told;  // of tokens 0 to 4
      std::vector<std::optional<double>> answer;
    };
    const std::vector<Case> cases{{TokenColors::None, {{}, {}, {}, {}, {}}, {{}, {}}},
                                  {TokenColors::Baseline, {{}, 2, 2, 8, {}}, {2, 0}},
                                  {TokenColors::Disrupted, {{}, 2, 6, 4, 1}, {2, 6}},
                                  {TokenColors::Change, {{}, 0, 4, -4, {}}, {0, 4}}};
    for (const auto& [colors, told, told_of_answer] : cases) {
      Look look = stage.state.look();
      look.token_colors = colors;
      stage.state.setLook(look);
      stage.settle();
      QCOMPARE(legend->isVisible(), colors != TokenColors::None);
      QCOMPARE(answer->isVisible(), colors != TokenColors::None);
      for (int i = 0; i < 5; ++i) {
        const QColor tint = tokenTint(style, colors, told[static_cast<std::size_t>(i)]);
        const QColor found = ground(*stage.strip, i);
        QVERIFY2(near(found, expected(i, tint)),
                 qPrintable(QStringLiteral("%1 %2").arg(static_cast<int>(colors)).arg(i) + found.name()));
      }
      for (int i = 0; i < 2 && answer->isVisible(); ++i)
        QVERIFY(near(ground(*answer, i),
                     expected(i, tokenTint(style, colors, told_of_answer[static_cast<std::size_t>(i)]))));
    }
    // What grows and what falls are no one colour, nor are the runs.
    const auto tint = [&](TokenColors colors, double value) { return tokenTint(style, colors, value); };
    QVERIFY(tint(TokenColors::Change, 1) != tint(TokenColors::Change, -1));
    QVERIFY(tint(TokenColors::Baseline, 1) != tint(TokenColors::Disrupted, 1));
    QVERIFY(tint(TokenColors::Baseline, 1).alpha() < tint(TokenColors::Baseline, 2).alpha());
    QCOMPARE(tint(TokenColors::Baseline, 80), tint(TokenColors::Baseline, 8));

    const auto tip = [](TokenStrip& strip, int position) {
      QHelpEvent rest(QEvent::ToolTip, strip.cell(position).center(), QPoint(50, 50));
      QCoreApplication::sendEvent(&strip, &rest);
      return QToolTip::text();
    };
    const QString words = tip(*stage.strip, 2);
    for (const char* part : {"loss 2.000 nats", "disrupted 6.000 nats", "baseline, in its place: “·w1” 50 %",
                             "disrupted, in its place: “·w1” 50 %, “v” 25 %"})
      QVERIFY2(words.contains(QString::fromUtf8(part)), qPrintable(words));
    QVERIFY(!tip(*stage.strip, 0).contains(QStringLiteral("loss")));
    QVERIFY2(tip(*answer, 1).startsWith(QStringLiteral("position 6 “y” · answer")),
             qPrintable(QToolTip::text()));
    QToolTip::hideText();
    // The pictures have no such position.
    stage.state.setSelection({Site::Query, 0, 0, -1, 3});
    QTest::mouseClick(answer, Qt::LeftButton, {}, answer->cell(1).center());
    QCOMPARE(stage.state.selection().position, 3);
    // Losses of an earlier question are not shown as this one's.
    result.arms[0].status.earlier = result.baseline.status.earlier = true;
    stage.prompts->setResult(0, result);
    QVERIFY(!answer->isVisible());
  }

  void theUsersTokensAreInSight() {
    Stage stage;
    QTRY_COMPARE(stage.strip->visibleRegion().boundingRect().top(), stage.strip->cell(1).top());
    stage.state.setSelection({Site::Query, 0, 0, -1, 0});
    QVERIFY(stage.strip->visibleRegion().contains(stage.strip->cell(0).center()));
  }

  void aTextWithoutTokensHasNoPositions() {
    TokenStrip strip(nullptr);
    QSignalSpy chosen(&strip, &TokenStrip::positionChosen);
    strip.setText(QStringLiteral("no model yet"));
    strip.resize(300, 40);
    QTest::mouseClick(&strip, Qt::LeftButton, {}, strip.cell(0).center());
    QTest::keyClick(&strip, Qt::Key_Right);
    QCOMPARE(chosen.count(), 0);
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestTokenStrip)
#include "test_token_strip.moc"

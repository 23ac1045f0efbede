#include "app/preset_search.h"
#include "app/prompt_text.h"
#include "core/tasks/words.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

/// The background search for the preset that works on a model.
class TestPresetSearch : public AppTestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// The first preset that loses what the context says and keeps what the model knows, judged by runs of its
  /// own; remembered with the model, and given up where a person says so.
  void thePresetThatWorksIsFound_data() {
    QTest::addColumn<PromptKind>("first");
    QTest::addColumn<PromptKind>("second");
    QTest::newRow("context, memory") << PromptKind::Context << PromptKind::Memory;
    QTest::newRow("memory, context") << PromptKind::Memory << PromptKind::Context;
    QTest::newRow("all is to be lost") << PromptKind::Context << PromptKind::Context;
    QTest::newRow("all is to be kept") << PromptKind::Memory << PromptKind::Memory;
  }
  void thePresetThatWorksIsFound() {
    QFETCH(PromptKind, first);
    QFETCH(PromptKind, second);
    QSettings().clear();
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    session.setMaxNewTokens(16);
    QVERIFY(finish(session));
    Document standard;
    standard.prompts = session.prompts();
    standard.prompts[0].kind = first;
    standard.prompts[1].kind = second;
    const auto right = [](const std::string& answer, const std::string& expected) {
      return contains_words(lower_case(answer), words_of(expected).back());
    };
    const auto wordless = [](const PromptResult& r) {
      return words_of(r.baseline.run->answer.toStdString()).empty();
    };
    QVERIFY(std::ranges::none_of(session.results(), wordless));
    for (std::size_t i = 0; i < 2; ++i)
      standard.prompts[i].expected = session.results()[i].baseline.run->answer;
    standard.arms = session.arms();
    session.setPrompts(standard.prompts, 0);
    QVERIFY(finish(session));

    Runner judge(session.model());
    QString expected;
    for (const std::string& name : PresetSearch::candidates("LlamaForCausalLM")) {
      bool works = true;
      for (std::size_t i = 0; i < 2; ++i) {
        RunRequest request;
        request.prompt = readPrompt(*session.model(), session.prompts()[i]).ids;
        request.edits = {parse_disruption(name)};
        request.max_new_tokens = 16;
        request.stop_tokens = session.model()->stop_tokens();
        const std::string said = session.model()->tokenizer().decode(judge.run(request)->answer, true);
        const Prompt& prompt = session.prompts()[i];
        works = works && right(said, prompt.expected.toStdString()) == (prompt.kind == PromptKind::Memory);
      }
      if (!works) continue;
      expected = QString::fromStdString(name);
      break;
    }
    const std::vector<PromptResult> before = session.results();
    {
      PresetSearch search(session, standard);
      search.setPatience(std::chrono::milliseconds(0));
      QSignalSpy found(&search, &PresetSearch::found), steps(&search, &PresetSearch::progress);
      Q_EMIT session.modelChanged();
      QVERIFY(found.wait(20000));
      QCOMPARE(found[0][0].toString(), expected);
      QVERIFY(!search.isRunning() && steps.count() > 0);
    }
    QVERIFY(finish(session));
    QVERIFY(session.results() == before);  // nothing of it is seen
    {
      PresetSearch again(session, standard);
      again.setPatience(std::chrono::milliseconds(0));
      QSignalSpy found(&again, &PresetSearch::found), steps(&again, &PresetSearch::progress);
      Q_EMIT session.modelChanged();
      QVERIFY(found.wait(20000));
      QCOMPARE(found[0][0].toString(), expected);
      QCOMPARE(steps.count(), 0);
    }
    QSettings().clear();
    PresetSearch given_up(session, standard);
    given_up.setPatience(std::chrono::milliseconds(0));
    QSignalSpy found(&given_up, &PresetSearch::found);
    Q_EMIT session.modelChanged();
    QTRY_VERIFY(given_up.isRunning());
    QVERIFY(!session.isBusy() || QTest::qWaitFor([&] { return !session.isBusy(); }, 5000));
    given_up.giveUp();
    QVERIFY(!given_up.isRunning());
    QVERIFY(finish(session));
    QTest::qWait(50);
    QCOMPARE(found.count(), 0);
  }

  /// A model that does not answer the prompts as expected has nothing to lose: that no preset takes it away
  /// is neither told nor remembered.
  void aModelThatKnowsNothingIsLeftAlone() {
    QSettings().clear();
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    Document standard;
    standard.prompts = session.prompts();
    for (Prompt& prompt : standard.prompts) prompt.expected = QStringLiteral("zyzzyva");
    standard.arms = session.arms();
    session.setPrompts(standard.prompts, 0);
    QVERIFY(finish(session));
    PresetSearch search(session, standard);
    search.setPatience(std::chrono::milliseconds(0));
    QSignalSpy running(&search, &PresetSearch::runningChanged), found(&search, &PresetSearch::found);
    Q_EMIT session.modelChanged();
    QTest::qWait(100);
    QCOMPARE(running.count() + found.count(), 0);
    QVERIFY(QSettings().allKeys().filter(QStringLiteral("preset_that_works")).isEmpty());
  }

  /// Another document, or none of a new one's prompts, is nothing to look for.
  void nothingIsLookedForInAnotherDocument() {
    ReadySession ready;
    QVERIFY(ready.there);
    PresetSearch search(ready.session, defaultDocument());
    search.setPatience(std::chrono::milliseconds(0));
    QSignalSpy running(&search, &PresetSearch::runningChanged), found(&search, &PresetSearch::found);
    Q_EMIT ready.session.modelChanged();
    QTest::qWait(50);
    QCOMPARE(running.count() + found.count(), 0);
    using Names = std::vector<std::string>;
    const Names common{"lambda 5 on Q", "lambda 5 on K", "lambda 5 on Q and K"};
    const auto with = [&](const Names& more) {
      Names all = common;
      all.insert(all.end(), more.begin(), more.end());
      return all;
    };
    QCOMPARE(PresetSearch::candidates("LlamaForCausalLM"), with({"published", "published at first"}));
    QCOMPARE(PresetSearch::candidates("Qwen2ForCausalLM"), with({"published for Qwen"}));
    QCOMPARE(PresetSearch::candidates("Gemma2ForCausalLM"), with({"published for Gemma 2"}));
    QCOMPARE(PresetSearch::candidates("GemmaForCausalLM"), with({"published", "published at first"}));
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestPresetSearch)
#include "test_preset_search.moc"

// When an answer is right, and what may be said of how many are: scoring rules, intervals, tests.
#include <cmath>
#include <set>

#include "core/tasks/answer_rules.h"
#include "core/tasks/statistics.h"
#include "core/tasks/words.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

bool near(double a, double b, double error = 5e-5) {
  return std::abs(a - b) <= error;
}

struct Example {
  const char* answer;
  bool published, corrected;
};

}  // namespace

class TestAnswerRules : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Against tables in the literature: Newcombe 1998 (Statistics in Medicine 17, 857) for single shares, and
  /// binomial tails.
  void intervalsAndTests() {
    QVERIFY(near(wilson(81, 263).low, 0.2553) && near(wilson(81, 263).high, 0.3662));
    QVERIFY(near(wilson(15, 148).low, 0.0624) && near(wilson(15, 148).high, 0.1605));
    QVERIFY(wilson(0, 20).low == 0 && near(wilson(0, 20).high, 0.1611));
    QVERIFY(near(wilson(1, 29).low, 0.0061) && near(wilson(1, 29).high, 0.1718));
    QVERIFY(wilson(20, 20).high == 1 && near(wilson(20, 20).low, 1 - 0.1611));
    QCOMPARE(wilson(0, 0), Interval());

    QVERIFY(mcnemar_exact(0, 0) == 1 && mcnemar_exact(5, 5) == 1);
    QVERIFY(near(mcnemar_exact(10, 2), 158.0 / 4096, 1e-12));
    QVERIFY(near(mcnemar_exact(2, 10), 158.0 / 4096, 1e-12));
    QVERIFY(near(mcnemar_exact(0, 28) * std::pow(2, 27), 1, 1e-9));
    QVERIFY(mcnemar_exact(3000, 100) >= 0 && mcnemar_exact(3000, 100) < 1e-300);

    // Swapping the arms mirrors the interval; more items of the same shares make it narrower.
    const Interval one = paired_difference(12, 9, 1, 3), other = paired_difference(12, 1, 9, 3);
    QVERIFY(near(one.low, -other.high, 1e-12) && near(one.high, -other.low, 1e-12));
    QVERIFY(one.low < -8.0 / 25 && -8.0 / 25 < one.high && one.high < 0);
    const Interval many = paired_difference(120, 90, 10, 30);
    QVERIFY(many.high - many.low < (one.high - one.low) / 2);
    QVERIFY(paired_difference(0, 20, 0, 0).low == -1 && paired_difference(0, 20, 0, 0).high < -0.6);
    QVERIFY(paired_difference(5, 0, 0, 5).low < 0 && paired_difference(5, 0, 0, 5).high > 0);
  }

  /// Each rule with its table of examples, as published beside the corrected one.
  void rules_data() {
    QTest::addColumn<QString>("rule");
    QTest::addColumn<QString>("answer");
    QTest::addColumn<bool>("right");
    const auto rows = [](const char* published, const char* corrected, const std::vector<Example>& examples) {
      for (const Example& e : examples) {
        QTest::addRow("%s: %s", published, e.answer)
            << published << QString::fromUtf8(e.answer) << e.published;
        QTest::addRow("%s: %s", corrected, e.answer)
            << corrected << QString::fromUtf8(e.answer) << e.corrected;
      }
    };
    rows("yes_no_as_published", "yes_no",  // the answer is yes
         {{"Yes, it is.", true, true},
          {"yes", true, true},
          {"True.", true, true},
          {"That is correct.", true, true},
          {"It is right to say so.", true, true},
          {"No.", false, false},
          {"No, that is not right.", true, false},
          {"That is incorrect.", true, false},
          {"It is not true.", true, false},
          {"It isn’t correct.", true, false},
          {"That is not entirely correct.", true, false},
          {"That is not wrong.", false, true},
          {"I do not know.", false, false},
          {"Tokyo is a city.", true, false},
          {"Sokoto", true, false},
          {"False, though yes is tempting.", true, false},
          {"Untrue.", true, false},
          {"", false, false}});
    rows("first_number_as_published", "contains",  // the key is 4821, first number of the prompt 7
         {{"The pass key is 4821.", false, true},
          {"4821", false, true},
          {"48213", false, false},
          {"7", true, false},
          {"It is 1734.", true, false},
          {"4,821", false, false},
          {"The key (4821)!", false, true},
          {"key4821", false, false},
          {"none", false, false}});
    rows("number_as_published", "number",  // the answer is 1,018 after ####
         {{"#### 1,018", true, true},
          {"The answer is 1018.", true, true},
          {"1018.0", true, true},
          {"The answer is 1018 dollars for 3 days.", false, true},
          {"It takes 1018 days, not 1017.", false, false},
          {"The answer is -1018", true, false},
          {"2 + 1016 = 1018", true, true},
          {"1019", false, false},
          {"none", false, false}});
    rows("option_as_published", "option",  // B) 12 of A) 2, B) 12, C) 112
         {{"The answer is B.", false, true},
          {"B", false, true},
          {"B) 12", true, true},
          {"(B)", false, true},
          {"The answer is C) 112", true, false},
          {"A)2, B)12, C)112", true, false},
          {"It is 12.", true, true},
          {"The correct option is B) 12, not A) 2.", true, true},
          {"A big number.", false, false},
          {"2 or 12", true, false},
          {"the answer is a", false, false}});
    rows("label_as_published", "label",  // Positive
         {{"Positive", true, true},
          {"It is positive.", true, true},
          {"Negative", false, false},
          {"Positive, not negative", false, false},
          {"Positively good", true, false},
          {"", false, false}});
    rows("contains_as_published", "equals",  // Paris
         {{"Paris", true, true},
          {" paris. ", false, true},
          {"Parisian", true, false},
          {"It is Paris.", true, false},
          {"London", false, false}});
  }
  void rules() {
    QFETCH(QString, rule);
    QFETCH(QString, answer);
    QFETCH(bool, right);
    Gold gold;
    if (rule.startsWith(QStringLiteral("yes_no"))) gold.answers = {"Yes"};
    if (rule.startsWith(QStringLiteral("number"))) gold.answers = {"2 * 509 = 1018\n#### 1,018"};
    if (rule.startsWith(QStringLiteral("option"))) gold = {{"B"}, "", {"A)2", "B)12", "C)112"}};
    if (rule.startsWith(QStringLiteral("label"))) gold = {{"Positive"}, "", {"Negative", "Positive"}};
    if (rule == QStringLiteral("contains") || rule.startsWith(QStringLiteral("first")))
      gold = {{"4821"}, "Room 7. The pass key is 4821.", {}};
    if (rule == QStringLiteral("equals") || rule == QStringLiteral("contains_as_published"))
      gold.answers = {"Paris"};
    QCOMPARE(answer_rule(rule.toStdString()).right(answer.toStdString(), gold), right);
  }
  void everyRuleHasItsTable() {
    std::set<std::string> tested;
    for (const char* name : {"yes_no", "number", "option", "label", "contains"})
      tested.insert({name, name + std::string("_as_published")});
    tested.insert({"equals", "first_number_as_published"});
    for (const AnswerRule& rule : answer_rules())
      QVERIFY2(tested.contains(std::string(rule.name)), rule.name.data());
    QKSCOPE_EXPECT_ERROR(answer_rule("contain"), "'contain'", "contains, ", "yes_no");
  }

  void repetition() {
    QVERIFY(near(bigram_diversity("a b a b"), 2.0 / 3) && bigram_diversity("word") == 0 &&
            bigram_diversity("") == 0);
    QVERIFY(near(bigram_diversity("The cat. The cat!"), 4.0 / 5));  // the cat, cat ., . the, cat !
    QVERIFY(repeats_itself("Paris, Paris, Paris, Paris"));
    QVERIFY(repeats_itself("It is so: I'm a bit more, I'm a bit more, I'm a bit more, I'm a"));
    QVERIFY(!repeats_itself("The pass key is 48213. The pass key is 48213."));
    QVERIFY(!repeats_itself("A long answer that says many different things and then ends in ha ha ha"));
    QVERIFY(!repeats_itself("") && !repeats_itself("no no"));
  }

  void words() {
    QVERIFY(contains_words("naïve Zürich, é", "zürich"));
    QVERIFY(!contains_words("naïve", "na"));
    QVERIFY(contains_words("“Paris”—yes", "paris"));
    QVERIFY(contains_words("It is 3.", "3") && !contains_words("It is 3.5", "3") &&
            !contains_words("1,000", "1"));
    QVERIFY(contains_words("New Delhi", "new delhi") && !contains_words("x", ""));
    QVERIFY(contains_words("abab ab", "ab"));
  }
};

QTEST_GUILESS_MAIN(TestAnswerRules)
#include "test_answer_rules.moc"

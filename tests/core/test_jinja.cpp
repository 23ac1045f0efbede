// The Jinja subset against Jinja itself, and what a hostile template may not do.
#include <ctime>
#include <fstream>

#include "core/error.h"
#include "core/model/jinja/template.h"
#include "core/model/tokenizer/utf8.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using jinja::Value;

namespace {

std::string render(const std::string& source, const Value& variables = Value::object()) {
  return jinja::Template(source).render(variables);
}

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

class TestJinja : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() {
    std::ifstream file(test::golden("jinja.json"));
    golden_ = Value::parse(file);
    variables_ = Value::parse(golden_.at("variables").get<std::string>());
    QVERIFY(golden_.at("templates").size() > 100);
  }

  void rendersLikeJinja_data() { rows("text"); }
  void rendersLikeJinja() {
    QFETCH(int, index);
    const Value& entry = golden_.at("templates").at(static_cast<std::size_t>(index));
    std::string text;
    try {
      text = render(entry.at("template").get<std::string>(), variables_);
    } catch (const Error& error) {
      text = error.what();
    }
    QCOMPARE(QString::fromStdString(text), QString::fromStdString(entry.at("text").get<std::string>()));
  }

  void refusesWhatJinjaRefuses_data() { rows("error"); }
  void refusesWhatJinjaRefuses() {
    QFETCH(int, index);
    const Value& entry = golden_.at("templates").at(static_cast<std::size_t>(index));
    QKSCOPE_EXPECT_ERROR(render(entry.at("template").get<std::string>(), variables_), "the chat template ");
  }

  void refusesWhatItLeavesOut_data() { rows("left_out"); }
  void refusesWhatItLeavesOut() { refusesWhatJinjaRefuses(); }

  void namesTheLineOfAMistake() {
    QKSCOPE_EXPECT_ERROR(render("a\nb\n{{ 1 + }}"), "line 3 of the chat template");
    QKSCOPE_EXPECT_ERROR(render("\n{# open"), "line 2 of the chat template", "comment that does not end");
    QKSCOPE_EXPECT_ERROR(render("\n\n{% include 'x' %}"), "line 3", "'include'", "not supported");
    QKSCOPE_EXPECT_ERROR(render("{{ 'a' | frobnicate }}"), "filter 'frobnicate'", "not supported");
    QKSCOPE_EXPECT_ERROR(render("{{ 'a' is frobnicated }}"), "test 'frobnicated'", "not supported");
    QKSCOPE_EXPECT_ERROR(render("{{ 'a'.frobnicate() }}"), "'frobnicate'", "not supported");
    QKSCOPE_EXPECT_ERROR(render("{{ raise_exception('Roles must alternate!') }}"), "Roles must alternate!");
  }

  void keepsTheCallersVariables() {
    const jinja::Template counter("{% set n = n + 1 %}{{ n }}");
    const Value variables = {{"n", 1}};
    QCOMPARE(counter.render(variables), "2");
    QCOMPARE(counter.render(variables), "2");
    QCOMPARE(variables.dump(), R"({"n":1})");
  }

  void tellsTheTimeInEnglish() {
    const auto today = [] {
      const std::time_t now = std::time(nullptr);
      std::tm local{};
      localtime_r(&now, &local);
      constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
      return QStringLiteral("%1 %2 %3")
          .arg(local.tm_mday, 2, 10, QLatin1Char('0'))
          .arg(QLatin1String(months[local.tm_mon]))
          .arg(local.tm_year + 1900);
    };
    const QString before = today();
    const QString text = QString::fromStdString(render("{{ strftime_now('%d %b %Y') }}"));
    QVERIFY2(text == before || text == today(), qPrintable(text));
  }

  void survivesInvalidText() {
    const std::string broken = "\xff\xfe \xe4\xbd";
    QCOMPARE(render(broken), broken);
    QCOMPARE(render("{{ a }}", {{"a", broken}}), broken);
    const std::string source =
        "{{ a | upper }}{{ a | length }}{{ a[0] }}{{ a[::-1] }}{{ [a] | tojson }}{{ a | title }}";
    QVERIFY(!render(source, {{"a", broken}}).empty());
    for (const char* source : {"{{ \xff }}", "{{ '\xff' 1 }}", "{{ \xe4\xbd }}",
                               "{{ raise_exception('\xff') }}", "{{ [1] | map('\xff') }}"}) {
      const std::string text = test::error_of([&] { render(source); });
      QVERIFY2(text.find("the chat template") != std::string::npos && valid_utf8(text) == text, text.c_str());
    }
  }

  // ---------------------------------------------------------------------------------------------------
  // a file from anywhere

  void endsWhatRunsWithoutEnd() {
    QKSCOPE_EXPECT_ERROR(render("{% for i in range(99999999) %}{% endfor %}"), "without end");
    QKSCOPE_EXPECT_ERROR(
        render("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}"),
        "without end");
    QKSCOPE_EXPECT_ERROR(render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), "too deep");
    QKSCOPE_EXPECT_ERROR(render("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}"),
                         "the chat template");
  }

  void endsWhatGrowsWithoutEnd() {
    const std::string doubled = "{% set ns = namespace(s='0123456789') %}{% for i in range(200) %}";
    QKSCOPE_EXPECT_ERROR(render(doubled + "{% set ns.s = ns.s + ns.s %}{% endfor %}"), "the chat template");
    QKSCOPE_EXPECT_ERROR(render(doubled + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}"), "the chat template");
    QKSCOPE_EXPECT_ERROR(render(doubled + "{% set ns.s = ns.s | replace('0', ns.s) %}{% endfor %}"),
                         "the chat template");
    QKSCOPE_EXPECT_ERROR(render("{% set ns = namespace(l=[1, 2]) %}{% for i in range(200) %}{% set ns.l = "
                                "ns.l + ns.l %}{% endfor %}"),
                         "the chat template");
    QKSCOPE_EXPECT_ERROR(render("{{ 'a' * 999999999999 }}"), "the chat template");
    QKSCOPE_EXPECT_ERROR(render("{{ [0] * 999999999999 }}"), "the chat template");
    QKSCOPE_EXPECT_ERROR(render("{% set ns = namespace(l=[]) %}{% for i in range(200) %}{% set ns.l = [ns.l, "
                                "ns.l] %}{% endfor %}{{ ns.l }}"),
                         "the chat template");
  }

  void endsWhatIsNestedTooDeep() {
    for (const auto& [open, close] : std::vector<std::pair<std::string, std::string>>{
             {"(", ")"}, {"[", "]"}, {"not ", ""}, {"-", ""}, {"{'a':", "}"}, {"f(", ")"}, {"a[", "]"}}) {
      QKSCOPE_EXPECT_ERROR(render("{{ " + repeated(open, 100000) + "1" + repeated(close, 100000) + " }}"),
                           "the chat template");
    }
    QKSCOPE_EXPECT_ERROR(render(repeated("{% if 1 %}", 100000) + repeated("{% endif %}", 100000)),
                         "too deep");
    QKSCOPE_EXPECT_ERROR(render("{{ 1" + repeated(" | abs", 100000) + " }}"), "too deep");
    QCOMPARE(render("{{ 1" + repeated(" == 1", 10000) + " }}"), "True");
    QKSCOPE_EXPECT_ERROR(render("{{ a" + repeated(".a", 100000) + " }}"), "too deep");
    for (const std::string sign : {" + 1", " ~ 1", " * 1", " and 1", " or 0", " if 1 else 0"}) {
      const std::string text = test::error_of([&] { render("{{ 1" + repeated(sign, 100000) + " }}"); });
      QVERIFY2(text.find("too deep") != std::string::npos, (sign + ": " + text).c_str());
    }
  }

  void manyChainsInEachOther() {
    // Each level adds the lengths of its chains to the depth of the tree.
    std::string text = "1";
    for (int level = 0; level < 60; ++level)
      text = "(" + text + repeated(" | abs", 80) + repeated(" * 1", 80) + repeated(" ~ 1", 80) +
             repeated(" + 1", 80) + repeated(" and 1", 80) + repeated(" or 1", 80) + ")";
    QKSCOPE_EXPECT_ERROR(render("{{ " + text + " }}"), "too deep");
    const std::string deep = repeated("{% if 1 %}", 190) + "{{ f() }}" + repeated("{% endif %}", 190);
    QKSCOPE_EXPECT_ERROR(render("{% macro f() %}" + deep + "{% endmacro %}{{ f() }}"), "too deep");
    QCOMPARE(render("{{ 'a'" + repeated(" ~ 'a'", 90) + " }}").size(), 91U);
  }

  void bigNumbers() {
    QKSCOPE_EXPECT_ERROR(render("{{ 9223372036854775808 }}"), "9223372036854775808, which is too large");
    QKSCOPE_EXPECT_ERROR(render("{{ 1e999 }}"), "too large");
    QKSCOPE_EXPECT_ERROR(render("{{ 9223372036854775807 + 1 }}"), "the chat template");
    QKSCOPE_EXPECT_ERROR(render("{{ (-9223372036854775807 - 1) // -1 }}"), "the chat template");
    QKSCOPE_EXPECT_ERROR(render("{{ 5 % 0 }}"), "the chat template");
    QKSCOPE_EXPECT_ERROR(render("{{ 5.0 // 0 }}"), "the chat template");
    QCOMPARE(render("{{ [1, 2, 3][-9223372036854775807:9223372036854775807:9223372036854775807] }}"), "[1]");
    QCOMPARE(render("{{ [1, 2, 3][9223372036854775807] }}|{{ 'ab'[-9223372036854775807] }}"), "|");
    QCOMPARE(render("{{ range(9223372036854775800, 9223372036854775807, 5) | length }}"), "2");
    const std::string large = render("{{ 1e308 * 10 }} {{ (1e308 * 10) | string | length }}");
    QCOMPARE(large, "inf 3");
    QVERIFY(!test::error_of([] { render("{{ (1e308 * 10) | int }}"); }).empty());
    QVERIFY(
        !test::error_of([] { render("{{ -9223372036854775807 | abs }}{{ 'a' | indent(-5) }}"); }).empty());
  }

  void everyPrefixIsTextOrError() {
    const std::string source =
        "{%- for m in messages if m.x is not none -%} {{ m['role'] | upper ~ \"\\u00e9\" }} {# c #}{% endfor "
        "+%}"
        "{% macro f(a, b=1) %}{{ a[1:-1:2] }}{% endmacro %}{% set ns.x = f(1, b={'a': (1, 2.5)}) %}";
    for (std::size_t length = 0; length < source.size(); ++length) {
      const std::string text = test::error_of([&] { render(source.substr(0, length), variables_); });
      QVERIFY(text == "no error" || valid_utf8(text) == text);
      QVERIFY2(text == "no error" || text.find("the chat template") != std::string::npos, text.c_str());
    }
  }

 private:
  void rows(const char* kind) {
    QTest::addColumn<int>("index");
    int index = 0;
    for (const Value& entry : golden_.at("templates")) {
      if (entry.contains(kind)) QTest::newRow(entry.at("name").get<std::string>().c_str()) << index;
      ++index;
    }
  }

  Value golden_, variables_;
};

QTEST_GUILESS_MAIN(TestJinja)
#include "test_jinja.moc"

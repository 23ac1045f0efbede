// Our Jinja against Jinja itself, and what a hostile template may not do.
#include <ctime>
#include <fstream>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/text/jinja/template.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using Value = nlohmann::ordered_json;

namespace {

std::string render(const std::string& source, const Value& variables = Value::object()) {
  Budget budget("the chat template");
  return jinja::Template(source, budget).render(variables, budget);
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
    Budget budget("The chat template");
    const jinja::Template counter("{% set n = n + 1 %}{{ n }}", budget);
    const Value variables = {{"n", 1}};
    QCOMPARE(counter.render(variables, budget), "2");
    QCOMPARE(counter.render(variables, budget), "2");
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
    QKSCOPE_EXPECT_ERROR(render("{% for i in range(99999999) %}{% endfor %}"), "the chat template", "100000");
    QKSCOPE_EXPECT_ERROR(
        render("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}"),
        "the chat template takes more than 4 s");
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

  /// What costs steps or memory is charged, however it is come by: none of these holds more than the budget,
  /// or goes on for longer.
  void chargesWhatMultiplies() {
    const std::string lists =
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}"
        "{% endfor %}";
    const std::string thousand = "{% set s = 'x' * 1000000 %}",
                      words = "{% set w = range(100000) | map('string') | list %}";
    const std::vector<std::string> sources = {
        lists + "{{ ns.l | string | length }}",
        lists + "{{ ns.l | tojson | length }}",
        lists +
            "{{ ns.l == [ns.l, ns.l][1:] + [0] }}{% set a = [ns.l] %}{% set m = namespace(l=[1]) %}"
            "{% for i in range(60) %}{% set m.l = [m.l, m.l] %}{% endfor %}{{ ns.l == m.l }}",
        thousand + "{{ s | replace('x', s) | length }}",
        thousand + "{{ s | indent(1000000000) }}",
        thousand + "{{ '%999999999999d' % 1 }}",
        thousand + "{{ '{:>999999999999}'.format('a') }}",
        thousand + "{{ s.center(2000000000) | length }}",
        thousand + "{{ (s | list) * 100000 }}",
        thousand + "{{ s | map('replace', 'x', s) | join | length }}",
        thousand + "{{ s.join(s) | length }}",
        thousand + "{{ s.split('x') | batch(1000000, s) | map('join', s) | join }}",
        "{{ '1' | batch(99999999999, 0) | list | length }}",
        "{{ [1] | slice(99999999999) | list | length }}",
        words + "{% for i in range(100000) %}{{ w | unique | list | length }}{% endfor %}",
        words + "{% for i in range(100000) %}{{ w | sort | first }}{% endfor %}",
        words + "{% for x in w %}{% if x in w and '99999' in w %}{% endif %}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% macro f() %}{% endmacro %}{% endfor %}{% "
        "endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{{ '0123456789' * 100 }}{% endfor %}{% endfor "
        "%}",
        "{% set ns = namespace(d={}) %}{% for i in range(99999) %}{% set ns.d = dict(ns.d, **{i | string: "
        "i}) %}{% endfor %}",
        "{{ strftime_now('%c' * 100000000) }}",
    };
    for (const std::string& source : sources) {
      Budget budget("the chat template", {}, std::uint64_t{128} << 20, std::chrono::milliseconds(300));
      const auto start = std::clock();
      QKSCOPE_EXPECT_ERROR(jinja::Template(source, budget).render(variables_, budget), "the chat template");
      const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      QVERIFY2(seconds < 2, (source + ": " + std::to_string(seconds)).c_str());
    }
  }

  /// A macro costs what it writes, not what stands outside it.
  void macrosCopyNothing() {
    std::string source =
        "{% set s = 'x' * 10000000 %}{% set l = range(50000) | list %}{% macro m0() %}a{% endmacro %}";
    for (int i = 1; i <= 12; ++i) {
      const std::string call = "{{ m" + std::to_string(i - 1) + "() }}";
      source += "{% macro m" + std::to_string(i) + "() %}" + call + call + "{% endmacro %}";
    }
    QCOMPARE(render(source + "{{ m12() | length }}"), "4096");
    QCOMPARE(render("{{ range(50000) | unique | list | length }}"), "50000");
  }

  /// All that a rendering held is free again, also what led back to itself.
  void givesBackWhatItHeld() {
    Budget budget("the chat template", {}, std::uint64_t{4} << 20);
    const jinja::Template source(
        "{% set ns = namespace(l=[]) %}{% for i in range(50) %}{% macro f() %}{{ i }}{% endmacro %}"
        "{% set ns.l = ns.l + [f, loop, ns] %}{{ loop.changed(loop, ns) }}{% endfor %}{% set ns.s = 'x' * "
        "100000 %}"
        "{{ ns.s | length }}",
        budget);
    for (int i = 0; i < 200; ++i) QVERIFY(source.render(variables_, budget).ends_with("100000"));
  }

  void stopsWhenAsked() {
    std::stop_source stop;
    Budget budget("the chat template", stop.get_token());
    const jinja::Template source(
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", budget);
    stop.request_stop();
    QVERIFY_EXCEPTION_THROWN(source.render(variables_, budget), Cancelled);
  }

  void unknownTagsCountWhereTheyAreReached() {
    const std::string source =
        "{% if deep %}{% trans %}a{% endtrans %}{% do x.y(1) %}{% include 'z' %}{% endif %}b";
    QCOMPARE(render(source, {{"deep", false}}), "b");
    QKSCOPE_EXPECT_ERROR(render(source, {{"deep", true}}), "line 1", "'trans'", "not supported");
    QKSCOPE_EXPECT_ERROR(render("{% if deep %}{% endfor %}{% endif %}", {{"deep", false}}), "'endfor'");
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
    for (const char* source :
         {"{{ (1e308 * 10) | int }}", "{{ '99999999999999999999' | int }}", "{{ 1e19 | int }}",
          "{{ (-9223372036854775807 - 1) | abs }}", "{{ 2 ** 63 }}", "{{ 10 ** 10 ** 10 }}"}) {
      QKSCOPE_EXPECT_ERROR(render(source), "the chat template");
    }
    QCOMPARE(render("{{ -9223372036854775807 | abs }}{{ 'a\\nb' | indent(-5) }}"), "9223372036854775807a\nb");
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

// Chat templates: understood and rendered.
#include "core/text/jinja/template.h"
#include "tests/fuzz/fuzz_target.h"

using namespace qkscope;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const nlohmann::ordered_json variables = {
      {"messages",
       {{{"role", "system"}, {"content", "Be brief."}},
        {{"role", "user"}, {"content", " Gr\xC3\xB6\xC3\x9F\xE4\xBD\xA0\xFF "}},
        {{"role", "assistant"},
         {"content", "Hi."},
         {"tool_calls", {{{"name", "f"}, {"arguments", {{"x", 1.5}}}}}}}}},
      {"add_generation_prompt", true},
      {"bos_token", "B"},
      {"eos_token", "E"},
      {"tools", nullptr},
      {"numbers", {3, -1, 2}}};
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    jinja::Template(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), budget)
        .render(variables, budget);
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  return {
      "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
      "{{ raise_exception('Roles must alternate') }}{% endif %}{{ m.content | trim + eos_token }}{% endfor "
      "%}",
      "{%- if messages[0]['role'] == 'system' %}\n  {%- set loop_messages = messages[1:] -%}\n{%- else %}x{% "
      "endif %}\n"
      "{#- comment #}{%- for m in messages if m.tool_calls is not defined %}{{- m.role | upper ~ '\\n' }}{% "
      "endfor %}",
      "{% set ns = namespace(n=0, s='a') %}{% for i in range(0, 9, 2) %}{% if i == 6 %}{% break %}{% endif %}"
      "{% set ns.n = ns.n + i * 2 // 3 - 1 %}{% set ns.s = ns.s ~ i %}{% endfor %}{{ ns.n }}{{ ns.s[::-1] }}",
      "{% macro f(a, b=[1, {'k': none}]) %}{{ a | tojson(indent=2) }}{{ b[0:-1] }}{% endmacro %}{{ "
      "f(messages) }}"
      "{{ f(numbers | sort(reverse=true), b=(1, 2)) }}{% set t | upper %}x{{ 1.5e3 | int }}{% endset %}{{ t "
      "* 3 }}",
      "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(', ') | "
      "replace('a', 'b') }}"
      "{{ 'a,b'.split(',')[-1].strip() }}{{ 'x' if 1 < 2 <= 3 and not absent else 'y' }}{{ "
      "messages[1].content.title() }}"
      "{{ [3, 1] | sum }}{{ {'b': 1} | dictsort }}{{ 'a' in 'abc' }}{{ 7 is divisibleby(2) }}{{ -9 | abs | "
      "string }}"};
}

#!/usr/bin/env python3
"""Writes jinja.json: small templates and what Jinja makes of them, set up as transformers' apply_chat_template does.

    python3 -m venv env && env/bin/pip install transformers==5.23.0 jinja2==3.1.6
    env/bin/python tests/goldens/make_jinja.py

A template that Jinja refuses has "error" in place of "text", one that uses what the subset leaves out "left_out". Brackets and bars in strings are written as \\u escapes.
"""
import json
import pathlib

from transformers.utils.chat_template_utils import _compile_jinja_template

VARIABLES = dict(
    messages=[dict(role="system", content="Be brief."), dict(role="user", content=" Hello "),
              dict(role="assistant", content="Hi.", tool_calls=[dict(name="f", arguments=dict(x=1, y=[True, None]))]),
              dict(role="user", content="Größe 你好 🙂?")],
    name="World", empty="", zero=0, one=1, minus=-7, half=0.5, yes=True, no=False, nothing=None,
    numbers=[3, 1, 2], words=["b", "A", "c"], nested=[[1, 2], [3, 4]], none_at_all=[],
    person=dict(name="Ada", age=36, tags=["x", "y"], items=5), text="one two  three", lines="a\nb\n\nc\n", markup="a<b & 'c' \"d\"",
)

TEMPLATES = {
    # White space
    "text only": "plain\ntext\n",
    "two newlines at the end": "text\n\n",
    "trim_blocks": "a\n{% if yes %}\nb\n{% endif %}\nc\n",
    "trim_blocks takes one newline": "{% if yes %}\n\nb{% endif %}\n\nc",
    "lstrip_blocks": "a\n   {% if yes %}\n  b\n \t {% endif %}\nc",
    "lstrip_blocks leaves a print alone": "a\n   {{ one }}\n b",
    "no lstrip after text": "a   {% if yes %}b{% endif %}   c",
    "lstrip between tags of a line": "{% if yes %}   {% if yes %}b{% endif %}{% endif %}",
    "lstrip after a trimmed newline": "{% if yes %}\n   {% if yes %}b{% endif %}{% endif %}",
    "minus": "a  \n  {%- if yes -%}  \n  b  \n  {%- endif -%}  \n  c",
    "minus of a print": "a \n {{- one -}} \n b",
    "minus of a comment": "a \n {#- hidden -#} \n b",
    "comment takes its newline": "a\n  {# hidden #}\nb",
    "comment of many lines": "a{# one\n{{ two }}\n{% three %} #}b",
    "plus": "a\n  {%+ if yes %}b{% endif +%}\nc",
    "minus before, nothing after": "a\n\n{%- if yes %}\n\nb{%- endif %}\n\nc",
    "lone braces": "{ a } {b} } % # {",
    "carriage returns": "a\r\n{% if yes %}\r\nb\r\n{% endif %}\r\nc",
    "print of braces": "{{ '}}' }}{{ \"{%\" }}{{ '{{' }}",
    "dict before the closing braces": "{{ {'a': {'b': 1}} }}{{ {'a': {'b': 2}}['a']['b'] }}",
    "raw": "{% raw %}{{ not me }} {% nor me %}{% endraw %}!",
    # Literals and printing
    "strings": r"""{{ 'a\nb\t\'c\' "d" \\ \x41 \u00e9 \U0001F642' }}{{ "it's" }}""",
    "adjacent strings": "{{ 'a' \"b\" 'c' }}",
    "numbers": "{{ 1 }} {{ -1 }} {{ 1.5 }} {{ 1.0 }} {{ 1e3 }} {{ 2.5e-3 }} {{ 1_000 }} {{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 123456789.0 }} {{ -0.0 }} {{ 100000.0 }} {{ 1e22 }} {{ 0.0001 }} {{ 0.00001 }}",
    "constants": "{{ true }} {{ True }} {{ false }} {{ none }} {{ None }}",
    "lists": "{{ [] }} {{ [1, 'a', none, true, 1.0, [2]] }} {{ ['it\\'s', 'say \"x\"', 'both \\' and \"'] }}",
    "tuples": "{{ (1, 2)[0] }} {{ (1,) | length }} {{ () | length }} {{ (1) }}",
    "dicts": "{{ {} }} {{ {'a': 1, 'b': [none]} }} {{ person }}",
    "repr of characters": "{{ ['a\\nb\\t\\r\\\\', 'é你🙂', '\\x07\\x7f\\xa0'] }}",
    "undefined": "[{{ absent }}] [{{ person.absent }}] [{{ numbers[9] }}] [{{ name.absent }}]",
    "undefined in conditions": "{% if absent %}a{% else %}b{% endif %}{{ absent is defined }}{{ absent or 'c' }}{{ not absent }}",
    "undefined compared": "{{ absent == 1 }} {{ absent != none }} {{ absent == none }} {{ absent == absent2 }}",
    "undefined loop": "{% for x in absent %}a{% else %}none{% endfor %}|{{ absent | length }}|{{ absent | list }}|{{ absent | join(',') }}",
    "inline if without else": "[{{ 'a' if no }}] [{{ 'a' if yes }}]",
    # Operators
    "arithmetic": "{{ 7 + 2 }} {{ 7 - 9 }} {{ 7 * 2 }} {{ 7 / 2 }} {{ 8 / 2 }} {{ 7 // 2 }} {{ minus // 2 }} {{ minus % 3 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}",
    "powers": "{{ 2 ** 10 }} {{ 2 ** -1 }}",
    "precedence": "{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 10 - 2 - 3 }} {{ not no and no }} {{ yes or no and no }} {{ 1 ~ 2 * 3 }} {{ 'a' ~ 1 == 'a1' }} {{ 2 * 3 ~ 4 }}",
    "filter binds tighter": "{{ -1 | abs }} {{ 1 + -2 | abs }} {{ 'a' ~ 'b' | upper }} {{ '  a ' + ' b ' | trim }} {{ (1 - 3) | abs }}",
    "booleans count": "{{ true + 1 }} {{ true == 1 }} {{ 1 == 1.0 }} {{ 'a' == 1 }} {{ true ~ 1 }}",
    "comparison": "{{ 1 < 2 }} {{ 2 <= 2 }} {{ 'a' < 'b' }} {{ 'B' < 'a' }} {{ [1, 2] == [1, 2] }} {{ {'a': 1} == {'a': 1.0} }} {{ 1 != 2 }}",
    "chained comparison": "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 > 1 }} {{ 3 > 1 == 1 }}",
    "list comparison": "{{ [1, 2] < [1, 3] }} {{ ['a'] > ['b'] }}",
    "in": "{{ 1 in [1, 2] }} {{ 'a' in 'cat' }} {{ 'name' in person }} {{ 'x' not in person }} {{ 3 in (1, 2) }} {{ not 'a' in 'b' }} {{ 'a' in absent }}",
    "and or give values": "{{ 0 or 'a' }} {{ '' and 'b' }}| {{ 'a' and 'b' }} {{ none or 0 }}",
    "concatenation": "{{ 'a' ~ 1 ~ none ~ true ~ [1] ~ 1.0 }} {{ 'a' + 'b' }} {{ [1] + [2] }} {{ 'ab' * 3 }} {{ [0] * 3 }} {{ 3 * 'x' }}",
    "string formatting": "{{ '%s is %d' % ('a', 3) }} {{ 'x%sy' % 'z' }} {{ '%.2f%%' % 1.005 }} {{ '%05d' % 42 }}",
    "inline if": "{{ 'a' if yes else 'b' }} {{ 'a' if no else 'b' if no else 'c' }} {{ ('x' if one == 1 else 'y') ~ 'z' }}",
    "unary": "{{ -one }} {{ +one }} {{ - 3 }} {{ not yes }} {{ not not yes }} {{ -(-3) }} {{ 1 - -1 }}",
    # Items, attributes, slices
    "items": "{{ numbers[0] }} {{ numbers[-1] }} {{ person['name'] }} {{ person.name }} {{ nested[1][0] }} {{ messages[-1]['role'] }} {{ messages[0].content }} {{ 'abc'[1] }} {{ '你好'[-1] }}",
    "key named as a method": "{{ person['items'] }}{% for k, v in person.items() %}{{ k }},{% endfor %}",
    "number as attribute": "{{ numbers.0 }}",
    "slices": "{{ numbers[1:] }} {{ numbers[:-1] }} {{ numbers[::-1] }} {{ numbers[0:2] }} {{ numbers[-2:] }} {{ numbers[:] }} {{ numbers[::2] }} {{ numbers[5:] }} {{ 'hello'[1:-1] }} {{ '你好吗'[::-1] }} {{ numbers[2:0:-1] }} {{ numbers[-9:9] }}",
    "slice of messages": "{% for m in messages[1:] %}{{ m.role }},{% endfor %}{% for m in messages[::-1] %}{{ loop.index0 }}{{ m['role'][0] }}{% endfor %}",
    # Statements
    "if elif else": "{% for n in [1, 2, 3] %}{% if n == 1 %}a{% elif n == 2 %}b{% else %}c{% endif %}{% endfor %}",
    "for": "{% for x in numbers %}{{ loop.index }}/{{ loop.length }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "loop variables": "{% for x in words %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}",
    "sameas": "{{ 1 is sameas 1 }}",
    "loop cycle": "{% for x in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "loop changed": "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}",
    "for else": "{% for x in none_at_all %}a{% else %}empty{% endfor %}",
    "for if": "{% for x in numbers if x > 1 %}{{ loop.index }}{{ x }}{% else %}none{% endfor %}{% for x in numbers if x > 9 %}a{% else %}none{% endfor %}",
    "for with several names": "{% for a, b in nested %}{{ a }}-{{ b }};{% endfor %}{% for (a, b) in nested %}{{ b }}{% endfor %}",
    "for over a dict": "{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in {'x': 1} | items %}{{ k }}{{ v }}{% endfor %}",
    "for over text": "{% for c in 'aé你' %}[{{ c }}]{% endfor %}",
    "for over a range": "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(1, 8, 3) %}{{ i }}{% endfor %}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}{{ range(0) | list }}",
    "nested loops": "{% for row in nested %}{% for x in row %}{{ loop.index }}{{ x }}{% endfor %}|{{ loop.index }}{% endfor %}",
    "break and continue": "{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "a loop's variables are its own": "{% set x = 1 %}{% for i in numbers %}{% set x = i %}{{ x }}{% endfor %}{{ x }}",
    "a loop does not remember": "{% for i in numbers %}{{ seen is defined }}{% set seen = i %}{% endfor %}",
    "if has no scope": "{% if yes %}{% set x = 2 %}{% endif %}{{ x }}",
    "the loop's name is restored": "{% set x = 'out' %}{% for x in numbers %}{% endfor %}{{ x }}",
    "set": "{% set a = 1 %}{% set b = a + 1 %}{{ a }}{{ b }}{% set a = 'x' %}{{ a }}",
    "set several": "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c[1] }}",
    "set block": "{% set a %}x{{ one }}\n y{% endset %}[{{ a }}]{{ a | length }}",
    "set block with filter": "{% set a | upper | trim %} x{{ one }}y {% endset %}[{{ a }}]",
    "namespace": "{% set ns = namespace(n=0, found=false) %}{% for x in numbers %}{% set ns.n = ns.n + x %}{% if x == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}{{ ns.absent is defined }}",
    "namespace of a dict": "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}",
    "messages replaced": "{% if messages[0].role == 'system' %}{% set messages = messages[1:] %}{% endif %}{{ messages | length }}{{ messages[0].content }}",
    "macro": "{% macro f(a, b='x', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(1, c=3) }}{{ f(b=2, a=1) }}{{ f() }}",
    "macro sees the outside": "{% set x = 1 %}{% macro f() %}{{ x }}{{ name }}{% endmacro %}{% set x = 2 %}{{ f() }}{% for x in [7] %}{{ f() }}{% endfor %}",
    "macro calls itself": "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(4) }}",
    "macro as a value": "{% macro f(a) %} {{ a }} {% endmacro %}{{ f('x') | trim | upper }}{% set y = f('z') %}{{ y | length }}{{ f('a') + 'b' }}",
    "macro arguments": "{% macro f(a) %}{{ varargs }}{{ kwargs }}{{ a }}{% endmacro %}{{ f(1, 2, x=3) }}",
    "call block": "{% macro f(a) %}<{{ caller() }}{{ a }}>{% endmacro %}{% call f(1) %}body{% endcall %}",
    "call block with arguments": "{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) f() %}{{ a }}{{ b }}{% endcall %}",
    "filter block": "{% filter upper %}a{{ 'b' }}c{% endfilter %}",
    "with": "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}[{{ a }}]{% with %}{% set c = 3 %}{{ c }}{% endwith %}[{{ c }}]",
    "do is not there": "{% do numbers.append(4) %}",
    "generation": "a{% generation %}b{{ one }}{% endgeneration %}c\n  {% generation %}\nd\n  {% endgeneration %}\ne",
    # Filters
    "case": "{{ 'heLLo wORLD' | upper }} {{ 'HeLLo' | lower }} {{ 'heLLo wORLD' | capitalize }} {{ \"heLLo wORLD-foo it's_so 3rd\" | title }}",
    "case of other alphabets": "{{ 'größe éa жук' | upper }} {{ 'ÉÀ ЖУК' | lower }} {{ 'éa' | capitalize }} {{ 'élan жук' | title }}",
    "trim": "[{{ '  a b \n' | trim }}] [{{ 'xxaxx' | trim('x') }}] [{{ '\u00a0a\u3000' | trim }}]",
    "replace": "{{ 'aaa' | replace('a', 'b') }} {{ 'aaa' | replace('a', 'b', 2) }} {{ 'abc' | replace('', '-') }}",
    "default": "{{ absent | default('x') }} {{ none | default('x') }} {{ '' | default('x', true) }} {{ '' | default('x', boolean=true) }}| {{ absent | d }}| {{ person.absent | default(3) }}",
    "length": "{{ 'é你🙂' | length }} {{ numbers | length }} {{ person | length }} {{ numbers | count }}",
    "first last": "{{ numbers | first }} {{ numbers | last }} {{ 'abc' | first }} {{ 'abc' | last }} [{{ [] | first }}]",
    "join": "{{ numbers | join(', ') }} {{ numbers | join }} {{ messages | join('|', attribute='role') }} {{ 'abc' | join('-') }} {{ ['a', 1, none] | join('/') }}",
    "list": "{{ 'abc' | list }} {{ person | list }} {{ (1, 2) | list }} {{ range(3) | list }}",
    "sort": "{{ numbers | sort }} {{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ numbers | sort(reverse=true) }} {{ messages | sort(attribute='role') | map(attribute='role') | list }}",
    "reverse": "{{ numbers | reverse | list }} {{ 'abc' | reverse }}",
    "unique": "{{ [1, 2, 1, 3, 2] | unique | list }} {{ ['a', 'A', 'b'] | unique | list }}",
    "sum min max": "{{ numbers | sum }} {{ numbers | min }} {{ numbers | max }} {{ messages | map(attribute='content') | map('length') | sum }} {{ [0.5, 1] | sum }}",
    "batch and slice": "{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 'x') | list }} {{ [1, 2, 3, 4, 5] | slice(2) | list }}",
    "groupby": "{% for role, group in messages | groupby('role') %}{{ role }}:{{ group | length }};{% endfor %}",
    "map": "{{ messages | map(attribute='role') | list }} {{ words | map('upper') | join }} {{ words | map('replace', 'b', 'B') | list }} {{ messages | map(attribute='absent', default='?') | join }}",
    "select": "{{ [0, 1, 2, none, ''] | select | list }} {{ [1, 2, 3] | select('odd') | list }} {{ [1, 2, 3] | reject('odd') | list }} {{ [1, 2, 3] | select('gt', 1) | list }} {{ [1, 2, 3] | select('greaterthan', 2) | list }} {{ [0, 1] | reject | list }}",
    "nested attributes": "{{ [{'a': {'b': 2}}, {'a': {'b': 1}}] | map(attribute='a.b') | list }} {{ nested | map(attribute=0) | list }} {{ nested | map(attribute='1') | sum }} {{ [{'a': {'b': 2}}, {'a': {'b': 1}}] | sort(attribute='a.b') | map(attribute='a.b') | join(',') }} {{ nested | sum(attribute=1) }}",
    "selectattr": "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | selectattr('tool_calls', 'defined') | map(attribute='role') | list }} {{ messages | rejectattr('role', '==', 'user') | map(attribute='role') | join(',') }} {{ messages | selectattr('tool_calls') | list | length }} {{ messages | selectattr('role', 'in', ['user', 'system']) | list | length }} {{ (messages | selectattr('role', 'eq', 'system') | first).content }}",
    "int and float": "{{ '12' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ '1.5' | float }} {{ 'x' | float }} {{ 2 | float }} {{ '12.7' | int }} {{ true | int }} {{ none | int }} {{ ' 7 ' | int }}",
    "round and abs": "{{ 2.5 | round }} {{ 3.5 | round }} {{ 1.25 | round(1) }} {{ 1.21 | round(1, 'ceil') }} {{ 1.29 | round(1, 'floor') }} {{ 7 | round }} {{ -3 | abs }} {{ -3.5 | abs }}",
    "string": "{{ 1 | string + 'a' }} {{ none | string }} {{ [1, 'a'] | string | length }} {{ person.tags | string }}",
    "tojson": "{{ person | tojson }} {{ markup | tojson }} {{ [1.0, none, true, 'é你\\n'] | tojson }} {{ {} | tojson }} {{ [] | tojson }} {{ 'a/b' | tojson }} {{ '\\x07\\x7f' | tojson }}",
    "tojson indent": "{{ person | tojson(indent=2) }}\n{{ [[], {}, [1]] | tojson(indent=4) }}\n{{ messages[2] | tojson(indent=1) }}",
    "tojson settings": "{{ {'b': 1, 'a': 'é'} | tojson(ensure_ascii=true, sort_keys=true) }} {{ [1, {'a': 2}] | tojson(separators=(',', ':')) }}",
    "dictsort": "{% for k, v in {'b': 1, 'A': 3, 'c': 2} | dictsort %}{{ k }}{{ v }}{% endfor %} {% for k, v in {'b': 1, 'A': 3} | dictsort(true) %}{{ k }}{% endfor %} {% for k, v in {'b': 1, 'a': 3} | dictsort(by='value') %}{{ k }}{% endfor %} {% for k, v in {'b': 1, 'a': 3} | dictsort(reverse=true) %}{{ k }}{% endfor %}",
    "indent": "{{ 'a\\nb\\n\\nc' | indent }}\n{{ 'a\\nb' | indent(2, true) }}\n{{ 'a\\n\\nb' | indent(2, blank=true) }}\n{{ 'a\\nb' | indent(width=1) }}",
    "escape": "{{ markup | e }} {{ markup | escape }} {{ markup | safe }} {{ markup }}",
    "wordcount": "{{ text | wordcount }}",
    "truncate": "{{ 'a b c d e f' | truncate(5) }}",
    "format": "{{ '%s-%s' | format('a', 1) }}",
    "pprint": "{{ 'x' | pprint }} {{ [1] | pprint }}",
    "filters in a chain": "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | map('trim') | join(' / ') | upper }}",
    # Tests
    "kinds": "{% for v in ['a', 1, 1.5, true, none, [1], {'a': 1}] %}{{ v is string }},{{ v is number }},{{ v is integer }},{{ v is float }},{{ v is boolean }},{{ v is none }},{{ v is sequence }},{{ v is iterable }},{{ v is mapping }},{{ v is defined }};{% endfor %}",
    "other tests": "{{ 4 is even }} {{ 3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 'a' is in ['a'] }} {{ 'a' is not in ['a'] }} {{ 1 is eq 1 }} {{ 1 is lt(2) }} {{ 2 is ge 2 }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 'ab' is lower }} {{ 'AB' is upper }}",
    "test of a callable": "{{ raise_exception is defined }} {{ strftime_now is defined }} {{ namespace is defined }}",
    "callable": "{{ range is callable }}",
    "is not": "{{ none is not none }} {{ absent is not defined }} {{ not absent is defined }} {{ 1 is not string }} {{ yes is defined and absent is undefined }}",
    "tests of filters and tests": "{{ 'upper' is filter }} {{ 'no_such' is filter }} {{ 'odd' is test }}",
    # Methods
    "strip": "[{{ '  a '.strip() }}] [{{ '  a '.lstrip() }}] [{{ '  a '.rstrip() }}] [{{ 'xxaxy'.strip('x') }}] [{{ '\\n\\na'.lstrip('\\n') }}] [{{ 'abcab'.rstrip('ab') }}] [{{ 'éaé'.strip('é') }}]",
    "split": "{{ text.split() }} {{ text.split(' ') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a</t>b'.split('</t>')[-1] }} {{ ' a  b '.split(none, 1) }} {{ 'a b c'.rsplit() }} {{ 'a b c'.rsplit(none, 1) }} {{ 'a,b'.split(sep=',') }} {{ 'a,b,c'.split(',', maxsplit=1) }}",
    "splitlines": "{{ lines.splitlines() }} {{ 'a\\r\\nb\\rc'.splitlines() }} {{ ''.splitlines() }} {{ 'a\\nb'.splitlines(true) }}",
    "starts and ends": "{{ 'hello'.startswith('he') }} {{ 'hello'.endswith('lo') }} {{ 'hello'.startswith(('x', 'h')) }} {{ 'hello'.startswith('') }} {{ 'hello'.startswith('l', 2) }}",
    "other string methods": "{{ 'aXb'.lower() }} {{ 'aXb'.upper() }} {{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ 'a-a'.replace('a', 'b') }} {{ 'a-a'.replace('a', 'b', 1) }} {{ 'banana'.find('n') }} {{ 'banana'.rfind('n') }} {{ 'banana'.find('x') }} {{ 'banana'.count('an') }} {{ 'abc'.count('') }} {{ ', '.join(words) }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '你好你'.find('好') }} {{ '你好你'.rfind('你') }} {{ 'abc'.replace('', '-', 2) }}",
    "python's title": "{{ \"it's 3rd-party jOHN größe élan\".title() }}",
    "string methods left out": "{{ '12'.isdigit() }}",
    "formatting method": "{{ '{} and {}'.format('a', 1) }}",
    "dict methods": "{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }} {{ {'a': 1, 'b': 2}.keys() | list }} {{ {'a': 1, 'b': 2}.values() | list }} {{ ({'a': 1}.items() | list)[0] | join }} {{ messages[0].get('tool_calls') }}",
    "list methods": "{{ numbers.index(1) }} {{ numbers.count(1) }}",
    "functions": "{{ dict(a=1, b='x') }} {{ dict(a=1).a }} {{ range(2, 5) | list }} {{ range(3) | length }} {{ range(5)[1:3] | list }}",
    "text is no markup": "{{ '<a>' ~ '&' }}{{ '<' | upper }}",
    "cycler and joiner": "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{% set j = joiner(', ') %}{% for x in numbers %}{{ j() }}{{ x }}{% endfor %}",
    # What Jinja refuses
    "item of undefined": "{{ absent.x }}",
    "undefined added": "{{ absent + 1 }}",
    "undefined added to text": "{{ 'a' + absent }}",
    "text added to a number": "{{ 'a' + 1 }}",
    "none added": "{{ 'a' + none }}",
    "length of a number": "{{ 1 | length }}",
    "loop over a number": "{% for x in 1 %}{% endfor %}",
    "unknown filter": "{{ 1 | no_such_filter }}",
    "unknown test": "{{ 1 is no_such_test }}",
    "unknown function": "{{ no_such_function() }}",
    "unknown method": "{{ 'a'.no_such_method() }}",
    "unknown tag": "{% no_such_tag %}",
    "unclosed if": "{% if yes %}a",
    "unclosed for": "{% for x in numbers %}a{% if x %}{% endfor %}",
    "unclosed print": "{{ one",
    "unclosed tag": "a {% if yes",
    "unclosed comment": "a {# b",
    "unclosed string": "{{ 'a }}",
    "unclosed bracket": "{{ (1 + 2 }}",
    "unexpected end": "{% endif %}",
    "else twice": "{% if yes %}a{% else %}b{% else %}c{% endif %}",
    "nothing to print": "{{ }}",
    "operator without operand": "{{ 1 + }}",
    "two values": "{{ 1 2 }}",
    "missing in": "{% for x numbers %}{% endfor %}",
    "set of nothing": "{% set x = %}",
    "division by zero": "{{ 1 / 0 }}",
    "a number called": "{{ one() }}",
    "raise_exception": "{{ raise_exception('Roles must alternate!') }}",
    "less than with text": "{{ 1 < 'a' }}",
    "break outside a loop": "{% break %}",
    "private attribute of a namespace": "{% set ns = namespace() %}{% set ns.a = 1 %}{% set no_namespace = 1 %}{% set no_namespace.b = 1 %}",
}


# What the subset does without, and must refuse rather than misread.
LEFT_OUT = {
    "raw", "powers", "list comparison", "string formatting", "number as attribute", "loop cycle", "loop changed",
    "macro arguments", "call block", "call block with arguments", "filter block", "with", "batch and slice", "groupby",
    "wordcount", "truncate", "format", "pprint", "callable", "sameas", "tests of filters and tests", "string methods left out",
    "formatting method", "list methods", "cycler and joiner",
}


def escaped(text):
    return "".join(f"\\u{ord(c):04x}" if c in "<>[]|" else c for c in json.dumps(text))


def main():
    lines = []
    for name, template in TEMPLATES.items():
        try:
            text = _compile_jinja_template(template).render(**VARIABLES)
            result = ("left_out" if name in LEFT_OUT else "text", text)
        except Exception as error:
            result = ("error", f"{type(error).__name__}: {error}")
        lines.append(f'{{"name": {escaped(name)}, "template": {escaped(template)}, "{result[0]}": {escaped(result[1])}}}')
    variables = json.dumps(json.dumps(VARIABLES))
    variables = "".join(f"\\u{ord(c):04x}" if c in "<>[]|" else c for c in variables)
    path = pathlib.Path(__file__).resolve().parent / "jinja.json"
    path.write_text('{"variables": ' + variables + ',\n"templates": [\n' + ",\n".join(lines) + "]}\n")


if __name__ == "__main__":
    main()

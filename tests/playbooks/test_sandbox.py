"""What templates may call, and how much of it: the known ways out, and the known ways to hang."""

import contextlib
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from jinja2.filters import FILTERS

from engine.playbooks.budget import MAX_OUTPUT, Budget, SpentError
from engine.playbooks.filters import ALLOWED
from engine.playbooks.template import RenderError, Templates, TemplateSyntaxError

TEMPLATES = Templates()
DOCUMENT: dict[str, Any] = {
    "labels": {"host": "web-1", "real": "a label", "list": ["a", "b"]},
    "alerts": [{"host": "a", "n": 2}, {"host": "b", "n": 1}],
    "title": "Host down",
    "number": 5,
    "big": "a" * MAX_OUTPUT,
    "many": ["x"] * 100_000,
}


def rendered(source: str) -> Any:
    return TEMPLATES.parse(source).render(DOCUMENT)


def refusal(source: str) -> str:
    with pytest.raises((RenderError, TemplateSyntaxError)) as caught:
        rendered(source)
    return str(caught.value)


# Out of the sandbox: payloads that were published against Jinja, Flask, Ansible, StackStorm.


@pytest.mark.parametrize("expression", [
    "''.__class__.__mro__[2].__subclasses__()[40]('/etc/passwd').read()",
    "''.__class__.__base__.__subclasses__()",
    "[].__class__.__base__.__subclasses__()[59].__init__.__globals__['__builtins__']",
    "().__class__.__bases__[0].__subclasses__()",
    "{}.__class__.__bases__[0].__subclasses__()[59].__init__.func_globals.linecache.os.popen('id')",
    "config.__class__.__init__.__globals__['os'].popen('id').read()",
    "request.application.__globals__.__builtins__.__import__('os').popen('id').read()",
    "request['application']['\\x5f\\x5fglobals\\x5f\\x5f']",
    "request|attr('application')|attr('\\x5f\\x5fglobals\\x5f\\x5f')",
    "()|attr('\\x5f\\x5fclass\\x5f\\x5f')|attr('\\x5f\\x5fbase\\x5f\\x5f')",
    "''|attr(['_'*2,'class','_'*2]|join)",
    "''[['_'*2,'class','_'*2]|join]",
    "''['_'~'_class_'~'_']",
    "[''] | map(attribute=['_'*2,'class','_'*2]|join) | list",
    "[''] | map('attr', '__class__') | list",
    "alerts | groupby('host.__class__') | list",
    "alerts | sort(attribute='host.__class__.__base__')",
    "alerts | selectattr('__class__') | list",
    "alerts | sum(attribute='__class__')",
    "alerts | unique(attribute='__class__') | list",
    "lipsum.__globals__.os.popen('id').read()",
    "lipsum.__globals__['__builtins__']['eval']('1')",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner.__init__.__globals__.os.popen('id').read()",
    "namespace.__init__.__globals__.os.popen('id').read()",
    "self._TemplateReference__context.cycler.__init__.__globals__.os",
    "self.__init__.__globals__.__builtins__",
    "self.__dict__", "context", "context.environment", "environment.filters", "engine__budget.turns",
    "engine__bounded", "url_for.__globals__", "get_flashed_messages.__globals__", "g.pop", "session",
    "ansible_facts", "lookup('pipe', 'id')", "query('pipe', 'id')", "st2kv.system.x", "callers",
    "range.__class__.__base__", "range(1).__class__", "range(1).__reduce__()", "dict.__base__", "dict()",
    "dict.fromkeys('ab')", "loop", "caller()", "varargs", "kwargs", "super()", "namespace()",
    "'%s' % labels", "'%(a)s' % labels", "'%c' % 97", "'%n' | format(1)", "'%s' | format(labels)",
    "'{0.__class__.__base__}'.format(labels)", "'{0}'.format(1)", "title.format_map(labels)",
    "('{' ~ '0.__class__}').format(1)", "title['format'](1)", "[title] | map(attribute='format') | list",
    "('{0.__class__}' | e).format(1)", "('%s' | e) % labels", "('a' | tojson) % 1", "('a' | e).unescape()",
    "'{0.__class__}' | safe", "title | safe", "title | forceescape", "title | pprint", "alerts | random",
    "labels | xmlattr", "title | urlize", "title | striptags", "title | center(9)", "alerts | batch(2)",
    "alerts | slice(2)", "title | wordwrap(1)",
    "title.encode()", "title.translate({72: 'x'})", "title.maketrans('a', 'b')", "title.zfill(9)",
    "title.ljust(9)", "title.rjust(9)", "title.center(9)", "title.expandtabs(9)", "title.__add__('x')",
    "title.__mod__(1)", "number.real", "number.bit_length()", "number.to_bytes(9, 'big')",
    "number.as_integer_ratio()", "1.5.fromhex('0x1p-2')", "number.numerator", "true.real",
    "labels.update({'host': 'x'})", "labels.copy()", "labels.pop('host')", "labels.fromkeys('ab')",
    "alerts.append(1)", "alerts.copy()", "alerts.sort()", "alerts.pop()", "alerts.extend(alerts)",
    "title.join.__self__", "title.upper.__func__", "labels.items.__call__", "(alerts | map('upper')).gi_frame",
    "(alerts | map('upper')).send(1)", "(alerts | map('upper')).close()", "(alerts | reverse).__reduce__()",
])  # fmt: skip
def test_no_expression_leads_out(expression: str) -> None:
    before = repr(DOCUMENT["labels"]), repr(DOCUMENT["alerts"])
    assert refusal("{{ " + expression + " }}")
    assert refusal("text {{ " + expression + " }}")
    assert refusal("{% if " + expression + " %}{% endif %}{{ " + expression + " }}")
    assert (repr(DOCUMENT["labels"]), repr(DOCUMENT["alerts"])) == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "a template has no macros"),
        ("{% call range(1) %}{% endcall %}", "a template has no macros"),
        (
            "{% for a in alerts recursive %}{{ loop(alerts) }}{% endfor %}",
            "a loop does not call itself",
        ),
        ("{% set a %}{{ title }}{% endset %}", "a name is set to an expression: {% set a = ... %}"),
        ("{% filter upper %}a{% endfilter %}", "a filter stands in {{ }}, behind a |"),
        (
            "{% autoescape true %}{% endautoescape %}",
            "nothing is escaped here; there is the filter e",
        ),
        ("{% block title %}{% endblock %}", "a template has no other files"),
        ("{% include title %}", "a template has no other files"),
        ("{% extends title %}", "a template has no other files"),
        ("{% import 'a' as a %}", "a template has no other files"),
        ("{% do 1 %}", "encountered unknown tag 'do'"),
        ("{% debug %}", "encountered unknown tag 'debug'"),
    ],
)
def test_what_has_no_bounds_or_no_place_is_refused_when_it_is_read(source: str, said: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        TEMPLATES.parse(source)
    assert caught.value.message == said


def test_filters_are_an_allow_list() -> None:
    left_out = {"attr", "batch", "center", "forceescape", "format", "pprint", "random", "safe", "slice",
                "striptags", "urlize", "wordwrap", "xmlattr"}  # fmt: skip
    assert set(FILTERS) - set(ALLOWED) == left_out
    assert len(ALLOWED) == len(set(ALLOWED))
    for name in left_out:
        assert refusal("{{ title | " + name + " }}") == f"no filter named '{name}'"
        assert refusal("{{ alerts | map('" + name + "') | list }}") == f"No filter named '{name}'."


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ title.upper().replace('HOST', 'Web').split(' ') }}", ["Web", "DOWN"]),
        ("{{ ', '.join(labels.list) }}", "a, b"),
        ("{{ labels.list | join('-') }}", "a-b"),
        ("{{ alerts | map(attribute='host') | map('upper') | join }}", "AB"),
        ("{{ labels.get('x', 1) }}", 1),
        ("{{ labels.real }}", "a label"),
        ("{{ alerts | sort(attribute='n') | map(attribute='host') | first }}", "b"),
        ("{{ (alerts | groupby('host') | first).grouper }}", "a"),
        ("{{ (alerts | groupby('host') | first).list | length }}", 1),
        ("{{ '<a>' | e ~ '<b>' }}", "&lt;a&gt;<b>"),
        ("{{ labels.list | tojson ~ '<' }}", '["a", "b"]<'),
        ("{{ 'a\nb' | indent(2, true) }}", "  a\n  b"),
        ("{{ 2.345 | round(2) }}", 2.35),
        ("{{ [1, 2] | sum }}", 3),
        ("{{ [1] + [2] }}", [1, 2]),
        ("{{ 'web' in labels.host and 'a' is in labels.list }}", True),
        ("{% for a in alerts %}{{ loop.cycle('x', 'y') }}{{ loop.index }}{% endfor %}", "x1y2"),
        ("{% set a = 1 %}{% with b = 2 %}{{ a + b }}{% endwith %}", "3"),
        ("hosts: {{ alerts | map(attribute='host') }}", "hosts: ['a', 'b']"),
    ],
)
def test_what_people_write_still_works(source: str, value: object) -> None:
    assert rendered(source) == value


# Bounds


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10 ** 9 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ 9 ** (9 ** (9 ** 9)) }}",
        "{{ 2 ** 4000 * 2 ** 4000 }}",
        "{{ range(10 ** 9) | list }}",
        "{{ big ~ big }}",
        "{{ big + big }}",
        "{{ big.replace('', big) }}",
        "{{ big | replace('', big) }}",
        "{{ big | replace('a', 'b' * 1000) }}",
        "{{ title | indent(10 ** 10) }}",
        "{{ title | indent(big) }}{{ title | indent(big, true) }}",
        "{{ (['a'] * 100000) | join(big) }}",
        "{{ big.join(many) }}",
        "{{ ','.join([big] * 1000) }}",
        "{{ [big] * 1000 | join }}",
        "{{ many | map('replace', 'x', big) | list }}",
        "{{ many | map('indent', 100000, true) | list }}",
        "{{ many | select('in', many) | list }}",
        "{{ ([1] * 1000000) | sort(attribute='n') }}",
        "{{ ([1] * 1000000) | map(attribute='n') | list }}",
        "{{ 1.5 | round(10 ** 9, 'ceil') }}",
        "{{ 5 | round(-(10 ** 9)) }}",
        "{{ {'a': [1]} | tojson(indent=10 ** 9) }}",
        "{{ {'a': [1]} | tojson(indent=big) }}",
        "{{ [many] * 10000 | sum(start=[]) }}",
        "{{ ([many] * 100) | sum(start=[]) }}",
        "{{ ([big] * 100000) | tojson }}",
        "{{ ([big] * 100000) | string }}",
        "{{ [big] * 100000 }}",
        "{{ {'a': [big] * 1000} }}",
        "x {{ [big] * 100000 }}",
        "{% for a in many %}{{ big }}{% endfor %}",
        "{% for a in many %}{% if many == a ~ big %}{% endif %}{% endfor %}",
        "{% for a in many %}{% if 'y' in many %}{% endif %}{% endfor %}",
        "{% for a in many %}{% for b in many %}{% endfor %}{% endfor %}",
        "{% for a in range(400) %}{% for b in range(400) %}{% for c in [1] %}{% endfor %}{% endfor %}{% endfor %}",
        "{% set a = [1, 1] %}"
        + "".join(f"{{% set a{n} = [a{n - 1}, a{n - 1}] %}}" for n in range(2, 50))
        .replace("a1,", "a,")
        .replace("a1]", "a]")
        + "{{ a49 }}",
        "{% set a = 'aa' %}" + "{% set a = a ~ a %}" * 50 + "{{ a }}",
    ],
)
def test_nothing_fills_the_memory_or_hangs(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "engine.playbooks.budget.MAX_SECONDS", 0.3
    )  # this test does not wait longer
    parsed = TEMPLATES.parse(source)
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(RenderError):
            parsed.render(DOCUMENT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 30  # tracemalloc takes its time; a hang takes hours
    assert peak < 128 * 1024 * 1024


def test_constants_of_a_template_are_not_worked_out_while_it_is_read() -> None:
    began = time.process_time()
    for source in ("{{ 'a' * 10 ** 9 }}", "{{ 10 ** (10 ** 10) }}", "{{ 'a' | indent(10 ** 9) }}"):
        TEMPLATES.parse(source)
    assert time.process_time() - began < 10


def test_the_clock_ends_what_the_counts_do_not() -> None:
    ticks: Iterator[int] = iter(range(1000))
    budget = Budget(clock=lambda: float(next(ticks)))
    with pytest.raises(SpentError, match="more than 2 s"):
        list(budget.spend(range(10)))


def test_time_in_which_the_machine_did_other_things_is_not_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.playbooks.budget.MAX_SECONDS", 0.05)
    for _ in Budget().spend(range(2)):
        time.sleep(0.1)


def test_a_whole_payload_passes() -> None:
    payload = {"items": [{"text": "x" * 400, "n": n} for n in range(10_000)]}
    assert TEMPLATES.parse("{{ payload }}").render({"payload": payload}) == payload


@pytest.mark.parametrize(
    "source", ["{{ 'a'.x and 1 }}", "{% set a = 'a'.x or 1 %}{{ a }}", "x{{ (1).y }}"]
)
def test_a_constant_that_fails_fails_when_it_is_rendered(source: str) -> None:
    assert "is not there: it is asked of a" in refusal(source)


def test_a_place_is_in_the_text_however_its_lines_end() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        TEMPLATES.parse("a\rb\r\nc {{ d e }}")
    assert caught.value.offset == 7


@pytest.mark.parametrize("name", ALLOWED)
def test_no_filter_changes_what_it_is_given(name: str) -> None:
    """Jinja's `indent` lengthened a list of the event; found by fuzzing."""
    before = repr(DOCUMENT["labels"]), repr(DOCUMENT["alerts"])
    for value in ("labels", "labels.list", "alerts", "alerts[0]"):
        for given in ("", "(2)", "('a')", "('a', 'b')", "(attribute='n')", "(labels.list)"):
            with contextlib.suppress(RenderError):
                rendered("{{ " + f"{value} | {name}{given}" + " }}")
    assert (repr(DOCUMENT["labels"]), repr(DOCUMENT["alerts"])) == before

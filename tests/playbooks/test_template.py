import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from engine.playbooks.budget import MAX_ITERATIONS, MAX_OUTPUT
from engine.playbooks.deferred import Unknown
from engine.playbooks.template import (
    MAX_DEPTH,
    LocatedRenderError,
    RenderError,
    Template,
    Templates,
    TemplateSyntaxError,
    render,
)

TEMPLATES = Templates()
DOCUMENT: dict[str, Any] = {
    "labels": {"host": "web-1", "port": 8080, "items": "a label", "nested": {"deep": [1, 2]}},
    "alerts": [{"host": "a"}, {"host": "b"}],
    "title": "Host down",
    "incident": None,
    "vars": {"flag": True, "ratio": 0.5, "data": "{{ secrets.TOKEN }}"},
    "steps": {"probe": Unknown("steps.probe")},
}
NAMES = (
    "alert, alerts, channel, config, event, fields, incident, inputs, labels, payload, "
    "person, run, secrets, severity, status, steps, title, vars"
)


def rendered(source: str, document: Mapping[str, Any] = DOCUMENT) -> Any:
    return TEMPLATES.parse(source).render(document)


def refusal(source: str, document: Mapping[str, Any] = DOCUMENT) -> str:
    with pytest.raises(RenderError) as caught:
        rendered(source, document)
    return str(caught.value)


def said_or_rendered(template: Template, document: Mapping[str, Any] = DOCUMENT) -> None:
    """Rendering raises nothing but RenderError, and that has a sentence."""
    said = "nothing was raised"
    with contextlib.suppress(RenderError):
        try:
            template.render(document)
        except RenderError as error:
            said = str(error)
            raise
    assert said


def syntax_error(source: str) -> TemplateSyntaxError:
    with pytest.raises(TemplateSyntaxError) as caught:
        TEMPLATES.parse(source)
    return caught.value


# What a template becomes


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ labels.port }}", 8080),
        ("{{labels.port}}", 8080),
        ("{{- labels.port -}}", 8080),
        ("{{ vars.flag }}", True),
        ("{{ vars.ratio }}", 0.5),
        ("{{ incident }}", None),
        ("{{ labels.nested }}", {"deep": [1, 2]}),
        ("{{ alerts | map(attribute='host') }}", ["a", "b"]),
        ("{{ (1, 'a') }}", [1, "a"]),
        ("{{ {1: 2} }}", {"1": 2}),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ alerts | length + 1 }}", 3),
        ("{{ alerts | tojson }}", '[{"host": "a"}, {"host": "b"}]'),
        ("{{ 2 * 3 }}", 6),
        ("{{ 2 ** 10 }}", 1024),
        ("{{ 7 % 4 }}", 3),
        ("{{ 2.0 * 3 }}", 6.0),
        ("{{ 'ab' * 2 }}", "abab"),
        ("{{ 2 * 'ab' }}", "abab"),
        ("{{ title | default('none') }}", "Host down"),
        ("{{ nowhere | default(3) }}", 3),
    ],
)
def test_a_single_expression_keeps_its_type(source: str, value: object) -> None:
    answer = rendered(source)
    assert answer == value
    assert type(answer) is type(value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (" {{ labels.port }}", " 8080"),
        ("{{ labels.port }}\n", "8080\n"),
        ("{{ 1 }}{{ 2 }}", "12"),
        ("http://{{ labels.host }}:{{ labels.port }}/", "http://web-1:8080/"),
        ("{% if vars.flag %}yes{% else %}no{% endif %}", "yes"),
        ("{% for a in alerts %}{{ a.host }}{{ ',' if not loop.last }}{% endfor %}", "a,b"),
        ("{% for a in alerts if a.host == 'b' %}{{ a.host }}{% endfor %}", "b"),
        ("{# nobody reads this #}", ""),
        ("{% raw %}{{ labels }}{% endraw %}", "{{ labels }}"),
        ("<{{ title }}> & 'so'", "<Host down> & 'so'"),
    ],
)
def test_everything_else_is_text(source: str, text: str) -> None:
    assert rendered(source) == text


def test_a_key_of_data_comes_before_a_method_of_its_mapping() -> None:
    assert rendered("{{ labels.items }}") == "a label"
    assert rendered("{{ labels.nested.items() | list }}") == [["deep", [1, 2]]]
    assert refusal("{{ labels.keys }}") == "its value is a function; call it or name a field"


def test_a_template_knows_the_names_it_asks_for() -> None:
    template = TEMPLATES.parse("{% set a = labels.host %}{{ a }} {{ vars.b | default(title) }}")
    assert template.names == {"labels", "vars", "title"}
    assert not template.is_expression


@pytest.mark.parametrize("text", ["{{ a }}", "{% if a %}", "{# a #}", "{{", "x {% "])
def test_whatever_opens_a_template_asks_to_be_rendered(text: str) -> None:
    assert Templates.is_template(text)


@pytest.mark.parametrize("text", ["", "plain", "{ a }", "{a}}", "}}", "${A}", "%}"])
def test_other_text_does_not(text: str) -> None:
    assert not Templates.is_template(text)


# One pass only


def test_data_that_looks_like_a_template_stays_data() -> None:
    assert rendered("{{ vars.data }}") == "{{ secrets.TOKEN }}"
    assert rendered("Says: {{ vars.data }}") == "Says: {{ secrets.TOKEN }}"


@given(st.text() | st.sampled_from(["{{ 7 * 7 }}", "{% raw %}", "{#", "{{ secrets }}", "}}"]))
def test_no_text_of_an_event_is_ever_rendered(data: str) -> None:
    document = {"title": data}
    assert rendered("{{ title }}", document) == data
    assert rendered("<{{ title }}>", document) == f"<{data}>"
    tree = {"a": [TEMPLATES.parse("{{ title }}"), data]}
    assert render(tree, document) == {"a": [data, data]}


@given(st.text() | st.lists(st.sampled_from(["{{", "}}", "{%", "%}", "title", "|", " ", "(", "1"])))
def test_any_text_parses_or_is_refused_and_renders_or_says_why(parts: str | list[str]) -> None:
    source = parts if isinstance(parts, str) else "".join(parts)
    try:
        template = TEMPLATES.parse(source)
    except TemplateSyntaxError as error:
        offset = error.offset
    else:
        said_or_rendered(template)
        return
    assert 0 <= offset <= len(source)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
EXPRESSIONS = [
    *("{{ a.b }}", "{{ a | length }}", "{{ a + b }}", "{{ a * b }}", "{{ a % b }}", "{{ a[b] }}"),
    *("{{ a | sort }}", "{{ a | join(b) }}", "{{ a ~ b }}", "{{ a | int }}", "{{ a() }}"),
    *("{% for x in a %}{{ x }}{% endfor %}", "{{ a | float }}", "{{ a < b }}", "{{ a ** b }}"),
    *("{{ a | tojson }}", "{{ a | map(attribute=b) | list }}", "{{ -a }}", "{{ a | round }}"),
]


@given(st.sampled_from(EXPRESSIONS), JSON, JSON)
def test_no_data_makes_rendering_raise_anything_else(source: str, a: object, b: object) -> None:
    said_or_rendered(TEMPLATES.parse(source), {"a": a, "b": b})


# Names that are not there


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ nowhere }}", f"'nowhere' is not defined (known here: {NAMES})"),
        ("{{ label.host }}", "'label' is not defined (did you mean 'labels'?)"),
        ("x{{ titel }}", "'titel' is not defined (did you mean 'title'?)"),
        ("{{ labels.hots }}", "'hots' is not there (did you mean 'host'?)"),
        ("{{ labels['zzz'] }}", "'zzz' is not there (known here: host, items, nested, port)"),
        ("{{ labels.nested.deep.x }}", "'x' is not there: it is asked of a list"),
        ("{{ labels.nested.deep[9] }}", "'9' is not there: it is asked of a list"),
        ("{{ title.x }}", "'x' is not there: it is asked of a text"),
        ("{{ labels.port.x }}", "'x' is not there: it is asked of a number"),
        ("{{ vars.ratio.x }}", "'x' is not there: it is asked of a number"),
        ("{{ vars.flag.x }}", "'x' is not there: it is asked of true or false"),
        ("{{ incident.title }}", "'title' is not there: what it is asked of is null"),
        ("{{ labels.a.b.c }}", "'a' is not there (known here: host, items, nested, port)"),
        ("{{ {}.a }}", "'a' is not there (the mapping is empty)"),
        ("{{ range.start }}", "'start' is not there"),
        ("{% if nowhere %}{% endif %}", f"'nowhere' is not defined (known here: {NAMES})"),
        ("{% for x in titel %}{% endfor %}", "'titel' is not defined (did you mean 'title'?)"),
        ("{{ nowhere == 1 }}", f"'nowhere' is not defined (known here: {NAMES})"),
    ],
)
def test_an_undefined_name_says_what_is_there_instead(source: str, said: str) -> None:
    assert refusal(source) == said


# Caps


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ 'a' * 2000000 }}", "a text or list of more than 1,048,576"),
        ("{{ 2000000 * 'a' }}", "a text or list of more than 1,048,576"),
        ("{{ [1] * 2000000 }}", "a text or list of more than 1,048,576"),
        ("{{ (1,) * 2000000 }}", "a text or list of more than 1,048,576"),
        ("{{ 2 ** 100000 }}", "a number too large to work with"),
        ("{{ 10 ** 2000 }}", "a number too large to work with"),
        ("{{ (10 ** 1000) * (10 ** 1000) }}", "a number too large to work with"),
        ("{{ 2.0 ** 5000 }}", "OverflowError: (34, 'Numerical result out of range')"),
        (
            "{{ range(1000000) }}",
            (
                "OverflowError: Range too big. The sandbox blocks ranges larger than MAX_RANGE "
                "(100000)."
            ),
        ),
        (
            "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
            "more than 100,000 turns of its loops",
        ),
        (
            "{% for a in range(100) %}{{ 'a' * 100000 }}{% endfor %}",
            "its text is longer than 1,048,576 characters",
        ),
        (
            "{{ 'a' * 1000000 ~ 'a' * 1000000 }}",
            "its text is longer than 1,048,576 characters",
        ),
        ("{{ '%s' % title }}", "'%' does not format texts here; write {{ a }} {{ b }} or a ~ b"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
    ],
)
def test_no_template_fills_the_memory_or_runs_for_ever(source: str, said: str) -> None:
    assert refusal(source).startswith(said)


def test_each_rendering_has_turns_of_its_own() -> None:
    template = TEMPLATES.parse("{% for a in range(60000) %}{% endfor %}")
    assert template.render({}) == ""
    assert template.render({}) == ""


def test_a_list_that_leaves_a_template_is_bounded_too() -> None:
    document = {"a": range(MAX_ITERATIONS + 1)}
    assert refusal("{{ a }}", document) == "more than 100,000 turns of its loops"


def test_a_text_of_the_largest_size_passes() -> None:
    assert len(rendered("{{ a }}", {"a": "x" * MAX_OUTPUT})) == MAX_OUTPUT
    assert len(rendered("x{{ a }}", {"a": "x" * (MAX_OUTPUT - 1)})) == MAX_OUTPUT


def test_data_is_as_deep_as_it_may_be() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert rendered("{{ a }}", {"a": deep}) == deep
    assert refusal("{{ a }}", {"a": [deep]}) == "its value is nested deeper than 64 levels"


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_number_that_json_has_not_does_not_leave(text: str) -> None:
    assert refusal("{{ a | float }}", {"a": text}) == (
        f"its value is {text}, which is no number in JSON"
    )


# The sandbox


@pytest.mark.parametrize(
    "source",
    [
        "{{ labels.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ labels | attr('__class__') }}",
        "{{ [labels] | map(attribute='__class__') | list }}",
        "{{ [''] | map('attr', '__class__') | list }}",
        "{{ '' | attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ lipsum.__globals__['os'] }}",
        "{{ range.__class__ }}",
        "{{ dict.__base__ }}",
        "{{ dict.mro() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context.environment }}",
        "{{ self }}",
        "{{ '{0.__class__}'.format(labels) }}",
        "{{ '{a.__class__}'.format(a=labels) }}",
        "{{ '{a.__class__}'.format_map({'a': labels}) }}",
        "{{ ('{0.__class__}' | string).format(1) }}",
        "{{ (labels | tojson).__class__ }}",
        "{{ ''.join.__self__ }}",
        "{{ (alerts | map('upper')).gi_frame }}",
        "{% macro m() %}{% endmacro %}{{ m.__call__.__func__ }}",
        "{{ labels.update({'host': 'x'}) }}",
        "{{ labels.pop('host') }}",
        "{{ labels.setdefault('x', 1) }}",
        "{{ labels.nested.clear() }}",
        "{{ alerts.append(1) }}",
        "{{ alerts.sort() }}",
        "{{ alerts[0].popitem() }}",
        "{% set labels.host = 'x' %}",
        "{% set ns = namespace() %}{{ ns }}{{ ns.__init__ }}",
        "{{ namespace(a=1) }}",
        "{{ cycler('a') }}",
        "{{ 'x'.encode() }}",
        "{{ caller() }}",
        "{{ environment }}",
        "{{ request.application.__globals__ }}",
        "{{ get_flashed_messages.__globals__ }}",
        "{{ engine__budget }}{{ engine__budget.__class__ }}",
        "{{ [] | engine__bounded | attr('gi_frame') }}",
    ],
)
def test_no_way_out_of_the_sandbox(source: str) -> None:
    before = repr(DOCUMENT)
    with pytest.raises((RenderError, TemplateSyntaxError)) as caught:
        rendered(source)
    assert str(caught.value)
    assert repr(DOCUMENT) == before


@pytest.mark.parametrize(
    "source",
    [
        "{% include '/etc/passwd' %}",
        "{% extends 'a' %}",
        "{% import 'os' as os %}",
        "{% from 'os' import path %}",
        "{% block a %}{% endblock %}",
    ],
)
def test_a_template_reads_no_other_file(source: str) -> None:
    error = syntax_error(f"a\n{source}")
    assert (error.message, error.offset) == ("a template has no other files", 2)


def test_the_words_of_the_sandbox() -> None:
    assert refusal("{{ labels.__class__ }}") == (
        "access to attribute '__class__' of 'dict' object is unsafe."
    )
    assert refusal("{{ title.format(1) }}") == (
        "a template cannot ask 'format' of a text (known here: capitalize, count, endswith, find, "
        "index, isalnum, isalpha, isdecimal, isdigit, islower, isnumeric, isspace, isupper, join, "
        "lower, lstrip, partition, removeprefix, removesuffix, replace, rfind, rpartition, rsplit, "
        "rstrip, split, splitlines, startswith, strip, title, upper)"
    )
    assert refusal("{{ alerts.append(1) }}") == (
        "a template cannot ask 'append' of a list (known here: count, index)"
    )


# What is not known yet


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ steps.probe }}", "‹steps.probe›"),
        ("{{ steps.probe.body.name }}", "‹steps.probe.body.name›"),
        ("{{ steps.probe['body'][0].name }}", "‹steps.probe.body[0].name›"),
        ("{{ steps.probe.body | default('x') }}", "‹steps.probe.body›"),
        *(
            (source, f"‹{source}›")
            for source in (
                "{{ steps.probe.status == 200 }}",
                "{{ steps.probe.status + 1 }}",
                "{{ steps.probe.status ** 2 }}",
                "{{ -steps.probe.status }}",
                "{{ 2 * steps.probe.status }}",
                "{{ steps.probe.body | length }}",
                "{{ steps.probe.body | tojson }}",
                "{{ {'a': steps.probe.body} | tojson }}",
                "{{ steps.probe.body | abs }}",
                "{{ steps.probe.body | round }}",
                "{{ steps.probe.body | int }}",
                "{{ steps.probe.body.items() }}",
                "{{ alerts[steps.probe.number] }}",
                "{{ labels[steps.probe.name] }}",
                "{{ 'a' if steps.probe.body else 'b' }}",
                "{{ steps.probe.body | map(attribute='a') }}",
                "{% for a in steps.probe.body %}{{ a }}{% endfor %}",
                "{% if steps.probe.status < 400 %}fine{% endif %}",
            )
        ),
    ],
)
def test_the_unknown_passes_through_and_says_where_it_is_from(source: str, shown: str) -> None:
    value = rendered(source)
    assert isinstance(value, Unknown)
    assert str(value) == shown


def test_the_unknown_stands_in_a_text_by_its_name() -> None:
    assert rendered("at {{ steps.probe.body.at }}!") == "at ‹steps.probe.body.at›!"


def test_json_of_what_is_no_data_is_refused() -> None:
    assert refusal("{{ range(3) | map('int') | tojson }}") == "TypeError: generator is no data"


# Syntax


@pytest.mark.parametrize(
    ("source", "offset", "message", "hint"),
    [
        (
            "{{ labels.host",
            0,
            "unexpected end of template, expected 'end of print statement'",
            "close it with }}",
        ),
        ("host {{ a }", 5, "unexpected '}'", "close it with }}"),
        (
            "{% if a",
            0,
            "unexpected end of template, expected 'end of statement block'",
            "close it with %}",
        ),
        (
            "a\nb {% for x in alerts %}{{ x }}",
            4,
            (
                "unexpected end of template. Jinja was looking for the following tags: 'endfor' or "
                "'else'. The innermost block that needs to be closed is 'for'"
            ),
            "close it with {% endfor %}",
        ),
        ("{# a", 0, "missing end of comment tag", None),
        (
            "x {{ a && b }}",
            7,
            "unexpected char '&'",
            "a template is Jinja: it writes 'and', 'or', 'not'",
        ),
        (
            "{{ a || b }}",
            0,
            "expected token 'name', got '|'",
            "a template is Jinja: it writes 'and', 'or', 'not'",
        ),
        (
            "{{ labels.k8s-app! }}",
            17,
            "unexpected char '!'",
            "a key with a dash is read as labels['k8s-app']",
        ),
        ("{{ a ? b }}", 5, "unexpected char '?'", None),
        ("{{ a | uper }}", 0, "no filter named 'uper'", "did you mean 'upper'?"),
        ("{{ a is emptyy }}", 0, "no test named 'emptyy'", None),
        ("{{ }}", 0, "expected an expression, got 'end of print statement'", None),
        ("a\n\nb {{ a b }}", 5, "expected token 'end of print statement', got 'b'", None),
        ("{% iff a %}", 0, "encountered unknown tag 'iff'", None),
        ("{% if a %}x{% endfi %}", 0, None, "close it with {% endif %}"),
    ],
)
def test_a_syntax_error_says_what_where_and_what_to_do(
    source: str, offset: int, message: str | None, hint: str | None
) -> None:
    error = syntax_error(source)
    assert (error.offset, error.hint) == (offset, hint)
    if message is not None:
        assert error.message == message
        assert str(error) == message


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{% for a in b %}" * 25 + "{% endfor %}" * 25,
    ],
)
def test_what_python_cannot_hold_is_a_syntax_error_too(source: str) -> None:
    assert syntax_error(source).message == (
        "it is nested too deeply, or a number in it is too long"
    )


@pytest.mark.parametrize(
    ("name", "source", "offset"),
    [
        ("host", "host {{ host }}", 8),
        ("sever", "{{ severity }} {{ sever }}", 18),
        ("host", "{{ labels.host }} {{ host }}", 21),
        ("upper", "{{ a | upper }} {{ upper }}", 19),
        ("b", "a\n  {%- if b %}{% endif %}", 11),
        ("a", "{{ a }}{{ a }}", 3),
        ("c", "{{ a }}", 0),
    ],
)
def test_a_name_is_found_where_the_template_asks_for_it(
    name: str, source: str, offset: int
) -> None:
    assert TEMPLATES.offset_of(name, source) == offset


# Trees


def test_a_tree_is_rendered_where_it_has_templates() -> None:
    tree = {"a": [TEMPLATES.parse("{{ title }}"), 1], "b": None}
    assert render(tree, DOCUMENT) == {"a": ["Host down", 1], "b": None}


def test_a_failure_in_a_tree_says_where() -> None:
    tree = {"a": [1, {"b": TEMPLATES.parse("{{ nowhere.x }}")}]}
    with pytest.raises(LocatedRenderError) as caught:
        render(tree, {})
    assert caught.value.at == ("a", 1, "b")
    assert str(caught.value).startswith("'nowhere' is not defined")


def test_a_failure_of_the_whole_tree_has_no_place() -> None:
    with pytest.raises(RenderError) as caught:
        render(TEMPLATES.parse("{{ nowhere }}"), {})
    assert not isinstance(caught.value, LocatedRenderError)


def test_two_templates_of_one_text_are_equal() -> None:
    first, second = TEMPLATES.parse("{{ a }}"), TEMPLATES.parse("{{ a }}")
    assert first == second
    assert isinstance(first, Template)
    assert "_compiled" not in repr(first)


def test_what_a_document_raises_is_said_as_it_is() -> None:
    class Locked(dict[str, Any]):
        @override
        def __getitem__(self, key: str) -> Any:
            raise RenderError(f"secret {key}: the variable {key} is not set")

    document = {"secrets": Locked(TOKEN=1)}
    assert refusal("Bearer {{ secrets.TOKEN }}", document) == (
        "secret TOKEN: the variable TOKEN is not set"
    )

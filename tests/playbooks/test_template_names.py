"""The names of a template are found as Jinja finds them, and what is put off is sure to work."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateAssertionError, meta

from engine.playbooks.template import RenderError, Templates, TemplateSyntaxError
from engine.playbooks.template_names import SHALLOW, names_in

TEMPLATES = Templates()
SANDBOX = TEMPLATES._sandbox  # noqa: SLF001 - the tree is parsed by the very same sandbox
PIECES = (
    *("{{", "}}", "{%", "%}", "if", "endif", "for", "in", "endfor", "set", "x", "title", "labels"),
    *(".service", "['a']", "[0]", "|", "default", "join", "nobody", "(", ")", "a=1", "a=2", ","),
    *("=", "==", "~", "+", "not", "is", "defined", "odd", "else", "'text'", "12", "{", "}", ":"),
)


def names(source: str) -> tuple[set[str], bool]:
    found, simple = names_in(SANDBOX.parse(source), SANDBOX)
    return set(found), simple


@pytest.mark.parametrize(
    "source",
    [
        "plain",
        "{{ labels.service }} on {{ vars['host'] }}",
        "{{ steps.up.body['items'][0] | default(none) | join(', ') }}",
        "{{ 'a' if severity == 'Critical' and labels.x is defined else title ~ range(3) }}",
        "{% if labels.a %}{{ title }}{% elif status %}b{% else %}{{ vars.c }}{% endif %}",
    ],
)
def test_a_simple_template_has_the_names_that_jinja_finds(source: str) -> None:
    assert names(source) == (meta.find_undeclared_variables(SANDBOX.parse(source)), True)


@pytest.mark.parametrize(
    "source",
    [
        "{% for one in alerts %}{{ one.title }}{{ loop.index }}{% endfor %}",
        "{% for a, (b, c) in alerts %}{{ a ~ b ~ c }}{% else %}{{ a }}{{ loop }}{% endfor %}{{ b }}",
        "{% for title in title if title and loop %}{{ loop.first }}{% endfor %}",
        "{% for a in b %}{% for c in a if loop %}{{ loop.index }}{% endfor %}{{ c }}{% endfor %}",
        "{% for range in range(3) %}{{ range }}{% endfor %}",
        "{% set x = title %}{{ x }}",
        "{% macro m(a) %}{{ a }}{{ title }}{% endmacro %}{{ m(labels) }}",
    ],
)
def test_names_that_a_template_makes_itself_are_left_out_as_jinja_does(source: str) -> None:
    assert names(source) == (meta.find_undeclared_variables(SANDBOX.parse(source)), True)


@pytest.mark.parametrize("source", ["{{ f(a=1, a=2) }}", "{{ " + "not " * SHALLOW + "title }}"])
def test_what_python_may_refuse_is_not_sure_to_compile(source: str) -> None:
    assert names(source) == (meta.find_undeclared_variables(SANDBOX.parse(source)), False)


@pytest.mark.parametrize("nested", range(1, 30))
@pytest.mark.parametrize("block", ["for x in [title]", "if title", "set y", "macro f(x)"])
def test_blocks_in_blocks_compile_or_are_refused_when_they_are_parsed(
    block: str, nested: int
) -> None:
    end = f"{{% end{block.split(maxsplit=1)[0]} %}}"
    source = f"{{% {block} %}}" * nested + "{{ title }}" + end * nested
    with suppress(TemplateSyntaxError):
        TEMPLATES.parse(source).render({"title": "disk full"})


@pytest.mark.parametrize("source", ["{{ title | shout }}", "{{ title is loud }}"])
def test_an_unknown_filter_or_test_is_found_when_it_is_parsed(source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="No (filter|test) named".lower()):
        TEMPLATES.parse(source)


def test_an_argument_given_twice_is_found_when_it_is_parsed() -> None:
    with pytest.raises(TemplateSyntaxError):
        TEMPLATES.parse("{{ labels.get(a=1, a=2) }}")


@st.composite
def blocks(draw: st.DrawFn, depth: int = 3) -> str:
    """Text, values, loops and conditions in each other, that bind and name the same few names."""
    name = st.sampled_from(["x", "y", "title", "labels.service", "loop.index", "range(2)"])
    kind = draw(st.integers(0, 3 if depth else 1))
    if kind == 0:
        return draw(st.sampled_from(["text", "{{ x | nobody }}", "{% set y = x %}"]))
    if kind == 1:
        return f"{{{{ {draw(name)} ~ {draw(name)} }}}}"
    inner = "".join(draw(st.lists(blocks(depth=depth - 1), max_size=3)))
    other = draw(st.sampled_from(["", "{% else %}" + draw(blocks(depth=0))]))
    if kind == 2:
        return f"{{% if {draw(name)} %}}{inner}{other}{{% endif %}}"
    target = draw(st.sampled_from(["x", "y", "title", "x, y", "loop", "x, (y, loop)"]))
    test = draw(st.sampled_from(["", " if loop.first", " if x == y", " recursive"]))
    return f"{{% for {target} in {draw(name)}{test} %}}{inner}{other}{{% endfor %}}"


@given(blocks())
def test_what_is_in_blocks_has_the_names_that_jinja_finds_or_is_refused_as_jinja_does(
    source: str,
) -> None:
    try:
        theirs = meta.find_undeclared_variables(SANDBOX.parse(source))
    except TemplateAssertionError as error:
        with pytest.raises(TemplateAssertionError, match=re.escape(str(error.message))):
            names(source)
    else:
        assert names(source) == (theirs, True)


@given(st.lists(st.sampled_from(PIECES), max_size=20).map(" ".join))
def test_whatever_is_parsed_can_be_rendered_or_says_why_not(source: str) -> None:
    try:
        template = TEMPLATES.parse(source)
    except TemplateSyntaxError:
        return
    assert template.names == meta.find_undeclared_variables(SANDBOX.parse(source))
    with suppress(RenderError):  # nothing else may come out of it
        template.render({"title": "disk full", "labels": {"service": "engine"}})


def test_the_same_text_is_parsed_once() -> None:
    assert TEMPLATES.parse("{{ labels.once }}") is TEMPLATES.parse("{{ labels.once }}")

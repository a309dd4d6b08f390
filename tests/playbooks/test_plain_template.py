"""A plain template is read without Jinja's parser, and comes out as if it had been read by it."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError, nodes
from typing_extensions import override

from engine.playbooks.budget import MAX_OUTPUT
from engine.playbooks.deferred import Unknown
from engine.playbooks.plain_template import LEFT, parts_of, plain_tree, text_of, value_at
from engine.playbooks.template import RenderError, Template, Templates

SANDBOX = Templates()._sandbox  # noqa: SLF001 - what its parser says is what counts
PIECES = (
    *("{{", "}}", "{#", "#}", "{%", "%}", "{", "}", "#", "-", "+", "~", "|", "'", "(", "[", "]"),
    *(" ", "  ", "\n", "\r", "\t", "\u2028", "\u00a0", ".", "..", "_", "0", "1", "é", "a", "b"),
    *("labels", ".service", "not", "true", "None", "if", "in", "is", "self", "raw", "endraw"),
    *("{{ a }}", "{{a.b}}", "{{ a.b.c }}", "{# a #}", "{{ a", "a }}", "text"),
)


def lines(tree: nodes.Node) -> list[int]:
    return [tree.lineno, *(one for child in tree.iter_child_nodes() for one in lines(child))]


@pytest.mark.parametrize(
    "source",
    [
        "{{ vars.host }}",
        "{{vars.host}}",
        "{{ labels.service }} on {{ incident.channel_name }}: {{ title }}",
        "https://{{ config.a_1 }}/é}}?x=#}{# nothing #}",
        "{##}",
        "{# a #}{# b #}",
        "{{ labels.in }}{{ self }}{{ if }}",
    ],
)
def test_text_around_paths_is_read_here(source: str) -> None:
    found = plain_tree(source)
    assert found is not None
    assert found == SANDBOX.parse(source)
    assert lines(found) == lines(SANDBOX.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "{{ title | upper }}",
        "{{ labels['a'] }}",
        "{{ steps.a.body.items.0 }}",
        "{{ not }}",
        "{{ none.a }}",
        "{{- title }}",
        "{{ title -}} x",
        "{#- a #}",
        "{# a -#} x",
        "{{ title }}\n",
        "a\rb{{ title }}",
        "{ {{ title }}",
        "{% if title %}a{% endif %}",
        "{{ title",
        "{{ a. b }}",
        "{{ é }}",
        "{{ }}",
    ],
)
def test_all_else_is_left_to_the_parser(source: str) -> None:
    assert plain_tree(source) is None


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=12))
@example("{{ a }}{{ b }}")
@example("{# {{ a }} #}")
def test_whatever_is_read_here_is_what_the_parser_makes_of_it(source: str) -> None:
    found = plain_tree(source)
    if found is None:
        return
    try:
        theirs = SANDBOX.parse(source)
    except TemplateSyntaxError as error:
        pytest.fail(f"the parser refuses {source!r}: {error}")
    assert found == theirs
    assert lines(found) == lines(theirs)


# Rendering

HALF: Final = "x" * (MAX_OUTPUT // 2)


class Shouted(str):
    """A text that is not what it shows."""

    __slots__ = ()

    @override
    def __str__(self) -> str:
        return self.upper()


def rendered(template: Template, document: Mapping[str, Any]) -> tuple[type, str]:
    """What comes of it, with its kind: 1 is not True."""
    try:
        value = template.render(document)
    except RenderError as error:
        return RenderError, str(error)
    return type(value), repr(value)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("{{ vars.host }}", (("vars", "host"),)),
        ("on {{ a.b.c }}: {{ title }}", ("on ", ("a", "b", "c"), ": ", ("title",))),
        ("{{ title }}{# a #}\n", (("title",), "\n")),
        ("{{ title | upper }}", None),
        ("{{ labels['a'] }}", None),
        ("{{ 1 }}", None),
        ("{{ self.a }}", None),
        ("{% if title %}a{% endif %}", None),
        ("{# a #}", None),
    ],
)
def test_a_template_is_made_of_texts_and_paths_or_has_more_to_it(
    source: str, parts: object
) -> None:
    assert parts_of(Templates().parse(source).tree) == parts


def test_texts_are_put_together_here_and_what_is_no_text_is_left_to_jinja() -> None:
    document = {"a": {"b": "x"}, "n": 1, "s": Shouted("y"), "m": MappingProxyType({"b": "x"})}
    assert text_of(("<", ("a", "b"), ">"), document, 3) == "<x>"
    assert text_of(("<", ("a", "b"), ">"), document, 2) is LEFT
    for path in (("n",), ("s",), ("a",), ("a", "c"), ("a", "b", "c"), ("none",), ("m", "b")):
        assert text_of(("<", path), document, 10) is LEFT
    assert value_at(("a",), document) is document["a"]
    assert value_at(("m", "b"), document) is LEFT


NAMES: Final = st.sampled_from(["a", "b", "items", "range", "self", "if", "_c"])
TEXTS: Final = st.sampled_from(
    ["", "x", "é", "{{ a }}", HALF, HALF + "y", HALF * 2, HALF * 2 + "z"]
)
VALUES: Final = st.recursive(
    TEXTS
    | st.sampled_from([None, True, 0, 1, 1.5, float("nan"), float("inf"), 10**30, b"x"])
    | st.builds(Unknown, st.just("steps.a"))
    | st.builds(Shouted, st.just("shout")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=2).map(MappingProxyType)
    ),
    max_leaves=6,
)
PATHS: Final = st.lists(NAMES, min_size=1, max_size=3).map(
    lambda names: f"{{{{ {'.'.join(names)} }}}}"
)
SOURCES: Final = st.lists(
    PATHS | st.sampled_from(["t", " ", "\n", "{# c #}"]), min_size=1, max_size=3
)


@given(SOURCES.map("".join), st.dictionaries(NAMES, VALUES))
def test_whatever_is_rendered_here_is_what_jinja_makes_of_it(
    source: str, document: dict[str, Any]
) -> None:
    try:
        template = Templates().parse(source)
    except ValueError:  # `if` cannot stand where a path begins
        return
    by_jinja = replace(template, parts=None)
    assert rendered(template, document) == rendered(by_jinja, document)
    plainly = template.parts is not None and template._plainly(template.parts, document) is not LEFT  # noqa: SLF001
    event(f"without Jinja: {plainly}")

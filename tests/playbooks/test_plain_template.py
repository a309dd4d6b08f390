"""A plain template is read without Jinja's parser, and comes out as if it had been read by it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError, nodes

from engine.playbooks.plain_template import plain_tree
from engine.playbooks.template import Templates

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

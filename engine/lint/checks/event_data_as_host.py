r"""Data of an event that says which server is called.

Whoever can send an alert chooses then where the engine's requests go, with the headers and tokens
in them, from inside your network.

    wrong:  http: "http://{{ labels.host }}/health"
    right:  http: "{{ config.probe_url }}/{{ labels.host | urlencode }}"

A value that the playbook compares with something first is taken for what it says:
`when: "!matches(vars.host, '^web-[0-9]+[.]example[.]com\\Z')"` beside a `stop`.
"""

from collections.abc import Iterator
from typing import Final

from jinja2 import nodes

from engine.lint.check import Around, Check, Finding
from engine.lint.mention import written
from engine.lint.origin import Origins
from engine.lint.subject import Subject

_ENDS: Final = ("/", "?", "#")


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    origins: Origins | None = None
    for placed in subject.templates:
        step = placed.step
        if step is None or step.key != "http" or placed.path[-1] not in ("http", "url"):
            continue
        origins = origins or Origins(subject)
        for node in _host_parts(placed.template.tree):
            path = origins.foreign(placed, node)
            if path is not None:
                where = subject.marked.locate(placed.path)
                said = f"'{written(path)}' says which server is called, and comes from an event"
                hint = "begin with a constant of config.yaml, or let a `stop` look at it first"
                yield Finding(said, where, hint)
                break


def _host_parts(tree: nodes.Template) -> Iterator[nodes.Node]:
    """The expressions of a URL that scheme, host or port are made of."""
    before = ""
    for part in _pieces(tree):
        if isinstance(part, str):
            before += part
        elif not _is_past_host(before):
            yield part
            # What begins with a whole URL, of whatever origin, has its host there.
            before += "host" if before else "https://host"
            if before == "https://host":
                before += "/"


def _pieces(tree: nodes.Template) -> Iterator[str | nodes.Node]:
    for top in tree.body:
        match top:
            case nodes.Output(nodes=[nodes.Concat(nodes=parts)]) if len(tree.body) == 1:
                yield from (_text(part) for part in parts)
            case nodes.Output(nodes=parts):
                yield from (_text(part) for part in parts)
            case _:
                yield top


def _text(node: nodes.Node) -> str | nodes.Node:
    match node:
        case nodes.TemplateData(data=text) | nodes.Const(value=str(text)):
            return text
        case _:
            return node


def _is_past_host(before: str) -> bool:
    _, scheme, rest = before.partition("://")
    return bool(scheme) and any(end in rest for end in _ENDS)


CHECK: Final = Check("event-data-as-host", "warning", _find, __doc__)

"""The YAML lines of a step, with its place, for an error."""

import re
from collections.abc import Iterator
from typing import Any, Final

from engine.marked_yaml.mark import MarkedYaml, Path
from engine.marked_yaml.read import read_yaml
from engine.playbooks.playbook import PlaybookText
from engine.problem import EngineError, Location

MOST: Final = 12  # lines
_PLACE: Final = re.compile(r"(\d+)(?:\[(\d+)\])?")


def place_of(playbook: PlaybookText, step: str) -> Location | None:
    """Where a step stands in the file; None where the text is not what one went by."""
    try:
        _, marked, path = _find(playbook, step.split("/"))
    except (EngineError, LookupError, TypeError):
        return None
    return marked.locate(path)


def yaml_lines(playbook: PlaybookText, step: str) -> Iterator[str]:
    """`file:line:col` and the lines of the step at `steps/2`, or `steps/3[0]/1/steps/4`."""
    try:
        text, marked, path = _find(playbook, step.split("/"))
    except (EngineError, LookupError, TypeError):
        return  # the text is not what the run went by
    first = marked.values[path].line
    inside = [mark.line for key, mark in marked.values.items() if key[: len(path)] == path]
    last = min(max(inside), first + MOST - 1)
    lines = text.splitlines()
    yield str(marked.locate(path))
    for number in range(first, min(last, len(lines)) + 1):
        yield f"{number:5} | {lines[number - 1]}"


def _find(playbook: PlaybookText, parts: list[str]) -> tuple[str, MarkedYaml, Path]:
    """The text and the place in it, through branches and called playbooks."""
    text, marked = playbook.text, read_yaml(playbook.text, playbook.file)
    value: Any = marked.value
    path: Path = ()
    for part in parts:
        place = _PLACE.fullmatch(part)
        if place is None:
            if path:
                text, marked = _called(playbook, value["playbook"])
                value = marked.value
            value, path = value[part], (part,)
            continue
        value, path = value[int(place[1])], (*path, int(place[1]))
        if place[2] is not None and "parallel" in value:
            value, path = value["parallel"], (*path, "parallel")
            if isinstance(value, dict):
                value, path = value["branches"], (*path, "branches")
            value, path = value[int(place[2])], (*path, int(place[2]))
    return text, marked, path


def _called(playbook: PlaybookText, call: Any) -> tuple[str, MarkedYaml]:
    name = call["call"] if isinstance(call, dict) else call
    for text, file in playbook.calls:
        marked = read_yaml(text, file)
        if marked.value["name"] == name:
            return text, marked
    raise LookupError(name)

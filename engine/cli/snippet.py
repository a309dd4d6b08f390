"""The YAML lines of a step, with its place, for an error."""

from collections.abc import Iterator

from engine.marked_yaml.mark import Path
from engine.marked_yaml.read import read_yaml
from engine.playbooks.playbook import PlaybookText
from engine.problem import EngineError

MOST = 12  # lines


def yaml_lines(playbook: PlaybookText, step: str) -> Iterator[str]:
    """`file:line:col` and the lines of the step at `steps/2`."""
    text, file = playbook.text, playbook.file
    section, _, rest = step.partition("/")
    if not rest.isdigit():
        return
    path: Path = (section, int(rest))
    try:
        marked = read_yaml(text, file)
    except EngineError:
        return
    if path not in marked.values:
        return
    first = marked.values[path].line
    inside = [mark.line for key, mark in marked.values.items() if key[: len(path)] == path]
    last = min(max(inside), first + MOST - 1)
    lines = text.splitlines()
    yield str(marked.locate(path))
    for number in range(first, min(last, len(lines)) + 1):
        yield f"{number:5} | {lines[number - 1]}"

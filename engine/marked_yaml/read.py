"""YAML that remembers where everything stands.

Reads one document of the YAML 1.2 core schema: `on`, `yes`, `no` and `off` are strings, a key may
stand once, and every key and value keeps its line and column. Builds plain dicts, lists and
scalars only: no tag can make this reader call anything.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NoReturn

import yaml

from engine.marked_yaml.mark import Mark, MarkedYaml, Path
from engine.problem import EngineError, Location, Problem

MAX_DEPTH: Final = 64
MAX_NODES: Final = 200_000  # what aliases may unfold to: a "billion laughs" file stops here

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS: Final = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBERS: Final[Sequence[tuple[re.Pattern[str], Callable[[str], float]]]] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda _: math.inf),
)
_BEGINS_A_NUMBER: Final = "+-.0123456789"
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")  # an anchor, a tag: a scalar's text begins after them
_MAX_DIGITS: Final = 300
_BEYOND_UNICODE = re.compile(r"\\U(?!000|0010)[0-9a-fA-F]{8}")
_STANDARD_TAGS: Final = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str")} | {"!"}

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, file: str) -> MarkedYaml:
    """Read one document. Raises EngineError with every duplicate key, or the syntax problem."""
    text = text.removeprefix("\ufeff")  # the parsers do not agree whether it is a column
    try:
        return _Composer(file, text, _events(text, _Parser)).document()
    except (yaml.YAMLError, ValueError, OverflowError):
        # The pure parser is slower, but its sentences do not depend on how PyYAML was built.
        try:
            return _Composer(file, text, _events(text, yaml.SafeLoader)).document()
        except yaml.MarkedYAMLError as error:
            raise EngineError(_syntax_problem(error, file, text)) from None
        except yaml.reader.ReaderError as error:
            said = str(error).splitlines()[0]
            raise EngineError(_problem_at(error.position, said, file, text)) from None
        except (ValueError, OverflowError):
            escape = _BEYOND_UNICODE.search(text)
            said = "found an escape that is no character"
            where = escape.start() if escape else 0
            raise EngineError(_problem_at(where, said, file, text)) from None


def _events(text: str, parser: Any) -> Iterator[Any]:
    loader = parser(text)
    try:
        yield from iter(loader.get_event, None)
    finally:
        loader.dispose()


def _problem_at(position: int, said: str, file: str, text: str) -> Problem:
    before = text[:position]
    where = Location(file, before.count("\n") + 1, position - before.rfind("\n"))
    return Problem("yaml-syntax", said, where)


def _syntax_problem(error: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    mark: Any = error.problem_mark
    said = error.problem or ""
    hint = None
    if error.context == "while scanning a quoted scalar" and "unexpected end" in said:
        mark, hint = error.context_mark, "close this quote"
    line = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    if "\t" in line[: mark.column + 1]:
        hint = "indent with spaces: YAML does not take tabs"
    elif "mapping values are not allowed" in said:
        hint = "quote a text that holds ': '"
    elif line.lstrip().startswith("{{"):
        hint = 'quote a value that begins with a template: "{{ ... }}"'
    elif "cannot start any token" in said:
        hint = "quote a text that begins with this character"
    return Problem("yaml-syntax", said, Location(file, mark.line + 1, mark.column + 1), hint)


class _Composer:
    """Turns parser events into plain values, writing down where each of them stood."""

    def __init__(self, file: str, text: str, events: Iterator[Any]) -> None:
        self._file = file
        self._text = text
        self._events = events
        self._values: dict[Path, Mark] = {}
        self._keys: dict[Path, Mark] = {}
        self._anchors: dict[str, Any] = {}
        self._nodes = 0
        self._problems: list[Problem] = []

    def document(self) -> MarkedYaml:
        value: Any = None
        seen = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                seen += 1
                if seen > 1:
                    self._stop(
                        "yaml-documents",
                        "a second document begins here",
                        event,
                        "one playbook a file: move it to a file of its own",
                    )
                value = self._node(next(self._events), ())
        if self._problems:
            raise EngineError(*self._problems)
        return MarkedYaml(self._file, value, self._values, self._keys)

    def _node(self, event: Any, path: Path) -> Any:
        self._count(event, path)
        if isinstance(event, yaml.ScalarEvent):
            self._values[path] = self._mark_of_scalar(event)
            value = self._scalar(event)
        else:
            start = _mark(event)
            self._values[path] = Mark(start.line + 1, start.column + 1)
            if isinstance(event, yaml.AliasEvent):
                return self._alias(event, path)
            self._check_tag(event)
            is_list = isinstance(event, yaml.SequenceStartEvent)
            value = self._sequence(path) if is_list else self._mapping(path)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _mark_of_scalar(self, event: Any) -> Mark:
        start = _mark(event)
        line, column = start.line + 1, start.column + 1
        source = self._text[start.index : _end(event).index]
        if event.anchor is not None or event.tag is not None:
            self._check_tag(event)
            if properties := _PROPERTIES.match(source):
                lines = properties[0].split("\n")
                line += len(lines) - 1
                column = len(lines[-1]) + (column if len(lines) == 1 else 1)
                source = source[properties.end() :]
        return Mark(line, column, event.style or None, source)  # libyaml says '' for None

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _STANDARD_TAGS:
            self._problem(
                "yaml-tag", f"the tag '{event.tag}' is not taken", event, "write the plain value"
            )

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(
                    "yaml-key",
                    "only a text can be a key",
                    event,
                    'a template has to be quoted: "{{ ... }}"',
                )
            self._check_tag(event)
            key = self._text_of(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = key
            here = (*path, key)
            if key == "<<" and not event.style:
                self._problem(
                    "yaml-merge",
                    "merge keys ('<<') are not part of YAML 1.2",
                    event,
                    "write the keys out, or use an alias for the whole value",
                )
            start = _mark(event)
            mark = Mark(start.line + 1, start.column + 1)
            if key in mapping:
                first = self._keys[here]
                self._problem(
                    "yaml-duplicate-key",
                    f"the key '{key}' stands here twice",
                    event,
                    f"first on line {first.line}; keep one of them",
                )
            else:
                self._keys[here] = mark
            mapping[key] = self._node(next(self._events), here)
        return mapping

    def _alias(self, event: Any, path: Path) -> Any:
        if event.anchor not in self._anchors:
            self._stop(
                "yaml-alias",
                f"no anchor '&{event.anchor}' stands before this alias",
                event,
                'a text that begins with "*" has to be quoted',
            )
        value = self._anchors[event.anchor]
        nodes, depth = _size(value)
        self._nodes += nodes
        self._count(event, path, depth)
        return value

    def _scalar(self, event: Any) -> Any:
        text = self._text_of(event)
        if event.style or event.tag is not None:
            return text
        if text in _NULLS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        for pattern, read in _NUMBERS if text[0] in _BEGINS_A_NUMBER else ():
            if pattern.fullmatch(text):
                return self._number(event, text, read)
        return text

    def _text_of(self, event: Any) -> str:
        """A double-quoted text may hold UTF-16 pairs, as JSON writes what is not ASCII."""
        text: str = event.value
        if text.isascii():
            return text
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._problem(
                "yaml-text", "half a UTF-16 pair is no character", event, "write both halves"
            )
            return ""

    def _number(self, event: Any, text: str, read: Callable[[str], float]) -> float:
        fits = len(text) <= _MAX_DIGITS
        number = read(text) if fits else math.inf
        if abs(number) == math.inf:
            said = f"'{text}' has no place in JSON" if fits else "this number is too long"
            self._problem("yaml-number", said, event, "quote it when it is a text")
        return number

    def _count(self, event: Any, path: Path, depth: int = 0) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(
                "yaml-size",
                f"more than {MAX_NODES:,} values, aliases unfolded",
                event,
                "split the file",
            )
        if len(path) + depth > MAX_DEPTH:
            self._stop("yaml-depth", f"nested deeper than {MAX_DEPTH} levels", event, "flatten it")

    def _problem(self, code: str, message: str, event: Any, hint: str) -> None:
        mark = _mark(event)
        where = Location(self._file, mark.line + 1, mark.column + 1)
        self._problems.append(Problem(code, message, where, hint))

    def _stop(self, code: str, message: str, event: Any, hint: str) -> NoReturn:
        self._problem(code, message, event, hint)
        raise EngineError(*self._problems)


def _mark(event: Any) -> Any:
    """Every event of a parser has its marks; the stubs allow for events made by hand."""
    return event.start_mark


def _end(event: Any) -> Any:
    return event.end_mark


def _size(value: Any) -> tuple[int, int]:
    """How many values an alias unfolds to, and how deep they nest."""
    if not isinstance(value, (dict, list)):
        return 1, 0
    sizes = [_size(item) for item in (value.values() if isinstance(value, dict) else value)]
    return 1 + sum(nodes for nodes, _ in sizes), 1 + max((depth for _, depth in sizes), default=-1)

"""YAML that remembers where everything stands.

Reads one document of the YAML 1.2 core schema: `on`, `yes`, `no` and `off` are strings, a key may
stand once, and every key and value keeps its line and column. Builds plain dicts, lists and
scalars only: no tag can make this reader call anything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import yaml

from engine.problem import EngineError, Location, Problem

Path = tuple[str | int, ...]

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
_INT = re.compile(r"[-+]?[0-9]+")
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_STANDARD_TAGS: Final = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str")} | {"!"}

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a node begins; for a scalar also how its text maps back to the file."""

    line: int
    column: int
    style: str | None = None
    source: str = ""

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of the character `offset` of this scalar's value.

        Exact for plain and quoted text on one line and for literal blocks (`|`), which is how
        expressions are written; a folded text answers with its beginning.
        """
        if self.style == "|":
            return self._in_block(offset)
        if self.style == ">" or "\n" in self.source:
            return self.line, self.column
        column = self.column
        if self.style in ("'", '"'):
            column += 1 + _escapes_before(self.source, offset, self.style)
        return self.line, column + offset

    def _in_block(self, offset: int) -> tuple[int, int]:
        lines = self.source.split("\n")[1:]
        indent = next((len(t) - len(t.lstrip(" ")) for t in lines if t.strip()), 0)
        for number, text in enumerate(lines, start=1):
            length = max(0, len(text) - indent)
            if offset <= length:
                return self.line + number, indent + offset + 1
            offset -= length + 1
        return self.line, self.column


def _escapes_before(source: str, offset: int, quote: str) -> int:
    """How many characters of a quoted source are spent on escapes before value `offset`."""
    extra = position = 0
    while position < offset:
        at = 1 + position + extra
        pair = source[at : at + 2]
        if (quote == "'" and pair == "''") or (quote == '"' and pair.startswith("\\")):
            extra += {"x": 3, "u": 5, "U": 9}.get(pair[1:], 1)
        position += 1
    return extra


@dataclass(frozen=True, slots=True)
class MarkedYaml:
    """A document: its plain `value`, and the marks of every key and value by path."""

    file: str
    value: Any
    values: Mapping[Path, Mark]
    keys: Mapping[Path, Mark]

    def locate(self, path: Path) -> Location:
        """Where the value of `path` stands, or the nearest thing around it that exists."""
        return self._nearest(path, self.values)

    def locate_key(self, path: Path) -> Location:
        """Where the key of `path` stands, or the nearest thing around it that exists."""
        return self._nearest(
            path, {**self.values, **self.keys} if path in self.keys else self.values
        )

    def locate_in(self, path: Path, offset: int) -> Location:
        """Where character `offset` of the text at `path` stands."""
        mark = self.values.get(path)
        if mark is None:
            return self.locate(path)
        return Location(self.file, *mark.at(offset))

    def _nearest(self, path: Path, marks: Mapping[Path, Mark]) -> Location:
        for length in range(len(path), -1, -1):
            if mark := marks.get(path[:length]):
                return Location(self.file, mark.line, mark.column)
        return Location(self.file)


def read_yaml(text: str, file: str) -> MarkedYaml:
    """Read one document. Raises EngineError with every duplicate key, or the syntax problem."""
    try:
        return _Composer(file, text, _events(text, _Parser)).document()
    except (yaml.YAMLError, RecursionError, ValueError):
        # The pure parser is slower, but its sentences do not depend on how PyYAML was built.
        try:
            return _Composer(file, text, _events(text, yaml.SafeLoader)).document()
        except yaml.YAMLError as error:
            raise EngineError(_syntax_problem(error, file, text)) from None


def _events(text: str, parser: Any) -> Iterator[Any]:
    loader = parser(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _syntax_problem(error: yaml.YAMLError, file: str, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or str(error).splitlines()[0]
    hint = None
    if mark is None:
        return Problem("yaml-syntax", said, Location(file))
    line = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    if "\t" in line[: mark.column + 1]:
        hint = "indent with spaces: YAML does not take tabs"
    elif "mapping values are not allowed" in said:
        hint = "quote a text that holds ': '"
    elif "found unhashable key" in said or "flow mapping" in said or line.lstrip().startswith("{{"):
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
        style = getattr(event, "style", None) or None  # libyaml says '' where PyYAML says None
        source = ""
        start = _mark(event)
        if isinstance(event, yaml.ScalarEvent):
            source = self._text[start.index : _end(event).index]
        self._values[path] = Mark(start.line + 1, start.column + 1, style, source)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        tag = event.tag
        if tag is not None and tag not in _STANDARD_TAGS:
            self._problem(
                "yaml-tag", f"the tag '{tag}' is not taken", event, "write the plain value"
            )
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = event.value if tag is not None else self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path)
        else:
            value = self._mapping(path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes)
        return value

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
                    "a mapping cannot be a key",
                    event,
                    'a template has to be quoted: "{{ ... }}"',
                )
            key = event.value
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

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            self._stop(
                "yaml-alias",
                f"no anchor '&{event.anchor}' stands before this alias",
                event,
                'a text that begins with "*" has to be quoted',
            )
        value, _ = self._anchors[event.anchor]
        self._nodes += _size(value)
        self._count(event, ())
        return value

    def _scalar(self, event: Any) -> Any:  # noqa: PLR0911 - one answer a kind of scalar
        text: str = event.value
        if event.style:
            return text
        if text in _NULLS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        if _INT.fullmatch(text):
            return self._integer(event, text, 10)
        if _BASED_INT.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _SPECIAL_FLOAT.fullmatch(text):
            self._problem(
                "yaml-number", f"'{text}' has no place in JSON", event, "quote it when it is a text"
            )
        return text

    def _integer(self, event: Any, text: str, base: int) -> int | str:
        number_of_digits = 300
        if len(text) > number_of_digits:
            self._problem(
                "yaml-number", "this number is too long", event, "quote it when it is a text"
            )
            return text
        return int(text, base)

    def _count(self, event: Any, path: Path) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(
                "yaml-size",
                f"more than {MAX_NODES:,} values, aliases unfolded",
                event,
                "split the file",
            )
        if len(path) > MAX_DEPTH:
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


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_size(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(_size(item) for item in value)
    return 1

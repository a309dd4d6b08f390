"""A word that the value can never be: another case, a word of another system, a misspelling.

Severities, progress, sources and outcomes have few words, and case matters.

    wrong:  when: severity == 'critical'
    right:  when: severity == 'Critical'

`severity` and `status` are Critical, Warning, Info or Ok; `incident.progress` is Triggered,
Processing or Closed; `steps.<id>.outcome` is succeeded, failed, skipped or unknown. Types of events
are looked at by `unknown-event`.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.fields import words_of
from engine.lint.mention import Asked, Path, written
from engine.lint.subject import Subject
from engine.marked_yaml.mark import Path as YamlPath

_EQUAL: Final = ("eq", "ne")
TYPE: Final = ("event", "type")


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for placed, path, word, offset in compared_words(subject):
        words = words_of(path)
        if words is not None and path != TYPE and word not in words:
            where = subject.marked.locate_in(placed, offset)
            yield Finding(f"'{written(path)}' is never '{word}'", where, _hint(word, words))


def compared_words(subject: Subject) -> Iterator[tuple[YamlPath, Path, str, int]]:
    """Each text that a value of the document is compared with: where, which value, which text."""
    for placed in subject.conditions:
        if placed.sees.result is None:
            for path, word, offset in _in_condition(placed.asked):
                yield placed.path, path, word, offset
    for template in subject.templates:
        for path, word in template.asked.words:
            source = template.template.source
            found = max(source.find(f"'{word}'"), source.find(f'"{word}"'), 0)
            yield template.path, path, word, found


def _in_condition(asked: Asked) -> Iterator[tuple[Path, str, int]]:
    for one in asked.comparisons:
        if one.operator in _EQUAL:
            for side, other in ((one.left, one.right), (one.right, one.left)):
                if side.path is not None and other.is_literal and isinstance(other.literal, str):
                    yield side.path, other.literal, other.offset or 0
    for name, given in asked.calls:
        if name == "contains" and given[0].is_literal and isinstance(given[0].literal, list):
            for word in given[0].literal:
                if given[1].path is not None and isinstance(word, str):
                    yield given[1].path, word, given[0].offset or 0


def _hint(word: str, words: Sequence[str]) -> str:
    near = nearest_words(word, words)
    if near:
        return f"did you mean {' or '.join(repr(one) for one in near)}?"
    return f"it is one of: {', '.join(words)}"


def nearest_words(word: str, words: Sequence[str]) -> list[str]:
    """What was meant: the same in another case, longer words that hold it, or what is near."""
    lower = word.lower()
    by_case = {one.lower(): one for one in words}
    if lower in by_case:
        return [by_case[lower]]
    longer = [one for case, one in by_case.items() if lower in case]
    return longer or [by_case[one] for one in difflib.get_close_matches(lower, by_case, n=1)]


CHECK: Final = Check("unknown-word", "error", _find, __doc__)

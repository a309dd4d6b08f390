"""Cuts a text to a limit where a reader sees characters end, with a mark that it was cut."""

from typing import Final

import regex

MARK: Final = "…"

# A grapheme cluster of Unicode's annex 29: a letter with its accents, an emoji with its skin
# tone, a family, a flag. Cut inside one, a text shows something else than was written.
_CHARACTER: Final = regex.compile(r"\X")


def cut_text(text: str, most: int) -> str:
    """At most `most` code points, the mark among them; as it is where it fits."""
    if len(text) <= most:
        return text
    end = 0
    for character in _CHARACTER.finditer(text):
        if character.end() > most - len(MARK):
            break
        end = character.end()
    return f"{text[:end]}{MARK}"

"""The one point that text for a terminal passes: nothing in it may steer what shows it.

Escape sequences, C1 controls, marks that turn the direction of writing, characters that nobody
sees: an event, an answer or the output of a command may hold any of them.
"""

import json
import re
from typing import Final

_ASCII: Final = re.compile(r"[ -~\n]*")


def clean(text: object) -> str:
    """The text with every control character but the line break made visible."""
    shown = str(text)
    if _ASCII.fullmatch(shown):
        return shown
    return "".join(
        char if char == "\n" or char.isprintable() else f"\\x{ord(char):02x}" for char in shown
    )


def clean_json(text: str) -> str:
    """JSON that says the same, with every such character written as JSON writes it."""
    if _ASCII.fullmatch(text):
        return text
    return "".join(
        char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text
    )

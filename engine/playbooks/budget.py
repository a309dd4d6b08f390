"""What one rendering of a template may use up: turns, work and time.

Loops count their turns, and whatever makes or reads a text or a list says how long that is before
it does it, so that neither a template nor the data in it can fill the memory.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jinja2
from jinja2.runtime import Context, Undefined

MAX_OUTPUT: Final = 1024 * 1024  # characters of one text, items of one list
MAX_ITERATIONS: Final = 100_000  # turns of all loops of one rendering together
MAX_WORK: Final = 32 * 1024 * 1024  # characters and items, of all that filters and methods handle
MAX_SECONDS: Final = 2.0  # what the counts above do not bound, such as `in` within a loop
_A_LOOK: Final = 2048  # characters and items between two looks at the clock
_ITEM: Final = 16  # what an item of a list takes, beside the characters in it

BUDGET: Final = "engine__budget"  # its name in the context of a rendering


class SpentError(jinja2.TemplateError):
    """A rendering wants more than it may have; the message says of what."""


@dataclass(slots=True)
class Budget:
    """What is left. Mutable: it lives for one rendering only."""

    clock: Callable[[], float] = time.thread_time  # what a busy machine does meanwhile is no work
    turns: int = MAX_ITERATIONS
    work: int = MAX_WORK
    until: float | None = None  # by the clock, once there was enough work to look at it
    looks: int = MAX_WORK - _A_LOOK  # how much work is left when it is looked at next

    def spend(self, items: Iterable[Any]) -> Iterator[Any]:
        """The same items, each of them a turn of a loop."""
        for item in items:
            self.turns -= 1
            if self.turns < 0:
                raise SpentError(f"more than {MAX_ITERATIONS:,} turns of its loops")
            self._look_at_the_clock()
            yield item

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """The same items, which a filter hands on one by one."""
        for item in items:
            self.handle(1)
            yield item

    def handle(self, size: int) -> None:
        """That many characters and items are read or made."""
        self.work -= size
        if self.work < self.looks:
            self.looks = max(0, self.work - _A_LOOK)
            if self.work < 0:
                raise SpentError(f"more than {MAX_WORK:,} characters and items to work on")
            self._look_at_the_clock()

    def make_text(self, size: int) -> None:
        """A text of so many characters is made."""
        if size > MAX_OUTPUT:
            raise SpentError(f"its text is longer than {MAX_OUTPUT:,} characters")
        self.handle(size)

    def make_list(self, size: int) -> None:
        """A list of so many items is made."""
        if size > MAX_OUTPUT:
            raise SpentError(f"a text or list of more than {MAX_OUTPUT:,}")
        self.handle(size)

    def written(self, value: Any) -> int:
        """How much a value is, all that is in it counted as often as it would be written.

        A list that holds one list twice, and so on, is small in memory and endless as a text.
        """
        total, looks = 0, _A_LOOK
        within = [iter((value,))]
        while within:
            for one in within[-1]:
                total += _ITEM
                if isinstance(one, str):
                    total += len(one)
                elif isinstance(one, Undefined):
                    str(one)  # raises, with what is not there
                elif isinstance(one, Mapping):
                    within.append(iter((*one, *one.values())))
                    break
                elif isinstance(one, list | tuple):
                    within.append(iter(one))
                    break
            else:
                within.pop()
            if total > self.work:
                self.handle(total)  # raises
            if total > looks:
                looks = total + _A_LOOK
                self._look_at_the_clock()
        return total

    def _look_at_the_clock(self) -> None:
        now = self.clock()
        if self.until is None:
            self.until = now + MAX_SECONDS
        elif now > self.until:
            raise SpentError(f"more than {MAX_SECONDS:g} s")


def budget_of(context: Context) -> Budget:
    """That of the rendering which is going on."""
    budget: Budget = context[BUDGET]
    return budget

"""Reloading: a change of the playbooks is taken as a whole, between two events, or not at all.

It is refused when anything in it has a problem: what was in force before stays so, and whoever
watches is told of every problem, until they are mended.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from engine.playbooks.load import Files, Loaded
from engine.playbooks.playbook import Playbook
from engine.playbooks.version import version_of
from engine.problem import Problem, in_file_order
from engine.runs.happening import Reloaded, ReloadRefused, Tell, Trouble
from engine.runs.ledger import LedgerError
from engine.runs.trace import timestamp

NOTHING_LEFT: Final = Problem(
    "no-playbooks",
    "no playbook is left, and there were some",
    None,
    "stop the engine, or `engine pause` it, if nothing is to run any more",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies where the playbooks are, at one moment."""

    files: Sequence[tuple[str, str]] = ()  # name, text
    problems: Sequence[Problem] = ()  # of what cannot be read
    commit: str | None = None  # of git, if it is a checkout


@dataclass(frozen=True, slots=True)
class InForce:
    """What events are judged by, and what keeps it from being all that lies there."""

    playbooks: Sequence[Playbook]
    commit: str | None
    since: float  # Unix seconds
    problems: tuple[Problem, ...] = ()
    refused: float | None = None  # when a change was, if none was taken since

    @property
    def names(self) -> tuple[str, ...]:
        """Of the playbooks."""
        return tuple(playbook.name for playbook in self.playbooks)

    @property
    def version(self) -> str:
        """Twelve hex digits that say which versions of which playbooks these are."""
        parts = sorted(f"{playbook.name} {playbook.version}" for playbook in self.playbooks)
        return version_of("\n".join(parts))

    def as_json(self) -> dict[str, Any]:
        """Stable keys. `refused` is null, or when a change was refused and what that means."""
        said = (
            "what lies there now has problems; events are judged by what was loaded before, and "
            "a restart would leave the broken playbooks out"
        )
        return {
            "count": len(self.playbooks),
            "version": self.version,
            "commit": self.commit,
            "since": timestamp(self.since),
            "refused": None
            if self.refused is None
            else {"at": timestamp(self.refused), "reason": said},
        }


class Goes(Protocol):
    """Goes by a set of playbooks."""

    async def change(self, playbooks: Sequence[Playbook], commit: str | None) -> None:
        """Go by these from the next event on. May raise LedgerError."""
        ...


class Reloading:
    """Of one worker. `look` may raise nothing; `load` may take its time, and not the loop's."""

    def __init__(
        self,
        *,
        first: Found,
        loaded: Loaded,
        look: Callable[[], Awaitable[Found]],
        load: Callable[[Files], Awaitable[Loaded]],
        worker: Goes,
        clock: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._seen = first
        self._look = look
        self._load = load
        self._worker = worker
        self._clock = clock
        self._tell = tell
        self._wanted = asyncio.Event()
        self._asked = False
        problems = in_file_order([*first.problems, *loaded.problems])
        self.in_force = InForce(loaded.playbooks, first.commit, clock(), problems)

    def look_again(self) -> None:
        """Something there may have changed."""
        self._wanted.set()

    def ask(self) -> None:
        """A person wants it, and wants to hear what comes of it, even if nothing has changed."""
        self._asked = True
        self._wanted.set()

    async def keep_reloading(self) -> None:
        """Whenever it is wanted, until cancelled; however often meanwhile, once."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            asked, self._asked = self._asked, False
            try:
                await self._reload(asked=asked)
            except LedgerError as error:
                self._tell(Trouble("reload", str(error)))  # the engine stops: the next start loads
            except Exception:  # noqa: BLE001 - the next change has to have its chance
                self._tell(Trouble("reload", traceback.format_exc()))

    async def _reload(self, *, asked: bool) -> None:
        found = await self._look()
        if found == self._seen and not asked:
            return
        self._seen = found
        loaded = await self._load(found.files)
        problems = in_file_order([*found.problems, *loaded.problems])
        if not problems and not loaded.playbooks and self.in_force.playbooks:
            problems = (NOTHING_LEFT,)
        if any(problem.level == "error" for problem in problems):
            self.in_force = replace(self.in_force, problems=problems, refused=self._clock())
            self._tell(ReloadRefused(problems, asked))
            return
        await self._worker.change(loaded.playbooks, found.commit)
        before = self.in_force
        self.in_force = InForce(loaded.playbooks, found.commit, self._clock(), problems)
        self._tell(_reloaded(before, self.in_force, asked=asked))


def _reloaded(before: InForce, after: InForce, *, asked: bool) -> Reloaded:
    old, new = _versions(before.playbooks), _versions(after.playbooks)
    return Reloaded(
        playbooks=after.names,
        new=tuple(name for name in new if name not in old),
        changed=tuple(name for name in new if name in old and new[name] != old[name]),
        gone=tuple(name for name in old if name not in new),
        version=after.version,
        commit=after.commit,
        asked=asked,
        problems=after.problems,
    )


def _versions(playbooks: Iterable[Playbook]) -> dict[str, str]:
    return {playbook.name: playbook.version for playbook in playbooks}

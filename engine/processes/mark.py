"""The mark in the environment of every process of a shell step: whose it is.

Children inherit it, whatever session or process group they go to. It is no secret. A process that
shall outlive its step drops it: `env -u ENGINE_STEP setsid -f COMMAND`.
"""

from typing import Final, NamedTuple  # no dataclasses: the warden is kept small

VARIABLE: Final = "ENGINE_STEP"


class EngineId(NamedTuple):
    """One process of an engine over one database. A pid alone comes back; with its start never."""

    installation: str  # kept in the ledger; it has no colon
    pid: int
    start: int  # clock ticks since the machine started, as in Process

    @property
    def text(self) -> str:
        return f"{self.installation}:{self.pid}.{self.start}"


class Mark(NamedTuple):
    """One attempt at one step. As text: `INSTALLATION:PID.START:RUN:ATTEMPT:PATH`."""

    engine: EngineId
    run_id: str  # it has no colon
    attempt: int
    path: str

    @property
    def text(self) -> str:
        return f"{self.engine.text}:{self.run_id}:{self.attempt}:{self.path}"


def read_mark(text: str) -> Mark | None:
    """The mark this text is; None for any other: everybody may write an environment."""
    try:
        installation, engine, run_id, attempt, path = text.split(":", 4)
        pid, start = engine.split(".")
        return Mark(EngineId(installation, int(pid), int(start)), run_id, int(attempt), path)
    except ValueError:
        return None

"""The demo's screen: steps as they appear, their outcome and time, a bar over the use cases."""

import asyncio
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.table import Table

from engine.cli.screen import line, mark, styled
from engine.playbooks.units import format_duration
from engine.runs.happening import Happening, RunMoved, StepSettled, StepStarted
from engine.runs.run import Outcome, Run, RunState


@dataclass(slots=True)
class _Row:
    title: str
    plan: str = ""
    started: float | None = None
    outcome: str | None = None
    last: str | None = None  # of the attempts; None: none has ended
    took: str = ""
    error: str = ""
    attempts: int = 1


@dataclass(slots=True)
class Stage:
    """Shows one run after the other. `ended` holds the last state of each run that has settled."""

    console: Console
    total: int
    ended: asyncio.Queue[Run] = field(default_factory=asyncio.Queue)
    _rows: dict[str, _Row] = field(default_factory=dict)
    _progress: Progress = field(init=False)
    _live: Live = field(init=False)

    def __post_init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            auto_refresh=False,
        )
        self._progress.add_task("use cases", total=self.total)
        self._live = Live(
            console=self.console,
            get_renderable=self.__rich__,
            transient=True,
            refresh_per_second=10,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def tell(self, happening: Happening) -> None:
        """What the engine says of its runs."""
        match happening:
            case StepStarted(_, step, attempt, plan, at):
                row = self._rows.setdefault(step.path, _Row(step.title, started=at))
                row.plan, row.attempts, row.outcome = plan.summary, attempt, None
            case StepSettled(run, step, fact):
                row = self._rows.setdefault(step.path, _Row(step.title))
                may_be_tried = step.until is not None or fact.attempt < step.retry.attempts
                retried = fact.outcome is Outcome.FAILED and fact.retryable and may_be_tried
                row.outcome = None if retried else fact.outcome.value
                row.last = fact.outcome.value
                row.error = "" if fact.outcome is Outcome.SUCCEEDED else fact.error or ""
                row.attempts = fact.attempt
                if row.started is not None:
                    row.took = format_duration(fact.at - row.started)
            case RunMoved(run) if run.state.settled:
                self._close(run)
            case _:
                pass

    def say(self, text: str, style: str = "") -> None:
        """A line above what is live."""
        self.console.print(styled(text, style))

    def _close(self, run: Run) -> None:
        for row in self._rows.values():
            row.outcome = row.outcome or row.last or "unknown"
        self.console.print(self._table())
        took = format_duration((run.ended or 0) - (run.started or 0))
        ending = f"  {run.state.value} in {took}" + (f": {run.reason}" if run.reason else "")
        self.say(ending, "green" if run.state is RunState.SUCCEEDED else "red")
        self._rows.clear()
        self._progress.advance(self._progress.task_ids[0])
        self.ended.put_nowait(run)

    def __rich__(self) -> RenderableType:
        """What is live: the steps of the run, and the bar."""
        return Group(self._table(), self._progress)

    def _table(self) -> Table:
        shown = Table.grid(padding=(0, 1))
        for row in list(self._rows.values()):  # Live draws in a thread: others may come meanwhile
            first: RenderableType = Spinner("dots") if row.outcome is None else mark(row.outcome)
            what = f"{line(row.plan, 90)}" if row.plan else ""
            tries = f" ({row.attempts} attempts)" if row.attempts > 1 else ""
            note = f" {line(row.error, 110)}" if row.outcome in ("failed", "unknown") else ""
            shown.add_row(
                " ",
                first,
                styled(row.title),
                styled(row.took, "cyan"),
                styled(what + tries + note, "dim"),
            )
        return shown

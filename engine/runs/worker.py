"""The worker: judges what was accepted, and keeps every run going until it has ended.

It never polls: `wake` says that something was committed. What it has in memory can be lost at any
moment; all it needs to go on is in the ledger.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Self

from engine.events.document import document_of
from engine.events.event import LABEL_MAPPING, Event
from engine.playbooks.playbook import Playbook
from engine.problem import EngineError
from engine.rules.condition import Answer, Verdict
from engine.rules.match import RECONCILED, one_answers
from engine.runs.happening import Matched, RunMoved, Tell, Trouble
from engine.runs.ledger import Judgement, Ledger, LedgerError
from engine.runs.patient_ledger import PatientLedger
from engine.runs.run import Run, RunState
from engine.runs.runner import Clock, Runner

NOBODY: Final[Mapping[str, str]] = MappingProxyType({})
BATCH: Final = 200  # events judged, or queued runs looked at, in one go


@dataclass(frozen=True, slots=True)
class Judged:
    """What every playbook said of an event, and the runs that follow from it."""

    event: Event
    judgements: Sequence[Judgement]
    runs: Sequence[Run]
    at: float

    @property
    def matched(self) -> Matched:
        """The same, to be told."""
        undecided = tuple(
            judgement.playbook
            for judgement in self.judgements
            if judgement.verdict.answer is Answer.CANNOT_TELL
        )
        return Matched(self.event.id, tuple(run.playbook for run in self.runs), undecided)

    def turned_away(self, reason: str) -> Self:
        """The same with every yes a no."""
        no = Verdict(Answer.NO, reason)
        judgements = [
            replace(judgement, verdict=no) if judgement.verdict.yes else judgement
            for judgement in self.judgements
        ]
        return replace(self, judgements=judgements, runs=())


class Worker:
    """Drives the runs of one ledger. There may be one worker for a ledger."""

    def __init__(  # noqa: PLR0913 - the parts it works with, each named by the caller
        self,
        *,
        ledger: Ledger,
        runner: Runner,
        playbooks: Sequence[Playbook],
        load: Callable[[str, str], Playbook],
        config: Mapping[str, Any],
        new_id: Callable[[], str],
        clock: Clock,
        tell: Tell,
        runs_at_once: int,
        own: Callable[[Event], bool | None],
    ) -> None:
        self._stopping = asyncio.Event()
        self._ledger = PatientLedger(ledger, tell, self._stopping)
        self._runner = replace(runner, ledger=self._ledger)
        self._playbooks = tuple(playbooks)
        self._load = load
        self._config = config
        self._new_id = new_id
        self._clock = clock
        self._tell = tell
        self._own = own  # whether the engine itself caused an event; None: it cannot be told yet
        self._slots = asyncio.Semaphore(runs_at_once)
        self._versions = {playbook.version: playbook for playbook in playbooks}
        self._taken = 0  # the place of the last queued run that was taken up
        self._woken = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None  # None: nothing can be begun

    @property
    def working(self) -> bool:
        """Whether a run can begin now: what was left behind is taken up, and it is to go on."""
        return self._tasks is not None and not self._stopping.is_set()

    def wake(self) -> None:
        """Something was committed that may need doing."""
        self._woken.set()

    def stop(self) -> None:
        """Start nothing more; steps in flight go on, and `work` returns when they are done."""
        self._stopping.set()
        self._woken.set()

    async def work(self) -> None:
        """Work until stopped. Cancelling it cuts the steps in flight; a restart repeats them."""
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._keep_playbooks()
                await self._resume(tasks)
                self._tasks = tasks
                while not self._stopping.is_set():
                    self._woken.clear()
                    await self._judge()
                    await self._start(tasks)
                    await self._woken.wait()
            except LedgerError as error:
                # Refused while stopping: the next start finds what is still to be done.
                self._tell(Trouble("ledger", str(error)))
            finally:
                self._tasks = None

    async def _keep_playbooks(self) -> None:
        await asyncio.gather(*(self._ledger.keep_playbook(one) for one in self._playbooks))

    async def _judge(self) -> None:
        """One batch: what it queues can start before the next one, however many events come."""
        events = await self._ledger.unmatched(BATCH)
        for event in events:
            if self._stopping.is_set():
                return
            await self._judge_one(event)
            await asyncio.sleep(0)  # let the receiver answer in between
        if len(events) == BATCH:
            self.wake()

    async def _judge_one(self, event: Event) -> None:
        judged = self.judge(event, await self._not_again(event))
        await self._ledger.keep_match(judged.event, judged.judgements, judged.runs, judged.at)
        self._tell(judged.matched)

    def judge(self, event: Event, not_again: Mapping[str, str] = NOBODY) -> Judged:
        """Ask every playbook. `not_again` has those that it must not start, and why."""
        at = self._clock()
        calls = event.source == LABEL_MAPPING
        # Kept with the event: a run that is gone on with later has to see the same document.
        event = replace(event, own=False if calls else self._own(event))
        document = document_of(event, self._config)
        verdicts = [self._verdict(one, document, at, not_again) for one in self._playbooks]
        if calls:
            names = (playbook.name for playbook in self._playbooks)
            verdicts = one_answers(list(zip(names, verdicts, strict=True)))
        judgements = [
            Judgement(playbook.name, playbook.version, verdict)
            for playbook, verdict in zip(self._playbooks, verdicts, strict=True)
        ]
        runs = [
            Run(
                id=self._new_id(),
                playbook=judgement.playbook,
                version=judgement.version,
                event_id=event.id,
                state=RunState.QUEUED,
                created=at,
            )
            for judgement in judgements
            if judgement.verdict.yes
        ]
        return Judged(event, judgements, runs, at)

    async def _not_again(self, event: Event) -> Mapping[str, str]:
        """The playbooks that the event, or one like it, had its chance with, and why they stay out.

        Nothing says for sure that what Flashduty tells afterwards is not what arrived before; and a
        delivery may come so late that it was found missing first.
        """
        if event.known_before:
            asked = (one.name for one in self._playbooks if one.trigger.reconcile)
            return dict.fromkeys(asked, "the playbook was asked when the event was found missing")
        if event.source != RECONCILED or event.subject is None:
            return NOBODY
        ran = await self._ledger.playbooks_run_for(event.subject, event.type)
        said = "the event was missed, and the playbook ran for one like it before"
        return dict.fromkeys(ran, said)

    def _verdict(
        self,
        playbook: Playbook,
        document: Mapping[str, Any],
        at: float,
        not_again: Mapping[str, str],
    ) -> Verdict:
        try:
            verdict = playbook.trigger.judge(document, at)
        except Exception as error:  # noqa: BLE001 - one trigger must not keep the others from events
            self._tell(Trouble(f"playbook {playbook.name}", traceback.format_exc()))
            said = f"{type(error).__name__}: {error} (this is a fault of the engine)"
            return Verdict(Answer.CANNOT_TELL, said)
        if verdict.yes and playbook.name in not_again:
            return Verdict(Answer.NO, not_again[playbook.name])
        return verdict

    async def _resume(self, tasks: asyncio.TaskGroup) -> None:
        for run in await self._ledger.unfinished():
            tasks.create_task(self._resumed(run), name=f"run {run.id}")

    async def _resumed(self, run: Run) -> None:
        await self._slots.acquire()
        await self._started(run, self._slots)

    def begin(self, run: Run, slots: asyncio.Semaphore) -> bool:
        """Carry out a run beside the queue; its slot is taken, and given back at its end.

        False when it is too late: the next start will find the run.
        """
        if self._tasks is None or self._stopping.is_set():
            return False
        self._tasks.create_task(self._started(run, slots), name=f"run {run.id}")
        return True

    async def _start(self, tasks: asyncio.TaskGroup) -> None:
        while not self._slots.locked() and not self._stopping.is_set():
            # Taken before the ledger is asked: a run that wakes up meanwhile must not leave us
            # waiting for a slot while events come in.
            await self._slots.acquire()
            queued = await self._ledger.queued(self._taken, 1)
            if not queued:
                self._slots.release()
                return
            ((self._taken, run),) = queued
            tasks.create_task(self._started(run, self._slots), name=f"run {run.id}")

    async def _started(self, run: Run, slots: asyncio.Semaphore) -> None:
        try:
            await self._carry_out(run, slots)
        finally:
            slots.release()
            self.wake()

    async def _carry_out(self, run: Run, slots: asyncio.Semaphore) -> None:
        """Bring one run to its end, or to where stopping finds it."""
        try:
            await self._carry_out_once(run, slots)
        except LedgerError as error:
            self._tell(Trouble(f"run {run.id}", str(error)))
        except Exception as error:  # noqa: BLE001 - a fault in one run must not end the others
            self._tell(Trouble(f"run {run.id}", traceback.format_exc()))
            await self._give_up(run, f"{type(error).__name__}: {error} (a fault of the engine)")

    async def _give_up(self, run: Run, reason: str) -> None:
        """End a run visibly: taken up again, it would come to the same end, and for ever."""
        try:
            at = self._clock()
            known = await self._ledger.run(run.id)
            if known.state.settled:
                return
            going = known.move(RunState.RUNNING, at=at)
            run = going.move(RunState.FAILED, at=at, reason=self._runner.redactor.text(reason))
            await self._ledger.keep_run(run)
        except LedgerError as error:
            self._tell(Trouble(f"run {run.id}", str(error)))
            return
        self._tell(RunMoved(run))

    async def _carry_out_once(self, run: Run, slots: asyncio.Semaphore) -> None:
        event = await self._ledger.event(run.event_id)
        try:
            playbook = await self._version(run)
        except EngineError as error:
            await self._give_up(run, f"the version it began with cannot be read any more: {error}")
            return
        await self._runner.carry_out(
            run,
            playbook,
            event,
            document_of(event, self._config),
            stopping=self._stopping,
            yielded=lambda: self._yielded(slots),
        )

    async def _version(self, run: Run) -> Playbook:
        if run.version not in self._versions:
            file, text = await self._ledger.playbook_text(run.version)
            self._versions[run.version] = self._load(text, file)
        return self._versions[run.version]

    @asynccontextmanager
    async def _yielded(self, slots: asyncio.Semaphore) -> AsyncIterator[None]:
        """A run that only waits gives its turn to another one."""
        slots.release()
        self.wake()
        try:
            yield
        finally:
            await slots.acquire()

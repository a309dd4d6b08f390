"""The worker: judges what was accepted, and keeps every run going until it has ended.

It never polls: `wake` says that something was committed. What it has in memory can be lost at any
moment; all it needs to go on is in the ledger.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from engine.events.document import document_of
from engine.events.event import Event
from engine.playbooks.playbook import Playbook
from engine.problem import EngineError
from engine.rules.condition import Answer, Verdict
from engine.runs.happening import Matched, RunMoved, Tell, Trouble
from engine.runs.ledger import Judgement, Ledger, LedgerError
from engine.runs.run import Run, RunState
from engine.runs.runner import RETRY_AFTER, Clock, Runner

BATCH: Final = 200  # events or runs taken from the ledger at once


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
    ) -> None:
        self._ledger = ledger
        self._runner = runner
        self._playbooks = tuple(playbooks)
        self._load = load
        self._config = config
        self._new_id = new_id
        self._clock = clock
        self._tell = tell
        self._slots = asyncio.Semaphore(runs_at_once)
        self._versions = {playbook.version: playbook for playbook in playbooks}
        self._going: set[str] = set()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()

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
            await self._insist(self._keep_playbooks)
            await self._insist(lambda: self._resume(tasks))
            while not self._stopping.is_set():
                self._woken.clear()
                await self._insist(self._judge)
                await self._insist(lambda: self._start(tasks))
                await self._woken.wait()

    async def _insist(self, act: Callable[[], Any]) -> None:
        """Do it until the ledger takes it: what it refuses now is still to be done."""
        while not self._stopping.is_set():
            try:
                await act()
            except LedgerError as error:
                self._tell(Trouble("ledger", str(error)))
                await asyncio.sleep(RETRY_AFTER)
            else:
                return

    async def _keep_playbooks(self) -> None:
        for playbook in self._playbooks:
            await self._ledger.keep_playbook(playbook)

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
        document = document_of(event, self._config)
        at = self._clock()
        judgements = [
            Judgement(playbook.name, playbook.version, self._verdict(playbook, document))
            for playbook in self._playbooks
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
        await self._ledger.keep_match(event, judgements, runs, at)
        undecided = tuple(
            judgement.playbook
            for judgement in judgements
            if judgement.verdict.answer is Answer.CANNOT_TELL
        )
        self._tell(Matched(event.id, tuple(run.playbook for run in runs), undecided))

    def _verdict(self, playbook: Playbook, document: Mapping[str, Any]) -> Verdict:
        try:
            return playbook.trigger.judge(document)
        except Exception as error:  # noqa: BLE001 - one trigger must not keep the others from events
            self._tell(Trouble(f"playbook {playbook.name}", traceback.format_exc()))
            said = f"{type(error).__name__}: {error} (this is a fault of the engine)"
            return Verdict(Answer.CANNOT_TELL, said)

    async def _resume(self, tasks: asyncio.TaskGroup) -> None:
        for run in await self._ledger.unfinished():
            self._going.add(run.id)
            tasks.create_task(self._resumed(run), name=f"run {run.id}")

    async def _resumed(self, run: Run) -> None:
        await self._slots.acquire()
        await self._started(run)

    async def _start(self, tasks: asyncio.TaskGroup) -> None:
        while not self._slots.locked() and not self._stopping.is_set():
            # A run that is going may still be `queued` in the ledger for a moment.
            queued = await self._ledger.queued(len(self._going) + 1)
            run = next((run for run in queued if run.id not in self._going), None)
            if run is None:
                return
            await self._slots.acquire()
            self._going.add(run.id)
            tasks.create_task(self._started(run), name=f"run {run.id}")

    async def _started(self, run: Run) -> None:
        try:
            await self._carry_out(run)
        finally:
            self._slots.release()
            self.wake()

    async def _carry_out(self, run: Run) -> None:
        """Bring one run to its end, however often the ledger has to be asked for it."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._carry_out_once(run)
                except LedgerError as error:
                    self._tell(Trouble(f"run {run.id}", str(error)))
                    await asyncio.sleep(RETRY_AFTER)
                    run = await self._again(run)
                else:
                    return
        except Exception as error:  # noqa: BLE001 - a fault in one run must not end the others
            self._tell(Trouble(f"run {run.id}", traceback.format_exc()))
            said = f"{type(error).__name__}: {error} (this is a fault of the engine)"
            await self._insist(lambda: self._give_up(run, said))
        finally:
            self._going.discard(run.id)

    async def _give_up(self, run: Run, reason: str) -> None:
        """End a run visibly: taken up again, it would come to the same end, and for ever."""
        run = await self._again(run)
        queued = run.state is RunState.QUEUED
        state = RunState.CANCELLED if queued else RunState.FAILED
        run = run.move(state, at=self._clock(), reason=self._runner.redactor.text(reason))
        await self._ledger.keep_run(run)
        self._tell(RunMoved(run))

    async def _carry_out_once(self, run: Run) -> None:
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
            yielded=self._yielded,
        )

    async def _again(self, run: Run) -> Run:
        """The run as the ledger has it: what was refused may have been half of a change."""
        for known in await self._ledger.unfinished():
            if known.id == run.id:
                return known
        return run

    async def _version(self, run: Run) -> Playbook:
        if run.version not in self._versions:
            file, text = await self._ledger.playbook_text(run.version)
            self._versions[run.version] = self._load(text, file)
        return self._versions[run.version]

    @asynccontextmanager
    async def _yielded(self) -> AsyncIterator[None]:
        """A run that only waits gives its turn to another one."""
        self._slots.release()
        self.wake()
        try:
            yield
        finally:
            await self._slots.acquire()

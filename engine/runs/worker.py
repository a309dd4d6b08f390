"""The worker: judges what was accepted, and keeps every run going until it has ended.

It never polls: `wake` says that something was committed. What it has in memory can be lost at any
moment; all it needs to go on is in the ledger.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from engine.events.document import document_of
from engine.events.event import Event
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.problem import EngineError
from engine.runs.admission import Admission
from engine.runs.change import OrderObeyed, RunMove
from engine.runs.control import Control, Verb
from engine.runs.happening import PausesChanged, RunMoved, Tell, Trouble, tell_nobody
from engine.runs.judging import Judged, Judging, index_of
from engine.runs.ledger import Ledger, LedgerError, Past
from engine.runs.patient_ledger import PatientLedger
from engine.runs.resting import Resting
from engine.runs.run import Run, RunState
from engine.runs.runner import Clock, Runner
from engine.runs.slot import Slot
from engine.runs.taking_up import taken_up
from engine.runs.turns import Turns


class Worker:
    """Drives the runs of one ledger. There may be one worker for a ledger."""

    def __init__(  # noqa: PLR0913 - the parts it works with, each named by the caller
        self,
        *,
        ledger: Ledger,
        runner: Runner,
        playbooks: Sequence[Playbook],
        commit: str | None = None,
        load: Callable[[PlaybookText], Playbook],
        config: Mapping[str, Any],
        new_id: Callable[[], str],
        clock: Clock,
        tell: Tell,
        runs_at_once: int,
        starts: int,
        own: Callable[[Event], bool | None],
        give_way: Callable[[], Awaitable[None]],
    ) -> None:
        self._stopping = asyncio.Event()
        self._ledger = PatientLedger(ledger, tell, self._stopping)
        self._runner = replace(runner, ledger=self._ledger)
        self._load = load
        self._config = config
        self._clock = runner.clock  # of runs; how old an event is, is asked of the other one
        self._tell = tell
        # The one place that says which playbooks are in force: they change in one assignment.
        self._judging = Judging(
            playbooks=tuple(playbooks),
            index=index_of(playbooks),
            judged_by=0,  # told by the ledger before anything is judged
            config=config,
            own=own,
            new_id=new_id,
            clock=clock,
            tell=tell,
        )
        self._commit = commit
        self._give_way = give_way
        self._changing = asyncio.Lock()  # what the ledger has in force is what is judged by
        self._turns = Turns(
            ledger=self._ledger,
            version=self._version,
            clock=runner.clock,
            tell=tell,
            starts=starts,
        )
        self._admission = Admission(
            self._ledger, self._turns, self._version, runner.clock, tell, self.wake
        )
        self._slots = asyncio.Semaphore(runs_at_once)
        self._versions = {playbook.version: playbook for playbook in playbooks}
        self._known = set(self._versions)
        self._heard = 0  # the place of the last order that was passed on
        self._controls: dict[str, Control] = {}  # of the runs under way
        self._resting = Resting()
        self._woken = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None  # None: nothing can be begun

    @property
    def playbooks(self) -> Sequence[Playbook]:
        """Those that are asked about the next event."""
        return self._judging.playbooks

    @property
    def known(self) -> Collection[str]:
        """Every version that was in force since the start: a run that names it may be under way."""
        return self._known

    @property
    def working(self) -> bool:
        """Whether a run can begin now: what was left behind is being taken up, and it goes on."""
        return self._tasks is not None and not self._stopping.is_set()

    def wake(self) -> None:
        """Something was committed that may need doing."""
        self._woken.set()

    def stop(self) -> None:
        """Start nothing more; steps in flight go on, and `work` returns when they are done."""
        self._stopping.set()
        self._woken.set()
        for control in self._controls.values():
            control.changed.set()

    async def work(self) -> None:
        """Work until stopped. Cancelling it cuts the steps in flight; a restart repeats them."""
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._begin_with_playbooks()
                await self._heed()  # before anything goes on that was cancelled or paused meanwhile
                unfinished = await self._ledger.unfinished()
                tasks.create_task(self._take_up(unfinished, self._tell, tasks), name="taking up")
                self._tasks = tasks
                while not self._stopping.is_set():
                    self._woken.clear()
                    await self._give_way()  # to those whose sender waits
                    events = await self._admission.waiting()
                    await self._heed()  # after that: what comes behind a pause must find it
                    if up := self._resting.up(self._clock()):
                        tasks.create_task(self._take_up(up, tell_nobody, tasks), name="taking up")
                    if await self._admission.judge(events, self._judging_now):
                        self.wake()
                    await self._start(tasks)
                    await self._wait()
            except LedgerError as error:
                # Refused while stopping: the next start finds what is still to be done.
                self._tell(Trouble("ledger", str(error)))
            finally:
                self._tasks = None

    async def _wait(self) -> None:
        """Until something was committed or given back, or a time has come."""
        times = () if self._slots.locked() else (self._turns.due, self._resting.due)
        due = min((time for time in times if time is not None), default=None)
        try:
            async with asyncio.timeout(None if due is None else max(0.0, due - self._clock())):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _begin_with_playbooks(self) -> None:
        async with self._changing:
            number = await self._keep_playbooks(self.playbooks, self._commit)
            self._judging = replace(self._judging, judged_by=number)

    async def change(self, playbooks: Sequence[Playbook], commit: str | None) -> None:
        """Ask these about the next event; `commit` is the state of git they come from.

        A run that is there keeps its version, a queued one too. Raises LedgerError when stopping.
        """
        versions = {playbook.version: playbook for playbook in playbooks}
        self._known.update(versions)  # first: retention must not take a text that was just kept
        index = await asyncio.to_thread(index_of, playbooks)  # of thousands, it takes its time
        async with self._changing:
            number = await self._keep_playbooks(playbooks, commit)
            self._judging = replace(
                self._judging, playbooks=tuple(playbooks), index=index, judged_by=number
            )
            self._versions = versions  # older ones are read again where a run still goes by them

    async def _keep_playbooks(self, playbooks: Sequence[Playbook], commit: str | None) -> int:
        """Before any run can name their versions. The number of this set of them."""
        await asyncio.gather(*(self._ledger.keep_playbook(one, commit) for one in playbooks))
        versions = [playbook.version for playbook in playbooks]
        return await self._ledger.put_in_force(versions, self._judging.clock())

    async def _heed(self) -> None:
        """Pass on what people said to runs since it was last looked."""
        for order in await self._ledger.orders(self._heard):
            self._heard = order.seq
            run = await self._ledger.run(order.run_id)
            if run.state in (RunState.RUNNING, RunState.WAITING) or self._turns.is_given(run.id):
                self._control_of(run).hear([order])
                self._resting.call(run.id)
                continue
            if run.state is RunState.QUEUED and order.verb in (Verb.CANCEL, Verb.CLOSE):
                await self._take_out(run, f"cancelled by {order.by}")
            await self._ledger.keep([OrderObeyed(order)])
        pauses = {name: pause.said for name, pause in (await self._ledger.pauses()).items()}
        if self._turns.pause(pauses):
            self._tell(PausesChanged(pauses))
            for control in self._controls.values():
                control.hold(self._turns.paused(control.playbook))

    async def _take_out(self, run: Run, reason: str) -> None:
        """End a run that has not begun."""
        moved = run.move(RunState.CANCELLED, at=self._clock(), reason=reason)
        await self._ledger.keep([RunMove(moved)])
        self._turns.taken_out(moved)
        self._tell(RunMoved(moved))

    def _control_of(self, run: Run) -> Control:
        if run.id not in self._controls:
            paused = self._turns.paused(run.playbook)
            self._controls[run.id] = Control(self._stopping, run.playbook, paused)
        return self._controls[run.id]

    def _judging_now(self) -> Judging | None:
        """By what the next event is judged; None when none is to be any more."""
        return None if self._stopping.is_set() else self._judging

    def judge(self, event: Event) -> Judged:
        """What the playbooks say of an event that nobody judged; nothing of it is kept."""
        return self._judging.judge(event)

    def paused(self, playbook: str) -> str | None:
        """Why a playbook starts nothing now; None when it may."""
        return self._turns.paused(playbook)

    async def _take_up(self, runs: Sequence[Run], tell: Tell, tasks: asyncio.TaskGroup) -> None:
        """Go on with runs that are in the ledger alone, each when a slot is free."""
        async with aclosing(taken_up(self._ledger, runs, tell)) as found:
            async for run, past in found:
                await self._slots.acquire()
                if self._stopping.is_set():
                    self._slots.release()
                    return
                tasks.create_task(self._started(run, self._slots, past), name=f"run {run.id}")

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
            run = await self._turns.next()
            if run is None:
                self._slots.release()
                return
            tasks.create_task(self._started(run, self._slots), name=f"run {run.id}")

    async def _started(self, run: Run, slots: asyncio.Semaphore, past: Past | None = None) -> None:
        slot = Slot(slots, self._clock, self._resting.lay_down, self.wake)
        try:
            await self._carry_out(run, slot, past)
        finally:
            self._controls.pop(run.id, None)
            self._turns.ended(run)
            slot.give_back()
            self.wake()

    async def _carry_out(self, run: Run, slot: Slot, past: Past | None) -> None:
        """Bring one run to its end, or to where stopping finds it."""
        try:
            await self._carry_out_once(run, slot, past)
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
            await self._ledger.keep([RunMove(run)])
        except LedgerError as error:
            self._tell(Trouble(f"run {run.id}", str(error)))
            return
        self._tell(RunMoved(run))

    async def _carry_out_once(self, run: Run, slot: Slot, past: Past | None) -> None:
        if past is None:
            read = self._turns.event(run)
            event, history = read or await self._ledger.event(run.event_id), None
        else:
            event, history = past.event, past.history
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
            control=self._control_of(run),
            place=slot,
            history=history,
        )

    async def _version(self, run: Run) -> Playbook:
        if run.version not in self._versions:
            self._versions[run.version] = self._load(await self._ledger.playbook_text(run.version))
        return self._versions[run.version]

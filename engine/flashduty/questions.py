"""Writes into the incident what a run asks of people: they look there, and not at the engine's log.

Whoever waits for an answer says so once. A comment that cannot be written is told as trouble and
not tried again: the log, the metrics and `engine runs list` have the question, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from engine.events.event import Event
from engine.flashduty.caller import Caller
from engine.flashduty.client import FlashdutyError
from engine.runs.happening import Happening, StepAsked, Tell, Trouble
from engine.runs.ledger import LedgerError, NotInLedgerError
from engine.runs.run import Asking
from engine.runs.trace import timestamp

LONGEST: Final = 1024  # characters of a comment: a limit of /incident/comment
MOST: Final = 1000  # questions that wait to be written; what comes beyond is told as trouble
_BUTTONS: Final = "the buttons that end in /approve and /reject, or"


class Questions:
    """Hears what happens, and comments on what is asked."""

    def __init__(
        self, client: Caller, event: Callable[[str], Awaitable[Event]], tell: Tell
    ) -> None:
        self._client = client
        self._event = event
        self._tell = tell
        self._asked: asyncio.Queue[StepAsked] = asyncio.Queue(MOST)

    def hear(self, happening: Happening) -> None:
        """Take a question; everything else is none of its business."""
        if not isinstance(happening, StepAsked):
            return
        try:
            self._asked.put_nowait(happening)
        except asyncio.QueueFull:
            self._trouble(happening, f"{MOST} others wait to be written")

    async def keep_writing(self) -> None:
        """Write one comment after another, until it is cut."""
        while True:
            asked = await self._asked.get()
            try:
                incident = (await self._event(asked.run.event_id)).incident_id
                if incident is not None:
                    body = {"incident_ids": [incident], "comment": comment_on(asked)}
                    await self._client.call("/incident/comment", {**body, "mute_reply": True})
            except (FlashdutyError, LedgerError, NotInLedgerError) as error:
                self._trouble(asked, str(error))
            finally:
                self._asked.task_done()

    def _trouble(self, asked: StepAsked, why: str) -> None:
        said = f"run {asked.run.id} waits for a person, and its incident does not say so: {why}"
        self._tell(Trouble("questions", said))


def comment_on(asked: StepAsked) -> str:
    """What a person reads in the incident, and what to do."""
    run, question = asked.run, asked.fact.question
    command = f"`engine runs show {run.id}` says how"
    if question.kind is Asking.APPROVAL:
        until = "" if question.until is None else f" until {timestamp(question.until)}"
        command = f"{_BUTTONS} `engine runs approve|reject {run.id}`{until}"
    head, tail = f"{run.playbook} waits for a person: ", f"\n{command}"
    text = question.text
    room = LONGEST - len(head) - len(tail)
    return head + (text if len(text) <= room else f"{text[: room - 1]}…") + tail

"""Who the engine is to Flashduty: the member whose app key it uses.

What this member does comes back as webhooks, `person` being the member: a playbook that comments on
each comment would go on for ever. Facts: an app key is a member of the account, `/member/info`
says which one; the member a webhook names as `person_id` is the same number.
"""

import asyncio
from typing import Final

from engine.events.event import Event
from engine.flashduty.caller import Caller
from engine.flashduty.client import FlashdutyError
from engine.runs.happening import Tell, Trouble
from engine.runs.ledger import LedgerError, Memory

PATIENCE: Final = 5.0  # seconds that the first events wait for the answer, on the very first start
FIRST_PAUSE: Final = 5.0  # seconds until it is asked again; doubled each time
LONGEST_PAUSE: Final = 300.0
_REMEMBERED: Final = "own-member"


class OwnMember:
    """Knows the member once it was learned, also over a restart; a new app key may have another.

    Without a client the engine can do nothing at Flashduty, and nothing there is its own doing.
    """

    def __init__(self, client: Caller | None, memory: Memory, tell: Tell) -> None:
        self._client = client
        self._memory = memory
        self._tell = tell
        self.member_id: int | None = None

    def caused(self, event: Event) -> bool | None:
        """Whether the engine itself caused the event; None while that cannot be told."""
        if self._client is None or event.person_id is None:
            return False
        return None if self.member_id is None else event.person_id == self.member_id

    async def prepare(self) -> None:
        """Recall the member; where it was never learned, give Flashduty a moment to say it."""
        if self._client is None:
            return
        try:
            self.member_id = await self._memory.recall(_REMEMBERED)
        except LedgerError as error:
            self._tell(Trouble("own member", str(error)))
        if self.member_id is None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.learn()
            except (FlashdutyError, TimeoutError, LedgerError):
                return  # it is asked again in the background, and told there

    async def learn(self) -> None:
        """Ask once. Raises FlashdutyError and LedgerError."""
        if self._client is None:
            return
        answer = await self._client.call("/member/info", {})
        member_id = answer.data.get("member_id") if isinstance(answer.data, dict) else None
        if not isinstance(member_id, int) or isinstance(member_id, bool):
            raise FlashdutyError("NoMember", "/member/info names no member_id")
        if member_id != self.member_id:
            self.member_id = member_id
            await self._memory.remember(_REMEMBERED, member_id)

    async def keep_learning(self) -> None:
        """Ask until it is known. An app key that is refused may be put right, so it goes on."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self.learn()
            except (FlashdutyError, LedgerError) as error:
                said = f"who the engine is to Flashduty could not be learned: {error}"
                self._tell(Trouble("own member", said))
            else:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

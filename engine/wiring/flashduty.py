"""What the engine has to do with Flashduty besides taking its webhooks."""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from engine.config.config import Config
from engine.flashduty.client import FlashdutyClient
from engine.flashduty.limiter import Limiter
from engine.flashduty.own_member import OwnMember
from engine.flashduty.proxy import proxy_for
from engine.flashduty.questions import Questions
from engine.flashduty.reconciling.deliveries import Deliveries
from engine.flashduty.reconciling.missed import events_to_reconcile
from engine.flashduty.reconciling.reconciler import Reconciler
from engine.flashduty.reconciling.timelines import Timelines
from engine.runs.crew import Companion
from engine.runs.happening import Tell
from engine.runs.worker import Worker
from engine.store.sqlite import SqliteLedger
from engine.wiring.clocks import new_id, now
from engine.wiring.sources import webhook_reader


@dataclass(frozen=True, slots=True)
class AtFlashduty:
    """Who calls it, as whom, and who writes there what is asked of people."""

    client: FlashdutyClient
    own: OwnMember
    questions: Questions | None  # None: nothing is written

    def companions(
        self, config: Config, ledger: SqliteLedger, worker: Worker, tell: Tell
    ) -> list[Companion]:
        """What goes on there beside the worker."""
        companions: list[Companion] = [self.own.keep_learning]
        if self.questions is not None:
            companions.append(self.questions.keep_writing)
        flashduty = config.flashduty
        if flashduty.app_key is not None and flashduty.reconcile is not None:
            actions = {str(known): action for action, known in flashduty.actions.items()}
            reconciler = Reconciler(
                deliveries=Deliveries(self.client, webhook_reader(config), ledger.known),
                timelines=Timelines(self.client, actions, new_id, now),
                store=ledger,
                wanted=lambda: events_to_reconcile(worker.playbooks),
                accepted=worker.wake,
                clock=now,
                tell=tell,
                every=flashduty.reconcile,
            )
            companions.append(reconciler.keep_looking)
        return companions


def at_flashduty(
    config: Config, session: Callable[[], aiohttp.ClientSession], ledger: SqliteLedger, tell: Tell
) -> AtFlashduty:
    """By what config.yaml says of it."""
    flashduty = config.flashduty
    client = FlashdutyClient(
        session,
        flashduty.base_url,
        flashduty.app_key,
        proxy=proxy_for(flashduty.base_url),
        limiter=Limiter(flashduty.per_second, flashduty.per_minute),
    )
    own = OwnMember(client if flashduty.app_key else None, ledger, tell)
    client.own_member = lambda: own.member_id
    questions = None
    if flashduty.app_key is not None and flashduty.comment_questions:
        questions = Questions(client, ledger.event, tell)
    return AtFlashduty(client, own, questions)

"""Operations are carried out in this process, checked as the API checks them, by whom one says."""

import asyncio
from typing import Any

import pytest

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.perform import perform
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.sample import sample_account

ID = "6551f3888713372ad1054d57"
LISI = 1999632289504


@pytest.fixture
def account() -> SimulatedAccount:
    account = sample_account(lambda: 1_795_000_000)
    account.add_incident({"incident_id": ID, "title": "nj"})
    return account


def test_it_is_done_by_the_own_member_or_another(account: SimulatedAccount) -> None:
    comment: dict[str, Any] = {"incident_ids": [ID], "comment": "Hello."}
    asyncio.run(perform(account, "/incident/comment", comment))
    asyncio.run(perform(account, "/incident/comment", comment, person_id=LISI))
    creators = [one["creator_id"] for one in account.feed(ID)[1:]]
    assert creators == [account.own_member_id, LISI]


def test_a_refusal_leaves_everybody_who_they_were(account: SimulatedAccount) -> None:
    wrong: tuple[dict[str, Any], ...] = ({}, {"incident_ids": ["f" * 24]})
    for parameters in wrong:
        with pytest.raises(RefusalError):
            asyncio.run(perform(account, "/incident/ack", parameters, person_id=LISI))
    assert account.actor == account.own_member_id


def test_parameters_that_nobody_knows_are_ignored_and_null_is_absent(
    account: SimulatedAccount,
) -> None:
    given = {"incident_id": ID, "colour": "red", "field_name": "owner", "field_value": None}
    assert asyncio.run(perform(account, "/incident/field/reset", given)) == {}

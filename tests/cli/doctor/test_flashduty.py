"""What is said of Flashduty, by real servers: the simulated one, and some that misbehave."""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from unittest.mock import patch

import pytest
from aiohttp import web

from engine.cli.doctor import flashduty
from engine.cli.doctor.finding import Finding
from engine.cli.doctor.flashduty import look_at_flashduty
from engine.config.config import Config
from engine.config.load import read_config
from engine.flashduty.simulated.faults import Fault, Faults
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator
from engine.wiring.clocks import now
from tests.flashduty.served import served
from tests.flashduty.servers import serving
from tests.processes.children import PATIENCE

KEY = "canary-key-7f3a"
MEMBER = '{"data": {"member_id": 42, "member_name": "Robot"}}'


def config_of(base_url: str, key: str = KEY, more: str = "") -> Config:
    text = f'flashduty: {{base_url: "{base_url}", app_key: "{key}"{more}}}'
    return read_config(text, Path("config.yaml"), {})


def looked(base_url: str, key: str = KEY, more: str = "") -> list[Finding]:
    found = asyncio.run(look_at_flashduty(config_of(base_url, key, more), now))
    return checked(found)


def checked(found: list[Finding]) -> list[Finding]:
    for finding in found:
        assert KEY not in finding.seen
        assert (finding.todo is None) == (finding.level == "ok")
    return found


def simulated(*faults: Fault, key: str = KEY, more: str = "") -> list[Finding]:
    async def story() -> list[Finding]:
        app = create_simulator(sample_account(now), app_key=KEY, faults=Faults(*faults))
        async with served(app) as base_url:
            # Both clocks are the machine's, which may be busy in between.
            with patch.object(flashduty, "OFF", PATIENCE):
                return await look_at_flashduty(config_of(base_url, key, more), now)

    return checked(asyncio.run(story()))


def answered(
    answer: Callable[[str], web.Response], clock: Callable[[], float] = now
) -> list[Finding]:
    async def handler(request: web.BaseRequest) -> web.Response:
        return answer(request.path)

    async def story() -> list[Finding]:
        async with serving(handler) as base_url:
            return await look_at_flashduty(config_of(base_url), clock)

    return checked(asyncio.run(story()))


def levels(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, finding.level) for finding in found]


def test_where_all_is_well_the_member_is_named() -> None:
    found = simulated()
    assert levels(found) == [
        ("flashduty", "ok"),
        ("app_key", "ok"),
        ("permission", "ok"),
        ("permission", "ok"),
        ("clock", "ok"),
    ]
    assert found[1].seen.startswith("it is member ")
    assert found[2].seen.startswith("Incidents Read: yes; Incidents Manage shows when ")
    assert found[3].seen == "Integrations Read: yes"
    assert len(simulated(more=", reconcile: off")) == 4  # nothing reads the history of webhooks


def test_a_wrong_key_is_refused_and_not_shown() -> None:
    found = simulated(key="wrong-canary-key")
    assert levels(found) == [("flashduty", "ok"), ("app_key", "fail"), ("clock", "ok")]
    assert found[1].seen.startswith("it is refused: Unauthorized: ")
    assert "wrong-canary-key" not in repr(found)


def test_too_many_requests_are_a_matter_of_patience() -> None:
    [found, clock] = simulated(Fault("too-frequent"))
    assert (found.check, found.level, clock.level) == ("flashduty", "warn", "ok")
    assert found.seen.startswith("the account has asked too much of Flashduty just now: RequestToo")
    found = simulated(Fault("too-frequent", path="/incident/list"))[2]
    assert (found.check, found.level) == ("permission", "warn")


def test_a_fault_of_flashduty_is_its_own() -> None:
    [found, _] = simulated(Fault("error", status=503))
    assert (found.check, found.level) == ("flashduty", "warn")
    assert found.seen.startswith("ServiceUnavailable: ")


def test_what_is_refused_for_another_reason_is_said_as_flashduty_says_it() -> None:
    refusal = '{"error": {"code": "BalanceNotEnough", "message": "pay first"}}'
    found = answered(lambda _: web.Response(text=refusal, status=402))[0]
    assert (found.level, found.seen) == ("warn", "BalanceNotEnough: pay first")
    assert found.todo == "see what this code means for the account, in Flashduty's documentation"


def test_a_permission_that_is_not_given_is_named() -> None:
    def answer(path: str) -> web.Response:
        if path == "/webhook/history/list":
            refusal = '{"error": {"code": "AccessDenied", "message": "no permission"}}'
            return web.Response(text=refusal, status=403)
        return web.Response(text=MEMBER)

    found = answered(answer)
    assert levels(found)[2:4] == [("permission", "ok"), ("permission", "warn")]
    assert found[3].seen.startswith("Integrations Read: no;")
    assert found[1].seen.startswith("it is member Robot (42)")


@pytest.mark.parametrize(
    ("seconds", "level", "said"),
    [
        (0, "ok", "the same as Flashduty's"),
        (-20, "warn", "this machine's is 19.5s ahead"),  # at least: a Date is cut to the second
        (3600, "fail", "behind Flashduty's"),
        (-3600, "fail", "ahead of Flashduty's"),
    ],
)
def test_a_clock_that_is_wrong_is_found_by_the_date_of_the_answer(
    seconds: int, level: str, said: str
) -> None:
    half_past = 1_774_000_000.5  # and it stands still: how long the answer took is not the subject

    def answer(_: str) -> web.Response:
        date = formatdate(half_past + seconds, usegmt=True)
        return web.Response(text=MEMBER, headers={"Date": date})

    clock = answered(answer, lambda: half_past)[-1]
    assert (clock.check, clock.level) == ("clock", level)
    assert said in clock.seen


def test_an_answer_without_a_date_says_nothing_of_clocks() -> None:
    found = answered(lambda _: web.Response(text=MEMBER, headers={"Date": "yesterday"}))
    assert "clock" not in dict(levels(found))


def test_what_cannot_be_reached_is_said_with_the_address(refusing_port: int) -> None:
    base_url = f"http://127.0.0.1:{refusing_port}"
    [found] = looked(base_url)
    assert (found.check, found.level) == ("flashduty", "fail")
    assert found.seen.startswith(f"{base_url}: ")


def test_without_a_key_nothing_is_asked(refusing_port: int) -> None:
    [found] = looked(f"http://127.0.0.1:{refusing_port}", key="")
    assert (found.check, found.level) == ("app_key", "warn")


def test_a_key_never_goes_out_in_the_clear_unsaid() -> None:
    [tls, key] = looked("http://flashduty.example", key="")
    assert (tls.check, tls.level, key.check) == ("flashduty", "fail", "app_key")
    assert "app_key goes out readable" in tls.seen

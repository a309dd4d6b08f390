"""The webhooks, buttons and headers of `engine simulate` are read, or refused with a sentence."""

from typing import Any

import pytest

from engine.cli.webhook_options import add_webhooks, read_webhooks
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.webhooks import Webhook
from engine.problem import EngineError

URL = "http://127.0.0.1:8787/flashduty/incidents"


def read(**given: list[str]) -> list[Webhook]:
    nothing: dict[str, Any] = {"webhooks": [], "buttons": [], "headers": [], "labels": []}
    return read_webhooks(**{**nothing, **given})


def test_each_webhook_and_button_has_its_url_and_the_headers() -> None:
    found = read(
        webhooks=[f"incident={URL}?a=a", f"labels={URL}"],
        buttons=["restart-host=https://engine.example.com/actions"],
        headers=["X-Engine-Token: s3cret", "X-Empty:"],
        labels=["owner", "tier"],
    )
    headers = {"X-Engine-Token": "s3cret", "X-Empty": ""}
    assert found == [
        Webhook("incident", f"{URL}?a=a", headers=headers),
        Webhook("labels", URL, headers=headers, result_label_keys=("owner", "tier")),
        Webhook("action", "https://engine.example.com/actions", "restart-host", headers=headers),
    ]


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        (
            {"webhooks": [URL]},
            f"--webhook {URL}: it is written KIND=URL, KIND one of incident, alert, labels",
            None,
        ),
        (
            {"webhooks": [f"incidents={URL}"]},
            f"--webhook incidents={URL}: there is no kind 'incidents', but incident, alert, labels",
            "did you mean 'incident'?",
        ),
        (
            {"webhooks": ["incident=127.0.0.1:8787"]},
            "--webhook incident=127.0.0.1:8787: '127.0.0.1:8787' is no http:// or https:// URL",
            "the engine's are like http://127.0.0.1:8787/flashduty/incidents",
        ),
        (
            {"webhooks": ["alert=http://host:99999/"]},
            "--webhook alert=http://host:99999/: 'http://host:99999/' is no http:// or https:// URL",
            "the engine's are like http://127.0.0.1:8787/flashduty/incidents",
        ),
        (
            {"webhooks": [f"labels={URL}"]},
            "--webhook labels=URL asks for no label",
            "name each label it is to ask for: --label owner_team",
        ),
        (
            {"labels": ["owner"]},
            "--label owner is asked of nobody",
            "say where to ask: --webhook labels=URL",
        ),
        ({"buttons": [f"={URL}"]}, f"--button ={URL}: it is written NAME=URL", None),
        (
            {"buttons": [f"a={URL}", f"a={URL}"]},
            f"--button a={URL}: there is a button 'a' already",
            None,
        ),
        (
            {"webhooks": [f"alert={URL}"], "headers": ["Token s3cret"]},
            "--header Token s3cret: this is no header",
            "write 'X-Engine-Token: s3cret'",
        ),
        (
            {"webhooks": [f"alert={URL}"], "headers": ["A: b\nC: d"]},
            "--header A: b\nC: d: this is no header",
            "write 'X-Engine-Token: s3cret'",
        ),
        (
            {"webhooks": [f"alert={URL}"], "headers": ["X-A: 1", "x-a: 2"]},
            "--header x-a: 2: x-a is there twice",
            None,
        ),
        (
            {"headers": ["X-A: 1"]},
            "--header X-A: 1 is sent to nobody",
            "add a --webhook or a --button it is for",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    given: dict[str, list[str]], message: str, hint: str | None
) -> None:
    with pytest.raises(EngineError) as caught:
        read(**given)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message, problem.hint) == ("bad-option", message, hint)


def test_label_mapping_sends_no_header_that_flashduty_forbids() -> None:
    account = SimulatedAccount(lambda: 0)
    with pytest.raises(EngineError, match="must not send the header authorization"):
        add_webhooks(account, [f"labels={URL}"], [], ["Authorization: Bearer x"], ["owner"])
    assert account.webhooks.all() == []

"""A text that is cut shows no half of a secret: the half is not recognised, and not masked.

Each test cuts where it can be cut, in the middle of a secret, and in each of its forms.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.outward.policy import OutwardPolicy
from engine.outward.session import open_session
from engine.runs.redaction import MASK, Redactor
from engine.steps.http import Http, HttpParameters, HttpSettings
from engine.steps.shell import ShellParameters
from tests.steps.test_http import serving
from tests.steps.warded_shell import CALL, WardedShell, failure_of, perform, result_of

SECRET = 'hunter2-é"/重=='
FORMS: list[Callable[[str], str]] = [
    str,
    lambda secret: secret.encode().hex(),
    lambda secret: json.dumps(secret)[1:-1],
    quote,
    lambda secret: base64.b64encode(secret.encode()).decode(),
]
LONGEST_TELLING = 3  # characters of a secret that tell nothing


def tells(text: str, shown: str) -> bool:
    """Whether a beginning of the secret stands at the end of a text."""
    return any(text.endswith(shown[:end]) for end in range(LONGEST_TELLING + 1, len(shown) + 1))


def redactor_of(*secrets: str) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        redactor.learn(secret)
    return redactor


@pytest.mark.parametrize("form", FORMS)
def test_wherever_a_text_is_cut_no_half_of_a_secret_is_left(form: Callable[[str], str]) -> None:
    redactor, shown = redactor_of(SECRET), form(SECRET)
    whole = f"the token is {shown}, and no other"
    for end in range(len(whole) + 1):
        cut = redactor.cut(whole[:end])
        assert redactor.text(whole).startswith(cut)
        assert not tells(cut, shown)


@given(
    secrets=st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=4),
    parts=st.lists(st.one_of(st.integers(0, 3), st.text(max_size=6)), max_size=8),
    form=st.sampled_from(FORMS),
    data=st.data(),
)
@settings(max_examples=300, deadline=None)
def test_the_beginning_of_a_text_is_the_beginning_of_the_masked_one(
    secrets: list[str], parts: list[int | str], form: Callable[[str], str], data: st.DataObject
) -> None:
    redactor = redactor_of(*secrets)
    whole = "".join(
        form(secrets[part % len(secrets)]) if isinstance(part, int) else part for part in parts
    )
    end = data.draw(st.integers(0, len(whole)))
    assert redactor.text(whole).startswith(redactor.cut(whole[:end]))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_output_of_a_command_may_be_cut_anywhere(tmp_path: Path, stream: str) -> None:
    shell = WardedShell(tmp_path, cut=redactor_of(SECRET).cut)
    to = "" if stream == "stdout" else " >&2"
    text = f"the token is {SECRET}, and no other"

    async def story() -> list[dict[str, Any]]:
        found = []
        for most in range(1, len(text.encode())):
            given = {"script": f'printf %s "$TEXT"{to}', "env": {"TEXT": text}}
            parameters = ShellParameters.model_validate({**given, "max_output": f"{most}B"})
            found.append(result_of(await shell.perform(parameters, CALL)))
        return found

    results = shell.run(story())
    for result in results:
        assert result["cut"]
        assert "hunt" not in result[stream]
    assert MASK in results[-1][stream]


def test_a_failure_does_not_say_the_half_either(tmp_path: Path) -> None:
    shell = WardedShell(tmp_path, cut=redactor_of(SECRET).cut)
    given = {"script": 'printf %s "$TEXT" >&2; exit 1', "env": {"TEXT": f"no: {SECRET}"}}
    assert failure_of(perform(shell, **given, max_output="8B")).error == "exit 1: no:"


def test_what_is_not_cut_is_left_to_the_one_who_masks_it_whole(tmp_path: Path) -> None:
    shell = WardedShell(tmp_path, cut=redactor_of(SECRET).cut)
    assert result_of(perform(shell, argv=["echo", SECRET[:6]]))["stdout"] == f"{SECRET[:6]}\n"


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "latin-1", "zlib", "no-such"])
def test_an_answer_may_be_cut_anywhere(charset: str) -> None:
    redactor = redactor_of(SECRET.replace("重", "") if charset == "latin-1" else SECRET)
    text = f"the token is {SECRET}, and no other"
    told = charset in ("utf-8", "utf-16-le", "latin-1")
    body = text.encode(charset if told else "utf-8", "ignore")

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        headers = {"Content-Type": f"text/plain; charset={charset}"}
        return web.Response(body=body, headers=headers)

    async def story() -> list[dict[str, Any]]:
        found = []
        async with serving(answer) as url, open_session(OutwardPolicy()) as session:
            http = Http(lambda: session, HttpSettings(1000, cut=redactor.cut))
            for most in range(1, len(body)):
                parameters = HttpParameters.model_validate({"url": url, "max_body": f"{most}B"})
                found.append(result_of(await http.perform(parameters, CALL)))
        return found

    results = asyncio.run(story())
    for result in results:
        assert result["cut"]
        assert "hunt" not in result["body"]
    assert MASK in results[-1]["body"]

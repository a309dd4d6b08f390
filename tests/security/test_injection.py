"""Hostile texts in every field of an event, into every step type, and out on every screen."""

import http.client
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import run
from engine.store.locks import LOCKS
from tests.e2e.real_engine import PATIENCE, EngineProcess
from tests.security.corpus import (
    ANSWER,
    SHAPES,
    body_of,
    everywhere,
    hostile_texts,
    places_in,
    with_text,
)
from tests.security.recording import HOSTILE, Recorder, recording

CONFIG = """\
listen: 127.0.0.1:0
limits: {starts: 100000}
flashduty: {keep_headers: ["X-Custom-*"], reconcile: off, comment_questions: false}
secrets: {TOKEN: {env: INJECTION_TOKEN}}
vars: {target: "{url}"}
"""
# All of an event goes into a step of each type, in each way that a parameter can be given.
TEXT = "{{ payload | tojson }} {{ title }} {{ labels | default({}) }}"
STEPS = """\
shell: [printf, "%s", "--", "{{ vars.text }}"]
---
shell: {script: 'printf "%s" "$A" >/dev/null; eval "true $B"', env: {A: "{{ vars.text }}", B: ""}}
---
shell: {script: 'cat; cat >&2; exit 3', stdin: "{{ vars.text }}"}
---
shell: {script: "printf '\\\\033[2J\\\\033]52;c;eA==\\\\007\\\\302\\\\23331;7;5m[red]forged[/red]\\\\n\\\\342\\\\234\\\\223 forged\\\\n' >&2; exit 1"}
---
http: {url: "{{ config.target }}/{{ vars.text }}"}
---
http: {method: POST, url: "{{ config.target }}/{{ vars.text | urlencode }}", params: {a: "{{ vars.text }}"}, json: {a: "{{ payload }}", b: "{{ vars.text }}"}}
---
http: {url: "{{ config.target }}/header", headers: {X-A: "{{ title | default('none', true) }}"}}
---
http: {method: POST, url: "{{ config.target }}/form", form: {a: "{{ vars.text }}", b: "{{ title | default('none', true) }}"}}
---
http: {method: POST, url: "{{ config.target }}/text", text: "{{ vars.text }}", expect: "body == 'x'"}
---
flashduty: {call: incident/comment, comment: "{{ vars.text }}"}
---
set: {again: "{{ vars.text }}", list: "{{ payload }}"}
---
wait: "{{ title }}"
---
stop: {status: failed, reason: "{{ vars.text }}"}
---
approve: {ask: "{{ vars.text }}", within: 1s, otherwise: fail}
---
playbook: {call: called, inputs: {given: "{{ vars.text }}"}}
---
parallel: [[{shell: [echo, "{{ vars.text }}"]}], [{set: {x: "{{ title }}"}}]]
---
shell: [echo, "{{ item }}"]
foreach: "[title, labels.*] | []"
"""
CALLED = """\
name: called
inputs: {given: {type: string}}
steps: [{set: {x: "{{ inputs.given }}"}}]
"""
EVENTS = int(os.environ.get("INJECTION_EVENTS", "20"))  # as many as there are texts: each by itself
HEADERS = {
    *(b"host", b"x-a", b"idempotency-key", b"accept", b"accept-encoding", b"user-agent"),
    *(b"content-length", b"content-type"),
}


@dataclass
class Attacked:
    """An engine, what its steps reached, and what they must not leave."""

    folder: Path
    engine: EngineProcess
    recorder: Recorder
    marker: Path

    def send(self, path: str, body: Any) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.engine.port, timeout=PATIENCE)
        try:
            headers = {"Content-Type": "application/json", "X-Custom-A": "[red]{{ 31337*65537 }}"}
            connection.request("POST", path, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def shown(self, *arguments: str) -> str:
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            code = run([*arguments, "--config", str(self.folder / "config.yaml")])
        assert code in (0, 1, 2), out.getvalue()
        return out.getvalue()


@pytest.fixture
def attacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attacked]:
    monkeypatch.setenv("INJECTION_TOKEN", "a-secret-nobody-sees")
    with recording() as recorder:
        (tmp_path / "playbooks").mkdir()
        (tmp_path / "config.yaml").write_text(CONFIG.replace("{url}", recorder.url))
        (tmp_path / "playbooks/called.yaml").write_text(CALLED)
        for number, step in enumerate(STEPS.split("---\n")):
            lines = "\n    ".join(step.strip().splitlines())
            text = f"name: p{number:02}\ntrigger: {{}}\nvars: {{text: '{TEXT}'}}\nsteps:\n  - {lines}\n"
            (tmp_path / f"playbooks/p{number:02}.yaml").write_text(text)
        engine = EngineProcess(tmp_path / "config.yaml", {})
        engine.wait_for("listening")
        yield Attacked(tmp_path, engine, recorder, tmp_path / "MARKER")
        engine.close()


def numbered(body: Any, number: int) -> Any:
    """As another event."""
    body.setdefault("incident", {})["event_id"] = f"{number:032x}"
    body["event_id"] = f"{number:032x}"
    return body


def attack(attacked: Attacked) -> int:
    """Send them all; how many were taken. A few at a time, as the engine works them off."""
    texts = hostile_texts(attacked.marker)
    bodies: list[tuple[str, Any]] = []
    # Several in an event: each is the first, where that matters, in one of them or in a longer run.
    for number in range(EVENTS):
        shape = list(SHAPES)[number % len(SHAPES)]
        text = "".join(texts[number::EVENTS])
        bodies.append((SHAPES[shape], everywhere(body_of(shape), text)))
    taken = 0
    for number, (path, body) in enumerate(bodies):
        taken += attacked.send(path, numbered(body, number)) == 200
    return taken


def test_hostile_texts_in_every_field_execute_nothing_and_forge_nothing(attacked: Attacked) -> None:
    taken = attack(attacked)
    assert taken == EVENTS
    engine = attacked.engine
    playbooks = len(STEPS.split("---\n"))
    engine.wait_until(
        lambda counts: counts["run_succeeded"] + counts["run_failed"] >= taken * playbooks
    )

    # Nothing was executed, and no template rendered.
    assert not attacked.marker.exists()
    assert {path.name for path in attacked.folder.iterdir()} <= {
        *("config.yaml", "playbooks", "engine.db", "engine.db-wal", "engine.db-shm"),
        *(f"engine.db{end}" for end in LOCKS),
        "cwd",
    }

    # No header and no request was smuggled.
    assert len(attacked.recorder.got) > 3 * EVENTS
    for request in attacked.recorder.got:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *headers = head.split(b"\r\n")
        assert re.fullmatch(rb"(GET|POST) /[!-~]* HTTP/1\.1", first)
        named = {line.split(b":")[0].lower(): line for line in headers}
        assert set(named) <= HEADERS
        assert len(named) == len(headers)
        assert not re.search(rb"[\n\r\x00]", head.replace(b"\r\n", b""))
        length = named.get(b"content-length", b":0").split(b":")[1]
        assert len(body) == int(length)
        assert ANSWER.encode() not in request
        assert b"a-secret" not in request

    # Each line of the log is one of ours.
    assert engine.terminate() == 0
    engine.close()
    actions = set()
    for text in engine.raw:
        assert re.fullmatch(r"[ -~]*\n", text)
        actions.add(json.loads(text)["action"])
    assert "forged" not in actions
    assert ANSWER not in "".join(
        re.sub(r"[0-9A-Z]{26}|\d{4}-\d\d-\S*", "", it) for it in engine.raw
    )


SGR = re.compile(r"\x1b\[[\d;]*m")


def unsteered(text: str, *, lines: bool = True) -> None:
    """Nothing is in it but what our own styles are, and no line looks like one of ours."""
    assert "\x1b[31;7;5m" not in text
    plain = SGR.sub("", text)
    assert {char for char in plain if char != "\n" and not char.isprintable()} == set()
    ours = re.compile(r'\s*(✓ (run )?forged|::error file=x|::set-output|[{]"action": "forged)')
    assert not lines or [line for line in plain.splitlines() if ours.match(line)] == []


def test_nothing_that_was_sent_steers_the_terminal_that_shows_it(
    attacked: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    whole = "".join(hostile_texts(attacked.marker))
    pressed = numbered(everywhere(body_of("custom-action.vendor-page"), whole), 1)
    assert attacked.send("/flashduty/actions/go", pressed) == 200
    engine = attacked.engine
    playbooks = len(STEPS.split("---\n"))
    engine.wait_until(lambda counts: counts["run_succeeded"] + counts["run_failed"] >= playbooks)

    runs = json.loads(attacked.shown("runs", "list", "--limit", "999", "--format", "json"))["items"]
    event = runs[0]["event"]
    titled = with_text(body_of("custom-action.vendor-page"), ("incident", "title"), whole)
    (attacked.folder / "press.json").write_text(json.dumps(titled))
    press = str(attacked.folder / "press.json")
    for id_ in [one["id"] for one in runs]:
        unsteered(attacked.shown("runs", "show", id_))
    for arguments in (
        ("runs", "list"),
        ("runs", "list", "--format", "json"),
        ("runs", "show", runs[0]["id"], "--format", "json"),
        ("events", "list"),
        ("events", "show", event),
        ("events", "show", event, "--format", "json"),
        ("explain", event),
        ("explain", press),
        ("dry-run", "--event", press, "--action", "go"),
        ("dry-run", "--event", press, "--action", "go", "--format", "json"),
        ("runs", "show", whole[-2500:]),
        ("events", "replay", event),
    ):
        # A command to be copied stands there as it has to be typed, line breaks and all.
        unsteered(attacked.shown(*arguments), lines=arguments[0] != "dry-run")
    # It was there to be shown.
    assert "forged" in attacked.shown("runs", "show", runs[-1]["id"], "--format", "json")
    assert HOSTILE.split("\n", maxsplit=1)[0][-10:]


def test_every_field_by_itself_is_read_and_shown_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each text and each key of each sample by itself: what the others hold cannot hide it."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "config.yaml").write_text("listen: 127.0.0.1:0\n")
    (tmp_path / "playbooks/a.yaml").write_text(
        "name: a\ntrigger: {when: title != 'x' && labels.service != severity}\n"
        "steps: [{shell: [echo, '{{ title }}', '{{ payload | tojson }}']}]\n"
    )
    text = "".join(hostile_texts(tmp_path / "MARKER"))
    out = io.StringIO()
    count = 0
    for shape in ("custom-action.vendor-page", "alert-webhook.vendor-page"):
        path = SHAPES[shape]
        for place in places_in(body_of(shape)):
            file = tmp_path / "event.json"
            file.write_text(json.dumps(with_text(body_of(shape), place, text)))
            action = ["--action", "go"] if "actions" in path else []
            with redirect_stdout(out), redirect_stderr(out):
                run(["explain", str(file), *action, "--config", str(tmp_path / "config.yaml")])
            count += 1
    assert count > 80
    unsteered(out.getvalue())
    assert not (tmp_path / "MARKER").exists()


@pytest.mark.filterwarnings("ignore:deprecated string literal syntax")
def test_a_playbook_with_hostile_texts_is_complained_of_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "config.yaml").write_text("listen: 127.0.0.1:0\n")
    for number, text in enumerate(hostile_texts(tmp_path / "MARKER")):
        quoted = json.dumps(text)
        (tmp_path / f"playbooks/p{number:03}.yaml").write_text(
            f"name: {quoted}\n{json.dumps('k' + text)}: 1\ntrigger: {{when: {quoted}, {quoted}: 1}}\n"
            f"steps:\n  - {{{json.dumps('s' + text)}: 1, id: {quoted}}}\n"
            f"  - {{shell: [{quoted}], when: {json.dumps('title == ' + text)}, timeout: {quoted}}}\n"
            f"  - {{http: {{url: {quoted}, method: {quoted}, headers: {{{quoted}: x}}}}}}\n"
        )
        (tmp_path / f"playbooks/p{number:03}.test.yaml").write_text(
            f"cases:\n  - name: {quoted}\n    event: {quoted}\n    expect: {{state: {quoted}}}\n"
        )
    for arguments in (
        ("lint",),
        ("lint", "--format", "json"),
        ("lint", "--format", "github"),
        ("test",),
        (
            "dry-run",
            "--event",
            str(Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json"),
        ),
    ):
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            assert run([*arguments, "--config", str(tmp_path / "config.yaml")]) in (1, 2)
        unsteered(out.getvalue())
        assert len(out.getvalue()) > 1000

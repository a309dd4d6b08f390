"""Secrets go through every step type and every way of failing; then all that was written is searched.

What is searched: the ledger's folder with its WAL and the kept output, the log with the library's and
asyncio's own debugging on, faults, every answer of the web side, every command in both formats.
"""

import http.client
import io
import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from engine.cli.main import run
from tests.e2e.real_engine import PATIENCE, EngineProcess
from tests.security import swept
from tests.security.canaries import CANARIES, leaks_below, leaks_in
from tests.security.hostile import echoing

BROKEN = """\
import engine.runs.redaction as redaction
redaction.Redactor.text = lambda self, text: text
redaction.Masking.add = lambda self, text: text
redaction.Masking.end = lambda self: ""
"""


@dataclass
class Swept:
    """A folder with an engine in it, and all that was read of it from outside."""

    folder: Path
    environ: dict[str, str]
    answers: dict[str, bytes] = field(default_factory=dict)
    engine: EngineProcess | None = None

    def command(self, *arguments: str) -> str:
        """Another `engine` command; what it wrote is one of the answers."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run([*arguments, "--config", str(self.folder / "config.yaml")])
        self.answers[" ".join(arguments)] = (out.getvalue() + err.getvalue()).encode()
        assert code in (0, 1), err.getvalue()
        return out.getvalue()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> int:
        """A request to the engine; its answer is one of the answers."""
        assert self.engine is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.engine.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers))
            got = connection.getresponse()
            said = f"{got.status} {got.headers}".encode() + got.read()
            self.answers[f"{method} {path} {headers}"] = said
            return got.status
        finally:
            connection.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing_port: int) -> Iterator[Swept]:
    """Everything that can be written is below one folder, and the secrets are beside it."""
    with echoing() as url:
        folder = tmp_path / "place"
        for name in ("playbooks", "tmp"):
            (folder / name).mkdir(parents=True)
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets/file").write_text(CANARIES["file"] + "\n")
        (tmp_path / "secrets/pem").write_text(CANARIES["pem"] + "\n")
        closed = f"http://127.0.0.1:{refusing_port}"
        config = swept.CONFIG.replace("{url}", url).replace("{closed}", closed)
        (folder / "config.yaml").write_text(config)
        for name, text in swept.playbooks().items():
            (folder / f"playbooks/{name}.yaml").write_text(text)
        secrets = {
            "APP_KEY": CANARIES["app_key"],
            "WEBHOOK_TOKEN": CANARIES["webhook_token"],
            "MONITOR_TOKEN": CANARIES["monitor_token"],
            "ODD": CANARIES["odd"],
        }
        for name, value in secrets.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
        made = Swept(folder, {"TMPDIR": str(folder / "tmp"), "PYTHONASYNCIODEBUG": "1"})
        yield made
        if made.engine is not None:
            made.engine.close()


def perform(place: Swept, press: bytes) -> None:
    """One press starts them all; each comes to its end."""
    texts = [path.read_text() for path in (place.folder / "playbooks").iterdir()]
    started = [text for text in texts if "trigger:" in text]
    engine = place.engine = EngineProcess(place.folder / "config.yaml", place.environ)
    engine.wait_for("listening")
    json_ = {"Content-Type": "application/json"}
    token = CANARIES["webhook_token"]
    shown = {**json_, "X-Engine-Token": token}
    assert place.ask("POST", "/flashduty/actions/go", shown, press) == 200
    engine.wait_until(lambda counts: counts["run_succeeded"] + counts["run_failed"] >= len(started))
    # Every way in, with a token that is wrong, in the wrong place or beside something that is wrong.
    query = f"?token={quote(token, safe='')}"
    monitor = {"Authorization": f"Bearer {CANARIES['monitor_token']}"}
    for method, path, headers, body in [
        ("POST", f"/flashduty/actions/other{query}", json_, press.replace(b"event_id", b"x")),
        ("POST", f"/flashduty/actions/{quote(token, safe='')}", shown, press),
        ("POST", f"/flashduty/incidents{query}", {"Content-Type": "text/plain"}, press),
        ("POST", "/flashduty/incidents", shown, b"[" + token.encode()),
        ("POST", "/flashduty/alerts", {**json_, "X-Engine-Token": token[:-1]}, press),
        ("GET", f"/flashduty/alerts{query}", shown, b""),
        ("GET", f"/{quote(token, safe='')}", shown, b""),
        ("GET", "/metrics", monitor, b""),
        ("GET", "/readyz", monitor, b""),
        ("GET", "/healthz", monitor, b""),
        ("GET", f"/readyz?token={quote(CANARIES['monitor_token'])}", shown, b""),
    ]:
        place.ask(method, path, headers, body)


def look(place: Swept, press: bytes) -> None:
    """Whatever people have to look at it with."""
    press_file = str(place.folder / "press.json")
    Path(press_file).write_bytes(press)
    (place.folder / "playbooks/chain.test.yaml").write_text(swept.CASES)
    listed = json.loads(place.command("runs", "list", "--limit", "1000", "--format", "json"))
    events = json.loads(place.command("events", "list", "--format", "json"))["items"]
    ids = [
        one["id"] for one in listed["items"] if one["playbook"] in ("chain", "p00", "p24", "p36")
    ]
    commands = [
        ("runs", "list"),
        ("events", "list"),
        *(("runs", "show", id_) for id_ in ids),
        ("runs", "show", ids[0], "--format", "json"),
        ("events", "show", events[-1]["id"]),
        ("explain", events[-1]["id"]),
        ("dry-run", "--event", press_file, "--action", "go"),
        ("dry-run", "--event", press_file, "--action", "go", "--format", "json"),
        ("test",),
        ("lint",),
        ("audit",),
        ("audit", "--format", "json"),
        ("doctor",),
    ]
    for arguments in commands:
        place.command(*arguments)


def where_it_leaks(place: Swept) -> dict[str, list[str]]:
    """By sink."""
    assert place.engine is not None
    log = "".join(place.engine.raw).encode()
    shown = {name: leaks_in(data) for name, data in place.answers.items()}
    found = {"log": leaks_in(log), "files": leaks_below(place.folder), **shown}
    return {sink: leaks for sink, leaks in found.items() if leaks}


def test_no_secret_is_in_anything_the_engine_writes(place: Swept, vendor_example: bytes) -> None:
    perform(place, vendor_example)
    look(place, vendor_example)
    assert where_it_leaks(place) == {}
    # What was done was worth the search: the steps were told, and failed as they should.
    assert place.engine is not None
    ended = [one for one in place.engine.log if str(one.get("action")).startswith("run_")]
    assert {"run_succeeded", "run_failed"} <= {one["action"] for one in ended}
    assert "******" in place.answers["runs list"].decode()
    assert place.engine.terminate() == 0
    assert where_it_leaks(place) == {}


def test_without_the_one_point_of_redaction_every_sink_leaks(
    place: Swept, vendor_example: bytes
) -> None:
    """Were it not so, the search would prove nothing."""
    for path in (place.folder / "playbooks").iterdir():
        if path.stem not in ("p00", "p24", "p25"):
            path.unlink()
    (place.folder / "broken").mkdir()
    (place.folder / "broken/sitecustomize.py").write_text(BROKEN)
    place.environ["PYTHONPATH"] = str(place.folder / "broken")
    perform(place, vendor_example)
    place.command("runs", "list")
    ids = json.loads(place.command("runs", "list", "--limit", "99", "--format", "json"))["items"]
    shown = {one["playbook"]: one["id"] for one in ids}
    for name in ("p00", "p24"):
        place.command("runs", "show", shown[name])
    found = where_it_leaks(place)
    assert {"log", "files", "runs list", f"runs show {shown['p00']}"} <= set(found)
    files = {leak.split(":")[0] for leak in found["files"]}
    assert {"engine.db-wal", "engine.db"} & files
    assert any(name.startswith("engine.db.output/") for name in files)


def test_a_fault_that_quotes_secrets_is_reported_without_them(
    place: Swept, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"GET http://x/?app_key={quote(CANARIES['app_key'])} {CANARIES['file']}")

    monkeypatch.setattr("engine.cli.serve.server", broken)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # serve adds its own

    assert run(["serve", "--config", str(place.folder / "config.yaml")]) == 3

    [log] = (place.folder / "tmp").glob("engine-fault-*.log")
    assert "RuntimeError: GET http://x/?app_key=****** ******" in log.read_text()
    assert leaks_below(place.folder) == []
    out, err = capfd.readouterr()
    assert leaks_in((out + err).encode()) == []
    assert "it is not your fault" in err

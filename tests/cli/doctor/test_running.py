"""What is said of the engine that runs, by real listeners."""

from pathlib import Path

import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from engine.cli.doctor import running
from engine.cli.doctor.finding import Finding
from engine.cli.doctor.running import look_at_running
from engine.cli.tls import tls_context
from engine.config.config import Config
from engine.config.load import read_config
from tests.web.wire import PATIENCE, served


def config_of(port: int, more: str = "", host: str = "127.0.0.1") -> Config:
    token = "flashduty: {webhook_token: t}"
    return read_config(f"listen: {host}:{port}\n{token}\n{more}", Path("/x/config.yaml"), {})


def looked(config: Config, worker: int | None, receiver: int | None) -> list[Finding]:
    found = list(look_at_running(config, worker, receiver))
    assert all((one.todo is None) == (one.level == "ok") for one in found), found
    return found


def engine(ready: int = 200, **said: object) -> Starlette:
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        return JSONResponse(said, ready)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz)])


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine on a busy machine is no engine that does not answer."""
    monkeypatch.setattr(running, "PATIENCE", PATIENCE)


def test_one_that_works_and_answers_is_well() -> None:
    with served(engine()) as web:
        for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - asked by 127.0.0.1
            works, ready = looked(config_of(web.port, host=host), 4711, 4711)
            assert works.seen.startswith("process 4711 works, and answers on http://")
            assert (works.level, ready.level) == ("ok", "ok")


@pytest.mark.parametrize(
    ("app", "level", "said"),
    [
        (engine(503, reason="nothing can be committed: full"), "fail", "committed: full"),
        (engine(503), "fail", "HTTP 503"),
        (engine(200, problems=[{"message": "no such key"}]), "warn", "1 problems: no such key"),
    ],
)
def test_one_that_cannot_take_events_says_why(app: Starlette, level: str, said: str) -> None:
    with served(app) as web:
        ready = looked(config_of(web.port), 4711, 4711)[1]
    assert (ready.check, ready.level, said in ready.seen) == ("ready", level, True)


def test_who_works_and_does_not_answer_is_in_trouble(refusing_port: int) -> None:
    [found] = looked(config_of(refusing_port), 4711, 4711)
    assert (found.level, found.seen) == (
        "fail",
        f"process 4711 holds the database, and 127.0.0.1:{refusing_port}: Connection refused",
    )


def test_none_is_said_so(refusing_port: int) -> None:
    [found] = looked(config_of(refusing_port), None, None)
    assert (found.level, found.todo) == ("warn", "`engine serve` starts one")
    assert looked(config_of(0), None, None) == [found]
    assert looked(config_of(0), 4711, 4711)[0].level == "ok"


def test_of_two_processes_each_is_looked_at(refusing_port: int) -> None:
    with served(engine(worker="running")) as web:
        found = looked(config_of(web.port), 4711, 4712)
    assert [(one.check, one.level) for one in found] == [
        ("worker", "ok"),
        ("receiver", "ok"),
        ("ready", "ok"),
    ]
    assert found[0].seen == "process 4711 works on /x/engine.db"
    assert found[1].seen.startswith("process 4712 receives, and answers on http://")
    silent = looked(config_of(refusing_port), 4711, 4712)[1]
    assert (silent.level, silent.seen) == (
        "fail",
        f"process 4712 holds the database, and 127.0.0.1:{refusing_port}: Connection refused",
    )


def test_half_an_engine_is_told_what_it_lacks(refusing_port: int) -> None:
    with served(engine(worker="missing")) as web:
        worker, receiver, ready = looked(config_of(web.port), None, 4712)
    assert (worker.level, worker.todo) == ("fail", "`engine work` starts one")
    assert (receiver.level, ready.level) == ("ok", "ok")
    worker, receiver = looked(config_of(refusing_port), 4711, None)
    assert worker.level == "ok"
    assert (receiver.level, receiver.seen) == (
        "fail",
        "none receives for /x/engine.db: what is sent now is lost",
    )


def test_what_listens_there_may_be_another_engine_or_none() -> None:
    with served(engine()) as web:
        [other] = looked(config_of(web.port), None, None)
    assert (other.level, "and none works on /x/engine.db" in other.seen) == ("warn", True)

    async def page(_: Request) -> Response:
        return PlainTextResponse("welcome")

    with served(Starlette(routes=[Route("/healthz", page)])) as web:
        [none] = looked(config_of(web.port), None, None)
    assert (none.level, "is no engine (HTTP 200)" in none.seen) == ("fail", True)


def test_by_tls_it_is_asked_as_well(tmp_path: Path) -> None:
    own = trustme.CA().issue_cert("engine.example")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = f"cert: {tmp_path}/cert.pem, key: {tmp_path}/key.pem"
    for more, levels in (("", ["ok", "ok"]), (f", client_ca: {tmp_path}/ca.pem", ["ok"])):
        config = config_of(1, f"tls: {{{tls}{more}}}")
        assert config.tls is not None
        with served(engine(), tls=tls_context(config.tls)) as web:
            found = looked(config_of(web.port, f"tls: {{{tls}{more}}}"), 4711, 4711)
            assert [one.level for one in found] == levels
            assert ("shows a certificate" in found[0].seen) == bool(more)
            if not more:
                [plain] = looked(config_of(web.port), 4711, 4711)
                assert plain.level == "fail"

import ipaddress
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.config.config import ConfigFile, FlashdutyConfig, Listen, SecretSource


def config(**value: object) -> ConfigFile:
    return ConfigFile.model_validate(value)


def refusal(**value: object) -> tuple[str, str | None]:
    with pytest.raises(ValidationError) as caught:
        config(**value)
    (error,) = caught.value.errors(include_url=False)
    return error["msg"], error.get("ctx", {}).get("hint")


def test_an_empty_file_has_a_default_for_everything() -> None:
    made = config()
    assert made.listen == Listen(host="127.0.0.1", port=8787)
    assert (made.database, made.playbooks) == (Path("engine.db"), Path("playbooks"))
    assert made.flashduty == FlashdutyConfig(base_url="https://api.flashcat.cloud")
    assert (made.flashduty.per_second, made.flashduty.per_minute) == (40, 900)
    assert (made.vars, made.secrets) == ({}, {})
    assert made.http.max_response == made.shell.max_output == 1024**2
    assert made.shell.env == ["PATH", "LANG", "LC_ALL", "TZ"]
    assert (made.retention.age, made.retention.size) == (30 * 86400.0, 2 * 1024**3)
    assert (made.limits.body, made.limits.runs, made.limits.answer) == (4 * 1024**2, 50, 0.8)


@pytest.mark.parametrize(
    ("text", "host", "port", "url", "loopback"),
    [
        ("127.0.0.1:8787", "127.0.0.1", 8787, "http://127.0.0.1:8787", True),
        ("127.8.8.8:1", "127.8.8.8", 1, "http://127.8.8.8:1", True),
        ("[::1]:80", "::1", 80, "http://[::1]:80", True),
        ("localhost:80", "localhost", 80, "http://localhost:80", True),
        ("0.0.0.0:80", "0.0.0.0", 80, "http://0.0.0.0:80", False),  # noqa: S104 - only read
        ("[::]:80", "::", 80, "http://[::]:80", False),
        ("10.0.0.1:65535", "10.0.0.1", 65535, "http://10.0.0.1:65535", False),
        ("engine.internal:80", "engine.internal", 80, "http://engine.internal:80", False),
    ],
)
def test_an_address_to_listen_on(
    text: str, host: str, port: int, url: str, *, loopback: bool
) -> None:
    listen = config(listen=text).listen
    assert (listen.host, listen.port, f"http://{listen.authority}") == (host, port, url)
    assert listen.is_loopback is loopback


FORM = "an address to listen on is written host:port"
PORT = "the port has to be a number up to 65535"


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("localhost", FORM, "such as 127.0.0.1:8787, or [::1]:8787"),
        (8787, FORM, "such as 127.0.0.1:8787, or [::1]:8787"),
        (None, FORM, "such as 127.0.0.1:8787, or [::1]:8787"),
        ("localhost:http", PORT, None),
        ("localhost:", PORT, None),
        ("localhost:65536", PORT, None),
        ("localhost:-1", PORT, None),
        ("localhost:²", PORT, None),
        (
            ":8787",
            "an address to listen on names a host",
            "127.0.0.1 for this machine alone, 0.0.0.0 for all",
        ),
    ],
)
def test_what_is_no_address(value: object, message: str, hint: str | None) -> None:
    assert refusal(listen=value) == (message, hint)


def test_networks_that_may_send() -> None:
    made = config(flashduty={"allow_from": ["10.0.0.0/8", "10.1.2.3/8", "::1", "192.0.2.7"]})
    assert made.flashduty.allow_from == [
        ipaddress.ip_network(text)
        for text in ("10.0.0.0/8", "10.0.0.0/8", "::1/128", "192.0.2.7/32")
    ]


def test_what_is_no_network() -> None:
    message, _ = refusal(flashduty={"allow_from": ["10.0.0.0/40"]})
    assert message == "'10.0.0.0/40' does not appear to be an IPv4 or IPv6 network"


@pytest.mark.parametrize("source", [{}, {"env": "A", "file": "/a"}])
def test_a_secret_comes_from_one_place(source: dict[str, str]) -> None:
    assert refusal(secrets={"A": source}) == (
        "a secret comes from one of env and file",
        "such as {env: LB_TOKEN} or {file: /run/secrets/lb_token}",
    )


def test_a_secret_comes_from_a_variable_or_a_file() -> None:
    made = config(secrets={"A": {"env": "X"}, "B": {"file": "b"}})
    assert made.secrets == {"A": SecretSource(env="X"), "B": SecretSource(file="b")}


@pytest.mark.parametrize("runs", [0, 10_001])
def test_runs_at_once_have_bounds(runs: int) -> None:
    assert refusal(limits={"runs": runs})[0].startswith("Input should be")


def test_the_time_for_an_answer_is_a_duration_and_more_than_none() -> None:
    assert config(limits={"answer": "500ms"}).limits.answer == 0.5
    assert refusal(limits={"answer": "0s"})[0].startswith("Input should be greater")
    assert refusal(limits={"answer": 1})[0].startswith("a duration has a unit")


def test_what_lets_someone_in_is_not_shown() -> None:
    shown = repr(FlashdutyConfig(app_key="key-1234", webhook_token=["token-1234"]))
    assert "1234" not in shown


@pytest.mark.parametrize(
    ("value", "seconds"), [("5m", 300.0), ("1m", 60.0), ("off", None), (False, None)]
)
def test_how_often_it_is_looked_for_missed_events(value: object, seconds: float | None) -> None:
    assert config(flashduty={"reconcile": value}).flashduty.reconcile == seconds
    assert config().flashduty.reconcile == 300.0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("59s", "it is looked for missed events once a minute at the most"),
        (
            "never",
            "a duration is written like 500ms, 90s, 10m or 1h30m, not 'never'; `off` looks for nothing",
        ),
        (
            5,
            "a duration has a unit, as in 500ms, 90s, 10m or 1h30m; this is 5; `off` looks for nothing",
        ),
    ],
)
def test_how_often_has_a_unit_and_a_least(value: object, message: str) -> None:
    assert refusal(flashduty={"reconcile": value})[0] == message


def test_a_button_is_known_by_the_number_or_the_name_of_its_integration() -> None:
    actions = {"restart-host": 6113996590131, "rollback": "Roll back"}
    assert config(flashduty={"actions": actions}).flashduty.actions == actions


@pytest.mark.parametrize(
    ("written", "age", "size"),
    [
        ({}, 30 * 86400.0, 2 * 1024**3),
        ({"age": "1d"}, 86400.0, 2 * 1024**3),
        ({"age": "off", "size": "16MiB"}, None, 16 * 1024**2),
        ({"age": "90d", "size": False}, 90 * 86400.0, None),
    ],
)
def test_what_is_over_is_kept_so_long_and_so_much(
    written: dict[str, object], age: float | None, size: int | None
) -> None:
    made = config(retention=written).retention
    assert (made.age, made.size) == (age, size)


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        (
            {"age": "23h"},
            "what is over is kept for a day at least: until then Flashduty may deliver it again",
            "such as 30d",
        ),
        (
            {"age": 30},
            (
                "a duration has a unit, as in 500ms, 90s, 10m or 1h30m; this is 30; `off` keeps what "
                "is over whatever its age"
            ),
            None,
        ),
        ({"size": "15MiB"}, "a ledger takes 16MiB at least", "such as 2GiB"),
        (
            {"size": "2G"},
            (
                "a size is written like 512B, 64KiB or 1MiB, not '2G'; `off` keeps what is over "
                "whatever its size"
            ),
            None,
        ),
        (
            {"size": 2147483648},
            (
                "a size is written like 512B, 64KiB or 1MiB, not 2147483648; `off` keeps what is over "
                "whatever its size"
            ),
            None,
        ),
    ],
)
def test_what_is_no_retention(written: dict[str, object], message: str, hint: str | None) -> None:
    assert refusal(retention=written) == (message, hint)


# Kept output


@pytest.mark.parametrize(
    ("written", "size"),
    [({}, None), ({"keep_output": "100MiB"}, 100 * 1024**2)]
    + [({"keep_output": off}, None) for off in ("off", False, None)],
)
def test_so_much_of_what_commands_write_is_kept(
    written: dict[str, object], size: int | None
) -> None:
    assert config(shell=written).shell.keep_output == size


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("0B", "files of 0 bytes keep nothing", "off"),
        (
            100,
            "a size is written like 512B, 64KiB or 1MiB, not 100; `off` keeps no files",
            None,
        ),
    ],
)
def test_what_is_no_size_of_kept_output(written: object, message: str, hint: str | None) -> None:
    shell = {"keep_output": written}
    assert refusal(shell=shell) == (message, hint)


# Flashduty's rate


@pytest.mark.parametrize(
    ("name", "most", "period"), [("per_second", 50, "a second"), ("per_minute", 1000, "a minute")]
)
@pytest.mark.parametrize("base_url", [None, "https://API.flashcat.cloud/"])
def test_no_account_of_the_public_api_may_have_more_than_it_allows(
    name: str, most: int, period: str, base_url: str | None
) -> None:
    given: dict[str, object] = {} if base_url is None else {"base_url": base_url}
    assert getattr(config(flashduty={**given, name: most}).flashduty, name) == most
    assert refusal(flashduty={**given, name: most + 1}) == (
        f"Flashduty lets an account have {most} requests {period}, and refuses the rest",
        "only a private deployment, with a base_url of its own, may allow more",
    )


def test_a_private_deployment_may_allow_more_and_nobody_may_have_none() -> None:
    own = {"base_url": "https://flashduty.internal", "per_second": 500, "per_minute": 20_000}
    made = config(flashduty=own).flashduty
    assert (made.per_second, made.per_minute) == (500, 20_000)
    for name in ("per_second", "per_minute"):
        said, _ = refusal(flashduty={**own, name: 0})
        assert said == "Input should be greater than or equal to 1"

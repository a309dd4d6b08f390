from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.config.config import Config
from engine.config.load import find_config, load_config, read_config
from engine.problem import EngineError

FILE = Path("/etc/engine/config.yaml")
SHIPPED = Path(__file__).parents[2] / "config.yaml"


def read(text: str, environ: Mapping[str, str] | None = None) -> Config:
    return read_config(text, FILE, environ or {})


def read_offline(text: str, **environ: str) -> Config:
    return read_config(text, FILE, environ, offline=True)


def problems(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(EngineError) as caught:
        read(text, environ)
    return [str(one).removeprefix(f"{FILE}:") for one in caught.value.problems]


def unset(place: str, name: str) -> str:
    return (
        f"{place}: unset-variable: the environment variable {name} is not set "
        f"(set it, or give it a default: ${{{name}:-...}})"
    )


# Which file


def test_the_command_line_comes_before_the_environment() -> None:
    environ = {"ENGINE_CONFIG": "b.yaml"}
    assert find_config("a.yaml", environ) == Path("a.yaml")
    assert find_config(None, environ) == Path("b.yaml")
    assert find_config(None, {}) == Path("config.yaml")
    assert find_config(None, {"ENGINE_CONFIG": ""}) == Path("config.yaml")


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("vars: {city: Köln}\n", encoding="utf-8")
    assert load_config(file, {}).vars == {"city": "Köln"}


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"
    with pytest.raises(EngineError) as caught:
        load_config(file, {})
    assert str(caught.value) == (
        f"{file}:1:1: no-config: {file}: No such file or directory "
        "(name one with --config or ENGINE_CONFIG)"
    )


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes("vars: {city: Köln}".encode("latin-1"))
    with pytest.raises(EngineError) as caught:
        load_config(file, {})
    assert str(caught.value) == f"{file}:1:1: not-utf-8: {file} is not UTF-8 text"


def test_the_shipped_config_is_good(tmp_path: Path) -> None:
    environ = {"FLASHDUTY_APP_KEY": "key", "FLASHDUTY_WEBHOOK_TOKEN": "token"}
    config = load_config(SHIPPED, environ)
    assert (config.flashduty.app_key, config.flashduty.webhook_token) == ("key", ["token"])
    assert load_config(SHIPPED, {}, offline=True).flashduty.app_key is None
    assert not list(tmp_path.glob("*.db"))


# Paths


def test_paths_are_relative_to_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "config.yaml").write_text("database: data/engine.db\nplaybooks: ../rules\n")
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("etc/config.yaml"), {})
    assert config.folder == folder
    assert config.database == folder / "data/engine.db"
    assert config.playbooks == folder / "../rules"


def test_absolute_paths_stay() -> None:
    config = read("database: /var/lib/engine.db\n")
    assert config.database == Path("/var/lib/engine.db")
    assert config.playbooks == FILE.parent / "playbooks"


# The environment


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("a ${A} and ${B}", {"A": "x", "B": "y"}, "a x and y"),
        ("${A:-d}", {}, "d"),
        ("${A:-d}", {"A": "x"}, "x"),
        ("${A:-d}", {"A": ""}, "d"),
        ("${A:-}", {}, ""),
        ("${A:-http://a:80/}", {}, "http://a:80/"),
        ("${A}", {"A": ""}, ""),
        ("${A}", {"A": "${B}", "B": "no"}, "${B}"),
        ("$A ${} ${1A} ${a-b}", {"A": "x"}, "$A ${} ${1A} ${a-b}"),
    ],
)
def test_a_variable_becomes_what_the_environment_says(
    text: str, environ: dict[str, str], value: str
) -> None:
    config = read(f"vars: {{a: '{text}', b: ['{text}'], c: {{d: '{text}'}}}}", environ)
    assert config.vars == {"a": value, "b": [value], "c": {"d": value}}


def test_values_that_are_no_texts_stay() -> None:
    assert read("vars: {a: 1, b: true, c: null, d: 1.5}").vars == {
        "a": 1,
        "b": True,
        "c": None,
        "d": 1.5,
    }


def test_a_variable_may_stand_for_any_value() -> None:
    text = (
        "listen: 127.0.0.1:${PORT}\nlimits: {runs: '${RUNS}', body: '${BODY}'}\n"
        "flashduty: {allow_from: ['${NET}']}\n"
    )
    environ = {"PORT": "9000", "RUNS": "5", "BODY": "1KiB", "NET": "10.0.0.0/8"}
    config = read(text, environ)
    assert (config.listen.port, config.limits.runs, config.limits.body) == (9000, 5, 1024)
    assert [str(network) for network in config.flashduty.allow_from] == ["10.0.0.0/8"]


def test_every_unset_variable_is_told_where_it_stands() -> None:
    text = """\
listen: 127.0.0.1:${PORT}
flashduty:
  app_key: ${FLASHDUTY_APP_KEY}
  allow_from: ["10.0.0.0/8", "${NET}"]
vars:
  url: "http://${HOST}:${PORT}/"
secrets: {TOKEN: {env: "${NAME}"}}
"""
    assert problems(text) == [
        unset("1:19", "PORT"),
        unset("3:12", "FLASHDUTY_APP_KEY"),
        unset("4:31", "NET"),
        unset("6:16", "HOST"),
        unset("6:24", "PORT"),
        unset("7:25", "NAME"),
    ]


def test_unset_variables_and_wrong_values_come_together() -> None:
    assert problems("vars: {a: '${A}'}\nlisten: nowhere\n") == [
        unset("1:12", "A"),
        (
            "2:9: listen-address: an address to listen on is written host:port "
            "(such as 127.0.0.1:8787, or [::1]:8787)"
        ),
    ]


def test_offline_no_variable_has_to_be_set() -> None:
    config = read_offline(
        "listen: ${HOST}:${PORT}\n"
        "flashduty: {base_url: '${URL}', app_key: '${KEY}', allow_from: ['${NET}']}\n"
        "limits: {runs: '${RUNS}'}\n"
        "vars: {url: 'http://${HOST}/', city: '${CITY:-Köln}'}\n"
        "secrets: {TOKEN: {env: '${NAME}'}}\n"
    )
    assert config.listen.host == "127.0.0.1"
    assert config.flashduty.base_url == "https://api.flashcat.cloud"
    assert config.flashduty.app_key is None
    assert config.flashduty.allow_from == []
    assert config.limits.runs == 50
    assert config.vars == {"url": "http:///", "city": "Köln"}
    assert list(config.secrets) == ["TOKEN"]


def test_offline_what_is_set_is_read_and_what_is_not_is_tolerated() -> None:
    config = read_offline(
        "listen: ${HOST}:${PORT}\n"
        "flashduty: {app_key: '${KEY}'}\n"
        "limits: {runs: '${RUNS}'}\n"
        "vars: {url: 'http://${HOST}/', city: '${CITY:-Köln}', other: '${OTHER}'}\n",
        HOST="10.0.0.7",
        PORT="99",
        KEY="a-real-key",
        RUNS="7",
        CITY="Bonn",
    )
    assert (config.listen.host, config.listen.port) == ("10.0.0.7", 99)
    assert config.flashduty.app_key == "a-real-key"
    assert config.limits.runs == 7
    assert config.vars == {"url": "http://10.0.0.7/", "city": "Bonn", "other": ""}


def test_offline_a_wrong_value_of_a_variable_that_is_set_is_said() -> None:
    with pytest.raises(EngineError, match="wrong-value: 'runs' takes a whole number"):
        read_offline("limits: {runs: '${RUNS}'}", RUNS="many")


def test_offline_wrong_values_are_still_wrong() -> None:
    with pytest.raises(EngineError, match="wrong-value: 'runs' takes a whole number"):
        read_offline("limits: {runs: many}")


# What is wrong


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "1:1: not-a-config: a config is a mapping (see config.yaml)"),
        ("just text", "1:1: not-a-config: a config is a mapping (see config.yaml)"),
        (
            "databse: a",
            "1:1: unknown-key: there is no key 'databse' here (did you mean 'database'?)",
        ),
        (
            "flashduty: {token: a}",
            "1:13: unknown-key: there is no key 'token' here (did you mean 'tokens'?)",
        ),
        (
            "limits:\n  boddy: 1KiB",
            "2:3: unknown-key: there is no key 'boddy' here (did you mean 'body'?)",
        ),
        (
            "secrets:\n  TOKEN: {envv: A}",
            "2:11: unknown-key: there is no key 'envv' here (did you mean 'env'?)",
        ),
        (
            "secrets: {TOKEN: {}}",
            (
                "1:18: secret-source: a secret comes from one of env and file "
                "(such as {env: LB_TOKEN} or {file: /run/secrets/lb_token})"
            ),
        ),
        (
            "vars: {lb-url: a}",
            (
                "1:8: wrong-value: 'lb-url' cannot be a key here "
                "(it has letters, digits and underscores only, and no digit first)"
            ),
        ),
        (
            "flashduty:\n  allow_from: [10.0.0.0/8, home]",
            "2:28: network: 'home' does not appear to be an IPv4 or IPv6 network",
        ),
        (
            "flashduty: {base_url: api.flashcat.cloud}",
            (
                "1:23: wrong-value: 'base_url' cannot be 'api.flashcat.cloud' "
                "(it has to match ^https?://)"
            ),
        ),
        (
            "flashduty:\n  per_second: 60",
            (
                "2:15: flashduty-rate: Flashduty lets an account have 50 requests a second, and "
                "refuses the rest (only a private deployment, with a base_url of its own, may allow more)"
            ),
        ),
        (
            "flashduty: {per_minute: 0}",
            "1:25: wrong-value: 'per_minute' should be greater than or equal to 1, not 0",
        ),
        (
            "shell: {max_output: 1M}",
            "1:21: size: a size is written like 512B, 64KiB or 1MiB, not '1M'",
        ),
        (
            "limits: {runs: 0}",
            "1:16: wrong-value: 'runs' should be greater than or equal to 1, not 0",
        ),
        (
            "shell: [PATH]",
            "1:8: wrong-value: 'shell' takes a mapping, not a list (its keys: env, allow, max_output, keep_output)",
        ),
        ("shell: {env: PATH}", "1:14: wrong-value: 'env' takes a list, not 'PATH'"),
        (
            "listen: 127.0.0.1:http",
            "1:9: listen-address: the port has to be a number up to 65535",
        ),
        ("a: 1\na: 2", None),
        (
            "listen: 0.0.0.0:80",
            (
                "1:9: no-webhook-token: 0.0.0.0 can be reached by others, and no webhook token is set "
                "(set flashduty.webhook_token, or listen on 127.0.0.1)"
            ),
        ),
    ],
)
def test_a_wrong_value_is_told_where_it_stands(text: str, said: str | None) -> None:
    twice = (
        "2:1: yaml-duplicate-key: the key 'a' stands here twice (first on line 1; keep one of them)"
    )
    assert problems(text) == [said or twice]


def test_all_problems_come_at_once_in_file_order() -> None:
    text = "limits: {runs: 0}\nlisten: nowhere\nflashduti: {}\n"
    assert [line.split(": ")[1] for line in problems(text)] == [
        "wrong-value",
        "listen-address",
        "unknown-key",
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_is_a_config(text: str) -> None:
    assert read(text).url == "http://127.0.0.1:8787"


# Who may send


@pytest.mark.parametrize("token", ["", "${TOKEN}", "${TOKEN:-}"])
def test_an_empty_token_counts_as_none(token: str) -> None:
    text = f"listen: 0.0.0.0:80\nflashduty: {{webhook_token: '{token}', app_key: '{token}'}}\n"
    assert [line.split(": ")[1] for line in problems(text, {"TOKEN": ""})] == ["no-webhook-token"]
    at_home = read(f"flashduty: {{webhook_token: '{token}', app_key: ''}}", {"TOKEN": ""})
    assert at_home.flashduty.webhook_token == []
    assert at_home.flashduty.app_key is None


def test_with_a_token_anyone_may_reach_it() -> None:
    config = read("listen: 0.0.0.0:80\nflashduty: {webhook_token: 's3cret'}\n")
    assert config.flashduty.webhook_token == ["s3cret"]


def test_offline_nobody_can_reach_it() -> None:
    config = read_offline("listen: 0.0.0.0:80\n")
    assert not config.listen.is_loopback


def test_a_config_is_frozen() -> None:
    config: Any = read("")
    with pytest.raises(ValueError, match="frozen"):
        config.database = Path("other")


def test_a_secret_that_was_typed_in_is_not_shown() -> None:
    text = "secrets: {TOKEN: hunter2-typed-in}\nflashduty: {app_key: [hunter2-typed-in]}\n"

    with pytest.raises(EngineError) as error:
        read_config(text, Path("config.yaml"), {})

    assert [str(problem) for problem in error.value.problems] == [
        (
            "config.yaml:1:18: wrong-value: 'TOKEN' takes a mapping, not what is written there "
            "(its keys: env, file)"
        ),
        "config.yaml:2:22: wrong-value: 'app_key' takes a text, not what is written there",
    ]

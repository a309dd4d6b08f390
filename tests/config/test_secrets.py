from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.config.config import SecretSource
from engine.config.secrets import Secrets
from engine.playbooks.template import RenderError, Templates
from engine.runs.redaction import MASK, Redactor


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
def secrets(tmp_path: Path, redactor: Redactor) -> Secrets:
    (tmp_path / "token").write_text("from-a-file\n")
    (tmp_path / "lines").write_text("first\nsecond\n\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "folder").mkdir()
    sources = {
        "ENV": SecretSource(env="TOKEN"),
        "UNSET": SecretSource(env="NOWHERE"),
        "BLANK": SecretSource(env="BLANK"),
        "FILE": SecretSource(file="token"),
        "LINES": SecretSource(file="lines"),
        "ABSOLUTE": SecretSource(file=str(tmp_path / "token")),
        "EMPTY": SecretSource(file="empty"),
        "MISSING": SecretSource(file="missing"),
        "BYTES": SecretSource(file="bytes"),
        "FOLDER": SecretSource(file="folder"),
    }
    environ = {"TOKEN": "from-the-environment", "BLANK": "", "UNNAMED": "nobody-asks"}
    return Secrets(sources, environ, tmp_path, redactor)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "from-the-environment"),
        ("FILE", "from-a-file"),
        ("ABSOLUTE", "from-a-file"),
        ("LINES", "first\nsecond"),
    ],
)
def test_a_secret_is_read_and_masked_from_then_on(
    secrets: Secrets, redactor: Redactor, name: str, value: str
) -> None:
    assert redactor.text(f"<{value}>") == f"<{value}>"
    assert secrets[name] == value
    assert redactor.text(f"<{value}>") == f"<{MASK}>"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("UNSET", "secret UNSET: the variable NOWHERE is not set"),
        ("BLANK", "secret BLANK: the variable BLANK is not set"),
        ("EMPTY", "secret EMPTY: {folder}/empty is empty"),
        ("MISSING", "secret MISSING: {folder}/missing: No such file or directory"),
        ("BYTES", "secret BYTES: {folder}/bytes is not UTF-8 text"),
        ("FOLDER", "secret FOLDER: {folder}/folder: Is a directory"),
    ],
)
def test_a_secret_that_is_not_there_fails_the_step(
    secrets: Secrets, tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(RenderError) as caught:
        _ = secrets[name]
    assert str(caught.value) == said.format(folder=tmp_path)


def test_a_secret_that_was_changed_is_read_anew(
    secrets: Secrets, redactor: Redactor, tmp_path: Path
) -> None:
    assert secrets["FILE"] == "from-a-file"
    (tmp_path / "token").write_text("rotated")
    assert secrets["FILE"] == "rotated"
    assert redactor.text("from-a-file rotated") == f"{MASK} {MASK}"


def test_all_that_can_be_read_is_masked_before_anyone_asks_for_it(
    secrets: Secrets, redactor: Redactor
) -> None:
    text = "from-the-environment, from-a-file, first\nsecond, nobody-asks"
    assert redactor.text(text) == text
    secrets.learn()
    assert redactor.text(text) == f"{MASK}, {MASK}, {MASK}, nobody-asks"


def test_only_declared_names_are_secrets(secrets: Secrets) -> None:
    assert isinstance(secrets, Mapping)
    assert len(secrets) == len(list(secrets)) == 10
    with pytest.raises(KeyError):
        _ = secrets["UNNAMED"]


def test_a_template_reads_a_secret_or_says_which_is_meant(secrets: Secrets) -> None:
    template = Templates().parse("Bearer {{ secrets.ENV }}")
    assert template.render({"secrets": secrets}) == "Bearer from-the-environment"
    with pytest.raises(RenderError) as caught:
        Templates().parse("Bearer {{ secrets.FILES }}").render({"secrets": secrets})
    assert str(caught.value) == "'FILES' is not there (did you mean 'FILE'?)"
    with pytest.raises(RenderError) as caught:
        Templates().parse("Bearer {{ secrets.UNSET }}").render({"secrets": secrets})
    assert str(caught.value) == "secret UNSET: the variable NOWHERE is not set"

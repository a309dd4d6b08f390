"""What is said of modes, by real files."""

from pathlib import Path

from engine.cli.doctor.files import look_at_files
from engine.cli.doctor.finding import Finding
from engine.config.load import load_config
from engine.store.sqlite import open_ledger


def looked(place: Path) -> dict[str, Finding]:
    return {one.check: one for one in look_at_files(load_config(place / "config.yaml", {}))}


def test_each_mode_that_lets_others_in_is_said_with_what_to_do(place: Path) -> None:
    with open_ledger(place / "engine.db"):
        pass
    (place / "token").write_text("x")
    (place / "token").chmod(0o600)
    (place / "config.yaml").write_text("secrets: {T: {file: token}}\ntls: {cert: c, key: key}\n")
    for path in [place, *place.rglob("*.yaml"), *place.rglob("playbooks")]:
        path.chmod(path.stat().st_mode & ~0o022)
    assert {one.check: one.level for one in looked(place).values()} == {
        "private": "ok",
        "writable": "ok",
    }

    (place / "engine.db").chmod(0o644)
    (place / "engine.db.lock").chmod(0o666)
    (place / "token").chmod(0o644)
    (place / "playbooks/look.yaml").chmod(0o666)
    found = looked(place)
    assert found["private"] == Finding(
        "private",
        "warn",
        f"{place}/engine.db and 1 more can be read by others",
        "chmod go= them; the engine does at its start",
    )
    assert found["secret-files"].seen == f"{place}/token can be read by any user"
    assert found["writable"] == Finding(
        "writable",
        "warn",
        f"{place}/playbooks/look.yaml:1:1: any user can change it",
        "chmod o-w",
    )

    with (place / "config.yaml").open("a") as file:
        file.write("strict: true\n")
    assert looked(place)["writable"].level == "fail"

"""Whoever can change what the engine goes by is found, by real modes, owners and links."""

import grp
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.config.config import Config
from engine.config.load import load_config
from engine.config.writable import Account, others_can_write

OWN = Account.own()
OTHER = 4242  # an account that nobody has


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Everything that an engine goes by, and nobody else can change it."""
    folder = tmp_path / "place"
    (folder / "playbooks/hosts").mkdir(parents=True)
    (folder / "run").mkdir()
    (folder / "playbooks/a.yaml").write_text("")
    (folder / "playbooks/hosts/b.yaml").write_text("")
    (folder / "run/token").write_text("x")
    (folder / "config.yaml").write_text("secrets: {TOKEN: {file: run/token}}\n")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def config_of(place: Path, more: str = "") -> Config:
    if more:
        (place / "config.yaml").write_text((place / "config.yaml").read_text() + more)
    return load_config(place / "config.yaml", {})


def found(place: Path, account: Account = OWN, more: str = "") -> list[str]:
    problems = others_can_write(config_of(place, more), account)
    return [str(problem).replace(str(place), "") for problem in problems]


def test_what_only_the_engine_and_root_can_change_is_no_problem(place: Path) -> None:
    assert found(place) == []


@pytest.mark.parametrize(
    "name", ["playbooks/hosts/b.yaml", "config.yaml", "run/token", "playbooks/hosts", "run", "."]
)
def test_what_any_user_can_change_is_named_with_what_to_do(place: Path, name: str) -> None:
    path = place / name
    path.chmod(path.stat().st_mode | 0o002)
    where = "" if name == "." else f"/{name}"
    assert found(place) == [
        f"{where}:1:1: warning: others-can-write: any user can change it (chmod o-w)"
    ]


def test_many_of_a_kind_are_one_problem(place: Path) -> None:
    for number in range(9):
        path = place / f"playbooks/n{number}.yaml"
        path.write_text("")
        path.chmod(0o666)
    [said] = found(place)
    assert "any user can change it; the same of " in said
    assert said.count("/playbooks/n") == 4
    assert " and 5 more (chmod o-w)" in said


def test_a_group_has_to_be_the_engines_own(place: Path) -> None:
    path = place / "playbooks/a.yaml"
    path.chmod(0o664)
    assert found(place) == []  # the group is the one that whoever runs this has
    if os.geteuid() == 0:
        os.chown(path, -1, OTHER)
        group = str(OTHER)
        [said] = found(place)
    else:
        group = grp.getgrgid(path.stat().st_gid).gr_name
        [said] = found(place, Account(OWN.uid, OTHER))
    assert said == (
        f"/playbooks/a.yaml:1:1: warning: others-can-write: every member of the group {group} can "
        "change it (chmod g-w)"
    )


def test_the_owner_has_to_be_root_or_the_engine(place: Path) -> None:
    if os.geteuid() == 0:
        os.chown(place / "playbooks/hosts", OTHER, -1)
        [said] = found(place)
        assert said == (
            f"/playbooks/hosts:1:1: warning: others-can-write: it belongs to user {OTHER}, and the "
            "engine runs as root (chown it to root)"
        )
        assert found(place, Account(OTHER, OTHER)) == []
    else:
        [said] = found(place, Account(OTHER, OWN.gid))
        assert f"and the engine runs as user {OTHER} (chown it to root)" in said


def test_in_a_folder_such_as_tmp_nobody_can_move_what_is_anothers(place: Path) -> None:
    place.chmod(0o1777)
    assert [said.split(":")[0] for said in found(place)] == [""]  # the database is made right there
    (place / "data").mkdir(mode=0o755)
    assert found(place, more="database: data/engine.db\n") == []
    (place / "playbooks").chmod(0o1777)  # but anybody can put another playbook there
    assert found(place) == [
        "/playbooks:1:1: warning: others-can-write: any user can change it (chmod o-w)"
    ]


def test_every_link_on_the_way_is_followed(place: Path) -> None:
    (place / "playbooks").rename(place / "v1")
    (place / "open").mkdir()
    (place / "open/current").symlink_to("../v1")
    (place / "playbooks").symlink_to("open/current")
    assert found(place) == []
    (place / "open").chmod(0o777)  # whoever turns `current` has the engine go by other files
    assert found(place) == [
        "/open:1:1: warning: others-can-write: any user can change it (chmod o-w)"
    ]
    (place / "open").chmod(0o755)
    (place / "v1/hosts/b.yaml").chmod(0o666)
    assert found(place) == [
        "/v1/hosts/b.yaml:1:1: warning: others-can-write: any user can change it (chmod o-w)"
    ]


def test_links_in_a_circle_and_what_is_not_there_are_nobodys(place: Path) -> None:
    (place / "run/token").unlink()
    (place / "run/token").symlink_to("token")
    assert found(place) == []
    (place / "run/token").unlink()
    assert found(place) == []


def test_what_is_read_only_cannot_be_changed_whatever_its_mode(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "playbooks").chmod(0o777)
    real: Callable[[Path], os.statvfs_result] = os.statvfs

    def read_only(path: Path) -> os.statvfs_result:
        values = list(real(path))
        values[8] |= os.ST_RDONLY
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", read_only)
    assert found(place) == []


def test_strict_makes_it_an_error(place: Path) -> None:
    (place / "playbooks/a.yaml").chmod(0o666)
    [said] = found(place, more="strict: true\n")
    assert said == (
        "/playbooks/a.yaml:1:1: others-can-write: any user can change it (chmod o-w; `strict` of "
        "config.yaml takes nothing that others can change)"
    )


def test_the_engine_is_whoever_has_its_database(place: Path) -> None:
    database = place / "engine.db"
    assert Account.of_engine(database) == OWN
    database.touch()
    assert Account.of_engine(database) == OWN
    if os.geteuid() == 0:
        os.chown(database, OTHER, OTHER + 1)
        assert Account.of_engine(database) == Account(OTHER, OTHER + 1)

"""Whether a command may run as a user is known before it is started."""

import os
import pwd

import pytest

from engine.processes.preparation import User
from engine.processes.user import find_user


def as_user(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)


def test_root_may_run_things_as_anybody_with_all_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 0)
    entry = pwd.getpwnam("nobody")
    groups = tuple(os.getgrouplist("nobody", entry.pw_gid))
    assert find_user("nobody") == User(entry.pw_uid, entry.pw_gid, groups)


def test_nobody_else_may(monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, pwd.getpwnam("daemon").pw_uid)
    assert find_user("nobody") == (
        "only root may run a step as 'nobody', and the engine runs as 'daemon'"
    )
    as_user(monkeypatch, 54321)  # a container's user may have no name
    assert find_user("nobody") == (
        "only root may run a step as 'nobody', and the engine runs as '54321'"
    )


def test_who_runs_the_engine_needs_no_right(monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, pwd.getpwnam("nobody").pw_uid)
    assert find_user("nobody") is None


def test_a_user_that_nobody_knows() -> None:
    assert find_user("nobdy") == "there is no user 'nobdy' on this machine"

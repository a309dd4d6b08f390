"""The version of a text."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.playbooks import version
from engine.playbooks.version import version_of


@given(st.text() | st.text(min_size=900, max_size=3000, alphabet="aü漢"))
def test_it_is_the_beginning_of_the_digest_of_all_of_it(text: str) -> None:
    assert version_of(text) == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_the_interpreters_lock_is_never_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """hashlib does so from 2048 bytes on."""
    pieces: list[int] = []

    class Digest:
        def update(self, piece: bytes) -> None:
            pieces.append(len(piece))

        def hexdigest(self) -> str:
            return ""

    class Hashlib:
        sha256 = Digest

    monkeypatch.setattr(version, "hashlib", Hashlib)
    version_of("x" * 100_000)

    assert sum(pieces) == 100_000
    assert max(pieces) < 2048

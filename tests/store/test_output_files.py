"""The whole output is in files, masked at every moment; what cannot be kept is said, once."""

import asyncio
import resource
import shutil
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.happening import Happening, Trouble
from engine.runs.kept_output import KeptStream, Output
from engine.runs.redaction import MASK, Redactor
from engine.store.output_files import OutputFiles
from engine.store.output_folder import OutputFolder

KIB = 1024
SECRET = "hunter22"


@dataclass
class Keeping:
    """A folder beside a database, and who writes there."""

    database: Path
    redactor: Redactor = field(default_factory=Redactor)
    told: list[Happening] = field(default_factory=list)

    @property
    def folder(self) -> OutputFolder:
        return OutputFolder.beside(self.database)

    def run(
        self,
        story: Callable[[OutputFiles], Coroutine[Any, Any, None]],
        limit: int = KIB,
        reserve: int = 0,
    ) -> None:
        files = OutputFiles(self.folder, limit, self.redactor, self.told.append, reserve)
        try:
            asyncio.run(story(files))
        finally:
            files.close()

    def keep(
        self, *pieces: tuple[str, bytes], run_id: str = "R1", **settings: int
    ) -> Mapping[str, KeptStream]:
        """All of one attempt."""
        kept: dict[str, KeptStream] = {}

        async def story(files: OutputFiles) -> None:
            output = files.keep(run_id, "steps/0", 1)
            await write(output, *pieces)
            kept.update(await output.close())

        self.run(story, **settings)
        return kept


async def write(output: Output, *pieces: tuple[str, bytes]) -> None:
    for stream, data in pieces:
        written = output.write(stream, data)
        if written is not None:
            await written


@pytest.fixture
def keeping(database: Path) -> Keeping:
    made = Keeping(database)
    made.redactor.learn(SECRET)
    return made


def text_of(kept: KeptStream) -> str:
    assert kept.file is not None
    return Path(kept.file).read_text(encoding="utf-8")


def test_both_streams_are_in_files_that_only_the_engine_may_read(keeping: Keeping) -> None:
    kept = keeping.keep(("stdout", b"a\n"), ("stderr", b"oh\n"), ("stdout", b"b\n"))
    place = keeping.database.with_name("engine.db.output") / "R1"
    assert kept == {
        "stdout": KeptStream(f"{place}/steps.0.attempt1.stdout", 4, whole=True),
        "stderr": KeptStream(f"{place}/steps.0.attempt1.stderr", 3, whole=True),
    }
    assert (text_of(kept["stdout"]), text_of(kept["stderr"])) == ("a\nb\n", "oh\n")
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert keeping.told == []


def test_a_stream_that_nothing_comes_of_has_no_file(keeping: Keeping) -> None:
    assert keeping.keep(("stderr", b"oh\n")).keys() == {"stderr"}
    assert keeping.keep(run_id="R2") == {}
    assert [path.name for path in keeping.folder.path.iterdir()] == ["R1"]


def test_it_can_be_read_while_it_is_written(keeping: Keeping) -> None:
    async def story(files: OutputFiles) -> None:
        output = files.keep("R1", "steps/0", 1)
        await write(output, ("stdout", b"step 1 of 9\n"))
        [file] = keeping.folder.files_of("R1", "steps/0", 1)
        assert file.read_bytes() == b"step 1 of 9\n"
        await output.close()

    keeping.run(story)


@given(
    st.lists(st.binary(max_size=6) | st.sampled_from([SECRET.encode(), b"hunt", b"\xc3", b"\xa9"])),
    st.lists(st.integers(0, 200), max_size=8),
)
def test_every_byte_is_as_it_was_but_those_of_secrets_at_every_moment(
    parts: list[bytes], places: list[int]
) -> None:
    whole = b"".join(parts)
    expected = whole.replace(SECRET.encode(), MASK.encode())
    cuts = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]

    scratch = Path("scratch")
    scratch.mkdir()
    keeping = Keeping(scratch / "engine.db")
    keeping.redactor.learn(SECRET)

    def on_disk() -> bytes:
        return b"".join(file.read_bytes() for file in keeping.folder.files_of("R1", "steps/0", 1))

    async def story(files: OutputFiles) -> None:
        output = files.keep("R1", "steps/0", 1)
        for start, end in pairwise(cuts):
            await write(output, ("stdout", whole[start:end]))
            assert expected.startswith(on_disk()), "as a kill -9 would leave it"
        await output.close()
        assert on_disk() == expected

    try:
        keeping.run(story)
        assert keeping.told == []
    finally:
        shutil.rmtree(scratch)


@pytest.mark.parametrize(("written", "whole"), [(KIB, True), (KIB + 1, False), (5 * KIB, False)])
def test_a_file_ends_at_its_cap(keeping: Keeping, written: int, whole: bool) -> None:
    kept = keeping.keep(
        *[("stdout", b"x" * KIB)] * (written // KIB), ("stdout", b"x" * (written % KIB))
    )
    assert kept["stdout"].whole is whole
    assert kept["stdout"].error is None
    assert text_of(kept["stdout"]) == "x" * KIB
    assert kept["stdout"].size == KIB


def test_a_secret_at_the_cap_is_masked_before_it_is_cut(keeping: Keeping) -> None:
    kept = keeping.keep(("stdout", f"{'x' * 6}{SECRET}".encode()), limit=10)
    assert text_of(kept["stdout"]) == "xxxxxx****"


def test_what_was_held_back_counts_for_the_cap(keeping: Keeping) -> None:
    kept = keeping.keep(("stdout", b"1234hunt"), limit=6)
    assert kept["stdout"].whole is False
    assert text_of(kept["stdout"]) == "1234hu"


def test_what_is_performed_again_leaves_what_the_crash_left(keeping: Keeping) -> None:
    keeping.keep(("stderr", b"first\n"))
    kept = keeping.keep(("stdout", b"second\n"), ("stderr", b"oh\n"))
    names = [file.name for file in keeping.folder.files_of("R1", "steps/0", 1)]
    assert names == [
        "steps.0.attempt1.stderr",
        "steps.0.attempt1.again1.stdout",
        "steps.0.attempt1.again1.stderr",
    ]
    assert text_of(kept["stdout"]) == "second\n"


def test_who_is_in_a_hurry_does_not_cost_what_was_held_back(keeping: Keeping) -> None:
    async def story(files: OutputFiles) -> None:
        output = files.keep("R1", "steps/0", 1)
        output.write("stdout", b"so he hunt")
        closing = asyncio.ensure_future(output.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    keeping.run(story)
    [file] = keeping.folder.files_of("R1", "steps/0", 1)
    assert file.read_text() == "so he hunt"


# What cannot be kept


def test_a_folder_that_cannot_be_made_is_told_once_and_again_after_it_could(
    keeping: Keeping,
) -> None:
    """A file in its place: what stops root as well."""

    async def story(files: OutputFiles) -> None:
        for run_id, blocked in (("R1", True), ("R2", True), ("R3", False), ("R4", True)):
            if blocked:
                shutil.rmtree(keeping.folder.path, ignore_errors=True)
                keeping.folder.path.touch()
            else:
                keeping.folder.path.unlink()
            output = files.keep(run_id, "steps/0", 1)
            await write(output, ("stdout", b"a"), ("stderr", b"b"), ("stdout", b"c"))
            kept = await output.close()
            why = None if not blocked else "File exists"
            assert [(one.error, one.whole) for one in kept.values()] == [(why, not blocked)] * 2
            assert {one.file is None for one in kept.values()} == {blocked}

    keeping.run(story)
    assert keeping.told == [
        Trouble(
            "output",
            f"{keeping.folder.path}/{run_id}: File exists; not all that shell steps write is kept",
        )
        for run_id in ("R1", "R4")
    ]


def test_room_is_left_to_the_ledger(keeping: Keeping) -> None:
    free = shutil.disk_usage(keeping.database.parent).free
    kept = keeping.keep(("stdout", b"a"), ("stdout", b"b"), reserve=free * 2)
    assert kept["stdout"].size == 0
    assert not kept["stdout"].whole
    said = kept["stdout"].error
    assert said is not None
    assert said.endswith("of the disk are left to the ledger")
    assert len(keeping.told) == 1


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """A limit that root has to keep to as well, with what the system says of it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_what_fits_on_the_disk_is_kept_and_the_rest_is_said_to_be_missing(
    keeping: Keeping,
) -> None:
    with no_file_above(700):
        kept = keeping.keep(*[("stdout", b"x" * 500)] * 3, limit=10 * KIB)
    assert kept["stdout"].size == 700
    assert kept["stdout"].whole is False
    assert kept["stdout"].error == "File too large"
    assert text_of(kept["stdout"]) == "x" * 700
    [trouble] = keeping.told
    assert isinstance(trouble, Trouble)
    assert trouble.message.startswith(f"{kept['stdout'].file}: File too large; ")


def test_a_file_that_is_deleted_while_it_is_written_is_said(keeping: Keeping) -> None:
    async def story(files: OutputFiles) -> None:
        output = files.keep("R1", "steps/0", 1)
        await write(output, ("stdout", b"a"))
        shutil.rmtree(keeping.folder.path)
        await write(output, ("stdout", b"b"))
        [kept] = (await output.close()).values()
        assert (kept.error, kept.whole) == ("it was deleted while it was written", False)

    keeping.run(story)
    assert len(keeping.told) == 1


def test_no_handle_stays_open(keeping: Keeping) -> None:
    def handles() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    keeping.keep(("stdout", b"a"))
    before = handles()
    for number in range(5):
        keeping.keep(("stdout", b"x" * 2 * KIB), ("stderr", b"oh"), run_id=f"R{number + 2}")
    assert handles() == before

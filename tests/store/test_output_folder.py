"""Where the output of commands is, what it is called, how large it is, and that it goes whole."""

import os
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store.output_folder import OutputFolder

RUN = "01K3W8ZQ4J6V3XJ9F5E2M7N8P1"
NOW = 1_800_000_000.0
OTHER = "01K3W8ZQ4J6V3XJ9F5E2M7N8P2"

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.~ -]{0,5}", fullmatch=True)
segments = st.builds(
    lambda name, items: name + "".join(f"[{item}]" for item in items),
    names | st.integers(0, 20).map(str) | st.sampled_from(["steps", "attempt1", "again1"]),
    st.lists(st.integers(0, 3), max_size=1),
)
paths = st.lists(segments, min_size=1, max_size=4).map("/".join)


@pytest.fixture
def folder(tmp_path: Path) -> OutputFolder:
    return OutputFolder.beside(tmp_path / "engine.db")


def write(folder: OutputFolder, run_id: str, name: str, text: str = "x") -> Path:
    file = folder.make_for(run_id) / name
    file.write_text(text)
    return file


def test_it_stands_beside_the_database_whatever_that_is_called(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "engine.db")
    for name in ("engine.db", "link.db"):
        assert OutputFolder.beside(tmp_path / name).path == tmp_path / "engine.db.output"


def test_nobody_else_may_look_into_it(folder: OutputFolder) -> None:
    before = os.umask(0)
    try:
        made = folder.make_for(RUN)
    finally:
        os.umask(before)
    assert made == folder.path / RUN
    assert [path.stat().st_mode & 0o777 for path in (folder.path, made)] == [0o700, 0o700]


@pytest.mark.parametrize(
    ("path", "attempt", "stem"),
    [
        ("steps/2", 1, "steps.2.attempt1"),
        ("steps/3[0]/1", 12, "steps.3-0.1.attempt12"),
        ("steps/3[0]", 1, "steps.3-0.attempt1"),
        ("on_failure/0", 1, "on_failure.0.attempt1"),
        ("steps/1/web-1/0", 2, "steps.1.web%2D1.0.attempt2"),
    ],
)
def test_a_file_is_called_after_the_path_and_the_attempt(
    folder: OutputFolder, path: str, attempt: int, stem: str
) -> None:
    assert folder.unused_stem(RUN, path, attempt) == stem


@given(paths, paths, st.integers(1, 20), st.integers(1, 20))
def test_names_of_two_attempts_differ_and_need_no_quotes(
    path: str, other: str, attempt: int, another: int
) -> None:
    folder = OutputFolder(Path("/nowhere"))
    stem = folder.unused_stem(RUN, path, attempt)
    same = (path, attempt) == (other, another)
    assert (stem == folder.unused_stem(RUN, other, another)) == same
    assert "/" not in stem
    assert shlex.quote(f"a/{stem}") == f"a/{stem}" or "%" in stem or "~" in stem


def test_what_a_crash_left_keeps_its_name_and_both_streams_of_the_next_time_get_another(
    folder: OutputFolder,
) -> None:
    first = write(folder, RUN, "steps.0.attempt1.stderr")
    stem = folder.unused_stem(RUN, "steps/0", 1)
    assert stem == "steps.0.attempt1.again1"
    again = [write(folder, RUN, f"{stem}.{stream}") for stream in ("stdout", "stderr")]
    assert folder.unused_stem(RUN, "steps/0", 1) == "steps.0.attempt1.again2"
    assert folder.files_of(RUN, "steps/0", 1) == [first, *again]


def test_the_files_of_an_attempt_are_no_other_attempts(folder: OutputFolder) -> None:
    own = write(folder, RUN, "steps.1.attempt1.stdout")
    for name in ("steps.1.attempt10.stdout", "steps.10.attempt1.stdout", "steps.1.attempt1.txt"):
        write(folder, RUN, name)
    write(folder, OTHER, "steps.1.attempt1.stdout")
    assert folder.files_of(RUN, "steps/1", 1) == [own]
    assert folder.files_of(OTHER, "steps/2", 1) == []
    assert folder.files_of("no such run", "steps/1", 1) == []


def test_the_size_is_that_of_all_files(folder: OutputFolder) -> None:
    assert (folder.size(), folder.size_of(RUN)) == (0, 0)
    write(folder, RUN, "a", "x" * 100)
    write(folder, RUN, "b", "x" * 20)
    write(folder, OTHER, "a", "x" * 3)
    assert (folder.size(), folder.size_of(RUN), folder.size_of(OTHER)) == (123, 120, 3)


def test_runs_that_nothing_came_to_for_a_while_are_told_and_no_other_folders(
    folder: OutputFolder,
) -> None:
    assert folder.untouched(NOW) == []
    for name in (RUN, OTHER, "lost+found"):
        write(folder, name, "a")
        os.utime(folder.path / name, (NOW, NOW))
    os.utime(folder.path / RUN, (NOW - 1, NOW - 1))
    (folder.path / "README").write_text("x")
    assert folder.untouched(NOW) == [RUN]
    assert sorted(folder.untouched(NOW + 1)) == [RUN, OTHER]


def test_a_run_goes_whole_and_no_other_one_does(folder: OutputFolder) -> None:
    write(folder, RUN, "a")
    stays = write(folder, OTHER, "a")
    assert folder.remove([RUN, "gone before"]) is None
    assert not (folder.path / RUN).exists()
    assert stays.exists()


def test_what_cannot_be_deleted_is_said_and_holds_nothing_up(folder: OutputFolder) -> None:
    """A file where a folder should be: what root may not delete either."""
    folder.path.mkdir()
    (folder.path / RUN).write_text("x")
    write(folder, OTHER, "a")
    assert folder.remove([RUN, OTHER]) == f"{folder.path / RUN}: Not a directory"
    assert [path.name for path in folder.path.iterdir()] == [RUN]


def test_a_link_is_not_followed(folder: OutputFolder, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("x")
    folder.make_for(OTHER)
    (folder.path / RUN).symlink_to(theirs)
    said = folder.remove([RUN])
    assert said == f"{folder.path / RUN}: Cannot call rmtree on a symbolic link"
    assert (theirs / "file").exists()

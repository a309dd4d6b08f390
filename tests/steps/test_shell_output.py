"""All that a command writes is in files, where that is wanted, and the result says where.

The commands and the files are real ones.
"""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.runs.happening import Happening, Trouble
from engine.runs.kept_output import Output
from engine.runs.redaction import Redactor
from engine.store.output_files import OutputFiles
from engine.store.output_folder import OutputFolder
from tests.steps.test_shell import Fifo, cut_short
from tests.steps.warded_shell import LIMIT, WardedShell, failure_of, perform, result_of


@dataclass
class Keeping:
    """A shell whose steps' output is kept, and what is told of it."""

    files: OutputFiles
    shell: WardedShell
    redactor: Redactor
    told: list[Happening]

    def kept(self, name: str) -> str:
        """What is in a file of the step, by the end of its name."""
        return (self.files.folder.path / f"run-1/steps.0.attempt1.{name}").read_text()


CAP = 100_000


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    redactor, told = Redactor(), list[Happening]()
    redactor.learn("hunter22")
    folder = OutputFolder.beside(tmp_path / "engine.db")
    files = OutputFiles(folder, CAP, redactor, told.append, reserve=0)
    yield Keeping(files, WardedShell(tmp_path, files.keep), redactor, told)
    files.close()


def test_what_the_result_has_no_room_for_is_in_a_file_that_it_names(keeping: Keeping) -> None:
    result = result_of(perform(keeping.shell, script="echo oh >&2; seq 2000"))
    folder = keeping.files.folder.path / "run-1"
    assert result["files"] == {
        "stdout": f"{folder}/steps.0.attempt1.stdout",
        "stderr": f"{folder}/steps.0.attempt1.stderr",
    }
    assert result["cut"] == "stdout: longer than 1000 bytes; all of it is in its file"
    assert len(result["stdout"]) == LIMIT
    assert keeping.kept("stdout") == "".join(f"{number}\n" for number in range(1, 2001))
    assert keeping.kept("stderr") == "oh\n"
    assert keeping.told == []


def test_what_a_step_does_not_write_has_no_file(keeping: Keeping) -> None:
    assert result_of(perform(keeping.shell, script="echo oh >&2"))["files"].keys() == {"stderr"}
    quiet = result_of(perform(keeping.shell, argv=["true"]))
    assert quiet.keys() == {"exit", "stdout", "stderr", "elapsed"}


@pytest.mark.parametrize(
    ("script", "cut"),
    [
        (
            "seq 50000",
            (
                "stdout: longer than 1000 bytes; its file holds the first 97.7KiB, and the rest "
                "was dropped"
            ),
        ),
        (
            "seq 50000; seq 50000 >&2",
            (
                "stdout and stderr: longer than 1000 bytes; its file holds the first 97.7KiB, and "
                "the rest was dropped"
            ),
        ),
        (
            "seq 50000; seq 500 >&2",
            (
                "stdout: longer than 1000 bytes; its file holds the first 97.7KiB, and the rest "
                "was dropped; stderr: longer than 1000 bytes; all of it is in its file"
            ),
        ),
    ],
)
def test_a_file_that_was_cut_as_well_is_said(keeping: Keeping, script: str, cut: str) -> None:
    result = result_of(perform(keeping.shell, script=script))
    assert result["cut"] == cut
    assert len(keeping.kept("stdout")) == CAP
    assert "not_kept" not in result


def test_a_file_may_be_shorter_than_the_result(keeping: Keeping) -> None:
    report = perform(keeping.shell, script="seq 20000", max_output="1MiB")
    cut = "stdout: its file holds the first 97.7KiB, and the rest was dropped"
    assert result_of(report)["cut"] == cut


def test_no_secret_is_in_a_file(keeping: Keeping) -> None:
    script = (
        "i=0; while [ $i -lt 500 ]; do echo hunt; printf er22; printf hunter22; i=$((i+1)); done"
    )
    perform(keeping.shell, script=f"{script}; printf hunt; sleep 0; printf er22")
    kept = keeping.kept("stdout")
    assert "hunter22" not in kept
    assert kept == "hunt\ner22******" * 500 + "******"


def test_a_failed_step_names_its_files_too(keeping: Keeping) -> None:
    failed = failure_of(perform(keeping.shell, script="seq 2000; exit 3"))
    assert failed.result["files"].keys() == {"stdout"}


def test_a_command_that_was_never_started_leaves_no_file(keeping: Keeping) -> None:
    failure_of(perform(keeping.shell, argv=["restart-hst"]))
    assert not keeping.files.folder.path.exists()


def test_a_command_whose_time_is_over_leaves_what_it_wrote(
    keeping: Keeping, tmp_path: Path
) -> None:
    fifo = Fifo(tmp_path)
    script = "echo step 1 of 9; printf 'no more'; echo $$ > $FIFO; sleep 1000"
    keeping.shell.run(cut_short(keeping.shell, fifo, script=script))
    assert keeping.kept("stdout") == "step 1 of 9\nno more"


def test_a_flood_of_output_is_kept_as_it_came_and_does_not_fill_the_memory(
    keeping: Keeping,
) -> None:
    """Both streams, many times the size of a pipe, with a disk that is slower than the command."""
    files = keeping.files
    files.limit = 8_000_000
    flood = "import os\nfor n in range(80): os.write(1, b'%05d' % n * 20000), os.write(2, b'y' * 100000)"
    waiting: list[int] = []

    def keep(run_id: str, path: str, attempt: int) -> Output:
        output = files.keep(run_id, path, attempt)
        write = output.write

        def watched(stream: str, data: bytes) -> "asyncio.Future[None] | None":
            waiting.append(files.thread._work_queue.qsize())  # noqa: SLF001 - nothing else tells
            return write(stream, data)

        output.write = watched  # type: ignore[method-assign]
        return output

    shell = WardedShell(files.folder.path.parent, keep)
    result = result_of(perform(shell, argv=[sys.executable, "-c", flood]))
    assert result["cut"] == "stdout and stderr: longer than 1000 bytes; all of it is in its file"
    assert keeping.kept("stdout") == "".join(f"{number:05}" * 20000 for number in range(80))
    assert keeping.kept("stderr") == "y" * 8_000_000
    assert max(waiting) <= 2, "a piece of each stream"


def test_output_that_cannot_be_kept_costs_neither_the_command_nor_its_result(
    keeping: Keeping,
) -> None:
    keeping.files.folder.path.write_text("a file where the folder should be")
    result = result_of(perform(keeping.shell, script="seq 2000; echo oh >&2; touch effect"))
    assert result["exit"] == 0
    assert result["cut"] == "stdout: longer than 1000 bytes; the rest was dropped"
    assert result["not_kept"] == "stdout and stderr: File exists"
    assert "files" not in result
    assert (keeping.files.folder.path.parent / "effect").exists()
    [trouble] = keeping.told
    assert isinstance(trouble, Trouble)

"""A real engine keeps what commands write: masked when it is killed, found again, and pruned."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.real_engine import KEY, EngineProcess, Place
from tests.processes.children import wait_until

DAY = 86400.0
CONFIG = """\
shell: {keep_output: 1MiB, max_output: 1KiB}
secrets: {KEY: {env: E2E_KEY}}
retention: {age: 2d}
"""
# The first time it hangs with half of a secret written; the second time it is quick.
HALF = """\
name: half
trigger: {action: half}
steps:
  - id: talk
    shell:
      script: |
        if [ -e begun ]; then echo again; exit 0; fi
        echo "step 1 of 9: $SECRET"
        printf 'half of it: %.6s' "$SECRET"
        touch begun
        sleep 1000
      env: {SECRET: "{{ secrets.KEY }}"}
    on_interrupt: retry
"""
FLOOD = """\
name: flood
trigger: {action: flood}
steps:
  - shell:
      script: 'while :; do printf %s "$SECRET"; printf "%s line " "$SECRET" >&2; done'
      env: {SECRET: "{{ secrets.KEY }}"}
"""


@pytest.fixture
def engine(place: Place) -> EngineProcess:
    place.write("config.yaml", (place.folder / "config.yaml").read_text() + CONFIG)
    place.write("playbooks/half.yaml", HALF)
    place.write("playbooks/flood.yaml", FLOOD)
    return place.start()


def files_of(place: Place, run: str) -> dict[str, Path]:
    folder = place.folder / "engine.db.output" / run
    return {path.name: path for path in sorted(folder.iterdir())} if folder.exists() else {}


def test_a_killed_engine_leaves_what_was_written_masked_and_the_next_one_adds_to_it(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    engine.press("half", vendor_example)
    run = engine.wait_for("step_started")["run"]
    expected = "step 1 of 9: ******\nhalf of it: "  # the rest may be the beginning of a secret
    name = "steps.0.attempt1.stdout"

    def written() -> bool:
        files = files_of(place, run)
        return name in files and files[name].read_text() == expected

    wait_until(lambda: (place.folder / "begun").exists() and written())
    engine.kill()
    assert written()

    again = place.start()
    again.wait_for("run_succeeded")
    assert written()
    files = files_of(place, run)
    assert list(files) == ["steps.0.attempt1.again1.stdout", name]
    assert files["steps.0.attempt1.again1.stdout"].read_text() == "again\n"
    [step] = place.json("runs", "show", run)["steps"]
    assert step["result"]["files"] == {"stdout": str(files["steps.0.attempt1.again1.stdout"])}
    shown = place.command("runs", "show", run).stdout
    assert f"→ kept: {files[name]} (32B)" in shown
    assert f"→ kept: {files['steps.0.attempt1.again1.stdout']} (6B)" in shown


def test_no_secret_stands_in_a_file_whenever_the_engine_is_killed(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    """Nor a part of one: what is not masked are the words between them."""
    engine.press("flood", vendor_example)
    run = engine.wait_for("step_started")["run"]
    wait_until(lambda: len(files_of(place, run)) == 2)
    files = files_of(place, run)
    wait_until(lambda: all(path.stat().st_size > 100_000 for path in files.values()))
    engine.kill()
    out, err = (files[f"steps.0.attempt1.{name}"].read_text() for name in ("stdout", "stderr"))
    assert out.count("*") == len(out) <= 1024**2
    assert "****** line ****** line " in err
    assert err.replace("******", "").replace(" line ", "").strip("* line") == ""
    assert KEY not in out + err
    assert [path.stat().st_mode & 0o777 for path in files.values()] == [0o600, 0o600]


def test_what_is_kept_of_a_step_whose_time_was_over_is_found_and_goes_with_its_run(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    place.write("playbooks/half.yaml", HALF + "    timeout: 5s\n")
    engine.terminate()
    engine = place.start()
    engine.press("half", vendor_example)
    run = engine.wait_for("run_failed")["run"]
    [file] = files_of(place, run).values()
    assert file.read_text() == f"step 1 of 9: ******\nhalf of it: {KEY[:6]}"
    assert f"→ kept: {file} (38B)" in place.command("runs", "show", run).stdout
    engine.terminate()

    with closing(sqlite3.connect(place.folder / "engine.db", isolation_level=None)) as db:
        db.execute("UPDATE events SET received = received - ?", (3 * DAY,))
        db.execute("UPDATE runs SET ended = ended - ?", (3 * DAY,))
    pruned = place.start().wait_for("pruned")
    assert (pruned["runs"], pruned["output"]) == (1, "38B")
    assert files_of(place, run) == {}
    assert (
        json.loads(place.command("db", "stats", "--format", "json").stdout)["size"]["output"] == 0
    )

"""A real engine hands its commands no files and no sockets, and no data where that is dangerous."""

import os
import sys

import pytest

from tests.e2e.real_engine import KEY, EngineProcess, Place

CONFIG = f"""\
shell: {{allow: [sh, {sys.executable}, record, "true"]}}
secrets: {{KEY: {{env: E2E_KEY}}}}
"""
LISTING = "import os; print(sorted(int(handle) for handle in os.listdir('/proc/self/fd')))"
PLAYBOOK = f"""\
name: guards
trigger: {{action: guards}}
steps:
  - id: open
    shell: [{sys.executable}, -c, "{LISTING}"]
  - id: limited
    shell: {{argv: [{sys.executable}, -c, "{LISTING}"], umask: "077", limits: {{files: 100}}}}
  - id: dash
    shell: [record, "-{{{{ labels.resource }}}}"]
    continue_on_error: true
  - id: absent
    shell: ["true", "{{{{ labels.nobody }}}}"]
    continue_on_error: true
  - id: other
    shell: [touch, effect]
    continue_on_error: true
  - id: cut
    shell:
      {{script: 'printf "key: %s" "$KEY"', env: {{KEY: "{{{{ secrets.KEY }}}}"}}, max_output: 11B}}
"""


@pytest.fixture
def engine(place: Place) -> EngineProcess:
    place.write("config.yaml", (place.folder / "config.yaml").read_text() + CONFIG)
    place.write("playbooks/guards.yaml", PLAYBOOK)
    reading, writing = os.pipe()  # as a service manager or a careless shell may leave one open
    try:
        return place.start(inherited=[reading, writing])
    finally:
        os.close(reading)
        os.close(writing)


def test_what_is_dangerous_is_not_handed_over(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    engine.press("guards", vendor_example)
    run = engine.wait_for("run_succeeded")["run"]
    steps = {step["id"]: step for step in place.json("runs", "show", run)["steps"]}

    # The listing has one open itself.
    assert steps["open"]["result"]["stdout"] == "[0, 1, 2, 3]\n"
    assert steps["limited"]["result"]["stdout"] == "[0, 1, 2, 3]\n"
    errors = {name: step["error"] for name, step in steps.items() if step["error"]}
    assert errors.pop("dash").startswith("shell.argv.1: begins with '-'")
    assert errors.pop("absent").startswith("shell.argv.1: 'nobody' is not there")
    assert errors.pop("other").startswith("it is not started: 'touch' is none of shell.allow")
    assert errors == {}
    assert not (place.folder / "effect").exists()
    assert steps["cut"]["result"]["stdout"] == "key: "
    assert engine.terminate() == 0
    halves = [KEY[:length].encode() for length in range(6, len(KEY) + 1)]
    for file in (one for one in place.folder.rglob("*") if one.is_file()):
        assert not [half for half in halves if half in file.read_bytes()], file

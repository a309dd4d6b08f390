"""A playbook that lints clean never fails in a run by a name that is not there.

Random playbooks name steps, variables, constants, secrets and fields, some of which are nowhere,
come later or stand in another branch. Those that lint clean are rehearsed with every result known.
"""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from engine.config.load import read_config
from engine.events.event import Event
from engine.events.source import Request
from engine.lint.check import Settings
from engine.playbooks.playbook import Playbook
from engine.rehearsal.dry_run import rehearse
from engine.sources.flashduty import CustomActionSource
from engine.wiring.step_types import offline_linter, offline_step_types

PRESS = (Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json").read_bytes()
CONFIG = read_config("vars: {url: 'https://a.example'}\nsecrets: {TOKEN: {env: TOKEN}}",
                     Path("config.yaml"), {}, offline=True)  # fmt: skip
LINTER = offline_linter(CONFIG, Settings(frozenset({"url"}), frozenset({"TOKEN"})))
STEP_TYPES = offline_step_types(CONFIG)
UNDEFINED = ("is not there", "is not defined", "a field that is not there")

NAMES = st.sampled_from(["a", "b", "c"])
OF_EVENT = st.sampled_from(
    [
        *("labels.resource", "title", "severity", "event.type", "incident.title", "run.id"),
        *("alerts[0].title", "person.person_name", "config.url"),
    ]
)
NOWHERE = st.sampled_from(
    ["event.kind", "incident.titel", "run.step", "alerts[0].severity", "config.uri"]
)
RESULT = st.sampled_from(["stdout", "status", "body.state", "outcome", "items", "stdot"])
OF_STEP = st.builds("steps.{}.{}".format, NAMES, RESULT)
OF_VARS = NAMES.map("vars.{}".format)
SECRET = st.sampled_from(["secrets.TOKEN", "secrets.TOKEN", "secrets.TOKENS"])


def mostly(*others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A field that is there, most often: else hardly any playbook would be clean."""
    return st.integers(0, 11).flatmap(
        lambda number: others[number] if number < len(others) else OF_EVENT
    )


def written(path: str) -> str:
    """A path of a template; `items` is a method of a mapping, so it is asked for by its name."""
    return path.replace(".items", "['items']")


def template(paths: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    alone = paths.map(lambda path: f"{{{{ {written(path)} }}}}")
    in_text = paths.map(lambda path: f"it is {{{{ {written(path)} }}}}.")
    chosen = st.builds(
        "{{{{ {} if labels.resource else {} }}}}".format, paths.map(written), paths.map(written)
    )
    return alone | in_text | chosen


IN_STEPS = template(mostly(OF_STEP, OF_STEP, OF_VARS, OF_VARS, NOWHERE))
WHEN = (
    st.none()
    | st.just("labels.resource")
    | OF_VARS.map("length(to_string(not_null({0}))) > `0`".format)
)
SHELL = IN_STEPS.map(
    lambda text: {"shell": ["echo", text], "example": {"exit": 0, "stdout": "x", "stderr": ""}}
)
HTTP = template(mostly(SECRET, SECRET, SECRET, NOWHERE)).map(
    lambda text: {
        "http": {"url": "https://a.example", "headers": {"X-About": text}},
        "example": {"status": 200, "headers": {}, "body": {"state": "up"}},
    }
)
SET = st.builds(lambda name, text: {"set": {name: text}}, NAMES, IN_STEPS)
EACH = IN_STEPS.map(
    lambda text: {
        "foreach": "alerts[].title",
        "shell": ["echo", "{{ item }}", text],
        "example": {"exit": 0, "stdout": "x", "stderr": ""},
    }
)


@st.composite
def steps(draw: st.DrawFn, ids: list[str], depth: int = 1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        several = draw(st.integers(0, 4)) == 0
        if depth and several:
            found.append({"parallel": [draw(steps(ids, depth - 1)) for _ in range(2)]})
            continue
        step = dict(draw(SHELL | HTTP | SET | EACH))
        named: bool = draw(st.booleans())
        if ids and named:
            step["id"] = ids.pop(0)
        when = draw(WHEN)
        if when is not None and "id" not in step and "set" not in step:
            step["when"] = when
        found.append(step)
    return found


@st.composite
def playbooks(draw: st.DrawFn) -> str:
    ids = draw(st.permutations(["a", "b", "c"]))
    variables = draw(
        st.dictionaries(NAMES, template(mostly(OF_VARS, OF_VARS, NOWHERE)), max_size=3)
    )
    playbook = {
        "name": "random",
        "trigger": {"action": "press"},
        "vars": variables,
        "steps": draw(steps(ids)),
        "finally": draw(st.just([]) | steps(ids, 0)),
    }
    return yaml.safe_dump(playbook, sort_keys=False)


def press() -> Event:
    request = Request("press", {}, {}, None)
    read = CustomActionSource().read(request, PRESS, id_="e", received=1700208014.0)
    assert isinstance(read, Event)
    return read


def failures(playbook: Playbook) -> list[str]:
    """Why its steps would fail; and why its variables or its run would."""
    rehearsal = rehearse(
        playbook,
        press(),
        config={"url": "https://a.example"},
        secrets=frozenset({"TOKEN"}),
        step_types=STEP_TYPES,
    )
    said = [step.reason for step in rehearsal.steps if step.outcome == "failed"]
    return [reason for reason in (*said, rehearsal.reason) if reason]


def undefined_in(text: str) -> list[str]:
    (playbook,) = LINTER.lint([("random.yaml", text)]).playbooks
    return [one for one in failures(playbook) if any(words in one for words in UNDEFINED)]


def test_a_playbook_that_is_not_clean_does_fail_so() -> None:
    """Without this the property would hold of nothing."""
    text = "name: x\ntrigger: {action: press}\nsteps: [{shell: [echo, '{{ steps.a.stdout }}']}]\n"
    assert [one.code for one in LINTER.lint([("x.yaml", text)]).problems] == ["unknown-step"]
    assert undefined_in(text) != []


@settings(max_examples=150)
@given(playbooks())
def test_what_lints_clean_never_fails_by_a_name_that_is_not_there(text: str) -> None:
    problems = LINTER.lint([("random.yaml", text)]).problems
    clean = not any(problem.level == "error" for problem in problems)
    event("clean" if clean else "not clean")
    if clean:
        assert undefined_in(text) == []

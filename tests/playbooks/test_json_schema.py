"""The JSON Schema refuses what has a wrong shape, and nothing that the loader takes."""

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.cli.schema import NAME, schema_text
from engine.config.load import read_config
from engine.marked_yaml.read import read_yaml
from engine.playbooks.load import Loader
from engine.problem import EngineError
from engine.wiring import offline_step_types
from tests.lint.test_cases import CASES, expectations

ROOT = Path(__file__).parents[2]
STEP_TYPES = offline_step_types(read_config("", Path("config.yaml"), {}, offline=True))
SCHEMA = json.loads(schema_text())
SHIPPED = [
    path
    for path in sorted((ROOT / "playbooks").glob("*.yaml"))
    if not path.name.endswith(".test.yaml")
]
VALIDATOR = Draft202012Validator(SCHEMA)

# What JSON Schema can say of a file. The rest takes more than the shape of it.
OF_SHAPE = {
    *("unknown-key", "missing-key", "wrong-value", "duration", "size", "rate", "condition-type"),
    *("not-a-playbook", "not-a-step", "not-a-branch", "no-step-type", "two-step-types"),
    *("misplaced-key", "two-bodies", "shell-what", "answer-value"),
    *("umask", "user-name"),
    *("unknown-operation", "unknown-parameter", "missing-parameter"),
}


def complaints(value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(value)]


def takes(text: str) -> bool:
    """Whether the loader takes it; what it calls may lie elsewhere."""
    loaded = Loader(STEP_TYPES).load_all([("p.yaml", text)])
    return {problem.code for problem in loaded.problems} <= {"no-such-playbook"}


def test_it_is_a_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_the_shipped_one_is_what_the_command_writes() -> None:
    """`engine schema --output playbooks/playbook.schema.json` makes it so."""
    assert (ROOT / "playbooks" / NAME).read_text(encoding="utf-8") == schema_text()


# What it says to people -------------------------------------------------------------------


def keys_of(schema: Any, at: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Every key that is described: its place, what is said of it, whether it has to be there."""
    if isinstance(schema, list):
        for one in schema:
            yield from keys_of(one, at)
    if not isinstance(schema, dict):
        return
    for name, one in schema.get("properties", {}).items():
        if isinstance(one, dict) and not at.endswith(".else"):
            yield f"{at}.{name}", one, name in schema.get("required", ())
    for key, one in schema.items():
        if key == "properties":
            for name, inner in one.items():
                yield from keys_of(inner, f"{at}.{name}")
        elif key not in ("examples", "default", "if"):
            yield from keys_of(one, f"{at}.{key}")


KEYS = [(at, said, required) for at, said, required in keys_of(SCHEMA)]
OWN_KEYS = [entry for entry in KEYS if ".else." not in entry[0]]  # those of operations are not ours


def closed(said: Mapping[str, Any]) -> bool:
    """Whether an editor knows all values by itself."""
    kinds = [said, *said.get("anyOf", ())]
    return any("enum" in one or "const" in one or one.get("type") == "boolean" for one in kinds)


def shown(said: Mapping[str, Any]) -> bool:
    return any("examples" in one for one in (said, *said.get("anyOf", ())))


def test_every_key_is_described() -> None:
    assert len(KEYS) > 300
    assert [at for at, said, _ in KEYS if not said.get("description")] == []


def test_every_key_has_an_example_or_all_its_values() -> None:
    assert [at for at, said, _ in OWN_KEYS if not shown(said) and not closed(said)] == []


def test_every_key_has_a_default_or_has_to_be_there() -> None:
    """A step type and the trigger are there or not; that is said elsewhere."""
    without = [at for at, said, required in OWN_KEYS if "default" not in said and not required]
    types = [f".$defs.Step.{name}" for name in (*STEP_TYPES, "parallel", "playbook")]
    assert sorted(without) == sorted([".trigger", *types])


def test_defaults_are_written_as_in_yaml() -> None:
    defaults = {at: said["default"] for at, said, _ in OWN_KEYS if "default" in said}
    assert defaults[".timeout"] == "1h"
    assert defaults[".$defs.RetryModel.delay"] == "1s"
    assert defaults[".$defs.ApproveParameters.within"] == "30m"


# What it takes ----------------------------------------------------------------------------


def playbooks_in_tests() -> Iterator[tuple[str, str]]:
    """The place and the text of everything in the tests that looks like a playbook."""
    for path in sorted((ROOT / "tests").rglob("*.yaml")):
        yield str(path), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                head = "" if "name:" in node.value else "name: p\n"
                head += "" if "trigger:" in node.value else "trigger: {}\n"
                yield f"{path}:{node.lineno}", head + node.value


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_playbook_passes_and_names_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert complaints(read_yaml(text, path.name).value) == []
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={NAME}"


def test_every_playbook_of_the_tests_that_loads_passes() -> None:
    loading = [(at, text) for at, text in playbooks_in_tests() if "steps:" in text and takes(text)]

    assert len(loading) > 100
    values = [(at, read_yaml(text, "p.yaml").value) for at, text in loading]
    assert {at: complaints(value) for at, value in values if complaints(value)} == {}


# Steps that load, and places where something else may stand.
STEPS: dict[str, Any] = {
    "http": {"url": "http://x"},
    "shell": {"argv": ["ls"]},
    "flashduty": {"call": "incident/ack"},
    "wait": {"duration": "1s"},
    "set": {"a": 1},
    "stop": {},
    "approve": {"ask": "Now?"},
    "parallel": {"branches": [[{"wait": "1s"}]]},
    "playbook": {"call": "other"},
}


Place = tuple[str | int, ...]


def places(at: Place, definition: Mapping[str, Any]) -> Iterator[tuple[Place, list[Any]]]:
    """The keys of a definition and those inside them, each with values it is said to take."""
    for name, one in definition.get("properties", {}).items():
        kinds = (one, *one.get("anyOf", ()))
        said = [value for kind in kinds for value in kind.get("examples", ())]
        said += [value for kind in kinds for value in kind.get("enum", ())]
        yield (*at, name), [*said, *(kind["default"] for kind in kinds if "default" in kind)]
        for kind in kinds:
            reference = kind.get("$ref", "").rpartition("/")[2]
            if reference and reference not in ("Step", "Template"):
                yield from places((*at, name), SCHEMA["$defs"][reference])


def places_for(type_: str) -> list[tuple[Place, list[Any]]]:
    """Those of a file, of a step of this type, and some that are nowhere in the schema."""
    file = [one for one in places((), SCHEMA) if one[0] != ("steps",)]
    of_step = places(("steps", 0), SCHEMA["$defs"]["Step"])
    step = [one for one in of_step if one[0][2] == type_ or one[0][2] not in STEPS]
    more: list[Place] = [("nonsense",), ("vars", "a"), ("inputs", "a"), ("finally", 0, type_)]
    more += [("inputs", "a", "type"), ("inputs", "a", "default"), ("inputs", "a-b", "type")]
    more += [("steps", 0, type_, name) for name in ("comment", "incident_ids", "minutes", "a")]
    return [*file, *step, *((place, []) for place in more)]


PLACES = {type_: places_for(type_) for type_ in STEPS}
WORDS = (
    *(
        "",
        "x",
        "30s",
        "1h30m",
        "0.5s",
        "5 per 1h",
        "64KiB",
        "{{ vars.a }}",
        "at {{ 1 }}",
        "a == 'b'",
    ),
    *("string", "true", "yes", "3", "incident/comment", "/incident/snooze/"),
)
ANYTHING = st.recursive(
    st.sampled_from([*WORDS, True, False, None, 0, 1, 3, -1, 2.5, 3.0, 1e300]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "user", "type"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A playbook that loads, with some keys set to what they are said to take, or to anything."""
    type_ = draw(st.sampled_from(sorted(STEPS)))
    playbook = {"name": "p", "trigger": {}, "steps": [{type_: STEPS[type_]}]}
    playbook = json.loads(json.dumps(playbook))
    for place, said in draw(st.lists(st.sampled_from(PLACES[type_]), min_size=1, max_size=4)):
        likely = st.sampled_from(said) if said else ANYTHING
        put(playbook, place, draw(likely | likely | ANYTHING))
    return playbook


def put(value: Any, place: Place, new: Any) -> None:
    """Set what stands at a place, making what is around it where it is not there."""
    *around, last = place
    for part in around:
        if isinstance(value, list):
            if not isinstance(part, int):
                return
            value.extend({} for _ in range(part + 1 - len(value)))
        elif not isinstance(value.get(part), dict | list):
            value[part] = [] if part in ("steps", "finally") else {}
        value = value[part]
    if isinstance(value, dict):
        value[last] = new


@settings(max_examples=80, suppress_health_check=[HealthCheck.filter_too_much])
@given(mutated())
def test_whatever_the_loader_takes_passes(playbook: Any) -> None:
    text = json.dumps(playbook)
    assume(takes(text))
    value = read_yaml(text, "p.yaml").value
    assert complaints(value) == [], text


# What it refuses --------------------------------------------------------------------------


def test_a_file_with_a_mistake_of_shape_is_refused() -> None:
    """Of the cases of `engine lint`."""
    refused: set[str] = set()
    passed: set[str] = set()
    for case in CASES:
        text = case.read_text(encoding="utf-8")
        codes = {problem.code for problem in expectations(text)}
        if "yaml-syntax" in codes or not codes & OF_SHAPE:
            continue
        try:
            value = read_yaml(text, case.name).value
        except EngineError:
            continue  # not even YAML
        (refused if complaints(value) else passed).add(case.stem)

    assert len(refused) > 30
    # Templates and `truncate` let a text be longer; types of defaults are named in the file itself.
    assert passed == {"flashduty-text-too-long", "inputs-nobody-gives"}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"wait": "1s", "shell": ["ls"]}, "is valid under each of"),
        ({"name": "nothing"}, "is not valid under any of the given schemas"),
        ({"htpp": "http://x"}, "'htpp' was unexpected"),
        ({"wait": 30}, "30 is not valid under any of the given schemas"),
        ({"wait": "30"}, "'30' is not valid under any of the given schemas"),
        ({"shell": "ls -l"}, "'ls -l' is not valid under any of the given schemas"),
        ({"parallel": [[{"wait": "1s"}]], "retry": {"attempts": 2}}, "False schema"),
        ({"wait": "1s", "max_parallel": 2}, "'foreach' is a dependency of 'max_parallel'"),
        ({"flashduty": {"call": "incident/snooze", "minutes": 5000}}, "is not valid under any"),
        ({"flashduty": {"call": "incident/snooze", "minuets": 5}}, "is not valid under any"),
        ({"flashduty": {"call": "incident/sooze"}}, "is not valid under any"),
    ],
)
def test_a_step_with_a_wrong_shape_is_refused(step: Any, said: str) -> None:
    found = complaints({"name": "p", "trigger": {}, "steps": [step]})
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    "step",
    [
        {"wait": "{{ config.pause }}"},
        {"shell": "{{ vars.command }}"},
        {"http": {"url": "http://x", "method": "{{ vars.method }}", "json": None}},
        {"flashduty": {"call": "incident/snooze", "minutes": "{{ vars.minutes }}"}},
        {"flashduty": {"call": "anything/at/all", "unchecked": True, "at": ["all"]}},
        {"flashduty": {"call": "incident/comment", "comment": "x" * 2000, "truncate": True}},
        {"parallel": {"branches": [[{"wait": "1s"}]], "fail": "late"}},
        {"playbook": "other"},
    ],
)
def test_what_is_short_or_comes_from_a_template_is_taken(step: Any) -> None:
    assert complaints({"name": "p", "trigger": {}, "steps": [step]}) == []

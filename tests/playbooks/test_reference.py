"""playbooks/README.md is the reference of the language: its examples load, and nothing is missing."""

import re
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import run
from engine.config.load import read_config
from engine.events.document import NAMES
from engine.lint.checks import CHECKS
from engine.playbooks.filters import ALLOWED
from engine.playbooks.load import Loader
from engine.playbooks.playbook import PlaybookText
from engine.playbooks.schema import GuardModel, InputModel, PlaybookModel, TriggerModel
from engine.playbooks.step_schema import (
    CallModel,
    CommonModel,
    ParallelModel,
    RetryModel,
    UntilModel,
)
from engine.rehearsal.mock_reading import MockModel
from engine.rehearsal.scenario_file import (
    CaseModel,
    EarlierModel,
    ExpectModel,
    LaneModel,
    ScenarioModel,
)
from engine.rules.functions import EngineFunctions
from engine.wiring.step_types import offline_loader, offline_step_types

REFERENCE = (Path(__file__).parents[2] / "playbooks/README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
QUOTED = " ".join(re.findall(r"`([^`\n]+)`", REFERENCE)) + " ".join(EXAMPLES)
CONFIG = read_config("", Path("config.yaml"), {}, offline=True)


@pytest.fixture
def loader() -> Loader:
    return offline_loader(CONFIG)


@pytest.mark.parametrize(
    "example", [text for text in EXAMPLES if "steps:" in text and "cases:" not in text]
)
def test_every_playbook_it_shows_loads(loader: Loader, example: str) -> None:
    text = example if "name:" in example.split("steps:", maxsplit=1)[0] else f"name: x\n{example}"
    text = text if "trigger:" in text or "inputs:" in text else f"trigger: {{}}\n{text}"

    assert loader.load(text, "reference.yaml").steps


@pytest.mark.parametrize("example", [text for text in EXAMPLES if text.startswith("- ")])
def test_every_list_of_steps_it_shows_loads(loader: Loader, example: str) -> None:
    called = [(text, "called.yaml") for text in EXAMPLES if text.startswith("name: drain-host")]
    text = f"name: x\ntrigger: {{}}\nsteps:\n{example}"
    assert loader.load_kept(PlaybookText(text, "reference.yaml", tuple(called))).steps


def test_it_shows_playbooks_and_steps() -> None:
    assert len(EXAMPLES) >= 3


def test_the_tests_it_shows_hold_for_the_playbook_it_begins_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tests,) = [text for text in EXAMPLES if "cases:" in text]
    (tmp_path / "restart-web.yaml").write_text(EXAMPLES[0])
    (tmp_path / "restart-web.test.yaml").write_text(tests)

    assert run(["test", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 cases in 1 file: 3 hold, 0 fail"


def _keys(model: Any) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


@pytest.mark.parametrize(
    "model",
    [
        PlaybookModel,
        TriggerModel,
        GuardModel,
        CommonModel,
        RetryModel,
        UntilModel,
        ParallelModel,
        CallModel,
        InputModel,
        ScenarioModel,
        CaseModel,
        EarlierModel,
        LaneModel,
        ExpectModel,
        MockModel,
    ],
)
def test_every_key_is_named(model: Any) -> None:
    assert [key for key in _keys(model) if not re.search(rf"\b{key}\b", QUOTED)] == []


@pytest.mark.parametrize(("name", "step_type"), offline_step_types(CONFIG).items())
def test_every_step_type_and_each_of_its_parameters_is_named(name: str, step_type: Any) -> None:
    keys = [name, *_keys(step_type.parameters)]
    shorthand = step_type.parameters.shorthand

    missing = [key for key in keys if not re.search(rf"\b{key}\b", QUOTED)]

    assert [key for key in missing if key != shorthand] == []


@pytest.mark.parametrize(("name", "step_type"), offline_step_types(CONFIG).items())
def test_the_table_of_types_names_every_result(name: str, step_type: Any) -> None:
    [row, *_] = re.findall(rf"^\| `{name}` \| [^|]* \| (.*) \|$", REFERENCE, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", row)) - {"error"}
    if step_type.results is not None:
        assert named == step_type.results.keys()


def test_every_code_of_a_check_is_named() -> None:
    assert [code for code in CHECKS if f"`{code}`" not in REFERENCE] == []


def test_every_name_of_the_document_and_every_function_is_named() -> None:
    own = [
        name.removeprefix("_func_") for name in vars(EngineFunctions) if name.startswith("_func_")
    ]
    assert len(own) == 6
    names = [*NAMES, "secrets", *own]

    assert [name for name in names if not re.search(rf"\b{name}\b", QUOTED)] == []


def test_every_filter_is_named() -> None:
    assert [name for name in ALLOWED if f"`{name}`" not in REFERENCE] == []

"""What playbooks/README.md says of the language is what the engine does, and all of it is there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from engine.config.load import read_config
from engine.events.document import NAMES, document_of
from engine.events.event import Event
from engine.flashduty.operations import OPERATIONS
from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook
from engine.playbooks.schema import (
    COMMON_KEYS,
    LATER_KEYS,
    CommonModel,
    PlaybookModel,
    RetryModel,
    TriggerModel,
)
from engine.playbooks.step_type import StepType
from engine.playbooks.template import RenderError, Templates
from engine.playbooks.units import parse_duration, parse_size
from engine.rules.condition import Condition
from engine.rules.functions import function_names
from engine.steps.http import HttpParameters
from engine.wiring import offline_loader, offline_step_types

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "playbooks/README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", REFERENCE, re.DOTALL | re.MULTILINE)
PROSE = re.sub(r"^```.*?^```$", "", REFERENCE, flags=re.DOTALL | re.MULTILINE)
PRESS = ROOT / "tests/fixtures/custom-action.vendor-page.json"
CONFIG = read_config("", ROOT / "config.yaml", {}, offline=True)
STEP_TYPES: dict[str, StepType[Any]] = offline_step_types(CONFIG)
ANSWERS = ("yes", "no", "cannot tell")

type_names = pytest.mark.parametrize("name", STEP_TYPES)


def spans(markdown: str) -> list[str]:
    """What stands in backticks; two of them hold one that is meant."""
    found = re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", markdown)
    return [text.strip().replace("\\|", "|") for _, text in found]


def section(title: str) -> str:
    """From a heading to the next one of any level."""
    _, _, rest = PROSE.partition(f"# {title}\n")
    assert rest, title
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str, head: str) -> Iterator[list[str]]:
    """The cells of the table whose head begins with this cell."""
    _, _, rest = text.partition(f"| {head} |")
    for line in rest.splitlines()[2:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def first_names(text: str, head: str) -> list[str]:
    return [name for row in rows(text, head) for name in spans(row[0])]


def keys_of(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def mentioned() -> set[str]:
    return {word for span in spans(PROSE) for word in re.findall(r"\w+", span)}


@pytest.fixture
def loader() -> Loader:
    return offline_loader(CONFIG)


@pytest.fixture
def document() -> dict[str, Any]:
    payload = json.loads(PRESS.read_text(encoding="utf-8"))
    event = Event(
        id="event",
        source="custom-action",
        action="restart-web",
        key="key",
        type=payload["event_type"],
        time=payload["event_time"],
        query={},
        headers={},
        payload=payload,
        received=0.0,
    )
    return document_of(event, {})


def whole(block: str) -> str:
    """A block as a playbook: itself, or the steps that it is."""
    if re.search(r"^name:", block, re.MULTILINE) and re.search(r"^steps:", block, re.MULTILINE):
        return block
    assert block.startswith("- "), f"neither a playbook nor a list of steps:\n{block}"
    return f"name: example\ntrigger: {{}}\nsteps:\n{block}"


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_taken(loader: Loader, block: str) -> None:
    assert loader.load(whole(block), "README.md").steps


def test_there_are_examples_of_both_kinds_and_of_every_step_type(loader: Loader) -> None:
    loaded: list[Playbook] = [loader.load(whole(block), "README.md") for block in BLOCKS]

    used = {step.type for one in loaded for step in (*one.steps, *one.on_failure, *one.finally_)}
    assert used == set(STEP_TYPES)
    assert {whole(block) == block for block in BLOCKS} == {True, False}


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("The keys of the file", PlaybookModel),
        ("The keys of `trigger`", TriggerModel),
        ("The keys of a step", CommonModel),
        ("The keys of `retry`", RetryModel),
    ],
)
def test_every_key_has_its_row_and_no_row_is_made_up(title: str, model: type[BaseModel]) -> None:
    assert first_names(section(title), "key") == keys_of(model)


def test_the_common_keys_are_those_the_loader_takes() -> None:
    assert first_names(section("The keys of a step"), "key") == list(COMMON_KEYS)


def test_nothing_is_promised_that_this_version_refuses() -> None:
    assert not mentioned() & (LATER_KEYS - {"playbook"})


@type_names
def test_every_parameter_of_a_step_type_has_its_row(name: str) -> None:
    parameters = keys_of(STEP_TYPES[name].parameters)

    assert first_names(section(f"`{name}`"), "parameter") == parameters


def test_every_step_type_has_its_timeout_and_its_result() -> None:
    table = {spans(row[0])[0]: row for row in rows(section("Step types"), "type")}

    assert list(table) == list(STEP_TYPES)
    for name, (_, timeout, _) in table.items():
        assert STEP_TYPES[name].timeout == (None if timeout == "none" else parse_duration(timeout))


@pytest.mark.parametrize("model", [PlaybookModel, CommonModel, RetryModel, HttpParameters])
def test_the_defaults_it_names_are_those_of_the_models(model: type[BaseModel]) -> None:
    titles = {
        PlaybookModel: ("The keys of the file", "key"),
        CommonModel: ("The keys of a step", "key"),
        RetryModel: ("The keys of `retry`", "key"),
        HttpParameters: ("`http`", "parameter"),
    }
    title, head = titles[model]
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for row in rows(section(title), head):
        field = fields[spans(row[0])[0]]
        assert (row[1] == "required") is field.is_required(), row
        for default in spans(row[1]):
            shown = {"true": True, "false": False}.get(default, default)
            if isinstance(field.default, float) and not default.isdigit():
                assert parse_duration(default) == field.default
            else:
                assert (
                    str(shown) == f"{field.default:g}"
                    if isinstance(field.default, float)
                    else shown == field.default
                )


def test_the_methods_are_all_named() -> None:
    methods = get_args(HttpParameters.model_fields["method"].annotation)

    assert " ".join(methods) in spans(section("`http`"))


def test_every_function_of_conditions_is_named_once() -> None:
    added = [
        span.partition("(")[0] for span in first_names(section("Conditions"), "added function")
    ]
    own = [text for text in re.findall(r"`(.+?)`", section("Conditions"), re.DOTALL)]
    [built_in] = [text.split() for text in own if text.startswith("abs ")]

    assert sorted([*added, *built_in]) == list(function_names())


def test_every_name_of_the_document_has_its_row() -> None:
    names = [name for name in NAMES if name not in ("item", "index")]

    assert [spans(row[0])[0] for row in rows(section("The document"), "name")] == names


def test_the_parts_of_the_event_and_of_the_run_are_those_there_are(
    loader: Loader, document: dict[str, Any]
) -> None:
    from engine.runs.flow import Flow

    sees = Flow(loader.load(whole("- wait: 1s\n"), "a.yaml"), document, "run").sees()
    said = spans(section("The document"))
    for name in ("event", "run"):
        parts = {span.partition(".")[2] for span in said if span.startswith(f"{name}.")}
        assert parts == set(sees[name])


def test_its_conditions_answer_what_it_says(document: dict[str, Any]) -> None:
    shown = list(rows(section("Conditions"), "condition"))
    assert len(shown) > 10
    for condition, answer in shown:
        [text] = spans(condition)
        said = max((one for one in ANSWERS if answer.startswith(one)), key=len)
        assert Condition.parse(text).decide(document).answer.value == said, text


def test_its_functions_give_what_it_says(document: dict[str, Any]) -> None:
    for call, value in rows(section("Conditions"), "added function"):
        [text] = spans(call)
        assert Condition.parse(text).value(document) == json.loads(spans(value)[0]), text


def test_its_templates_give_what_it_says(document: dict[str, Any]) -> None:
    shown = list(rows(section("Templates"), "template"))
    assert len(shown) > 10
    for source, value in shown:
        [text] = spans(source)
        template = Templates().parse(text)
        if value.startswith("fails"):
            with pytest.raises(RenderError):
                template.render(document)
        else:
            assert template.render(document) == json.loads(spans(value)[0]), text


def test_its_arithmetic_of_retries_is_right(loader: Loader) -> None:
    [block] = [block for block in BLOCKS if "waits" in block]
    [step] = loader.load(whole(block), "README.md").steps
    said = re.findall(r"waits (.+)", block)[0].split(", ")

    delays = [step.retry.delay_after(attempt) for attempt in range(1, step.retry.attempts)]
    assert delays == [parse_duration(text) for text in said]


def test_its_durations_and_sizes_are_taken() -> None:
    durations, sizes = section("Durations and sizes").split("Sizes:")
    for text in spans(durations):
        assert parse_duration(text) > 0
    for text in spans(sizes):
        assert parse_size(text if text[0].isdigit() else f"1{text}") > 0


def test_the_operations_it_names_are_in_the_catalogue() -> None:
    named = first_names(section("`flashduty`"), "call")

    assert len(named) > 10
    for path in named:
        operation = OPERATIONS[f"/{path}"]
        assert operation.incident is not None or not path.startswith("incident/")

"""The JSON Schema of a playbook file (draft 2020-12), for editors: made of the models that load it.

It refuses nothing that the loader takes. What it cannot say, such as the names that a condition may
use, `engine lint` says.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from typing_extensions import override

from engine.playbooks.calling import CALL
from engine.playbooks.json_values import DURATION, TEMPLATE, Schema
from engine.playbooks.schema import PlaybookModel
from engine.playbooks.step_reading import PARALLEL, misplaced
from engine.playbooks.step_schema import STEP, CallModel, CommonModel, ParallelModel
from engine.playbooks.step_type import StepType
from engine.playbooks.units import format_duration
from engine.rules.condition import Condition

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_BY_REFERENCE: Final = (("Template", TEMPLATE), ("Step", STEP))


class _Generator(GenerateJsonSchema):
    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False  # it would be the key once more


def playbook_schema(step_types: Mapping[str, StepType[Any]]) -> Schema:
    """The schema of a file whose steps are of these step types."""
    short: dict[str, tuple[type[BaseModel], str | None]] = {
        PARALLEL: (ParallelModel, "branches"),
        CALL: (CallModel, "call"),
    }
    for name, type_ in step_types.items():
        short[name] = (type_.parameters, type_.parameters.shorthand)
    known = _definitions([PlaybookModel, CommonModel, *(model for model, _ in short.values())])
    file, common = known.pop(PlaybookModel.__name__), known.pop(CommonModel.__name__)
    types = {name: _typed(known, model, key) for name, (model, key) in short.items()}
    definitions = {**known, "Step": _step(common, types)}
    return {
        "$schema": DRAFT,
        "title": "A playbook",
        **_finished(file),
        "description": "What is done about which events. `engine lint` finds what this cannot see.",
        "$defs": {**_finished(definitions), "Template": dict(TEMPLATE)},
    }


def _definitions(models: Sequence[type[BaseModel]]) -> dict[str, Schema]:
    """Those of the models and of what they hold, by the names of their classes."""
    wanted: list[tuple[type[BaseModel], Literal["validation"]]]
    wanted = [(model, "validation") for model in models]
    _, made = models_json_schema(wanted, schema_generator=_Generator)
    definitions: dict[str, Schema] = made["$defs"]
    del definitions[Condition.__name__]  # a text, wherever it stands
    for one in definitions.values():
        del one["title"]
    return definitions


def _typed(known: Mapping[str, Schema], model: type[BaseModel], shorthand: str | None) -> Schema:
    """What may stand behind the key of a step type: its parameters, or one of them alone."""
    parameters = known[model.__name__]
    kinds: list[Schema] = [{"$ref": f"#/$defs/{model.__name__}"}]
    if shorthand is not None:
        alone = dict(parameters["properties"][shorthand])
        alone.pop("default", None)
        kinds.append(alone)
    said = {key: parameters[key] for key in ("description", "examples")}
    return {**said, "anyOf": kinds}


def _step(common: Schema, types: Mapping[str, Schema]) -> Schema:
    """One of the types beside the common keys, without those that mean nothing for it."""
    without = {name: [key for key, _ in misplaced({"foreach": ""}, [name])] for name in types}
    return {
        "type": "object",
        "description": "One thing to do: the key of a step type beside keys that all steps have.",
        "properties": {**types, **common["properties"]},
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in types],
        "allOf": [
            {"if": {"required": [name]}, "then": {"properties": dict.fromkeys(keys, False)}}
            for name, keys in without.items()
            if keys
        ],
        "dependentRequired": {"max_parallel": ["foreach"]},
        "not": {"required": ["retry", "until"]},
    }


def _finished(schema: Any) -> Any:
    """With references for what stands in many places, and defaults as they are written in YAML."""
    if isinstance(schema, list):
        return [_finished(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    for name, known in _BY_REFERENCE:
        if schema == known:
            return {"$ref": f"#/$defs/{name}"}
    finished = {key: _finished(value) for key, value in schema.items()}
    kinds = [schema, *schema.get("anyOf", ())]
    if any(kind.get("pattern") == DURATION["pattern"] for kind in kinds):
        default = schema.get("default")
        if isinstance(default, float):
            finished["default"] = format_duration(default)
    if "patternProperties" in schema:
        finished["additionalProperties"] = False  # other keys are no names
    return finished

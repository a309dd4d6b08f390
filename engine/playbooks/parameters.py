"""What step types build the models of their parameters from."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    Strict,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from typing_extensions import override

from engine.playbooks.deferred import Deferred
from engine.playbooks.json_values import CONDITION, DURATION, SIZE, or_template
from engine.playbooks.units import parse_duration, parse_size
from engine.problem import Complaint
from engine.rules.condition import Condition, ConditionSyntaxError
from engine.rules.conditions import Conditions


class Model(BaseModel):
    """The settings of every model that reads YAML: unknown keys are problems, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Parameters(Model):
    """What a step type takes. Checked twice: at load around the templates, and whole once rendered.

    `shorthand` names the parameter that a value which is no mapping stands for (`wait: 30s`).
    `constants` names the parameters that are never rendered.
    """

    shorthand: ClassVar[str | None] = None
    constants: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="wrap")
    @classmethod
    def _deferred_stands_for_anything(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        return value if isinstance(value, Deferred) else check(value)

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(core)
        schema = handler.resolve_ref_schema(reference)
        for name, one in schema["properties"].items():
            if name not in cls.constants:
                schema["properties"][name] = or_template(one)
        return reference

    def complaints(self) -> Iterator[Complaint]:
        """What is wrong beyond the types, as far as it is known: what is Deferred is not yet."""
        yield from ()

    def complaints_once_rendered(
        self,
        written: Mapping[str, Any],  # noqa: ARG002 - most take any data
    ) -> Iterator[Complaint]:
        """What data may not bring in. `written` has Templates where there is data now.

        In a rehearsal there may be Deferred ones still.
        """
        yield from ()


class Result(Model):
    """What comes back to a step from outside; what is left out is as when all is well."""

    @classmethod
    def types(cls) -> dict[str, str]:
        """The JSON Schema type of each name; "any" where nothing is known of it."""
        properties: dict[str, Any] = cls.model_json_schema()["properties"]
        return {
            name: (one.get("anyOf") or [one])[0].get("type", "any")
            for name, one in properties.items()
        }

    def whole(self) -> dict[str, Any]:
        """As `steps.<id>` has it: what is null by default is there only when it was given."""
        given = self.model_fields_set
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            type(self).model_fields[name].alias or name: value
            for name, value in values.items()
            if value is not None or name in given
        }


def _or_deferred(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, Deferred) else check(value)


def _as_text(value: Any) -> Any:
    """A port or a flag written without quotes is meant as the text it shows."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _refusing(parse: Callable[[object], Any], code: str) -> Callable[[object], Any]:
    def check(value: object) -> Any:
        try:
            return parse(value)
        except ValueError as error:
            raise PydanticCustomError(code, "{said}", {"said": str(error)}) from None

    return check


def parse_condition(value: object, info: ValidationInfo) -> Condition:
    """A Condition. Refuses with the `offset` of what is wrong; the loader makes a place of it.

    The context, if there is one, are the Conditions that have been read.
    """
    if isinstance(value, Condition):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(
            "condition-type", "a condition is a JMESPath text", {"hint": "write it in quotes"}
        )
    try:
        known = info.context
        return known.parse(value) if isinstance(known, Conditions) else Condition.parse(value)
    except ConditionSyntaxError as error:
        context: dict[str, Any] = {"said": error.message, "offset": error.offset}
        if error.hint:
            context["hint"] = error.hint
        raise PydanticCustomError("condition-syntax", "{said}", context) from None


Text = Annotated[
    str,
    BeforeValidator(_as_text),
    WrapValidator(_or_deferred),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
# pydantic's own ones take 'yes' for true and '3' for a number.
Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Duration = Annotated[
    float, BeforeValidator(_refusing(parse_duration, "duration")), WithJsonSchema(DURATION)
]
Size = Annotated[int, BeforeValidator(_refusing(parse_size, "size")), WithJsonSchema(SIZE)]
ConditionField = Annotated[Condition, BeforeValidator(parse_condition), WithJsonSchema(CONDITION)]

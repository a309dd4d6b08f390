from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field, ValidationError

from engine.playbooks.deferred import Unknown
from engine.playbooks.parameters import (
    ConditionField,
    Duration,
    Flag,
    Model,
    Parameters,
    Result,
    Size,
    Text,
)
from engine.playbooks.template import Template, Templates
from engine.rules.condition import Condition
from engine.rules.conditions import Conditions


class Everything(Parameters):
    shorthand: ClassVar[str | None] = "text"

    text: Text = ""
    texts: list[Text] | None = None
    number: int = 0
    duration: Duration = 1.0
    size: Size = 1
    flag: Flag = False
    condition: ConditionField | None = None


def complaint(**value: object) -> tuple[str, str, object]:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(value)
    (error,) = caught.value.errors(include_url=False)
    return error["type"], error["msg"], error.get("ctx", {}).get("hint")


def test_values_are_read_as_people_write_them() -> None:
    assert Everything.model_validate(
        {
            "text": "a",
            "texts": ["a", 5],
            "number": 2,
            "duration": "1m",
            "size": "1KiB",
            "flag": True,
        }
    ) == Everything.model_construct(
        text="a",
        texts=["a", "5"],
        number=2,
        duration=60.0,
        size=1024,
        flag=True,
        condition=None,
    )


@pytest.mark.parametrize(
    ("value", "text"), [(8080, "8080"), (1.5, "1.5"), (True, "true"), (False, "false"), ("", "")]
)
def test_a_port_or_a_flag_without_quotes_is_meant_as_the_text_it_shows(
    value: object, text: str
) -> None:
    assert Everything.model_validate({"text": value}).text == text


@pytest.mark.parametrize("value", [None, ["a"], {"a": 1}])
def test_other_things_are_no_text(value: object) -> None:
    assert complaint(text=value)[0] == "string_type"


@pytest.mark.parametrize(
    "name", ["text", "texts", "number", "duration", "size", "flag", "condition"]
)
def test_a_template_or_an_unknown_stands_for_anything(name: str) -> None:
    for deferred in (Templates().parse("{{ a }}"), Unknown("steps.a")):
        kept = Everything.model_validate({name: deferred})
        assert getattr(kept, name) is deferred


def test_an_item_of_a_list_can_wait_too() -> None:
    template = Templates().parse("{{ a }}")
    (kept,) = Everything.model_validate({"texts": [template]}).texts or []
    assert isinstance(kept, Template)


def test_a_bad_duration_or_size_is_a_complaint_of_its_own_kind() -> None:
    assert complaint(duration=30) == (
        "duration",
        "a duration has a unit, as in 500ms, 90s, 10m or 1h30m; this is 30",
        None,
    )
    assert complaint(size="9" * 400 + "GB")[0] == "size"


@pytest.mark.parametrize("value", ["yes", "on", "true", 1, 0, "false", None])
def test_only_true_and_false_are_flags(value: object) -> None:
    assert complaint(flag=value)[0] == "bool_type"


def test_a_condition_is_parsed_once() -> None:
    condition = Condition.parse("a == 'b'")
    assert Everything.model_validate({"condition": condition}).condition is condition
    assert Everything.model_validate({"condition": "a == 'b'"}).condition == condition


def test_a_condition_that_was_parsed_before_is_taken_from_there() -> None:
    conditions = Conditions()
    known = conditions.parse("a == 'b'")
    read = Everything.model_validate({"condition": "a == 'b'"}, context=conditions)
    assert read.condition is known


def test_a_condition_that_is_no_text() -> None:
    assert complaint(condition=["a"]) == (
        "condition-type",
        "a condition is a JMESPath text",
        "write it in quotes",
    )


def test_a_bad_condition_knows_the_character() -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate({"condition": "a = 'b'"})
    (error,) = caught.value.errors(include_url=False)
    assert error["type"] == "condition-syntax"
    assert error["ctx"] == {
        "said": "unknown token '='",
        "offset": 2,
        "hint": "JMESPath compares with '=='",
    }


def test_a_bad_condition_without_a_hint() -> None:
    assert complaint(condition="")[1:] == ("the expression is empty", None)


def test_unknown_keys_are_refused_and_values_are_frozen() -> None:
    assert complaint(unheard="of")[0] == "extra_forbidden"
    with pytest.raises(ValidationError, match="frozen"):
        Everything().number = 5  # type: ignore[misc]


def test_a_model_takes_no_deferred_value() -> None:
    class Plain(Model):
        number: int

    with pytest.raises(ValidationError):
        Plain.model_validate({"number": Unknown("steps.a")})


def test_parameters_have_no_short_form_and_no_constants_unless_they_say_so() -> None:
    assert Parameters.shorthand is None
    assert Parameters.constants == frozenset()


def test_parameters_have_nothing_to_complain_of_unless_they_say_so() -> None:
    assert list(Everything().complaints()) == []


class AResult(Result):
    status: int = 200
    body: Any = ""
    more: Annotated[Any, Field(alias="json")] = None
    cut: str | None = None


def test_a_result_is_whole_and_what_is_there_only_sometimes_is_not_made_up() -> None:
    assert AResult().whole() == {"status": 200, "body": ""}
    given = AResult.model_validate({"body": None, "json": None, "cut": "x"})
    assert given.whole() == {"status": 200, "body": None, "json": None, "cut": "x"}


def test_a_result_says_what_its_names_hold() -> None:
    assert AResult.types() == {"status": "integer", "body": "any", "json": "any", "cut": "string"}

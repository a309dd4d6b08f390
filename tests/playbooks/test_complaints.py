from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from engine.marked_yaml.read import read_yaml
from engine.playbooks.complaints import complaints, located
from engine.playbooks.parameters import ConditionField, Duration, Flag, Model
from engine.playbooks.schema import Name
from engine.playbooks.step_schema import Identifier
from engine.problem import Complaint


class Inner(Model):
    colour: str = "red"
    json_: Annotated[Any, Field(alias="json")] = None


class Whole(Model):
    name: Name = "a"
    identifier: Identifier = "a"
    names: dict[Identifier, int] = Field(default_factory=dict)
    inner: Inner | None = None
    inners: list[Inner] = Field(default_factory=list)
    either: Annotated[int | str, Field(union_mode="left_to_right")] = 1
    texts: list[Annotated[str, Field(min_length=1)]] = Field(default=["a"], min_length=1)
    whole: int = 1
    number: float = 1.0
    truth: Flag = False
    loose_truth: bool = False
    kind: Literal["a", "b"] = "a"
    url: Annotated[str, Field(pattern="^https://")] = "https://"
    pause: Duration = 1.0
    when: ConditionField | None = None
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value == 0:
            raise PydanticCustomError("zero-is-even", "this is even", {"hint": "take 1"})
        if value % 2 == 0:
            raise ValueError("Has to be odd")
        return value


class Needy(Model):
    url: str


def found(text: str, model: type[Model] = Whole) -> list[str]:
    marked = read_yaml(text, "a.yaml")
    with pytest.raises(ValidationError) as caught:
        model.model_validate(marked.value)
    return [str(one) for one in complaints(caught.value, model, marked, lambda loc: loc)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nam: a", "1:1: unknown-key: there is no key 'nam' here (did you mean 'name'?)"),
        (
            "inner: {color: red}",
            "1:9: unknown-key: there is no key 'color' here (did you mean 'colour'?)",
        ),
        (
            "inners:\n  - {}\n  - jsn: 1",
            "3:5: unknown-key: there is no key 'jsn' here (did you mean 'json'?)",
        ),
        ("name: 5", "1:7: wrong-value: 'name' takes a text, not 5"),
        (
            "inner: 5",
            "1:8: wrong-value: 'inner' takes a mapping, not 5 (its keys: colour, json)",
        ),
        ("names: []", "1:8: wrong-value: 'names' takes a mapping, not a list"),
        ("texts: {}", "1:8: wrong-value: 'texts' takes a list, not a mapping"),
        ("texts:", "1:7: wrong-value: 'texts' takes a list, not nothing"),
        ("texts: []", "1:8: wrong-value: 'texts' is empty"),
        ("texts: [a, '']", "1:12: wrong-value: an item of 'texts' is empty"),
        ("texts: [a, 5]", "1:12: wrong-value: an item of 'texts' takes a text, not 5"),
        ("whole: a", "1:8: wrong-value: 'whole' takes a whole number, not 'a'"),
        ("whole: 1.5", "1:8: wrong-value: 'whole' takes a whole number, not 1.5"),
        ("whole: []", "1:8: wrong-value: 'whole' takes a whole number, not a list"),
        ("number: a", "1:9: wrong-value: 'number' takes a number, not 'a'"),
        ("number: {}", "1:9: wrong-value: 'number' takes a number, not a mapping"),
        (
            "truth: yes",
            (
                "1:8: wrong-value: 'truth' takes true or false, not 'yes' "
                "(YAML 1.2 knows true and false; on, off, yes and no are texts)"
            ),
        ),
        (
            "loose_truth: maybe",
            (
                "1:14: wrong-value: 'loose_truth' takes true or false, not 'maybe' "
                "(YAML 1.2 knows true and false; on, off, yes and no are texts)"
            ),
        ),
        ("kind: c", "1:7: wrong-value: 'kind' should be 'a' or 'b', not 'c'"),
        ("odd: 2", "1:6: wrong-value: 'odd' has to be odd, not 2"),
        ("odd: 0", "1:6: zero-is-even: this is even (take 1)"),
        (
            "name: a b",
            (
                "1:7: wrong-value: 'name' cannot be 'a b' "
                "(a name has letters, digits, dots, dashes and underscores only)"
            ),
        ),
        (
            "names: {a-b: 1}",
            (
                "1:9: wrong-value: 'a-b' cannot be a key here "
                "(it has letters, digits and underscores only, and no digit first)"
            ),
        ),
        ("names: {a: b}", "1:12: wrong-value: 'a' takes a whole number, not 'b'"),
        (
            "url: ftp://a",
            "1:6: wrong-value: 'url' cannot be 'ftp://a' (it has to match ^https://)",
        ),
        ("pause: soon", None),
        (
            "when: a = 'b'",
            "1:9: condition-syntax: unknown token '=' (JMESPath compares with '==')",
        ),
        (
            f"whole: {'a' * 80}",
            f"1:8: wrong-value: 'whole' takes a whole number, not '{'a' * 59}...",
        ),
    ],
)
def test_a_complaint_is_said_in_words_of_the_file(text: str, said: str | None) -> None:
    duration = "1:8: duration: a duration is written like 500ms, 90s, 10m or 1h30m, not 'soon'"
    assert found(text) == [f"a.yaml:{said or duration}"]


def test_a_missing_key_is_told_at_the_mapping_that_lacks_it() -> None:
    assert found("{}", Needy) == ["a.yaml:1:1: missing-key: the key 'url' is missing"]


def test_the_file_itself_can_be_of_the_wrong_kind() -> None:
    said = "a.yaml:1:1: wrong-value: it takes a mapping, not a list (its keys: url)"
    assert found("- a", Needy) == [said]


def test_a_mapping_of_models_knows_the_keys_of_each() -> None:
    class Outer(Model):
        named: dict[str, Needy] = Field(default_factory=dict)

    assert found("named: {a: {url: b, ulr: d}}", Outer) == [
        "a.yaml:1:21: unknown-key: there is no key 'ulr' here (did you mean 'url'?)"
    ]


def test_deeper_there_is_no_hint() -> None:
    class Outer(Model):
        named: dict[str, dict[str, Needy]] = Field(default_factory=dict)

    assert found("named: {a: {b: {url: b, c: d}}}", Outer) == [
        "a.yaml:1:25: unknown-key: there is no key 'c' here"
    ]


def test_every_complaint_becomes_a_problem() -> None:
    assert len(found("nam: a\nwhole: b\nnumber: c")) == 3


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        (
            Complaint("wrong-value", ("inner", "colour"), "must be one of a, b", "c", "take a"),
            "2:19: wrong-value: 'inner.colour' must be one of a, b, not 'c' (take a)",
        ),
        (
            Complaint("wrong-value", ("inners", 0), "must be a list", {"colour": "d"}),
            "3:12: wrong-value: 'inners[0]' must be a list, not a mapping",
        ),
        (
            Complaint("unknown-parameter", ("inners", 0, "colour"), "is unknown", of_key=True),
            "3:13: unknown-parameter: 'inners[0].colour' is unknown",
        ),
        (
            Complaint("missing-parameter", ("inners", 0, "json"), "is required"),
            "3:12: missing-parameter: 'inners[0].json' is required",
        ),
        (
            Complaint("wrong-value", ("inner",), "must be a string", given=True),
            "2:10: wrong-value: 'inner' must be a string, not true",
        ),
    ],
)
def test_a_complaint_of_our_own_becomes_a_problem_at_its_place(
    complaint: Complaint, said: str
) -> None:
    marked = read_yaml("it:\n  inner: {colour: c}\n  inners: [{colour: d}]", "a.yaml")
    problem = located(complaint, marked, lambda loc: ("it", *loc))
    assert str(problem) == f"a.yaml:{said}"

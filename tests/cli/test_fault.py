"""A fault of ours tells no secret, whatever its exception quotes."""

import click
import pytest

from engine.cli.fault import FaultError, masking_faults
from engine.problem import EngineError, Problem
from engine.runs.redaction import Redactor


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor()
    made.learn("s3cret-value")
    return made


def break_down() -> None:
    try:
        dict[str, str]()["s3cret-value"]
    except KeyError as error:
        raise RuntimeError("http://x/?key=s3cret-value") from error


def test_what_breaks_is_told_masked_with_all_its_causes(redactor: Redactor) -> None:
    with pytest.raises(FaultError) as caught, masking_faults(redactor.text):
        break_down()

    assert caught.value.said == "RuntimeError: http://x/?key=******"
    assert "KeyError: '******'" in caught.value.trace
    assert "s3cret" not in caught.value.trace
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_problem_stays_one_and_is_masked(redactor: Redactor) -> None:
    with pytest.raises(EngineError) as caught, masking_faults(redactor.text):
        raise EngineError(Problem("bad", "it is s3cret-value", None, "not s3cret-value"))

    assert caught.value.problems == (Problem("bad", "it is ******", None, "not ******"),)


@pytest.mark.parametrize("error", [click.UsageError("no"), click.Abort(), BrokenPipeError()])
def test_what_is_no_fault_passes(redactor: Redactor, error: Exception) -> None:
    with pytest.raises(type(error)) as caught, masking_faults(redactor.text):
        raise error

    assert caught.value is error

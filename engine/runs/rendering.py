"""From a step and a document to the parameters of its step type, or to why there are none."""

import itertools
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engine.playbooks.playbook import Step
from engine.playbooks.step_type import StepType
from engine.playbooks.template import LocatedRenderError, render
from engine.problem import UNSAID, Complaint


def rendered(step: Step, step_type: StepType[Any], document: Mapping[str, Any]) -> Any:
    """The step's parameters, rendered and checked. Raises RenderError or pydantic's error."""
    parameters = step_type.parameters.model_validate(render(dict(step.parameters), document))
    found = (parameters.complaints(), parameters.complaints_once_rendered(step.parameters))
    for complaint in itertools.chain.from_iterable(found):
        raise LocatedRenderError(_sentence(complaint), complaint.loc)
    return parameters


def _sentence(complaint: Complaint) -> str:
    given = "" if complaint.given is UNSAID else f", not {complaint.given!r}"
    hint = f" ({complaint.hint})" if complaint.hint else ""
    return f"{complaint.message}{given}{hint}"


def rendering_error(step: Step, error: Exception) -> str:
    """One sentence that names the parameter: `url: 'resorce' is not there (...)`."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        where = ".".join([step.type, *(str(part) for part in first["loc"])])
        said = first["msg"].removeprefix("Value error, ")
        shown = repr(first["input"])
        return f"{where}: {said[:1].lower()}{said[1:]} (it is {shown})"
    at = error.at if isinstance(error, LocatedRenderError) else ()
    return f"{'.'.join([step.type, *(str(part) for part in at)])}: {error}"

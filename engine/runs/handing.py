"""What is rendered before the first step: `vars`, and the inputs of a playbook that is called."""

from collections.abc import Mapping
from typing import Any

from engine.playbooks.inputs import complete
from engine.playbooks.playbook import Playbook
from engine.playbooks.template import LocatedRenderError, RenderError, render
from engine.runs.run import Handed


def rendered_variables(
    playbook: Playbook, document: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """The playbook's `vars`, each of which may use those before it; and why one could not be."""
    variables: dict[str, Any] = {}
    for name, tree in playbook.variables.items():
        try:
            variables[name] = render(tree, {**document, "vars": variables})
        except RenderError as error:
            return variables, f"{name}: {error}"
    return variables, None


def handed_to(
    playbook: Playbook, inputs: Mapping[str, Any], document: Mapping[str, Any]
) -> Handed | str:
    """What a called playbook is handed, or why it cannot be called. `document` is its caller's."""
    try:
        given = render(dict(inputs), document)
    except RenderError as error:
        at = error.at if isinstance(error, LocatedRenderError) else ()
        return f"{'.'.join(('inputs', *(str(part) for part in at)))}: {error}"
    try:
        values = complete(playbook.inputs, given)
    except ValueError as error:
        return f"inputs: {error}"
    own = {name: value for name, value in document.items() if name not in ("item", "index")}
    variables, said = rendered_variables(playbook, {**own, "inputs": values, "steps": {}})
    return Handed(values, variables) if said is None else f"vars of {playbook.name}: {said}"

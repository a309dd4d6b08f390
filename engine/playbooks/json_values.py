"""How the values of a playbook file look in JSON Schema, for editors.

It may say less than what is checked, and never more.
"""

from typing import Any, Final

Schema = dict[str, Any]

TEMPLATE: Final = {
    "type": "string",
    "pattern": r"\{\{|\{%|\{#",
    "description": "A template, such as {{ vars.host }}",
}
DURATION: Final = {
    "type": "string",
    "pattern": "^(?!$)"
    + "".join(rf"([0-9]+(\.[0-9]+)?{unit})?" for unit in ("d", "h", "m", "s", "ms"))
    + "$",
    "examples": ["500ms", "90s", "10m", "1h30m"],
}
SIZE: Final = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?\s*(B|KiB|MiB|GiB|KB|MB|GB)$",
    "examples": ["512B", "64KiB", "1MiB"],
}
CONDITION: Final = {
    "type": "string",
    "description": "A JMESPath condition",
    "examples": ["severity == 'Critical' && labels.service"],
}


_SAID: Final = frozenset({"title", "description", "default", "examples"})


def or_template(schema: Schema) -> Schema:
    """What such a value may be in a file, where it may be a template as well."""
    own = {key: value for key, value in schema.items() if key not in _SAID}
    kinds = own["anyOf"] if own.keys() == {"anyOf"} else [own]
    if any(_takes_any_text(kind) for kind in kinds):
        return schema
    said = {key: value for key, value in schema.items() if key in _SAID}
    return {**said, "anyOf": [*kinds, TEMPLATE]}


def _takes_any_text(schema: Schema) -> bool:
    return not schema or ("string" in schema.get("type", ()) and schema.keys() <= {"type", *_SAID})

"""The custom fields of a simulated account (reference 2.7)."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from engine.flashduty.simulated.ids import SimulatedIds
from engine.flashduty.simulated.refusal import RefusalError

LONGEST_TEXT: Final = 3000  # characters


def field_item(
    definition: Mapping[str, Any], ids: SimulatedIds, *, account_id: int, now: int, creator_id: int
) -> dict[str, Any]:
    """Make the API's FieldItem of a `field_name`, a `field_type` and, for selects, `options`."""
    is_bool = definition["field_type"] == "checkbox"
    return {
        "field_id": ids.object_id(),
        "account_id": account_id,
        "display_name": definition["field_name"],
        "value_type": "bool" if is_bool else "string",
        "options": None,
        "default_value": None,
        "status": "enabled",
        **dict.fromkeys(("creator_id", "updated_by"), creator_id),
        **dict.fromkeys(("created_at", "updated_at"), now),
        **deepcopy(dict(definition)),
    }


def check_field_value(definition: Mapping[str, Any], value: Any) -> None:
    """Refuse a value that is not of the field's type (reference 2.7)."""
    options = definition["options"] or []
    chosen = value if isinstance(value, list) else [value]
    match definition["field_type"]:
        case "checkbox":
            fits, wanted = isinstance(value, bool), "true or false"
        case "multi_select":
            fits = isinstance(value, list) and all(one in options for one in chosen)
            wanted = f"a list of some of {', '.join(options)}"
        case "single_select":
            fits = isinstance(value, str) and value in options
            wanted = f"one of {', '.join(options)}"
        case _:
            fits = isinstance(value, str) and len(value) <= LONGEST_TEXT
            wanted = f"a text of at most {LONGEST_TEXT} characters"
    if not fits:
        raise RefusalError.parameter(f"field_value of {definition['field_name']} must be {wanted}.")

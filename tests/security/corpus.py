"""Hostile texts, and events that have them in every place where a text can stand."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
SHAPES: Final = {
    "custom-action.vendor-page": "/flashduty/actions/go",
    "custom-action.field-table": "/flashduty/actions/go",
    "incident-webhook.vendor-page": "/flashduty/incidents",
    "alert-webhook.vendor-page": "/flashduty/alerts",
}
# Nothing else in these tests has the answer in it.
SUM: Final = "31337*65537"
ANSWER: Final = "2053732969"


def hostile_texts(marker: Path) -> list[str]:
    """Each would leave the marker, an answer of a template, a line of a log or a move of the cursor."""
    touch = f"touch {marker}"
    return [
        f"$({touch})", f"`{touch}`", f"; {touch} ;", f"| {touch}", f"&& {touch} #", f"\n{touch}\n", f"'; {touch}; '",
        f'"; {touch}; "', f"${{IFS}}$({touch})", f"--exec={touch}", f"-o ProxyCommand={touch}", f"\\$({touch})", f"!`{touch}`",
        f"() {{ :; }}; {touch}", f"%0a{touch}", f"{{{{ {SUM} }}}}", f"{{% set x = {SUM} %}}{{{{ x }}}}", f"${{{SUM}}}", f"#{{{SUM}}}", f"<%= {SUM} %>",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ secrets }}", "{{ secrets.TOKEN }}", "{# gone #}", "{% raw %}", "}}{{", "{{'a'*10**9}}",
        "' || 'a' == 'a", "`true` || @", "labels.*", "@", "') || contains('a", "matches(@, '(a+)+$')", "\\u0027 || `1`",
        "x\r\nX-Smuggled: yes", "x\nX-Smuggled: yes", "x\rX-Smuggled: yes", "x\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", "x%0d%0aX-Smuggled:%20yes",
        "x\u560d\u560aX-Smuggled: yes", "x\x0bX-Smuggled: yes", "x HTTP/1.1\r\nX-Smuggled: yes", "?a=b&c=d#e", "@evil.example", "//evil.example/", "\\\\evil\\share",
        "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "....//....//etc/passwd", "/etc/passwd", "file:///etc/passwd", "~root", "C:\\windows", "a/../../b", ".",
        '\n{"action": "forged", "event": "forged", "level": "info"}\n', "\n2026-01-01 [info] forged action=forged\n", '", "action": "forged", "x": "', "forged\u2028forged",
        "\x1b[2J\x1b[1;1Hgone", "\x1b[31;7;5mred", "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "\x1b]52;c;cm0gLXJmIC8=\x07", "\x1b]0;title\x07",
        "\x1bP+q544e\x1b\\", "\x1b[6n", "\x1b[?1049h", "\x1b(0", "\x9b2J", "\x9d52;c;eA==\x9c", "\x90q\x9c", "\x84\x85\x8d", "\x07\x08\x08\x08", "over\rwritten", "\x7f\x7f", "\x0c\x0b",
        "\u202egnissim\u202c", "\u2066\u2067\u2068\u2069", "\u200b\u200c\u200d\ufeff", "\u061c\u200e\u200f", "\U000e0041\U000e0042", "Z\u0300\u0301\u0302",
        "[red]forged[/red]", "[link=http://evil.example]x[/link]", "[bold", "[/]", "[@click=app.bell]x[/]", ":bomb:", "\\[red]", "[[red]]",
        "\n✓ forged [steps/0, shell] succeeded", "\n  ✓ run forged succeeded", "<script>alert(1)</script>", "<!--", "]]>", "&lt;", "%n%s%x%d", "%(a)s", "{0.__class__}",
        "::error file=x::forged", "\n::set-output name=x::forged", "'", '"', "\\", "`", "$", "null", "true", "yes", "1e999", "-1", "*", "&a", "!!python/object:os.system", "- a", "a: b", "#",
    ]  # fmt: skip


def body_of(shape: str) -> dict[str, Any]:
    """The vendor's example, read."""
    found: dict[str, Any] = json.loads((FIXTURES / f"{shape}.json").read_bytes())
    return found


def places_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Of every text in a body, and of every key."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places_in(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key, "key")
            yield from places_in(item, (*path, key))


def with_text(body: Any, path: tuple[str | int, ...], text: str) -> Any:
    """The same with a text in that place; a key is beside the one it is like."""
    made = copy.deepcopy(body)
    *above, last = path
    if last == "key" and above:
        *above, like = above
        inside = _inside(made, above)
        inside[text] = copy.deepcopy(inside[like])
    else:
        _inside(made, above)[last] = text
    return made


def _inside(body: Any, path: list[str | int]) -> Any:
    for part in path:
        body = body[part]
    return body


def everywhere(body: Any, text: str, keep: frozenset[str] = frozenset({"event_type"})) -> Any:
    """With the text in all values at once, behind what stands there, and as one more key."""
    if isinstance(body, str):
        return f"{body}{text}"
    if isinstance(body, list):
        return [everywhere(item, text) for item in body]
    if isinstance(body, dict):
        changed = {key: it if key in keep else everywhere(it, text) for key, it in body.items()}
        return {**changed, f"a{text}": text}
    return body

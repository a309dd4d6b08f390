"""Texts that look like a secret somebody typed in: by their form, or by the name they stand under.

It says what they look like, and never shows them. Who finds too much is switched off: what is
written as a template, a path, a name of a variable or a sentence is none.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

# Forms that issuers gave their tokens so that they can be found. Before each stands what is in
# every text of that form, in small letters: most texts have none, which takes no time to see.
_FORMS: Final = (
    ("a private key", "private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY"),
    ("a token of GitHub", "gh", r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
    ("a token of GitHub", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{30,}"),
    ("a token of GitLab", "gl", r"\bgl(?:pat|dt|rt|ptt)-[\w-]{20,}"),
    ("a token of Slack", "xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a token of Slack", "xapp-", r"\bxapp-\d-[A-Za-z0-9-]{10,}"),
    (
        *("a webhook of Slack", "hooks.slack.com/"),
        r"hooks\.slack\.com/(?:services|workflows)/[A-Z0-9]+/[A-Z0-9]+/\w+",
    ),
    ("an access key of AWS", "akia", r"\bAKIA[A-Z0-9]{16}\b"),
    ("an access key of AWS", "asia", r"\bASIA[A-Z0-9]{16}\b"),
    ("a key of Google", "aiza", r"\bAIza[\w-]{35}\b"),
    ("a key of Stripe", "k_live_", r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
    ("an API key", "sk-", r"\bsk-[\w-]{20,}"),
    ("an API key", "hvs.", r"\bhvs\.[\w-]{20,}"),
    ("an API key", "sg.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("an API key", "npm_", r"\bnpm_[\w-]{20,}"),
    ("an API key", "dckr_pat_", r"\bdckr_pat_[\w-]{20,}"),
    ("an API key", "dop_v1_", r"\bdop_v1_[\w-]{20,}"),
    ("an API key", "pypi-age", r"\bpypi-AgE[\w-]{20,}"),
    ("a signed token (JWT)", "eyj", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    (
        *("a password in a URL", "://"),
        r"\b[a-z][a-z0-9+.-]*://[^\s/:@{}$]*:[^\s/@{}$]+@",
    ),
    ("credentials", "bearer", r"(?i:\bbearer\s+)(?=[A-Za-z._~+/-]*\d)[\w.~+/-]{12,}={0,2}"),
    ("credentials", "basic", r"(?i:\bbasic\s+)(?=[A-Za-z._~+/-]*\d)[\w.~+/-]{12,}={0,2}"),
)
_KNOWN: Final = tuple((kind, mark, re.compile(form)) for kind, mark, form in _FORMS)
_DRAWN: Final = re.compile(r"\d|://|KEY|AKIA|ASIA")  # without any of these it is made of words
_PASSWORD: Final = re.compile(r"(?:password|passwd|passphrase)$", re.IGNORECASE)
_TOKEN: Final = re.compile(
    r"(?:^|[_-])(?:token|secret|(?:api|app|access|secret|private|integration)[_-]?key"
    r"|authorization|credentials?)$",
    re.IGNORECASE,
)
_SHORTEST: Final = 6
_NO_SECRET: Final = re.compile(
    r"[\"']?[/.~$<].*|.*\s.*|.*(?:\{\{|\{%|\$\{).*|\*+|x{3,}|null|none|true|false",
    re.DOTALL | re.IGNORECASE,
)
_SCHEME: Final = re.compile(r"(?:bearer|basic|token|apikey|key)\s+", re.IGNORECASE)
_OPTION: Final = re.compile(r"--?([A-Za-z][\w-]*)(?:=(.*))?", re.DOTALL)
_ASSIGNED: Final = re.compile(r"([A-Za-z_][\w-]*)=([\"']?)([^\s\"'$;|&)]+)\2")
_HEADER: Final = re.compile(r"([A-Za-z][\w-]*):\s*(\S+)")
_DENSE: Final = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{32,}={0,2}(?![\w+/=-])")
_BITS: Final = 4.0  # of a character, at least: most of 32 drawn at random have 4.4 or more


def looks_like(text: str) -> str | None:
    """What a text looks like by itself, wherever it stands."""
    if not _DRAWN.search(text):
        return None
    small = text.casefold()
    return next((kind for kind, mark, form in _KNOWN if mark in small and form.search(text)), None)


def named(name: str, value: str) -> str | None:
    """What a text looks like that stands under a name."""
    password, token = _PASSWORD.search(name), _TOKEN.search(name)
    if not (password or token):
        return None
    value = _SCHEME.sub("", value.strip())
    if not value or _NO_SECRET.fullmatch(value):
        return None
    if password:
        return "a password"
    return "a secret" if len(value) >= _SHORTEST else None


def dense(text: str) -> str | None:
    """A long word that was drawn: of small and capital letters and digits, without a pattern."""
    for match in _DENSE.finditer(text):
        word = match[0]
        mixed = any(c.isupper() for c in word) and any(c.islower() for c in word)
        if mixed and any(c.isdigit() for c in word) and _entropy(word) >= _BITS:
            return "a key"
    return None


def in_script(script: str) -> str | None:
    """What is given a variable or an option in a text for a shell."""
    for match in _ASSIGNED.finditer(script):
        if (kind := named(match[1].lstrip("-"), match[3])) is not None:
            return kind
    words = script.split()
    return next((kind for kind in in_arguments(words) if kind is not None), None)


def in_arguments(argv: Sequence[object]) -> list[str | None]:
    """For each argument what it looks like: `--token=...`, `--password`, `...`, `X-Token: ...`."""
    found: list[str | None] = [None] * len(argv)
    for at, word in enumerate(argv):
        if not isinstance(word, str):
            continue
        if (header := _HEADER.fullmatch(word)) is not None:
            found[at] = named(header[1], header[2])
        option = _OPTION.fullmatch(word)
        if option is None:
            continue
        following = argv[at + 1] if at + 1 < len(argv) else None
        if option[2] is not None:
            found[at] = named(option[1], option[2])
        elif isinstance(following, str) and not following.startswith("-"):
            found[at + 1] = named(option[1], following)
    return found


def _entropy(word: str) -> float:
    counts = Counter(word).values()
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts)

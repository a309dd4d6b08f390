"""A secret that config.yaml does not declare.

The step that needs it fails before it does anything. Declare it where the engine runs; lint reads
the name alone, and needs no secret.

    secrets:
      LB_TOKEN: { env: LB_TOKEN }    # or { file: /run/secrets/lb_token }

Without a config.yaml nothing is known of secrets, and nothing is reported.
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import Subject
from engine.problem import nearest


def _find(subject: Subject, around: Around) -> Iterator[Finding]:
    settings = around.settings
    if settings is None:
        return
    for placed, mention in subject.asking.get("secrets", ()):
        name = mention.path[1]
        if name not in settings.secrets:
            hint = nearest(name, tuple(settings.secrets)) or "add it to `secrets` of config.yaml"
            where = subject.place_of(placed, mention)
            yield Finding(f"config.yaml declares no secret '{name}'", where, hint)


CHECK: Final = Check("undeclared-secret", "error", _find, __doc__)

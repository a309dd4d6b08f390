"""A secret in a value that is carried on.

What `set` sets is written down with the run, and everything that is written down is masked: the
steps behind it would get `******`. So the step fails instead.

    wrong:  - set: { auth: "Bearer {{ secrets.LB_TOKEN }}" }
            - http: { url: "{{ config.lb_url }}", headers: { Authorization: "{{ vars.auth }}" } }
    right:  - http:
                url: "{{ config.lb_url }}"
                headers: { Authorization: "Bearer {{ secrets.LB_TOKEN }}" }
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import SET, Subject


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for placed, mention in subject.asking.get("secrets", ()):
        if placed.step is not None and placed.step.key == SET:
            where = subject.place_of(placed, mention)
            said = f"the secret '{mention.path[1]}' would be carried on masked, and the step fails"
            yield Finding(said, where, "name the secret in the step that needs it")


CHECK: Final = Check("secret-in-set", "error", _find, __doc__)

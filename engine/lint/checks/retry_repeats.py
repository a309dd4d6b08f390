"""A retry of something that does harm when it is done twice.

An attempt that failed may have taken effect: the answer was lost, the time was over. `retry` does
it again. What only reads or sets something may be repeated (http GET and HEAD, many operations of
Flashduty); of anything else the playbook has to say that it may.

    wrong:  http: { method: POST, url: "{{ config.deploy_url }}/rollbacks" }
            retry: { attempts: 3 }
    right:  http: { method: POST, url: "{{ config.deploy_url }}/rollbacks" }
            retry: { attempts: 3 }
            on_interrupt: retry     # the platform knows the Idempotency-Key

`on_interrupt: retry` says it, for a crash of the engine as well; so does an `Idempotency-Key` of
your own among the headers.
"""

from collections.abc import Iterator
from typing import Any, Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import FileStep, Subject
from engine.playbooks.deferred import Deferred


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for step in subject.steps:
        retry = step.raw.get("retry")
        if not isinstance(retry, dict) or retry.get("attempts") in (None, 1):
            continue
        if _does_harm(step) and step.raw.get("on_interrupt") != "retry":
            where = subject.marked.locate_key((*step.path, "retry"))
            said = f"a failed attempt may have taken effect, and `{step.key}` is done again"
            yield Finding(said, where, "if that does no harm, say `on_interrupt: retry`")


def _does_harm(step: FileStep) -> bool:
    step_type, parameters = step.step_type, step.parameters
    if step_type is None or parameters is None or step_type.finds_out:
        return False
    if isinstance(getattr(parameters, "method", None), Deferred) or _has_own_key(parameters):
        return False
    return not step_type.harmless_to_repeat(parameters)


def _has_own_key(parameters: Any) -> bool:
    headers = getattr(parameters, "headers", None)
    return isinstance(headers, dict) and "idempotency-key" in {name.lower() for name in headers}


CHECK: Final = Check("retry-repeats", "warning", _find, __doc__)

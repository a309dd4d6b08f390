"""Something that destroys or interrupts, in a playbook whose `guard` has no key.

Two people press the button, or one presses twice, or an alert fires again: without
`guard.key` nothing says that the two runs act on the same thing, and both go on at once.

    wrong:  steps: [{ shell: [systemctl, restart, nginx] }]
    right:  guard: { key: labels.resource, cooldown: 10m }
            steps: [{ shell: [systemctl, restart, nginx] }]

Looked at are commands that everybody knows (reboot, rm -r, kubectl delete, systemctl restart,
terraform destroy, ...), also behind `sudo` and `ssh`, and http DELETE.
"""

import re
from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.command_line import commands_in, commands_of_script
from engine.lint.subject import FileStep, Subject

_DESTRUCTIVE: Final = re.compile(
    r"""
      reboot\b | shutdown\b | poweroff\b | halt\b | init\ [06]\b
    | rm\ (?:-\S+\ )*(?:-\w*[rRf]\w*|--recursive|--force)\b
    | (?:systemctl|service|supervisorctl|rc-service)\b.*\b(?:restart|stop|kill|reboot|poweroff)\b
    | kubectl\b.*\b(?:delete|drain|scale|rollout\ (?:restart|undo))\b
    | (?:docker|podman|nerdctl)\b.*\b(?:rm|kill|stop|restart|prune|down)\b
    | helm\b.*\b(?:uninstall|delete|rollback)\b
    | (?:terraform|tofu|pulumi)\b.*\b(?:destroy|apply|up)\b
    | (?:aws|gcloud|az|openstack)\b.*\b(?:delete|terminate|stop|reboot|deallocate|restart)\S*
    | (?:kill|pkill|killall|mkfs\S*|wipefs|fdisk|parted|dropdb)\b
    | dd\ .*\bof=
    | (?:truncate|shred|zpool\ destroy|lvremove|vgremove)\b
    | .*\b(?:drop\ (?:table|database|schema)|truncate\ table|flushall|flushdb)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SHOWN: Final = 40


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    only_called = "inputs" in subject.raw and "trigger" not in subject.raw
    if subject.part("guard").get("key") is not None or only_called:
        return  # what is only called cannot have a guard: its callers have
    for step in subject.steps:
        what = _destroys(step)
        if what is not None:
            where = subject.marked.locate_key((*step.path, str(step.key)))
            hint = "say what a run acts on: `guard: {key: labels.resource}`"
            yield Finding(f"'{what}' in a playbook without `guard.key`", where, hint)


def _destroys(step: FileStep) -> str | None:
    if step.key == "http" and step.tree.get("method") == "DELETE":
        return "DELETE"
    if step.key != "shell":
        return None
    argv, script = step.tree.get("argv"), step.tree.get("script")
    commands = list(commands_in(argv)) if isinstance(argv, list) else []
    commands += commands_of_script(script) if isinstance(script, str) else ()
    found = next((one for one in commands if _DESTRUCTIVE.match(one)), None)
    return found if found is None or len(found) <= _SHOWN else f"{found[:_SHOWN]}..."


CHECK: Final = Check("unguarded-destruction", "warning", _find, __doc__)

"""The manual pages of what the loader itself reports, by code: such a file is left out by `serve`.

What a check finds is explained by the check's own file.
"""

from collections.abc import Mapping
from typing import Final

_FILE: Final[Mapping[str, str]] = {
    "no-such-path": """
There is no file or folder of this name. Without a PATH the folder is `playbooks` of config.yaml.
""",
    "unreadable": """
The file is there and cannot be read: its owner or its mode does not let this user.
""",
    "not-utf-8": """
The file is no UTF-8 text. Save it as UTF-8; the message says at which byte it stops being one.
""",
    "yaml-syntax": """
The file is no YAML. Most often it is one of these:

    a value that begins with {{        quote it: "{{ labels.resource }}"
    a text that holds ': ' or ' #'     quote it
    a tab at the beginning of a line   indent with spaces
    a quote that is not closed         the message points at its beginning
""",
    "yaml-documents": """
A second document begins in the file (`---`). One file is one playbook.
""",
    "yaml-tag": """
A tag such as `!!python/object` or `!include`. Only plain values are read; nothing is called.
""",
    "yaml-key": """
Something that is no text stands where a key has to. Most often it is a template without quotes:
`url: {{ config.url }}` is a mapping in a mapping to YAML.

    right:  url: "{{ config.url }}"
""",
    "yaml-merge": """
`<<` merges mappings in YAML 1.1. YAML 1.2 has no such key. An alias for a whole value is taken.
""",
    "yaml-duplicate-key": """
The same key stands twice in one mapping. YAML readers keep one of them without a word, and nobody
knows which: this one keeps none.
""",
    "yaml-alias": """
`*name` is an alias, and no `&name` stands before it. A text that begins with `*` is quoted.
""",
    "yaml-text": """
A text holds half of a UTF-16 pair (`\\ud83d` without the other half), which is no character.
""",
    "yaml-number": """
A number that JSON has no room for: infinite, not a number, or of hundreds of digits. Quote it when
it is a text.
""",
    "yaml-size": """
With its aliases unfolded the file has more values than any playbook: an alias of aliases grows
beyond all bounds.
""",
    "yaml-depth": """
The file is nested deeper than 64 levels.
""",
}

_SHAPE: Final[Mapping[str, str]] = {
    "not-a-playbook": """
A playbook is a mapping, with `name`, `trigger` and `steps` at least. An empty file is none.
""",
    "duplicate-name": """
Two files have playbooks of one name. Runs, guards and `engine pause` go by the name.
""",
    "unknown-key": """
A key that the language does not have. It would do nothing, and whoever wrote it relies on it.

    wrong:  guard: { cool_down: 10m }
    right:  guard: { cooldown: 10m }
""",
    "missing-key": """
A key that has to be there is not. The message says which, and the place is what it belongs into.
""",
    "wrong-value": """
The value is of another kind than the key takes, out of its bounds, or none of its words. YAML 1.2
is read: `yes`, `no`, `on` and `off` are texts, `true` and `false` are truth values.
""",
    "misplaced-key": """
The key is one of the language, and has no meaning beside what else stands there: `max_parallel`
without `foreach`, `retry` beside `until`.
""",
    "duration": """
A duration has a unit: 500ms, 90s, 10m, 1h30m, 2d; the largest unit first, at most a year.
""",
    "size": """
A size is written like 512B, 64KiB, 1MiB, or with KB and MB for thousands.
""",
    "rate": """
A rate is written like `5 per 1h`: so many runs in any such time.
""",
    "guard-mode": """
A key of the guard that goes with another `concurrency`: `max` is for `parallel`, `queue_max` and
`queue_ttl` are for `queue`. Without `concurrency` it is `single` where there is a `key`, and
`parallel` where there is none.
""",
    "condition-type": """
A condition is a JMESPath text. A step that is always performed has no `when`.
""",
    "condition-syntax": """
The expression is no JMESPath, or is what nobody means by it. The place is the character.

    wrong:  severity = 'Critical'       right:  severity == 'Critical'
    wrong:  a == 'x' and b == 'y'       right:  a == 'x' && b == 'y'
    wrong:  status == 200               right:  status == `200`
    wrong:  fields.auto == true         right:  fields.auto == `true`
    wrong:  !labels.owner               right:  !(labels.owner)
    wrong:  labels.k8s-app              right:  labels."k8s-app"
""",
    "template-syntax": """
The template is no Jinja: something is not closed, a filter or a test is not known, or it asks for
other files, which a template does not have.

    wrong:  "{{ labels.k8s-app }}"      right:  "{{ labels['k8s-app'] }}"
    wrong:  "{{ a && b }}"              right:  "{{ a and b }}"
""",
    "unknown-name": """
There is nothing of this name at that place. In a condition it would be null each time, and in a
template fail the step.

    wrong:  when: severity == "Critical"    # double quotes: a field of that name
    right:  when: severity == 'Critical'

What is seen where: a trigger sees the event; `vars` sees the event, and the variables above;
steps see all of it, `secrets` in their parameters alone; `until` and `output` see the step's own
result and nothing else; `item` and `index` are for the parameters of a step with `foreach`.
""",
    "not-a-step": """
A step is a mapping: one step type beside keys that all steps have.

    wrong:  - restart-web
    right:  - shell: [restart-web]
""",
    "no-step-type": """
The step has keys, and none that says what it does: http, shell, flashduty, wait, set, stop,
approve, parallel.
""",
    "two-step-types": """
A step does one thing. Make two steps of it; they are carried out one after the other.
""",
    "duplicate-id": """
Two steps of the file have one `id`. `steps.<id>` has to name one of them.
""",
    "not-a-branch": """
`parallel` takes a list of branches, and each branch is a list of steps: a list in a list.

    right:  parallel:
              - - { id: logs, http: "{{ config.logging_url }}" }
              - - { id: traces, http: "{{ config.tracing_url }}" }
""",
    "answer-to-nobody": """
The playbook has an `answer`, and its trigger takes no calls: `answer: labels` belongs there.
""",
    "no-answer": """
The trigger takes calls for labels, and there is no `answer` to give.
""",
    "guarded-answer": """
Whoever calls for labels waits, for less than a second: such a run may not wait in a lane.
""",
    "answer-value": """
The value of a label is a text. A number or a truth value becomes one; a list or a mapping does not.
""",
}

_STEPS: Final[Mapping[str, str]] = {
    "not-a-url": """
The URL begins with something else than http:// or https://, has a line break in it, or a user and a
password before its host: `basic_auth` takes these.
""",
    "bad-header": """
What cannot be the name of a header, a value with a line break, which would begin another one, or
a header that is written by what sends the body: `Content-Length`, `Transfer-Encoding`.
""",
    "bad-login": """
The user of `basic_auth` has a colon in it. The password would begin there: HTTP has no way to send
one.
""",
    "two-credentials": """
A request has `basic_auth`, or an Authorization header of its own; with both nobody knows which one
the other side goes by.
""",
    "nul": """
A NUL character cannot be part of a command, its environment or its folder: it ends a text there.
""",
    "two-bodies": """
A request has one body: `json`, `form` or `text`.
""",
    "shell-what": """
A shell step is a list, `[systemctl, restart, nginx]`, or has a `script`; one of them, not empty.
""",
    "umask": """
A umask is three octal digits. In quotes: to YAML 1.2 `077` is seventy-seven.

    right:  umask: "077"
""",
    "user-name": """
A user is a name of this machine's users, written out: no template, and no number.
""",
    "no-command": """
The first item of the list is the command. It is empty, or begins with `-` as no command does.
""",
    "relative-command": """
The command is a path that comes from data and begins in the step's folder, such as `../tool`: what
is run would depend on both. Name a command of PATH, or write the whole path.
""",
    "dash-argument": """
A value of an event, or made of one, begins with `-` where an argument is expected. Many commands
take it for an option, and some options run what they are given. The step fails before it does
anything. It may pass behind a `--` in the list, which most commands take for the end of their
options, behind an option that is written out (`--host={{ labels.resource }}`), or where the step
says `allow_dash: true`.

    right:  shell: [restart-host, --, "{{ labels.resource }}"]
""",
    "control-character": """
A value of an event, or made of one, has a line break, a tab or another control character in it, and
is a part of an argument; or one that no text has, such as an escape, and is a part of `env`. The
step fails before it does anything. `stdin` takes any text. Where the playbook itself writes an
argument of several lines, line breaks and tabs may come in.
""",
    "env-runs-code": """
The value of a variable that decides what is run (PATH, LD_PRELOAD, BASH_ENV, PYTHONPATH, ...) would
come from an event, or from what a step returned. Write it out, or take it from `config`.
""",
    "secret-in-argv": """
A secret would be an argument. Every user of the machine sees the arguments of all processes, and
tools that watch processes write them down.

    wrong:  shell: [curl, -H, "X-Token: {{ secrets.TOKEN }}", "{{ config.url }}"]
    right:  shell:
              argv: [curl, -H, "@-", "{{ config.url }}"]
              stdin: "X-Token: {{ secrets.TOKEN }}"

`env` hides it from other users as well. A command that takes it in no other way:
`secrets_in_argv: true`.
""",
    "shell-mark": """
ENGINE_STEP says which step a process belongs to. It is the engine's to set.
""",
    "template-in-script": """
A script is a constant. With data written into it, whoever writes the data writes the script.

    wrong:  script: 'df -h {{ labels.mount }}'
    right:  script: 'df -h "$MOUNT"'
            env: { MOUNT: "{{ labels.mount }}" }
""",
    "unknown-operation": """
The engine knows no operation of Flashduty's Open API at this path. `unchecked: true` calls any.
""",
    "template-in-call": """
The path of an operation is a template, so that nothing can be known of its parameters. Make it a
step for each operation, with a `when`, or say `unchecked: true`.
""",
    "unknown-parameter": """
The operation takes no such parameter. Flashduty would ignore it without a word.
""",
    "missing-parameter": """
The operation wants this parameter. Only the event's incident is filled in where it is left out.
""",
    "too-long": """
A text is over the limit of the operation. `truncate: true` cuts it, with a mark at its end.
""",
    "secret-that-is-cut": """
A parameter holds a secret and may be cut: half of a secret is not recognised, and not masked.
""",
}

_CALLS: Final[Mapping[str, str]] = {
    "input-without-default": """
A playbook with a `trigger` is started by events, and an event hands over no `inputs`. Give each a
`default`, or leave `trigger` out: then the playbook is started by nothing but calls.
""",
    "no-such-playbook": """
A `playbook` step names a playbook that no file has. What counts is `name:`, not the file's name.
""",
    "broken-call": """
The called playbook, or one that it calls, has a problem of its own. Mend that one.
""",
    "recursion": """
A playbook would carry out itself, by way of others perhaps, and never end. The message shows how.
""",
    "too-deep": """
Playbooks that call playbooks that call playbooks: eight in each other are the most there may be.
""",
    "guarded-call": """
A `guard` counts and holds runs of its own playbook, and a call is no run of it: its cooldown, its
rate and its lane would not hold. Put the steps that both need into a third playbook without one,
and guard those that call it.
""",
    "answering-call": """
A playbook that answers calls for labels (`trigger.answer`) has an answer to give, and no caller
here that takes it.
""",
    "unknown-input": """
The called playbook declares no such input, so that nothing in it could ask for the value.
""",
    "wrong-input": """
An input has a `type`, and the value handed over is of another one.
""",
    "missing-input": """
The called playbook declares an input without a `default`, and the call does not hand it over.
""",
}

LOADER_PAGES: Final[Mapping[str, str]] = {**_FILE, **_SHAPE, **_STEPS, **_CALLS}

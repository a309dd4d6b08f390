"""Playbooks that take secrets through every step type and every way of failing."""

from typing import Final

CONFIG: Final = """\
listen: 127.0.0.1:0
flashduty:
  app_key: ${APP_KEY}
  webhook_token: ${WEBHOOK_TOKEN}
  base_url: {url}
  reconcile: 1m
monitor: {token: "${MONITOR_TOKEN}"}
secrets:
  ODD: {env: ODD}
  FILE: {file: ../secrets/file}
  PEM: {file: ../secrets/pem}
  MISSING: {env: NOT_SET_ANYWHERE}
vars: {target: "{url}", closed: "{closed}"}
shell: {keep_output: 1MiB, env: [PATH]}
"""

# Each step is a playbook of its own, so that each of them comes to its end.
STEPS: Final = """\
http: {method: POST, url: "{{ config.target }}/json/{{ secrets.ODD | urlencode }}", headers: {X-A: "{{ secrets.FILE }}", Authorization: "Bearer {{ secrets.FILE }}"}, params: {q: "{{ secrets.ODD }}"}, json: {a: "{{ secrets.ODD }}", b: ["{{ secrets.PEM }}"]}}
---
http: {method: POST, url: "{{ config.target }}/json", form: {a: "{{ secrets.ODD }}", b: "{{ secrets.FILE }}"}, basic_auth: {user: "u", password: "{{ secrets.ODD }}"}}
---
http: {method: POST, url: "{{ config.target }}/json", text: "{{ secrets.ODD }} {{ secrets.PEM }} {{ {'a': secrets.ODD} | tojson }} {{ secrets.ODD | e }}"}
output: body.told
---
http: {url: "{{ config.target }}/fail?q={{ secrets.ODD | urlencode }}", headers: {X-A: "{{ secrets.FILE }}"}}
retry: {attempts: 2, delay: 10ms}
---
http: {url: "{{ config.target }}/html?q={{ secrets.ODD | urlencode }}", headers: {X-A: "{{ secrets.FILE }}"}}
---
http: {url: "{{ config.target }}/json?q={{ secrets.ODD | urlencode }}", headers: {X-A: "{{ secrets.FILE }}"}, expect: "body.told == 'x' && body.query == `1`"}
---
http: {url: "{{ config.target }}/json?q={{ secrets.ODD | urlencode }}"}
until: {condition: "body.query.q == 'no'", every: 50ms, for: 200ms}
---
http: {url: "{{ config.target }}/no-json", headers: {X-A: "{{ secrets.FILE }}"}}
output: body.told
---
http: {url: "{{ config.target }}/redirect?q={{ secrets.ODD | urlencode }}", headers: {X-A: "{{ secrets.FILE }}"}, follow_redirects: true}
---
http: {url: "{{ config.target }}/away?q={{ secrets.ODD | urlencode }}", follow_redirects: true}
---
http: {url: "{{ config.target }}/away?q={{ secrets.ODD | urlencode }}"}
---
http: {url: "{{ config.closed }}/{{ secrets.FILE }}?app_key={{ secrets.ODD | urlencode }}"}
retry: {attempts: 2, delay: 10ms}
---
http: {url: "{{ config.target }}/hang/{{ secrets.FILE }}"}
timeout: 100ms
---
http: {url: "{{ config.target }}/cut/{{ secrets.FILE }}?q={{ secrets.ODD | urlencode }}"}
---
http: {url: "{{ config.target }}/nonsense/{{ secrets.FILE }}"}
---
http: {url: "http://{{ secrets.FILE }}.invalid/"}
---
http: {url: "http://x{{ secrets.ODD }}/"}
---
http: {url: "{{ secrets.FILE }}"}
---
http: {url: "http://u:{{ secrets.FILE }}@127.0.0.1/"}
---
http: {url: "{{ config.target }}/", headers: {X-A: "{{ secrets.PEM }}"}}
---
http: {url: "{{ config.target }}/", follow_redirects: "{{ secrets.ODD }}"}
---
http: {url: "{{ config.target }}/", method: "{{ secrets.FILE }}"}
---
http: {url: "{{ config.target }}/{{ secrets.FILE ~ labels.nowhere }}"}
---
http: {url: "{{ config.target }}/{{ secrets.MISSING }}"}
---
shell: {script: 'printf %s "$A"; echo; echo "$A" "$B" >&2; printf %s "$A" | base64; printf "%s" "x$A" | base64 -w0; printf %s "$A" | od -An -tx1 | tr -d " \\n"', env: {A: "{{ secrets.ODD }}", B: "{{ secrets.PEM }}"}}
---
shell: {script: 'for part in "${A%canary*}" canary "${A#*canary}"; do printf %s "$part"; sleep 0.05; done; exit 3', env: {A: "{{ secrets.FILE }}"}}
retry: {attempts: 2, delay: 10ms}
---
shell: {script: 'cat; cat nowhere; set -x; : "$A"; exit 1', stdin: "{{ secrets.ODD }} {{ secrets.PEM }}", env: {A: "{{ secrets.ODD }}"}}
---
shell: {argv: [printf, "%s %s", "{{ secrets.ODD }}", "{{ secrets.FILE }}"], secrets_in_argv: true}
---
shell: {argv: ["/nowhere/{{ secrets.FILE }}", "{{ secrets.ODD }}"], secrets_in_argv: true}
---
shell: {script: 'printf "%s {" "$A"', parse: json, env: {A: "{{ secrets.ODD }}"}}
---
shell: {script: 'echo "$A"; sleep 5', env: {A: "{{ secrets.FILE }}"}}
timeout: 200ms
---
shell: {script: 'true', cwd: "/nowhere/{{ secrets.FILE }}"}
---
flashduty: {call: incident/comment, comment: "{{ secrets.ODD }} {{ secrets.FILE }}"}
---
flashduty: {call: incident/comment, comment: "refuse {{ secrets.ODD }}"}
---
flashduty: {call: incident/ack, unchecked: true, note: "break {{ secrets.ODD }}"}
timeout: 2s
---
flashduty: {call: incident/ack, incident_ids: ["{{ secrets.ODD }}"]}
---
wait: "{{ secrets.ODD }}"
---
set: {kept: "{{ secrets.FILE }}"}
---
stop: {status: failed, reason: "because {{ secrets.ODD }} {{ secrets.FILE }}"}
---
approve: {ask: "Use {{ secrets.ODD }} and {{ secrets.FILE }}?", within: 1s, otherwise: fail}
---
playbook: {call: caller, inputs: {}}
---
http: {url: "{{ config.target }}/json/{{ item }}", headers: {X-A: "{{ secrets.FILE }}"}}
foreach: "['a', 'b']"
---
parallel: [[{http: {url: "{{ config.target }}/fail", headers: {X-A: "{{ secrets.FILE }}"}}}], [{shell: {script: 'echo "$A"', env: {A: "{{ secrets.ODD }}"}}}]]
"""
# What comes after a step that was told a secret, and goes on with what it was told.
CHAIN: Final = """\
name: chain
trigger: {action: go}
steps:
  - {id: told, http: {url: "{{ config.target }}/json", headers: {X-A: "{{ secrets.FILE }}"}, params: {q: "{{ secrets.ODD }}"}}}
  - set: {again: "{{ steps.told.body.told | reverse }}", whole: "{{ steps.told.body }}"}
  - {shell: [echo, "{{ vars.again }}", "{{ steps.told.body.again }}"], when: "steps.told.body.told == 'x'", continue_on_error: true}
  - {shell: [echo, "{{ vars.again }}"], continue_on_error: true}
  - {http: "{{ steps.told.body.query.q }}"}
on_failure:
  - flashduty: {call: incident/comment, comment: "refuse: {{ run.error }} at {{ run.failed_step }}, with {{ secrets.FILE }}"}
finally:
  - {shell: [echo, "{{ run.error }}"]}
"""
CALLER: Final = """\
name: caller
inputs: {}
steps:
  - {http: {url: "{{ config.target }}/fail", headers: {X-A: "{{ secrets.FILE }}"}}}
"""
CASES: Final = """\
cases:
  - name: it is told
    event: custom-action
    action: go
    mocks:
      told: {body: {told: x, again: y, query: {q: no URL}}}
      steps/2: {stdout: y}
    expect: {state: failed}
  - name: it fails, and the report has to tell no secret
    event: custom-action
    action: go
    mocks:
      told: {fail: no connection}
    expect: {state: succeeded, rendered: {told: {"headers.\\"X-A\\"": x}}}
"""


def playbooks() -> dict[str, str]:
    """Their texts, by name."""
    found = {
        f"p{number:02}": f"name: p{number:02}\ntrigger: {{action: go}}\nsteps:\n  - "
        + "\n    ".join(step.strip().splitlines())
        + "\n"
        for number, step in enumerate(STEPS.split("---\n"))
    }
    return {**found, "chain": CHAIN, "caller": CALLER}

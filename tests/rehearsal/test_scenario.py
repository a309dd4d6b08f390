"""A case is played: what came of it, what differs, and which ways were taken."""

from typing import Any

import pytest

from engine.cli.scenarios import Trial, Trying
from engine.rehearsal.coverage import Covered, cover, percent
from engine.rehearsal.tried import Tried
from tests.rehearsal.laid_out import CALLED, CONFIG

PLAYBOOK = """\
name: fix
trigger: { action: fix, when: labels.service }
guard: { key: labels.resource, cooldown: 10m, rate: 3 per 1h, breaker: 2 }
vars: { host: "{{ labels.resource }}" }
steps:
  - { id: lookup, http: "http://h/{{ vars.host }}", retry: { attempts: 2, delay: 3s } }
  - { when: steps.lookup.body.free, wait: 30s }
  - { id: restart, shell: [restart, "{{ vars.host }}"], continue_on_error: true }
  - { name: Say so, flashduty: { call: incident/comment, comment: "did {{ vars.host }}" } }
on_failure:
  - { name: Say what, flashduty: { call: incident/comment, comment: "{{ run.error }}" } }
"""


class Place:
    """A folder with playbooks and tests."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / f"{name.replace('_test', '.test')}.yaml").write_text(text)

    def trial(self, part: str = "") -> Trial:
        trying = Trying(CONFIG, lambda _, name: part in name)
        return trying.all(sorted(self.folder.glob("*.test.yaml")), [self.folder])

    def covered(self, trial: Trial) -> list[Covered]:
        trying = Trying(CONFIG, lambda *_: True)
        return cover(
            trial.playbooks, [one.played for one in trial.tried if one.played], trying.step_types
        )


@pytest.fixture
def place(tmp_path: Any) -> Place:
    made = Place(tmp_path / "playbooks")
    made.folder.mkdir()
    made.write(fix=PLAYBOOK)
    return made


def case(place: Place, text: str, given: str = "lookup: {body: {free: true}}") -> Tried:
    """One case that begins with a press of the button and the mocks that are given."""
    lines = [f"{'    ' if number else ''}{line}" for number, line in enumerate(text.splitlines())]
    file = f"event: custom-action\nmocks: {{{given}}}\ncases:\n  - name: x\n    "
    place.write(fix_test=file + "\n".join(lines) + "\n")
    trial = place.trial()
    assert trial.problems == ()
    (tried,) = trial.tried
    return tried


def differs(tried: Tried) -> list[tuple[str, Any, Any]]:
    return [(one.what, one.expected, one.got) for one in tried.differences]


WELL = """\
expect:
  verdict: yes
  lane: { decision: start, key: es.nj.01 }
  state: succeeded
  steps: [lookup, steps/1, restart, Say so]
  attempts: { lookup: 1, restart: 1 }
  rendered: { restart: { "argv[1]": es.nj.01, "@": { argv: [restart, es.nj.01] } } }
  comments: [did es.nj.01]
  took: 30s
"""


def test_what_came_as_expected_holds(place: Place) -> None:
    tried = case(place, WELL)
    assert tried.problems == ()
    assert differs(tried) == []
    assert tried.holds


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ("{verdict: no}", ("verdict", "no", "yes")),
        ("{state: failed}", ("state", "failed", "succeeded")),
        ("{reason: nobody}", ("reason", "... nobody ...", "")),
        ("{lane: skip}", ("lane", "skip", "start")),
        ("{lane: {decision: start, key: web-1}}", ("lane.key", "web-1", "es.nj.01")),
        (
            "{steps: [lookup, Say so]}",
            ("steps", ["lookup", "Say so"], ["lookup", "steps/1", "restart", "Say so"]),
        ),
        ("{attempts: {lookup: 2}}", ("attempts.lookup", 2, 1)),
        ("{rendered: {lookup: {method: POST}}}", ("rendered.lookup.method", "POST", "GET")),
        ("{rendered: {lookup: {no_such: 1}}}", ("rendered.lookup.no_such", 1, None)),
        ("{rendered: {lookup: {'length(nope)': 1}}}", ("rendered.lookup.length(nope)", 1, "(cannot be told: length() takes string or array or object, not a field that is not there)")),
        ("{rendered: {Say what: {call: x}}}", ("rendered.Say what.call", "x", "(not performed)")),
        ("{rendered: {steps/1: {duration: true}}}", ("rendered.steps/1.duration", True, "30s")),
        ("{comments: []}", ("comments", [], ["did es.nj.01"])),
        ("{rendered: {restart: {'length(argv) > `1`': 1}}}", ("rendered.restart.length(argv) > `1`", 1, True)),
        ("{answer: {a: b}}", ("answer.a", "b", None)),
        ("{took: 3s}", ("took", 3.0, 30.0)),
    ],
)  # fmt: skip
def test_what_came_otherwise_is_shown_beside_what_was_expected(
    place: Place, expect: str, difference: tuple[str, Any, Any]
) -> None:
    tried = case(place, f"expect: {expect}")
    assert tried.problems == ()
    assert differs(tried) == [difference]
    assert not tried.holds


def test_differences_come_in_the_order_of_the_file_and_each_has_its_place(place: Place) -> None:
    tried = case(
        place, "expect:\n  took: 1s\n  steps: []\n  rendered: {lookup: {url: x}}\n  state: failed"
    )
    assert [(one.what, tried.location(one).line) for one in tried.differences] == [
        ("took", 6),
        ("steps", 7),
        ("rendered.lookup.url", 8),
        ("state", 9),
    ]


@pytest.mark.parametrize(
    ("given", "verdict", "state", "reason"),
    [
        ("set: {labels.service: null}", "no", None, "labels.service is null"),
        ("action: other", "no", None, "the event came by action other, not fix"),
        ("type: i_new", "yes", "succeeded", ""),
        ("own: true", "no", None, "the engine itself caused this event"),
        ("set: {labels.resource: null}", "yes", "skipped", "guard: the key labels.resource is not there"),
        ("mocks: {lookup: {status: 500}}", "yes", "failed", "lookup: GET http://h/es.nj.01"),
        ("mocks: {restart: {unknown: true}}", "yes", "succeeded", ""),
    ],
)  # fmt: skip
def test_what_comes_of_it(
    place: Place, given: str, verdict: str, state: str | None, reason: str
) -> None:
    tried = case(place, f"{given}\nexpect: {{verdict: {verdict}, reason: '{reason}'}}")
    assert differs(tried) == []
    assert tried.as_json()["state"] == state


@pytest.mark.parametrize(
    ("earlier", "lane", "reason"),
    [
        ("[]", "start", ""),
        ("[{state: succeeded, ago: 9m}]", "skip", "cooldown: the last run for this key ended 0:09:00 ago"),
        ("[{state: succeeded, ago: 10m}]", "start", ""),
        ("[{state: cancelled, ago: 9m}]", "skip", "cooldown"),
        ("[{state: succeeded, ago: 9m, key: other}]", "start", ""),
        ("[{state: succeeded, ago: 9m, key: es.nj.01}]", "skip", "cooldown"),
        ("[{state: running, ago: 9m}]", "skip", "single: run earlier-1 is going on for this key"),
        ("[{state: running, ago: 9m, key: other}]", "start", ""),
        ("[{state: queued, ago: 9m}, {state: waiting, ago: 10m}]", "skip", "run earlier-2, earlier-1 is"),
        ("[{state: succeeded, ago: 59m, key: a}, {state: running, ago: 1m, key: b}, {state: failed, ago: 2m, key: c}]", "skip", "rate: 3 runs were let in"),
        ("[{state: succeeded, ago: 60m, key: a}, {state: running, ago: 1m, key: b}, {state: failed, ago: 2m, key: c}]", "start", ""),
        ("[{state: failed, ago: 2h, key: a}, {state: failed, ago: 3h, key: b}]", "skip", "the breaker is open"),
        ("[{state: failed, ago: 2h, key: a}, {state: succeeded, ago: 1h, key: b}, {state: failed, ago: 3h, key: c}]", "start", ""),
        ("[{state: failed, ago: 2h, key: a}, {state: cancelled, ago: 1h, key: b}, {state: failed, ago: 3h, key: c}]", "skip", "the breaker is open"),
    ],
)  # fmt: skip
def test_the_guard_decides_by_the_runs_before(
    place: Place, earlier: str, lane: str, reason: str
) -> None:
    tried = case(
        place, f"earlier: {earlier}\nexpect: {{lane: {{decision: {lane}, reason: '{reason}'}}}}"
    )
    assert differs(tried) == []
    assert tried.as_json()["state"] == ("skipped" if lane == "skip" else "succeeded")
    assert tried.as_json()["steps"] == (
        [] if lane == "skip" else ["lookup", "steps/1", "restart", "Say so"]
    )


def test_a_comment_that_could_not_be_written_is_none(place: Place) -> None:
    refused = "mocks: {Say so: {code: AccessDenied, message: 'no', status: 403}}"
    tried = case(place, f"{refused}\nexpect: {{comments: ['AccessDenied: no (request r)']}}")
    assert tried.played is not None
    (written,) = tried.played.comments
    assert written.startswith("AccessDenied: no")


def test_a_run_that_has_to_wait_is_played_as_if_its_turn_had_come(place: Place) -> None:
    place.write(fix=PLAYBOOK.replace("cooldown", "concurrency: queue, cooldown"))
    tried = case(
        place,
        "earlier: [{state: running, ago: 1m}]\n"
        "expect: {lane: {decision: queue, reason: place 1}, state: succeeded}",
    )
    assert differs(tried) == []


def test_an_event_arrives_when_the_clock_says(place: Place) -> None:
    place.write(fix=PLAYBOOK.replace("action: fix", "action: fix, max_age: 5m"))
    text = "expect: {verdict: yes}"
    assert case(place, text).holds, "by default it has just happened"
    assert case(place, f"clock: 1699870298\n{text}").holds
    late = case(place, f"clock: 2023-11-13T10:11:39Z\n{text}")
    assert differs(late) == [("verdict", "yes", "no")]


def test_a_guess_is_no_test(place: Place) -> None:
    tried = case(place, "expect: {verdict: yes}", given="")
    (problem,) = tried.problems
    assert str(problem) == (
        f"{place.folder}/fix.test.yaml:4:11: guess: whether 'steps/1' is performed is a guess: "
        "if steps.lookup.body.free (depends on ‹steps.lookup.body.free›, which is not known before "
        "the step is performed) "
        "(say what comes back, under `mocks`, or give the step it depends on an `example`)"
    )


def test_a_playbook_that_is_only_called_is_tried_by_its_inputs(place: Place) -> None:
    place.write(
        drain=CALLED,
        drain_test="""\
event: custom-action
cases:
  - name: takes the host
    inputs: { host: web-7 }
    expect: { state: succeeded, rendered: { lookup: { url: http://h/web-7 } } }
  - name: takes what it is given alone
    inputs: { hst: web-7, host: 7 }
    expect: { state: succeeded }
""",
    )
    well, ill = place.trial().tried
    assert well.problems == ()
    assert differs(well) == []
    file = place.folder / "drain.test.yaml"
    assert [str(problem) for problem in ill.problems] == [
        f"{file}:7:13: wrong-input: 'host' takes a text, not 7",
        f"{file}:7:15: unknown-input: 'drain' takes no input 'hst' (did you mean 'host'?)",
    ]


def test_runs_before_one_without_a_guard_are_a_mistake(place: Place) -> None:
    place.write(fix="name: fix\ntrigger: {}\nsteps: [{ id: lookup, http: 'http://h/' }]")
    tried = case(place, "earlier: [{state: failed, ago: 1m}]\nexpect: {state: succeeded}")
    assert [(one.code, one.location and one.location.line) for one in tried.problems] == [
        ("no-guard", 5)
    ]


# Coverage


def missing(covered: Covered) -> list[tuple[str, str]]:
    return [(one.place, one.way.name) for one in covered.missing]


def test_every_way_that_no_case_takes_is_named(place: Place) -> None:
    case(place, WELL)
    trial = place.trial()
    (covered,) = place.covered(trial)
    assert missing(covered) == [
        ("trigger", "NO"),
        ("steps/0", "FAILED"),
        ("steps/1", "NO"),
        ("steps/2", "FAILED"),
        ("steps/3", "FAILED"),
        ("on_failure/0", "PERFORMED"),
    ]
    assert len(covered.branches) == 11
    assert round(covered.percent, 1) == 45.5


def test_what_fails_in_finally_counts_and_in_on_failure_does_not(place: Place) -> None:
    place.write(
        fix="name: fix\ntrigger: {}\nsteps: [{id: lookup, http: 'http://h/'}]\n"
        "on_failure: [{shell: [a]}]\nfinally: [{shell: [b]}]",
    )
    case(place, "mocks: {lookup: {status: 500}}\nexpect: {state: failed}", given="")
    (covered,) = place.covered(place.trial())
    assert missing(covered) == [("finally/0", "FAILED")]


def test_a_no_that_is_not_of_the_condition_does_not_try_it(place: Place) -> None:
    case(place, "action: other\nexpect: {verdict: no}")
    (covered,) = place.covered(place.trial())
    assert covered.missing == covered.branches


def test_a_skipped_run_takes_no_way_but_that_of_its_trigger(place: Place) -> None:
    case(place, "earlier: [{state: running, ago: 1m}]\nexpect: {state: skipped}")
    (covered,) = place.covered(place.trial())
    assert {one.place for one in covered.branches} - {one.place for one in covered.missing} == set()
    assert ("trigger", "YES") not in missing(covered)


def test_a_playbook_without_a_test_counts(place: Place) -> None:
    case(place, WELL)
    place.write(drain=CALLED)
    covered = place.covered(place.trial())
    assert next((one.playbook.name, one.percent) for one in covered) == ("drain", 0.0)
    assert percent(covered) == pytest.approx(100 * 5 / 14)


def test_what_a_caller_does_in_it_counts_for_a_called_playbook(place: Place) -> None:
    place.write(
        drain=CALLED,
        fix="name: fix\ntrigger: {}\nsteps: [{ id: out, playbook: drain }]",
    )
    case(place, "mocks: {out/lookup: {status: 500}}\nexpect: {state: failed}", given="")
    drain, fix = place.covered(place.trial())
    assert missing(drain) == [("steps/1", "PERFORMED")]
    assert missing(fix) == []


def test_nothing_to_cover_is_all_of_it() -> None:
    assert percent([]) == 100.0

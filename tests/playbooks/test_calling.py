"""Playbooks that call others: what fits together, and what is said of what does not."""

import pytest

from engine.playbooks.load import Loaded, Loader
from engine.playbooks.playbook import NO_DEFAULT, PlaybookText
from engine.problem import EngineError
from tests.runs.fakes import Probe, step_types

DRAIN = """name: drain
inputs:
  host: {type: string, description: The host to take out}
  wait: {type: integer, default: 5}
steps:
  - probe: "{{ inputs.host }}"
"""
CALLER = """name: {name}
trigger: {{}}
steps:
  - playbook: {call}
"""


def load(*texts: str) -> Loaded:
    loader = Loader(step_types(Probe()))
    return loader.load_all((f"{number}.yaml", text) for number, text in enumerate(texts))


def caller(call: str, name: str = "p") -> str:
    return CALLER.format(call=call, name=name)


def told(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.problems]


def test_a_called_playbook_stands_inside_the_step_that_calls_it() -> None:
    loaded = load(caller("{call: drain, inputs: {host: web-1}}"), DRAIN)
    assert not loaded.problems
    playbook, drain = loaded.playbooks
    (step,) = playbook.steps
    assert step.called is not None
    assert step.called.steps[0].path == "steps/0/steps/0"
    assert playbook.find("steps/0/steps/0") == step.called.steps[0]
    assert playbook.find("steps/0/steps/1") is None
    assert playbook.find("steps/0/finally/0") is None
    assert drain.steps[0].path == "steps/0"
    assert drain.inputs["host"].default is NO_DEFAULT
    assert drain.inputs["wait"].default == 5
    assert drain.defaults == {"host": None, "wait": 5}


def test_a_name_is_enough_for_a_playbook_that_needs_no_inputs() -> None:
    loaded = load(caller("look"), "name: look\ninputs: {}\nsteps: [{probe: a}]\n")
    assert not loaded.problems
    assert loaded.playbooks[0].steps[0].called is not None


def test_an_item_has_a_call_of_its_own() -> None:
    text = caller('{call: drain, inputs: {host: "{{ item }}"}}\n    foreach: labels.hosts')
    playbook = load(text, DRAIN).playbooks[0]
    step = playbook.find("steps/0[2]/steps/0")
    assert step is not None
    assert (step.type, step.path) == ("probe", "steps/0[2]/steps/0")
    assert playbook.find("steps/0[2]") == playbook.steps[0].item(2)


def test_a_playbook_without_a_trigger_starts_with_no_event() -> None:
    (drain,) = load(DRAIN).playbooks
    verdict = drain.trigger.judge({"event": {}}, 0.0)
    assert not verdict.yes
    assert verdict.reason == "it has no trigger: other playbooks call it"


def test_a_version_changes_with_what_it_calls_and_brings_it_along() -> None:
    text = caller("{call: drain, inputs: {host: a}}")
    first, drain = load(text, DRAIN).playbooks
    second, changed = load(text, DRAIN.replace("default: 5", "default: 6")).playbooks
    assert first.version != second.version
    assert drain.version != changed.version
    assert first.kept == PlaybookText(text, "0.yaml", ((DRAIN, "1.yaml"),))
    again = Loader(step_types(Probe())).load_kept(first.kept)
    assert again == first


def test_playbooks_may_call_playbooks_that_call_playbooks() -> None:
    middle = caller("{call: drain, inputs: {host: a}}", "middle")
    top, *_ = load(caller("middle", "top"), middle, DRAIN).playbooks
    assert [one.name for one in top.calls] == ["drain", "middle"]
    step = top.find("steps/0/steps/0/steps/0")
    assert step is not None
    assert step.type == "probe"
    assert Loader(step_types(Probe())).load_kept(top.kept) == top


def test_a_playbook_that_calls_itself_is_refused_and_so_are_those_that_call_it() -> None:
    loaded = load(caller("b", "a"), caller("c", "b"), caller("b", "c"), caller("a", "d"), DRAIN)
    assert [one.name for one in loaded.playbooks] == ["drain"]
    assert told(loaded) == [
        "0.yaml:4:15: broken-call: 'b' cannot be called: something it calls has a problem",
        "1.yaml:4:15: broken-call: 'c' cannot be called: something it calls has a problem",
        (
            "2.yaml:4:15: recursion: 'b' would call itself without end: b → c → b "
            "(a playbook may call only others)"
        ),
        "3.yaml:4:15: broken-call: 'a' cannot be called: something it calls has a problem",
    ]


def test_playbooks_may_not_be_in_each_other_too_deep() -> None:
    chain = [caller(f"p{number + 1}", f"p{number}") for number in range(8)]
    last = "name: p8\ntrigger: {}\nsteps: [{probe: x}]\n"
    loaded = load(*chain, last)
    assert told(loaded) == [
        (
            "0.yaml:4:15: too-deep: more than 8 playbooks call each other from here "
            "(let some of them do more by themselves)"
        )
    ]
    assert len(loaded.playbooks) == 8


GUARDED = "name: g\ntrigger: {}\nguard: {key: labels.x}\nsteps: [{probe: a}]\n"
ANSWERS = """name: l
trigger: {answer: labels}
answer: {a: b}
steps: [{probe: a}]
"""


@pytest.mark.parametrize(
    ("call", "other", "said"),
    [
        (
            "drian",
            DRAIN,
            "4:15: no-such-playbook: there is no playbook named 'drian' (did you mean 'drain'?)",
        ),
        (
            "drain",
            DRAIN,
            "4:15: missing-input: 'drain' has to be given 'host' (The host to take out)",
        ),
        (
            "{call: drain, inputs: {host: 5}}",
            DRAIN,
            "4:44: wrong-input: 'host' takes a text, not 5",
        ),
        (
            "{call: drain, inputs: {host: a, wiat: 5}}",
            DRAIN,
            "4:47: unknown-input: 'drain' takes no input 'wiat' (did you mean 'wait'?)",
        ),
        (
            "g",
            GUARDED,
            (
                "4:15: guarded-call: 'g' has a guard, which would not hold for a call (a guard "
                "counts runs of its own playbook: put the steps that both need into a third)"
            ),
        ),
        ("l", ANSWERS, "4:15: answering-call: 'l' answers calls for labels, and nothing else"),
    ],
)
def test_a_call_that_does_not_fit_is_a_problem_at_its_place(
    call: str, other: str, said: str
) -> None:
    loaded = load(caller(call), other)
    assert told(loaded) == [f"0.yaml:{said}"]
    assert [one.name for one in loaded.playbooks] == [other.split()[1]]


def test_a_playbook_with_problems_is_said_to_have_them_where_it_is_called() -> None:
    loaded = load(caller("drain"), DRAIN.replace("probe", "prob"))
    assert told(loaded)[0] == (
        "0.yaml:4:15: broken-call: 'drain' cannot be called: it has problems of its own"
    )
    assert loaded.playbooks == ()


def test_what_stands_beside_is_read_only_for_what_is_called_and_nothing_is_said_of_it() -> None:
    loader = Loader(step_types(Probe()))
    files = [("p.yaml", caller("{call: drain, inputs: {host: a}}"))]
    asked: list[str] = []

    def beside() -> list[tuple[str, str]]:
        asked.append("once")
        return [("drain.yaml", DRAIN), ("bad.yaml", "name: bad"), ("p2.yaml", caller("drain", "q"))]

    loaded = loader.load_all(files, beside)
    assert not loaded.problems
    assert [one.name for one in loaded.playbooks] == ["p"]
    assert asked == ["once"]
    loader.load_all([("drain.yaml", DRAIN)], beside)
    assert asked == ["once"], "nothing is called that is not there"


def test_a_version_whose_called_playbook_is_gone_is_refused() -> None:
    with pytest.raises(EngineError, match="there is no playbook named 'drain'"):
        Loader(step_types(Probe())).load(caller("drain"), "p.yaml")

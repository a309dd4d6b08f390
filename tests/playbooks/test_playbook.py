import pytest

from engine.playbooks.guard import NO_GUARD
from engine.playbooks.playbook import NO_EXAMPLE, Playbook, Retry, Section, Step
from engine.playbooks.step_type import Call
from engine.rules.match import Trigger


def test_a_step_is_tried_once_unless_it_says_otherwise() -> None:
    assert Retry() == Retry(attempts=1, delay=1.0, backoff=1.0, max_delay=None)


@pytest.mark.parametrize(
    ("retry", "delays"),
    [
        (Retry(delay=2), [2, 2, 2, 2]),
        (Retry(delay=2, backoff=2), [2, 4, 8, 16]),
        (Retry(delay=2, backoff=2, max_delay=5), [2, 4, 5, 5]),
        (Retry(delay=10, max_delay=5), [5, 5, 5, 5]),
    ],
)
def test_each_delay_grows_up_to_the_longest(retry: Retry, delays: list[float]) -> None:
    assert [retry.delay_after(attempt) for attempt in (1, 2, 3, 4)] == delays


@pytest.mark.parametrize("max_delay", [None, 60.0])
def test_a_delay_never_grows_out_of_all_numbers(max_delay: float | None) -> None:
    retry = Retry(attempts=1000, delay=1.0, backoff=100.0, max_delay=max_delay)
    assert retry.delay_after(50) == (max_delay or 366 * 86400)
    assert retry.delay_after(999) == (max_delay or 366 * 86400)


def test_no_delay_stays_none_however_often_it_is_tried() -> None:
    retry = Retry(attempts=1000, delay=0.0, backoff=100.0)
    assert retry.delay_after(1) == 0
    assert retry.delay_after(999) == 0


@pytest.mark.parametrize(
    ("step", "title"),
    [
        (Step("steps/0", "http", {}, id="probe", name="Ask it"), "Ask it"),
        (Step("steps/0", "http", {}, id="probe"), "probe"),
        (Step("steps/0", "http", {}), "http"),
    ],
)
def test_a_step_is_called_by_what_people_named_it(step: Step, title: str) -> None:
    assert step.title == title


def test_a_step_without_an_example_differs_from_one_whose_example_is_null() -> None:
    assert Step("steps/0", "http", {}).example is NO_EXAMPLE
    assert Step("steps/0", "http", {}, example=None).example is None


def test_the_steps_of_a_playbook_go_by_section() -> None:
    steps = {section: (Step(f"{section.value}/0", "wait", {}),) for section in Section}
    playbook = Playbook(
        *("a", "", Trigger(), NO_GUARD, {}, 1.0),
        steps=steps[Section.STEPS],
        on_failure=steps[Section.ON_FAILURE],
        finally_=steps[Section.FINALLY],
        on_resolved=steps[Section.ON_RESOLVED],
        file="a.yaml",
        text="text",
        version="version",
    )
    assert {section: playbook.section(section) for section in Section} == steps
    assert [playbook.find(f"{section.value}/0") for section in Section] == [
        steps[section][0] for section in Section
    ]


def test_a_target_can_tell_a_repetition() -> None:
    first, second = (Call("RUN", "steps/2", attempt) for attempt in (1, 2))
    assert first.idempotency_key == second.idempotency_key == "RUN:steps/2"

"""As many calls as the vendor allows are admitted, and not one more."""

from hypothesis import given
from hypothesis import strategies as st

from engine.flashduty.simulated.limits import RateLimits


class FakeClock:
    now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


def admitted(limits: RateLimits, times: int, path: str = "/a", key: str | None = None) -> int:
    return sum(limits.admit(path, integration_key=key) for _ in range(times))


def test_an_account_has_50_calls_a_second_over_all_operations() -> None:
    clock = FakeClock()
    limits = RateLimits(clock)
    assert admitted(limits, 30, "/a") == 30
    clock.now += 0.9
    assert admitted(limits, 30, "/b") == 20
    clock.now += 0.2
    assert admitted(limits, 40, "/a") == 30


def test_an_account_has_1000_calls_a_minute() -> None:
    clock = FakeClock()
    limits = RateLimits(clock)
    total = 0
    for _ in range(59):
        total += admitted(limits, 50)
        clock.now += 1
    assert total == 1000
    clock.now += 1
    assert admitted(limits, 50) == 50


def test_stricter_paths_have_numbers_of_their_own_and_count_for_the_account_too() -> None:
    clock = FakeClock()
    limits = RateLimits(clock)
    assert admitted(limits, 30, "/incident/past/list") == 20
    assert admitted(limits, 50) == 30
    clock.now += 1
    assert admitted(limits, 30, "/schedule/preview") == 10


def test_a_push_counts_for_its_integration_alone() -> None:
    limits = RateLimits(FakeClock())
    assert admitted(limits, 120, key="one") == 100
    assert admitted(limits, 120, key="two") == 100
    assert admitted(limits, 60) == 50


@given(st.lists(st.floats(0, 2), max_size=400))
def test_no_second_and_no_minute_ever_sees_more(pauses: list[float]) -> None:
    clock = FakeClock()
    limits = RateLimits(clock)
    calls: list[float] = []
    for pause in pauses:
        clock.now += pause / 50
        if limits.admit("/incident/past/list"):
            calls.append(clock.now)
    for at in calls:
        assert sum(at - 1 < one <= at for one in calls) <= 20
        assert sum(at - 60 < one <= at for one in calls) <= 100
